/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sending.h - letters with the send workers: what relays.c and sending.c share.
 *
 * A sender is one connection of a relay: the letters that it holds in the order
 * they were given, and how many more it asked for. Some senders together are a
 * crew, which is a post with a worker. What a worker holds is few, and all that
 * the daemon knows of single letters.
 */
#ifndef CH_CHANCERYD_SENDING_H
#define CH_CHANCERYD_SENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "chanceryd/accounts.h"
#include "chanceryd/config.h"
#include "chanceryd/opening.h"
#include "chanceryd/relay-keep.h"
#include "chanceryd/schedule.h"
#include "chanceryd/workers.h"

struct ch_active_batch; /* dispatch.h */
struct ch_hold;         /* domains.h */
struct ch_shares;       /* domain-limit.h */
struct ch_store_letter;

#define CH_SENDER_HOLDS 8 /* letters at most, whatever the worker asks for */

/* A letter with a worker: claimed or at its dot. */
struct ch_under_way {
	struct ch_under_way *next;
	struct ch_active_batch *batch; /* counted there */
	struct ch_hold *hold; /* owned: its places at domains (domains.h) */
	int64_t letter_id;
	int64_t first_at_us; /* of its age */
	uint32_t attempt;
	uint32_t pending; /* addresses that have no result yet */
	uint32_t taken;   /* of these: somebody has decided otherwise */
	bool tried;       /* the relay has heard of it, or may have */
	bool some_sent;   /* to some of its addresses, in this attempt */
	bool told;        /* a "go" was given: not called back any more */
	bool called_back; /* the answer to its dot was "no" */
	bool differs;     /* because its bytes are not those of before */
	bool recalled;    /* its worker was asked to give it back */
	char key[];
};

struct ch_sender {
	struct ch_relay *relay; /* borrowed, as is the crew */
	struct ch_crew *crew;
	uint32_t line;               /* of the crew, from 0 */
	uint32_t want;               /* letters it asked for and has not got */
	bool ready;                  /* it has asked for some, once */
	uint32_t faults;             /* that its worker has told of it */
	struct ch_under_way *first;  /* owned list */
	struct ch_under_way **last;
	size_t held;
	uint64_t deadline_us;      /* of the first letter; monotonic */
	int64_t connection_id; /* the store's, of the one it has; 0: none */
	sd_event_source *deadline; /* owned */
	struct ch_shares *shares; /* owned: letters of the connection for each
				     domain; NULL: none is counted */
};

/* The connections of one worker. */
struct ch_crew {
	struct ch_relay *relay; /* borrowed */
	struct ch_post post;
	struct ch_sender *senders; /* owned */
	size_t len;
	bool waits; /* its worker has no set-up: there is no password yet */
	int64_t letter_ms; /* a letter takes longer: its worker hangs */
	int64_t *batches; /* owned: those that its worker knows */
	size_t batches_len, batches_cap;
};

struct ch_relay {
	struct ch_mailroom *room; /* borrowed */
	char *name;               /* owned */
	const struct ch_relay_config *config; /* of room->config; NULL: gone */
	struct ch_crew **crews;               /* owned, and each */
	size_t crews_len, crews_cap;
	struct ch_account *account; /* borrowed from accounts.c, looked up after
				     * each reload; NULL: no command */
	struct ch_logins logins; /* with its passwords */
	struct ch_paced pace;
	struct ch_opening opening; /* by its hours */
	bool paused;           /* by a person; kept in the store */
	int64_t turn;          /* by its weight: the highest is next */
	size_t under_way;
	uint32_t failures;     /* in a row; above 0 it is tried with one letter */
	uint32_t streak;       /* letters in a row that got no answer */
	int64_t rests_until_ms;
	char fault[240];       /* the last one, "" when it is well */
};

/* ---- relays.c: what a letter's end says of its relay ------------------- */

/* It has a password command, which has given none that is good now. */
bool ch_relay_is_locked(const struct ch_relay *relay);
void ch_relay_well(struct ch_relay *relay);
void ch_relay_no_answer(struct ch_relay *relay, const char *text);
/* `fault` is enum ch_relay_fault. */
void ch_relay_fault(struct ch_relay *relay, unsigned int fault,
		    const char *text);
/* A letter that it was given has gone back without being tried. */
void ch_relay_untried(struct ch_relay *relay);
/* Its worker has ended and holds nothing. `crew` may be freed. */
void ch_relay_crew_ended(struct ch_crew *crew,
			 const struct ch_worker_end *end);

/* The letter, where it is with a worker; NULL: it is not. */
struct ch_under_way *ch_relays_find(const struct ch_mailroom *room,
				    int64_t letter_id);

/* ---- sending.c --------------------------------------------------------- */

extern const struct ch_worker_role_table ch_send_role;

/* ch_post's `filled`: says SEND_SETUP, once there is a password. `owner` is a
 * struct ch_crew. */
void ch_crew_filled(void *owner);
/* The relay's account has another password: its workers are told. */
void ch_crew_password(struct ch_crew *crew);

/* What was claimed of the letter may have been taken from it in this turn, by a
 * person or by a proof that it was sent. Where it is with a worker, that will be
 * refused its dot, and what it says of those addresses counts no more. */
void ch_sending_overruled(struct ch_mailroom *room, int64_t letter_id);

/* Ask for what it holds of batches of a lower priority, where it has not begun
 * with it. */
void ch_sender_recall(struct ch_sender *sender, int priority);

/* Hand over a letter that was claimed in this turn; takes `hold`. */
void ch_sender_give(struct ch_sender *sender, struct ch_active_batch *batch,
		    const struct ch_store_letter *letter,
		    struct ch_hold *hold);

#endif
