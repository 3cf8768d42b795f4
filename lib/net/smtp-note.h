/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp-note.h - what was said on a connection, line by line: "C: " before ours,
 * "S: " before the relay's, raw but for what is secret. Who shows it escapes it.
 */
#ifndef CH_NET_SMTP_NOTE_H
#define CH_NET_SMTP_NOTE_H

#include <stddef.h>

#include "base/str.h"

struct ch_smtp_reply;

/* Each appends to `notes`, which may be NULL; a line that does not fit is left
 * out, and all behind it. */

/* A command, with its line end or without. */
void ch_smtp_note_command(struct ch_str *notes, const char *line, size_t len);
/* The same while logging in: of AUTH the mechanism alone is told. */
void ch_smtp_note_login(struct ch_str *notes, const char *line);
/* So many bytes of the message in its place. */
void ch_smtp_note_bytes(struct ch_str *notes, size_t bytes);
/* A reply; where it is none, what came instead. */
void ch_smtp_note_reply(struct ch_str *notes, const struct ch_smtp_reply *reply);

#endif
