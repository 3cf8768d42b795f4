/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config-private.h - the table itself, for the test that compares it with the
 * sample and the manual. */
#ifndef CH_CHANCERYD_CONFIG_PRIVATE_H
#define CH_CHANCERYD_CONFIG_PRIVATE_H

#include "base/settings.h"

extern const struct ch_setting ch_config_table[];

#endif
