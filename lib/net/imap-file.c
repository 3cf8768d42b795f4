// SPDX-License-Identifier: GPL-3.0-or-later
/* imap-file.c - a keyword for mails that are done with, and another folder.
 *
 * Where a server has no MOVE (RFC 6851), the copy is made first, and then just
 * these mails are marked and expunged by their UIDs (RFC 4315). A plain EXPUNGE
 * would delete what others have marked: it is never said.
 */
#include <string.h>

#include "net/imap-folder.h"
#include "net/imap-private.h"

#define COMMAND_MAX 8000 /* bytes that a server must take (RFC 2683) */

/* "3,5:9", in order. */
static void add_set(struct ch_str *out, const uint32_t *uids, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t first = uids[i];
		uint32_t last = first;

		if (i > 0)
			ch_str_add_char(out, ',');
		while (++i < len && uids[i] == last + 1)
			last++;
		ch_str_add_int(out, first);
		if (last > first)
			ch_str_addf(out, ":%lu", (unsigned long)last);
	}
}

/* quoted = DQUOTE *QUOTED-CHAR DQUOTE (RFC 3501 section 9) */
static int add_folder(struct ch_str *out, const char *folder)
{
	CH_AUTO(ch_str) name = CH_STR_INIT(COMMAND_MAX);

	if (ch_imap_folder_name(folder, &name) < 0 || name.len == 0)
		return -1;
	ch_str_add_char(out, '"');
	for (const char *at = ch_str_cstr(&name); *at; at++) {
		if (*at == '"' || *at == '\\')
			ch_str_add_char(out, '\\');
		ch_str_add_char(out, *at);
	}
	ch_str_add_char(out, '"');
	return 0;
}

/* Returns 1 for OK, 0 for a refusal, -1. */
static int say(struct ch_imap *imap, const struct ch_str *command,
	       const char *what, struct ch_error *err)
{
	const char *text;
	bool refused = false;
	int result;

	if (command->full) {
		ch_error_set(err, CH_GIVE_UP, "%s: too long", what);
		return 0;
	}
	ch_imap_begin(imap, imap->command_timeout_ms, 0);
	result = ch_imap_command(imap, ch_str_cstr(command), &text, &refused,
				 err);
	if (result == 1)
		result = ch_error_set(err, CH_RETRY,
				      "an answer to what was not asked");
	if (result < 0) {
		ch_error_prefix(err, "%s", what);
		return refused ? 0 : -1;
	}
	return ch_imap_check_folder(imap, err) < 0 ? -1 : 1;
}

static int set_flag(struct ch_imap *imap, const uint32_t *uids, size_t len,
		    const char *flag, struct ch_error *err)
{
	CH_AUTO(ch_str) command = CH_STR_INIT(COMMAND_MAX);

	ch_str_add(&command, "UID STORE ");
	add_set(&command, uids, len);
	ch_str_addf(&command, " +FLAGS.SILENT (%s)", flag);
	return say(imap, &command, "UID STORE", err);
}

int ch_imap_mark(struct ch_imap *imap, const uint32_t *uids, size_t len,
		 const char *keyword, struct ch_error *err)
{
	return set_flag(imap, uids, len, keyword, err);
}

/* `verb` is UID MOVE or UID COPY. */
static int to_folder(struct ch_imap *imap, const char *verb,
		     const uint32_t *uids, size_t len, const char *folder,
		     struct ch_error *err)
{
	CH_AUTO(ch_str) command = CH_STR_INIT(COMMAND_MAX);

	ch_str_addf(&command, "%s ", verb);
	add_set(&command, uids, len);
	ch_str_add_char(&command, ' ');
	if (add_folder(&command, folder) < 0) {
		ch_error_set(err, CH_GIVE_UP, "that is no name of a folder");
		return 0;
	}
	return say(imap, &command, verb, err);
}

static int expunge(struct ch_imap *imap, const uint32_t *uids, size_t len,
		   struct ch_error *err)
{
	CH_AUTO(ch_str) command = CH_STR_INIT(COMMAND_MAX);

	ch_str_add(&command, "UID EXPUNGE ");
	add_set(&command, uids, len);
	return say(imap, &command, "UID EXPUNGE", err);
}

bool ch_imap_moves(const struct ch_imap *imap)
{
	return ch_imap_offers(imap, "MOVE") || ch_imap_offers(imap, "UIDPLUS");
}

int ch_imap_move(struct ch_imap *imap, const uint32_t *uids, size_t len,
		 const char *folder, struct ch_error *err)
{
	int result;

	if (ch_imap_offers(imap, "MOVE"))
		return to_folder(imap, "UID MOVE", uids, len, folder, err);
	if (!ch_imap_moves(imap)) {
		ch_error_set(err, CH_GIVE_UP,
			     "the server offers neither MOVE nor UIDPLUS");
		return 0;
	}
	result = to_folder(imap, "UID COPY", uids, len, folder, err);
	if (result > 0)
		result = set_flag(imap, uids, len, "\\Deleted", err);
	if (result > 0)
		result = expunge(imap, uids, len, err);
	return result;
}
