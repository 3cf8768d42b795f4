// SPDX-License-Identifier: GPL-3.0-or-later
/* smtp-note.c - see smtp-note.h. */
#include "net/smtp-note.h"

#include <string.h>

#include "net/smtp.h"

void ch_smtp_note_command(struct ch_str *notes, const char *line, size_t len)
{
	if (!notes || notes->full)
		return;
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	ch_str_add(notes, "C: ");
	ch_str_add_mem(notes, line, len);
	ch_str_add_char(notes, '\n');
}

/* Not by how it begins: an answer to AUTH may begin like anything. */
static bool is_open(const char *line)
{
	return strncmp(line, "EHLO ", 5) == 0 ||
	       strcmp(line, "STARTTLS") == 0 || strcmp(line, "QUIT") == 0;
}

/* AUTH with its mechanism, or an answer in its course, is all that there is
 * besides. */
void ch_smtp_note_login(struct ch_str *notes, const char *line)
{
	size_t shown = is_open(line) ? strlen(line) : 0;

	if (!notes || notes->full)
		return;
	if (strncmp(line, "AUTH ", 5) == 0)
		shown = 5 + strcspn(line + 5, " ");
	ch_str_add(notes, "C: ");
	ch_str_add_mem(notes, line, shown);
	if (line[shown])
		ch_str_add(notes, shown > 0 ? " ***" : "***");
	ch_str_add_char(notes, '\n');
}

void ch_smtp_note_bytes(struct ch_str *notes, size_t bytes)
{
	if (notes && !notes->full)
		ch_str_addf(notes, "C: (%zu bytes of the message)\n", bytes);
}

void ch_smtp_note_reply(struct ch_str *notes, const struct ch_smtp_reply *reply)
{
	const char *at = ch_str_cstr(&reply->text);
	const char *end = at + reply->text.len;

	if (!notes || notes->full)
		return;
	for (;;) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((line_end ? line_end : end) - at);

		ch_str_add(notes, "S: ");
		if (reply->code) {
			ch_str_add_int(notes, (long long)reply->code);
			ch_str_add_char(notes, line_end ? '-' : ' ');
		}
		ch_str_add_mem(notes, at, len);
		ch_str_add_char(notes, '\n');
		if (!line_end)
			return;
		at = line_end + 1;
	}
}
