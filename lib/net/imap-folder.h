/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imap-folder.h - the name of a folder as IMAP writes it. */
#ifndef CH_NET_IMAP_FOLDER_H
#define CH_NET_IMAP_FOLDER_H

#include "base/str.h"

/* Append the UTF-8 `name` in modified UTF-7 (RFC 3501 section 5.1.3). Returns
 * 0, or -1 where it is not UTF-8 or holds a control character. */
int ch_imap_folder_name(const char *name, struct ch_str *out);

#endif
