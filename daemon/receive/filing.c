// SPDX-License-Identifier: GPL-3.0-or-later
/* filing.c - mails that chanceryd has: marked, and moved to where they are
 * wanted. A server that refuses that is asked no more on this connection; the
 * mails stay, and somebody is told. */
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

/* `done` is what came of it, as imap.h says. */
static enum step look(struct receiver *receiver, int done)
{
	if (done < 0)
		return ch_receive_lost(receiver);
	if (done > 0)
		return GO_ON;
	receiver->filing_refused = true;
	return ch_receive_tell_trouble(receiver);
}

static enum step move_to(struct receiver *receiver,
			 const struct ch_receive_handled *mails, size_t len,
			 struct ch_slice folder)
{
	CH_AUTOCHAR name = ch_slice_dup(folder);
	uint32_t uids[CH_IMAP_GROUP_MAX];
	size_t count = 0;

	for (size_t i = 0; i < len; i++) {
		struct ch_slice wanted = folder_for(&receiver->setup,
						    mails[i].kind);

		if (wanted.len > 0 && is_same(wanted, folder))
			uids[count++] = mails[i].uid;
	}
	if (count == 0)
		return GO_ON;
	return look(receiver, ch_imap_move(receiver->imap, uids, count, name,
					   receiver->err));
}

static enum step mark(struct receiver *receiver,
		      const struct ch_receive_handled *mails, size_t len)
{
	CH_AUTOCHAR keyword = ch_slice_dup(receiver->setup.keyword);
	uint32_t uids[CH_IMAP_GROUP_MAX];

	for (size_t i = 0; i < len; i++)
		uids[i] = mails[i].uid;
	return look(receiver, ch_imap_mark(receiver->imap, uids, len, keyword,
					   receiver->err));
}

enum step ch_receive_file(struct receiver *receiver,
			  const struct ch_receive_handled *mails, size_t len)
{
	const struct ch_slice folders[] = {
		receiver->setup.move_reports,
		receiver->setup.move_autoreplies,
		receiver->setup.move_answers,
	};
	enum step step = GO_ON;

	if (len > 0 && receiver->setup.keyword.len > 0 &&
	    !receiver->filing_refused)
		step = mark(receiver, mails, len);
	for (size_t i = 0; i < CH_COUNT(folders); i++) {
		bool before = folders[i].len == 0;

		for (size_t j = 0; j < i; j++)
			before |= is_same(folders[i], folders[j]);
		if (!before && step == GO_ON && !receiver->filing_refused)
			step = move_to(receiver, mails, len, folders[i]);
	}
	return step;
}
