/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config.h - chancery.conf as an immutable snapshot; a reload makes a new one.
 *
 * The structs are what the table of settings fills (base/settings.h): int64_t
 * for numbers, spans in milliseconds and sizes in bytes; strings are never
 * NULL. Rules between keys (TLS off only to loopback, passwords that others
 * cannot read, where a store may live) are checked when it is read.
 */
#ifndef CH_CHANCERYD_CONFIG_H
#define CH_CHANCERYD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"
#include "base/settings.h"
#include "chanceryd/hours.h"
#include "chanceryd/schedule.h"

/* Common to relays and mailboxes. */
struct ch_peer_config {
	char *name;
	char *host;     /* without brackets; or the path of a UNIX socket */
	int64_t port;
	int tls;        /* enum ch_tls_mode: "none" "starttls" "implicit" */
	char *ca_file;  /* "" = the system's */
	char *fingerprint; /* of public keys: as connection.h says, once read;
			      "" = none */
	char *source;   /* "" = any */
	int auth;       /* enum ch_auth_mechanism: "none" "any" "plain" … */
	char *user;
	char *password; /* a file, made absolute: a name without a slash is a
			   credential of the service, and where there are none
			   a file of CH_SYSCONFDIR; "" = none */
	struct ch_setting_strings password_command; /* instead of it: words of
						       a program that prints
						       it; none: 0 */
	int64_t password_timeout_ms; /* of that program */
	int64_t connect_timeout_ms;
	int64_t command_timeout_ms;
};

/* Letters in a period, 0 = no limit; all of them hold (pace.h). */
struct ch_pace_config {
	int64_t per_second;
	int64_t per_minute;
	int64_t per_hour;
	int64_t per_day;
	int64_t burst;
};

/* Words, as they are written. */
struct ch_window_config {
	char *days;
	char *from;
	char *to;
};

struct ch_relay_config {
	struct ch_peer_config peer;
	int64_t weight; /* its share beside that of the others */
	bool backup;    /* only where each of the others is out of order */
	int64_t connections; /* at once, 1 to 64 */
	int64_t connections_per_worker; /* 0: as ch_lines_each() says */
	struct ch_pace_config pace;
	struct ch_setting_list windows; /* of struct ch_window_config */
	struct ch_hours hours; /* owned: the same, read, with the holidays and
				  the time zone of `sending` */
	int64_t data_timeout_ms;
	int64_t dot_timeout_ms;
	int64_t attempt_timeout_ms;
	int64_t idle_timeout_ms;
	int64_t letters_per_connection;
	bool chunking; /* BDAT where it is offered */
	bool smtputf8; /* it may carry addresses that are not ASCII */
};

/* Domains of recipients, and what each of them takes. */
struct ch_domain_config {
	struct ch_setting_strings pattern; /* domain-limit.h */
	bool shared;         /* all of them together, not each */
	int64_t connections; /* letters at once; 0 = no limit */
	int64_t letters_per_connection; /* of a relay; 0 = no limit */
	struct ch_pace_config pace;
};

struct ch_mailbox_config {
	struct ch_peer_config peer;
	struct ch_setting_strings folders; /* "INBOX" … */
	/* folders for what has been read, "" = it stays where it is */
	char *move_reports;
	char *move_autoreplies;
	char *move_answers;
	char *keyword; /* set on what has been read, "" = none */
	int64_t poll_ms;     /* where IDLE is not offered */
	int64_t idle_max_ms; /* at most 29 min */
	int64_t max_message_bytes;
};

struct ch_dkim_config {
	char *domain;   /* d= */
	char *selector; /* s= */
	char *key;      /* a file, made absolute like passwords */
};

/* Who is told of alarms by mail, and of which. */
struct ch_operators_config {
	struct ch_setting_strings to;    /* addr-specs; none: 0 */
	struct ch_setting_strings types; /* none: all */
};

