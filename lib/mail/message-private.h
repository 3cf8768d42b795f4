/* SPDX-License-Identifier: GPL-3.0-or-later */
/* message-private.h - the steps of reading a mail, for message.c alone. */
#ifndef CH_MAIL_MESSAGE_PRIVATE_H
#define CH_MAIL_MESSAGE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* Bytes in a charset as UTF-8 with LF line ends, appended to `out` as far as
 * it goes; what is none becomes U+FFFD. Returns -1 where the charset is not
 * known (it is then read as UTF-8). (text.c) */
int ch_text_decode(struct ch_str *out, const char *bytes, size_t len,
		   const char *charset);

/* What a person would read of an HTML text, without its markup. (html.c) */
void ch_text_from_html(struct ch_str *out, const char *html, size_t len);

/* One line of valid UTF-8, the caller's. (words.c) */
char *ch_message_line(const char *text);

#endif
