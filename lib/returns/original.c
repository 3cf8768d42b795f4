// SPDX-License-Identifier: GPL-3.0-or-later
/* original.c - where, in the text of a bounce, our own mail begins.
 *
 * Mail systems that send no parts put the header of the mail under their words.
 * It is told by its form, in whatever language they speak: several known fields
 * in a row, at the beginning of their lines.
 */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "returns/returns-private.h"

#define FIELDS_IN_A_ROW 3

enum field { UNKNOWN, SHOWN, HIDDEN };

/* Fields that people are shown stand in a summary too ("Your message / To: … /
 * Subject: …"); those that they are not, in a header alone. */
static enum field field_of(const char *line, size_t len)
{
	static const struct {
		const char *name;
		enum field field;
	} known[] = {
		{ "received:", HIDDEN },
		{ "return-path:", HIDDEN },
		{ "message-id:", HIDDEN },
		{ "from:", SHOWN },
		{ "to:", SHOWN },
		{ "cc:", SHOWN },
		{ "bcc:", SHOWN },
		{ "subject:", SHOWN },
		{ "date:", SHOWN },
		{ "mime-version:", HIDDEN },
		{ "content-type:", HIDDEN },
		{ "content-transfer-encoding:", HIDDEN },
		{ "dkim-signature:", HIDDEN },
		{ "domainkey-signature:", HIDDEN },
		{ "sender:", SHOWN },
		{ "reply-to:", SHOWN },
		{ "delivered-to:", HIDDEN },
		{ "x-mailer:", HIDDEN },
		{ "x-priority:", HIDDEN },
		{ "x-sender:", HIDDEN },
		{ "x-originating-ip:", HIDDEN },
		{ "user-agent:", HIDDEN },
		{ "references:", HIDDEN },
		{ "in-reply-to:", HIDDEN },
		{ "errors-to:", HIDDEN },
		{ "precedence:", HIDDEN },
		{ "list-id:", HIDDEN },
		{ "organization:", SHOWN },
		{ "authentication-results:", HIDDEN },
	};

	for (size_t i = 0; i < CH_COUNT(known); i++) {
		size_t size = strlen(known[i].name);

		if (size <= len && strncasecmp(line, known[i].name, size) == 0)
			return known[i].field;
	}
	return UNKNOWN;
}

/* A field that is not known, or the line that goes on one that is. */
static bool belongs(const char *line, size_t len)
{
	size_t name = 0;

	if (len && (line[0] == ' ' || line[0] == '\t'))
		return true;
	while (name < len && line[name] > 32 && line[name] < 127 &&
	       line[name] != ':')
		name++;
	return name > 0 && name < len && line[name] == ':';
}

size_t ch_original_find(const char *text, size_t len)
{
	size_t start = len;
	size_t known = 0;
	bool hidden = false;

	for (size_t at = 0; at < len;) {
		const char *lf = memchr(text + at, '\n', len - at);
		size_t end = lf ? (size_t)(lf - text) : len;
		enum field field = field_of(text + at, end - at);

		if (field == UNKNOWN && !belongs(text + at, end - at)) {
			known = 0;
			hidden = false;
		} else if (field != UNKNOWN) {
			if (known++ == 0)
				start = at;
			hidden = hidden || field == HIDDEN;
		}
		if (known >= FIELDS_IN_A_ROW && hidden)
			return start;
		at = end + 1;
	}
	return len;
}