struct ch_config {
	struct {
		char *from;         /* of the letters' From */
		char *reply_to;     /* "" = none */
		char *envelope;     /* local@domain: local+token@domain */
		char *hostname;     /* for EHLO and Message-ID; "" = envelope's
				       domain */
		char *language;     /* where a letter lacks the addressee's */
		struct {
			char *key;         /* files, made absolute like */
			char *certificate; /* passwords; "" = none */
			char *password;
		} smime;
		struct ch_setting_list dkim; /* of struct ch_dkim_config */
	} secretariat;
	struct {
		char *path;         /* of the database; beside it objects/,
				       spool/ and token.key */
		bool allow_volatile;
	} store;
	struct ch_setting_list relays;    /* of struct ch_relay_config */
	struct ch_setting_list mailboxes; /* of struct ch_mailbox_config */
	struct ch_setting_list domains;   /* of struct ch_domain_config */
	struct {
		/* "5m" "15m" … by what was said */
		struct ch_setting_strings retry, retry_busy, retry_policy,
			retry_mailbox, retry_connection;
		struct ch_pace_config pace; /* over all relays together */
		struct ch_setting_list windows; /* of struct ch_window_config */
		char *time_zone;
		struct ch_setting_strings holidays;
		char *holidays_file; /* "" = none */
		struct ch_hours hours; /* owned: these four, read */
		int64_t domain_rest_ms; /* the first, after 421 or 4.7.z; 0 =
					   none */
		int64_t breaker_percent; /* of a batch's letters refused: it
					    pauses itself; 0 = never */
		int64_t breaker_least;   /* letters refused, before it does */
		bool dsn;         /* RET, ENVID, NOTIFY, ORCPT where offered */
		bool dsn_success; /* NOTIFY=SUCCESS too */
		char *journal;    /* gets a copy of each: local@domain, as
				     local+token@domain; "" = none */
		struct ch_retry_schedule schedule; /* the same, read; owns its
						      delays */
	} sending;
	struct {
		bool hold;          /* every batch waits for its release */
		bool second_person; /* not released by who enqueued it */
	} release;
	struct {
		bool automatic;
		int64_t hard, soft; /* bounces */
		int64_t within_ms;
		int64_t expires_ms; /* 0: never */
	} suppression;
	struct {
		int64_t reports_ms; /* the mails themselves; 0: for ever */
		int64_t answers_ms; /* those that persons wrote */
	} retention;
	struct {
		struct ch_setting_strings command; /* words; none: 0 */
		int64_t every_ms;   /* between two runs, at least */
		int64_t timeout_ms; /* of one */
		struct {
			struct ch_operators_config all; /* to, types */
			struct ch_setting_list operators; /* of struct
						ch_operators_config: more */
			char *from;  /* "" = secretariat.from */
			char *relay; /* its name; "" = each in its turn */
		} mail;
	} alarms;
	struct {
		int64_t max_recipients;
		int64_t max_upload_bytes;
		int64_t max_message_bytes;
	} import;
	struct {
		char *socket;
		char *control_socket;
		char *group;         /* of the status socket; "" = our own */
		char *control_group;
		char *metrics_file;  /* "" = none */
		int64_t max_clients; /* per door */
		int64_t request_timeout_ms;
	} status;
	int64_t stop_timeout_ms; /* for the letters under way at a stop */
};

/* Read and check the file at `path`. Returns 0 and the snapshot, which the
 * caller frees with ch_config_free(); -1 with every problem found. Warnings
 * may come with a 0. */
int ch_config_read(const char *path, struct ch_config **ret,
		   struct ch_problems *problems);
/* Whether some relay may carry addresses that are not ASCII. */
bool ch_config_has_smtputf8(const struct ch_config *config);
/* How many lists of operators alarms.mail has, and each: its own is the first. */
size_t ch_config_operators_len(const struct ch_config *config);
const struct ch_operators_config *
ch_config_operators_at(const struct ch_config *config, size_t i);
void ch_config_free(struct ch_config *config); /* NULL is fine */

#endif
