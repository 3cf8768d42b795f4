/* SPDX-License-Identifier: GPL-3.0-or-later */
/* receive-private.h - between receive.c and group.c. */
#ifndef CH_RECEIVE_RECEIVE_PRIVATE_H
#define CH_RECEIVE_RECEIVE_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "net/imap.h"
#include "wire/messages.h"

/* Why the work ends, or that it goes on. */
enum step { GO_ON, STOPPED, FAULT, NONSENSE };

/* What can be done with a mail that chanceryd has. */
enum filing {
	FILING_MARK = 1,
	FILING_REPORTS = 2, /* each to its folder */
	FILING_AUTOREPLIES = 4,
	FILING_ANSWERS = 8,
	FILING_MOVES = FILING_REPORTS | FILING_AUTOREPLIES | FILING_ANSWERS,
};

struct receiver {
	struct ch_channel *channel; /* borrowed */
	struct ch_receive_setup setup;
	char *setup_bytes; /* owned; what setup points into */
	struct ch_arena arena;
	struct ch_str password;
	struct ch_rules *rules; /* owned; of returns/rules.h */
	int objects_fd;
	struct ch_compress *compress; /* owned; of objects */
	char owner[17]; /* of objects that are not kept yet: our folder's */
	struct ch_imap *imap; /* NULL: not connected */
	int64_t opened_ms;    /* when the folder was opened, monotonic */
	uint32_t after;       /* UID of the last mail that is done with */
	bool found;           /* the last look at the folder found a mail */
	unsigned refused;     /* enum filing: what the server does not do */
	struct ch_error *err;
};

/* ---- receive.c: the channel ----------------------------------------------- */

/* Wait `timeout_ms` for a message. STOP and the channel's end are STOPPED; GO_ON
 * is a message of `wanted`, or 0 in *ret_type for the timeout. */
enum step ch_receive_wait(struct receiver *receiver, int timeout_ms,
			  uint16_t wanted, uint16_t *ret_type,
			  struct ch_slice *ret_payload);

/* Say it, and wait until chanceryd has it. */
enum step ch_receive_tell(struct receiver *receiver, enum ch_message_type type,
			  const void *message);

/* The UIDs `reading` to `reading_to` are read; 0: none. */
enum step ch_receive_tell_state(struct receiver *receiver, uint32_t reading,
				uint32_t reading_to);

/* receiver->err says what is wrong. */
enum step ch_receive_tell_fault(struct receiver *receiver,
				enum ch_relay_fault fault);

/* The server failed, or a wait for it was cut short by the channel. */
enum step ch_receive_lost(struct receiver *receiver);

/* Among the mails up to this one is one that has ended its reader before: it is
 * read alone, and in parts. */
bool ch_receive_is_suspect(const struct receiver *receiver, uint32_t uid);

/* While connected: receiver->err says what cannot be done, and goes on. */
enum step ch_receive_tell_trouble(struct receiver *receiver);

/* ---- filing.c ------------------------------------------------------------- */

struct ch_receive_handled {
	uint32_t uid;
	uint32_t kind; /* enum ch_return_kind */
	bool seen; /* before: where it is now, somebody has put it */
};

/* Mails are to be moved or marked. */
bool ch_receive_files(const struct receiver *receiver);

/* chanceryd has these mails: CH_IMAP_GROUP_MAX at most, in ascending order. */
enum step ch_receive_file(struct receiver *receiver,
			  const struct ch_receive_handled *mails, size_t len);

/* ---- group.c -------------------------------------------------------------- */

/* Receive these mails, in this order: at most CH_IMAP_GROUP_MAX. Sets `after`
 * and `found`. */
enum step ch_receive_group(struct receiver *receiver, const uint32_t *uids,
			   size_t len);

#endif
