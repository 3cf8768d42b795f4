// SPDX-License-Identifier: GPL-3.0-or-later
/* filing.c - mails that chanceryd has: marked, and moved to where they are
 * wanted. What a server refuses it is asked no more on this connection, be it
 * the keyword or one of the folders; those mails stay, and somebody is told. The
 * rest is done all the same. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/returned.h"
#include "receive-private.h"

bool ch_receive_files(const struct receiver *receiver)
{
	const struct ch_receive_setup *setup = &receiver->setup;

	return setup->move_reports.len > 0 || setup->move_autoreplies.len > 0 ||
	       setup->move_answers.len > 0 || setup->keyword.len > 0;
}

static struct ch_slice folder_for(const struct ch_receive_setup *setup,
				  uint32_t kind)
{
	switch (kind) {
	case CH_RETURN_AUTOREPLY:
		return setup->move_autoreplies;
	case CH_RETURN_REPLY:
		return setup->move_answers;
	case CH_RETURN_OTHER:
		return CH_SLICE_EMPTY;
	default:
		return setup->move_reports;
	}
}

static bool is_same(struct ch_slice a, struct ch_slice b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* `done` is what came of `filing`, as imap.h says. */
static enum step look(struct receiver *receiver, unsigned filing, int done)
{
	if (done < 0)
		return ch_receive_lost(receiver);
	if (done > 0)
		return GO_ON;
	receiver->refused |= filing;
	return ch_receive_tell_trouble(receiver);
}

static enum step move_to(struct receiver *receiver,
			 const struct ch_receive_handled *mails, size_t len,
			 struct ch_slice folder, unsigned filing)
{
	CH_AUTOCHAR name = ch_slice_dup(folder);
	uint32_t uids[CH_IMAP_GROUP_MAX];
	size_t count = 0;
	int done;

	for (size_t i = 0; i < len; i++) {
		struct ch_slice wanted = folder_for(&receiver->setup,
						    mails[i].kind);

		if (wanted.len > 0 && is_same(wanted, folder) &&
		    !mails[i].seen)
			uids[count++] = mails[i].uid;
	}
	if (count == 0)
		return GO_ON;
	if (!ch_imap_moves(receiver->imap))
		filing = FILING_MOVES;
	done = ch_imap_move(receiver->imap, uids, count, name, receiver->err);
	if (done == 0 && filing != FILING_MOVES)
		ch_error_prefix(receiver->err, "to the folder %s", name);
	return look(receiver, filing, done);
}

static enum step mark(struct receiver *receiver,
		      const struct ch_receive_handled *mails, size_t len)
{
	CH_AUTOCHAR keyword = ch_slice_dup(receiver->setup.keyword);
	uint32_t uids[CH_IMAP_GROUP_MAX];

	for (size_t i = 0; i < len; i++)
		uids[i] = mails[i].uid;
	return look(receiver, FILING_MARK,
		    ch_imap_mark(receiver->imap, uids, len, keyword,
				 receiver->err));
}

enum step ch_receive_file(struct receiver *receiver,
			  const struct ch_receive_handled *mails, size_t len)
{
	const struct {
		struct ch_slice name;
		unsigned filing;
	} folders[] = {
		{ receiver->setup.move_reports, FILING_REPORTS },
		{ receiver->setup.move_autoreplies, FILING_AUTOREPLIES },
		{ receiver->setup.move_answers, FILING_ANSWERS },
	};
	enum step step = GO_ON;

	if (len > 0 && receiver->setup.keyword.len > 0 &&
	    !(receiver->refused & FILING_MARK))
		step = mark(receiver, mails, len);
	for (size_t i = 0; i < CH_COUNT(folders); i++) {
		bool before = folders[i].name.len == 0;

		for (size_t j = 0; j < i; j++)
			before |= is_same(folders[i].name, folders[j].name);
		if (!before && step == GO_ON &&
		    !(receiver->refused & folders[i].filing))
			step = move_to(receiver, mails, len, folders[i].name,
				       folders[i].filing);
	}
	return step;
}
