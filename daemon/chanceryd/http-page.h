/* SPDX-License-Identifier: GPL-3.0-or-later */
/* http-page.h - web/page.html as a string; its source is made from the file.
 */
#ifndef CH_CHANCERYD_HTTP_PAGE_H
#define CH_CHANCERYD_HTTP_PAGE_H

#include <stddef.h>

extern const char ch_page[];
extern const size_t ch_page_len;

#endif
