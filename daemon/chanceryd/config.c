// SPDX-License-Identifier: GPL-3.0-or-later
/* config.c - the table of chancery.conf, and the rules between its keys.
 *
 * What a person may write stands once, in the tables below; etc/chancery.conf
 * and chancery.conf(5) are compared with them by a test. The rules that need
 * more than one key come after reading, with the line of the key to change.
 */
#include "chanceryd/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "chanceryd/config-private.h"
#include "chanceryd/dkim.h"
#include "chanceryd/domain-limit.h"
#include "chanceryd/zone.h"
#include "mail/dkim-key.h"
#include "mail/dkim.h"
#include "mail/same.h"
#include "store/store.h"
#include "wire/messages.h"

static const char *const tls_names[] = { "none", "starttls", "implicit",
					 NULL };
static const char *const auth_names[] = { "none",  "any",      "plain",
					  "login", "cram-md5", "xoauth2",
					  "oauthbearer", NULL };

#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define MIB (1024LL * 1024)

/* The keys of struct ch_peer_config inside struct `s`. */
#define PEER_KEYS(s, default_port, default_tls, default_auth)                 \
	{ .name = "name", .type = CH_SETTING_STRING,                          \
	  .offset = offsetof(struct s, peer.name), .min = 1, .max = 64,       \
	  .help = "how it is called in status and journal" },                 \
	{ .name = "host", .type = CH_SETTING_STRING,                          \
	  .offset = offsetof(struct s, peer.host), .min = 1, .max = 253,      \
	  .help = "name or address; a certificate is checked for it" },       \
	{ .name = "port", .type = CH_SETTING_INT,                             \
	  .offset = offsetof(struct s, peer.port), .initial = default_port,   \
	  .min = 1, .max = 65535, .help = "TCP port" },                       \
	{ .name = "tls", .type = CH_SETTING_ENUM,                             \
	  .offset = offsetof(struct s, peer.tls), .initial = default_tls,     \
	  .names = tls_names, .help = "none only to loopback" },              \
	{ .name = "ca_file", .type = CH_SETTING_STRING,                       \
	  .offset = offsetof(struct s, peer.ca_file), .initial = "\"\"",      \
	  .help = "PEM; empty: the system's certificates" },                  \
	{ .name = "fingerprint", .type = CH_SETTING_STRING,                   \
	  .offset = offsetof(struct s, peer.fingerprint),                     \
	  .initial = "\"\"", .max = 1000,                                     \
	  .help = "SHA-256 of public keys, one of which is the server's" },   \
	{ .name = "source", .type = CH_SETTING_STRING,                        \
	  .offset = offsetof(struct s, peer.source), .initial = "\"\"",       \
	  .max = 64, .help = "local address; empty: any" },                   \
	{ .name = "auth", .type = CH_SETTING_ENUM,                            \
	  .offset = offsetof(struct s, peer.auth), .initial = default_auth,   \
	  .names = auth_names, .help = "mechanism" },                         \
	{ .name = "user", .type = CH_SETTING_STRING,                          \
	  .offset = offsetof(struct s, peer.user), .initial = "\"\"",         \
	  .max = 255, .help = "account" },                                    \
	{ .name = "password", .type = CH_SETTING_STRING,                      \
	  .offset = offsetof(struct s, peer.password), .initial = "\"\"",     \
	  .max = 4095,                                                        \
	  .help = "name of a credential of the service, or absolute path of " \
		  "a file" },                                                 \
	{ .name = "password_command", .type = CH_SETTING_STRINGS,             \
	  .offset = offsetof(struct s, peer.password_command),                \
	  .initial = "[ ]", .max = 100,                                       \
	  .help = "instead: a program that prints it, and its words" },       \
	{ .name = "password_timeout", .type = CH_SETTING_DURATION,            \
	  .offset = offsetof(struct s, peer.password_timeout_ms),             \
	  .initial = "\"30s\"", .min = 100, .max = 10 * MINUTE,               \
	  .help = "of the program; between 100ms and 10m" },                  \
	{ .name = "connect_timeout", .type = CH_SETTING_DURATION,             \
	  .offset = offsetof(struct s, peer.connect_timeout_ms),              \
	  .initial = "\"30s\"", .min = 100, .max = 10 * MINUTE,               \
	  .help = "between 100ms and 10m" },                                  \
	{ .name = "command_timeout", .type = CH_SETTING_DURATION,             \
	  .offset = offsetof(struct s, peer.command_timeout_ms),              \
	  .initial = "\"2m\"", .min = 100, .max = 30 * MINUTE,                \
	  .help = "between 100ms and 30m" }

/* The keys of the struct ch_pace_config called `m` inside struct `s`. */
#define PACE_KEYS(s, m)                                                       \
	{ .name = "per_second", .type = CH_SETTING_INT,                       \
	  .offset = offsetof(struct s, m.per_second), .initial = "0",         \
	  .max = 10000000, .help = "letters; 0: as many as it takes" },       \
	{ .name = "per_minute", .type = CH_SETTING_INT,                       \
	  .offset = offsetof(struct s, m.per_minute), .initial = "0",         \
	  .max = 10000000, .help = "letters; 0: as many as it takes" },       \
	{ .name = "per_hour", .type = CH_SETTING_INT,                         \
	  .offset = offsetof(struct s, m.per_hour), .initial = "0",           \
	  .max = 100000000, .help = "no hour has more; 0: no limit" },        \
	{ .name = "per_day", .type = CH_SETTING_INT,                          \
	  .offset = offsetof(struct s, m.per_day), .initial = "0",            \
	  .max = 1000000000, .help = "no 24 hours have more; 0: no limit" },  \
	{ .name = "burst", .type = CH_SETTING_INT,                            \
	  .offset = offsetof(struct s, m.burst), .initial = "10",             \
	  .min = 1, .max = 100000,                                            \
	  .help = "at once under per_second and per_minute" }

static const struct ch_setting window_table[] = {
	{ .name = "days", .type = CH_SETTING_STRING,
	  .offset = offsetof(struct ch_window_config, days),
	  .initial = "\"Mon-Fri\"", .min = 3, .max = 60,
	  .help = "such as \"Mon-Thu,Sat\"" },
	{ .name = "from", .type = CH_SETTING_STRING,
	  .offset = offsetof(struct ch_window_config, from), .min = 5,
	  .max = 8, .help = "such as \"08:00\"" },
	{ .name = "to", .type = CH_SETTING_STRING,
	  .offset = offsetof(struct ch_window_config, to), .min = 5, .max = 8,
	  .help = "such as \"18:00\"; before `from`: on the next day" },
	{ 0 }
};

static const struct ch_setting relay_table[] = {
	PEER_KEYS(ch_relay_config, "587", "\"starttls\"", "\"none\""),
	{ .name = "connections", .type = CH_SETTING_INT,
	  .offset = offsetof(struct ch_relay_config, connections),
	  .initial = "4", .min = 1, .max = 64, .help = "at once" },
	{ .name = "connections_per_worker", .type = CH_SETTING_INT,
	  .offset = offsetof(struct ch_relay_config, connections_per_worker),
	  .initial = "0", .max = CH_SEND_LINES_MAX,
	  .help = "1: each has a process of its own; 0: by the number of "
		  "processors" },
	{ .name = "weight", .type = CH_SETTING_INT,
	  .offset = offsetof(struct ch_relay_config, weight),
	  .initial = "1", .min = 1, .max = 1000,
	  .help = "its share of the letters beside that of the others" },
	{ .name = "backup", .type = CH_SETTING_BOOL,
	  .offset = offsetof(struct ch_relay_config, backup),
	  .initial = "false",
	  .help = "used only while the others are out of order" },
	PACE_KEYS(ch_relay_config, pace),
	{ .name = "windows", .type = CH_SETTING_LIST,
	  .offset = offsetof(struct ch_relay_config, windows),
	  .initial = "( )", .members = window_table,
	  .size = sizeof(struct ch_window_config), .max = 50,
	  .help = "when it may be used, within those of `sending`; none: "
		  "always" },
	{ .name = "letters_per_connection", .type = CH_SETTING_INT,
	  .offset = offsetof(struct ch_relay_config, letters_per_connection),
	  .initial = "100", .min = 1, .max = 100000,
	  .help = "then QUIT and connect anew" },
	{ .name = "chunking", .type = CH_SETTING_BOOL,
	  .offset = offsetof(struct ch_relay_config, chunking),
	  .initial = "true", .help = "BDAT where it is offered (RFC 3030)" },
	{ .name = "smtputf8", .type = CH_SETTING_BOOL,
	  .offset = offsetof(struct ch_relay_config, smtputf8),
	  .initial = "false",
	  .help = "addresses that are not ASCII, where it offers them" },
	{ .name = "data_timeout", .type = CH_SETTING_DURATION,
	  .offset = offsetof(struct ch_relay_config, data_timeout_ms),
	  .initial = "\"3m\"", .min = 100, .max = HOUR,
	  .help = "a stall while the body goes out" },
	{ .name = "dot_timeout", .type = CH_SETTING_DURATION,
	  .offset = offsetof(struct ch_relay_config, dot_timeout_ms),
	  .initial = "\"10m\"", .min = 100, .max = HOUR,
	  .help = "the reply to the final dot (RFC 5321 section 4.5.3.2.6)" },
	{ .name = "attempt_timeout", .type = CH_SETTING_DURATION,
	  .offset = offsetof(struct ch_relay_config, attempt_timeout_ms),
	  .initial = "\"30m\"", .min = 1000, .max = 6 * HOUR,
	  .help = "one letter up to its final dot" },
	{ .name = "idle_timeout", .type = CH_SETTING_DURATION,
	  .offset = offsetof(struct ch_relay_config, idle_timeout_ms),
	  .initial = "\"5s\"", .min = 0, .max = 5 * MINUTE,
	  .help = "QUIT after so long without a letter" },
	{ 0 }
};

static const struct ch_setting mailbox_table[] = {
	PEER_KEYS(ch_mailbox_config, "993", "\"implicit\"", "\"any\""),
	{ .name = "folders", .type = CH_SETTING_STRINGS,
	  .offset = offsetof(struct ch_mailbox_config, folders),
	  .initial = "[ \"INBOX\" ]", .min = 1, .max = 8,
	  .help = "the folders that are read" },
	{ .name = "move_reports", .type = CH_SETTING_STRING,
	  .offset = offsetof(struct ch_mailbox_config, move_reports),
	  .initial = "\"\"", .max = 255,
	  .help = "where bounces and receipts go that have been read" },
	{ .name = "move_autoreplies", .type = CH_SETTING_STRING,
	  .offset = offsetof(struct ch_mailbox_config, move_autoreplies),
	  .initial = "\"\"", .max = 255,
	  .help = "where automatic answers go that have been read" },
	{ .name = "move_answers", .type = CH_SETTING_STRING,
	  .offset = offsetof(struct ch_mailbox_config, move_answers),
	  .initial = "\"\"", .max = 255,
	  .help = "where answers of persons go that have been read" },
	{ .name = "keyword", .type = CH_SETTING_STRING,
	  .offset = offsetof(struct ch_mailbox_config, keyword),
	  .initial = "\"\"", .max = 60,
	  .help = "set on what has been read, such as \"$Chancery\"" },
	{ .name = "poll", .type = CH_SETTING_DURATION,
	  .offset = offsetof(struct ch_mailbox_config, poll_ms),
	  .initial = "\"1m\"", .min = 100, .max = DAY,
	  .help = "where IDLE is not offered" },
	{ .name = "idle", .type = CH_SETTING_DURATION,
	  .offset = offsetof(struct ch_mailbox_config, idle_max_ms),
	  .initial = "\"25m\"", .min = 1000, .max = 29 * MINUTE,
	  .help = "IDLE is begun anew after that (RFC 2177)" },
	{ .name = "max_message", .type = CH_SETTING_SIZE,
	  .offset = offsetof(struct ch_mailbox_config, max_message_bytes),
	  .initial = "\"40MiB\"", .min = 64 * 1024, .max = 256 * MIB,
	  .help = "of a larger mail only the first part is read" },
	{ 0 }
};

static const struct ch_setting domain_table[] = {
	{ .name = "pattern", .type = CH_SETTING_STRINGS,
	  .offset = offsetof(struct ch_domain_config, pattern), .min = 1,
	  .max = 1000,
	  .help = "such as [ \"ministry.example\", \"*.gov.example\" ]" },
	{ .name = "shared", .type = CH_SETTING_BOOL,
	  .offset = offsetof(struct ch_domain_config, shared),
	  .initial = "false",
	  .help = "the limits are of all these domains together" },
	{ .name = "connections", .type = CH_SETTING_INT,
	  .offset = offsetof(struct ch_domain_config, connections),
	  .initial = "0", .max = 1000,
	  .help = "letters at once; 0: as many as there are connections" },
	{ .name = "letters_per_connection", .type = CH_SETTING_INT,
	  .offset = offsetof(struct ch_domain_config, letters_per_connection),
	  .initial = "0", .max = 100000,
	  .help = "then a new one is begun; 0: as many as the relay's" },
	PACE_KEYS(ch_domain_config, pace),
	{ 0 }
};

#define AT(f) .offset = offsetof(struct ch_config, f)

static const struct ch_setting smime_table[] = {
	{ .name = "key", .type = CH_SETTING_STRING, AT(secretariat.smime.key),
	  .initial = "\"\"", .max = 4095,
	  .help = "what letters are signed with, PEM or PKCS #12: a credential "
		  "of the service, or an absolute path; empty: unsigned" },
	{ .name = "certificate", .type = CH_SETTING_STRING,
	  AT(secretariat.smime.certificate), .initial = "\"\"", .max = 4095,
	  .help = "PEM, the key's first; empty: they are in the key's file" },
	{ .name = "password", .type = CH_SETTING_STRING,
	  AT(secretariat.smime.password), .initial = "\"\"", .max = 4095,
	  .help = "a file whose line opens the key; empty: it is open" },
	{ 0 }
};

static const struct ch_setting dkim_table[] = {
	{ .name = "domain", .type = CH_SETTING_STRING,
	  .offset = offsetof(struct ch_dkim_config, domain), .min = 3,
	  .max = CH_DKIM_NAME_MAX,
	  .help = "that signs: the one of `from`, or above it" },
	{ .name = "selector", .type = CH_SETTING_STRING,
	  .offset = offsetof(struct ch_dkim_config, selector), .min = 1,
	  .max = 63, .help = "under which the DNS has the public key" },
	{ .name = "key", .type = CH_SETTING_STRING,
	  .offset = offsetof(struct ch_dkim_config, key), .min = 1,
	  .max = 4095,
	  .help = "RSA or Ed25519 in PEM: a credential of the service, or an "
		  "absolute path" },
	{ 0 }
};

static const struct ch_setting secretariat_table[] = {
	{ .name = "from", .type = CH_SETTING_STRING, AT(secretariat.from),
	  .min = 3, .max = 500,
	  .help = "such as \"Secretariat <bureau@chancery.example>\"" },
	{ .name = "reply_to", .type = CH_SETTING_STRING,
	  AT(secretariat.reply_to), .initial = "\"\"", .max = 500,
	  .help = "empty: none" },
	{ .name = "envelope", .type = CH_SETTING_STRING,
	  AT(secretariat.envelope), .min = 3, .max = 300,
	  .help = "such as \"bounces@chancery.example\"; +token is put "
		  "before the @" },
	{ .name = "hostname", .type = CH_SETTING_STRING,
	  AT(secretariat.hostname), .initial = "\"\"", .max = 253,
	  .help = "for EHLO and Message-ID; empty: the envelope's domain" },
	{ .name = "language", .type = CH_SETTING_STRING,
	  AT(secretariat.language), .initial = "\"en\"", .min = 2, .max = 8,
	  .help = "where a letter lacks the addressee's" },
	{ .name = "smime", .type = CH_SETTING_GROUP, .members = smime_table },
	{ .name = "dkim", .type = CH_SETTING_LIST, AT(secretariat.dkim),
	  .initial = "( )", .members = dkim_table,
	  .size = sizeof(struct ch_dkim_config), .max = CH_DKIM_KEYS_MAX,
	  .help = "keys that sign every letter; none: unsigned" },
	{ 0 }
};

static const struct ch_setting store_table[] = {
	{ .name = "path", .type = CH_SETTING_STRING, AT(store.path),
	  .initial = "\"" CH_STATEDIR "/chancery.db\"", .min = 1,
	  .max = 4000, .help = "beside it: objects/, spool/, token.key" },
	{ .name = "allow_volatile", .type = CH_SETTING_BOOL,
	  AT(store.allow_volatile), .initial = "false",
	  .help = "a store on tmpfs or a network file system: for tests" },
	{ 0 }
};

static const struct ch_setting pace_table[] = {
	PACE_KEYS(ch_config, sending.pace),
	{ 0 }
};

static const struct ch_setting breaker_table[] = {
	{ .name = "percent", .type = CH_SETTING_INT,
	  AT(sending.breaker_percent), .initial = "10", .max = 100,
	  .help = "more of a batch refused: it pauses itself; 0: never" },
	{ .name = "least", .type = CH_SETTING_INT, AT(sending.breaker_least),
	  .initial = "5", .min = 1, .max = 1000000,
	  .help = "letters refused before that" },
	{ 0 }
};

static const struct ch_setting sending_table[] = {
	{ .name = "retry", .type = CH_SETTING_STRINGS, AT(sending.retry),
	  .initial = "[ \"5m\", \"15m\", \"1h\", \"4h\", \"12h\" ]",
	  .min = 1, .max = 50,
	  .help = "delays after a temporary refusal; the last one repeats" },
	{ .name = "retry_busy", .type = CH_SETTING_STRINGS,
	  AT(sending.retry_busy),
	  .initial = "[ \"2m\", \"5m\", \"15m\", \"1h\", \"4h\" ]",
	  .min = 1, .max = 50, .help = "after 421" },
	{ .name = "retry_policy", .type = CH_SETTING_STRINGS,
	  AT(sending.retry_policy),
	  .initial = "[ \"5m\", \"5m\", \"10m\", \"30m\", \"1h\", "
		     "\"4h\" ]",
	  .min = 1, .max = 50, .help = "after 4.7.z or a greylist" },
	{ .name = "retry_mailbox", .type = CH_SETTING_STRINGS,
	  AT(sending.retry_mailbox),
	  .initial = "[ \"1h\", \"4h\", \"12h\" ]",
	  .min = 1, .max = 50, .help = "after 4.2.z: a full mailbox" },
	{ .name = "retry_connection", .type = CH_SETTING_STRINGS,
	  AT(sending.retry_connection), .initial = "[ \"0s\" ]",
	  .min = 1, .max = 50,
	  .help = "after a connection that failed before anything was said" },
	{ .name = "max_age", .type = CH_SETTING_DURATION,
	  AT(sending.schedule.max_age_ms), .initial = "\"5d\"", .min = MINUTE,
	  .max = 60 * DAY, .help = "then a letter has expired" },
	{ .name = "pace", .type = CH_SETTING_GROUP, .members = pace_table },
	{ .name = "domain_rest", .type = CH_SETTING_DURATION,
	  AT(sending.domain_rest_ms), .initial = "\"10s\"", .max = HOUR,
	  .help = "of a recipient's domain after 421 or 4.7.z; 0s: none" },
	{ .name = "breaker", .type = CH_SETTING_GROUP,
	  .members = breaker_table },
	{ .name = "windows", .type = CH_SETTING_LIST, AT(sending.windows),
	  .initial = "( )", .members = window_table,
	  .size = sizeof(struct ch_window_config), .max = 50,
	  .help = "when letters may go; none: always" },
	{ .name = "time_zone", .type = CH_SETTING_STRING,
	  AT(sending.time_zone), .initial = "\"UTC\"", .min = 1, .max = 100,
	  .help = "of the windows and holidays, such as \"Europe/Vienna\"" },
	{ .name = "holidays", .type = CH_SETTING_STRINGS, AT(sending.holidays),
	  .initial = "[ ]", .max = 1000,
	  .help = "on which no window begins, such as \"2026-12-25\"" },
	{ .name = "holidays_file", .type = CH_SETTING_STRING,
	  AT(sending.holidays_file), .initial = "\"\"", .max = 4095,
	  .help = "more of them, a date on each line" },
	{ .name = "dsn", .type = CH_SETTING_BOOL, AT(sending.dsn),
	  .initial = "true", .help = "RET, ENVID, NOTIFY where offered" },
	{ .name = "dsn_success", .type = CH_SETTING_BOOL,
	  AT(sending.dsn_success), .initial = "false",
	  .help = "ask for a notice of success too" },
	{ .name = "journal", .type = CH_SETTING_STRING, AT(sending.journal),
	  .initial = "\"\"", .max = 200,
	  .help = "a mailbox of ours that gets a copy; empty: none" },
	{ 0 }
};

static const struct ch_setting release_table[] = {
	{ .name = "hold", .type = CH_SETTING_BOOL, AT(release.hold),
	  .initial = "false", .help = "every batch waits for its release" },
	{ .name = "second_person", .type = CH_SETTING_BOOL,
	  AT(release.second_person), .initial = "true",
	  .help = "not released by the one who enqueued it" },
	{ 0 }
};

static const struct ch_setting suppression_table[] = {
	{ .name = "automatic", .type = CH_SETTING_BOOL,
	  AT(suppression.automatic), .initial = "false",
	  .help = "an address that bounces too often is not written to" },
	{ .name = "hard", .type = CH_SETTING_INT, AT(suppression.hard),
	  .initial = "1", .max = 1000, .help = "hard bounces; 0: never" },
	{ .name = "soft", .type = CH_SETTING_INT, AT(suppression.soft),
	  .initial = "5", .max = 1000, .help = "soft bounces; 0: never" },
	{ .name = "within", .type = CH_SETTING_DURATION,
	  AT(suppression.within_ms), .initial = "\"30d\"", .min = HOUR,
	  .max = 3650 * DAY, .help = "in that time" },
	{ .name = "expires", .type = CH_SETTING_DURATION,
	  AT(suppression.expires_ms), .initial = "\"180d\"",
	  .max = 3650 * DAY, .help = "then it is written to; 0s: never" },
	{ 0 }
};

static const struct ch_setting retention_table[] = {
	{ .name = "reports", .type = CH_SETTING_DURATION,
	  AT(retention.reports_ms), .initial = "\"0s\"", .max = 36500 * DAY,
	  .help = "bounces, receipts, whatever no person wrote; 0s: for ever" },
	{ .name = "answers", .type = CH_SETTING_DURATION,
	  AT(retention.answers_ms), .initial = "\"0s\"", .max = 36500 * DAY,
	  .help = "answers, with what is attached; 0s: for ever" },
	{ 0 }
};

static const struct ch_setting operators_table[] = {
	{ .name = "to", .type = CH_SETTING_STRINGS,
	  .offset = offsetof(struct ch_operators_config, to), .min = 1,
	  .max = 20, .help = "such as [ \"night@secretariat.example\" ]" },
	{ .name = "types", .type = CH_SETTING_STRINGS,
	  .offset = offsetof(struct ch_operators_config, types),
	  .initial = "[ ]", .max = 20,
	  .help = "which they are told; empty: all" },
	{ 0 }
};

static const struct ch_setting alarms_mail_table[] = {
	{ .name = "to", .type = CH_SETTING_STRINGS, AT(alarms.mail.all.to),
	  .initial = "[ ]", .max = 20,
	  .help = "operators, such as \"operator@secretariat.example\"" },
	{ .name = "from", .type = CH_SETTING_STRING, AT(alarms.mail.from),
	  .initial = "\"\"", .max = 200, .help = "empty: secretariat.from" },
	{ .name = "relay", .type = CH_SETTING_STRING, AT(alarms.mail.relay),
	  .initial = "\"\"", .max = 100,
	  .help = "the name of one; empty: each in its turn" },
	{ .name = "types", .type = CH_SETTING_STRINGS,
	  AT(alarms.mail.all.types), .initial = "[ ]", .max = 20,
	  .help = "such as \"alarm.bounce\"; empty: all" },
	{ .name = "operators", .type = CH_SETTING_LIST,
	  AT(alarms.mail.operators), .initial = "( )",
	  .members = operators_table,
	  .size = sizeof(struct ch_operators_config), .max = 20,
	  .help = "more of them, each with types of their own" },
	{ 0 }
};

static const struct ch_setting alarms_table[] = {
	{ .name = "command", .type = CH_SETTING_STRINGS, AT(alarms.command),
	  .initial = "[ ]", .max = 100,
	  .help = "a program that reads alarms, and its words" },
	{ .name = "every", .type = CH_SETTING_DURATION, AT(alarms.every_ms),
	  .initial = "\"5m\"", .min = 1000, .max = 24 * HOUR,
	  .help = "it is run no oftener" },
	{ .name = "timeout", .type = CH_SETTING_DURATION,
	  AT(alarms.timeout_ms), .initial = "\"30s\"", .min = 100,
	  .max = 10 * MINUTE, .help = "of one run" },
	{ .name = "mail", .type = CH_SETTING_GROUP,
	  .members = alarms_mail_table },
	{ 0 }
};

static const struct ch_setting import_table[] = {
	{ .name = "max_recipients", .type = CH_SETTING_INT,
	  AT(import.max_recipients), .initial = "1000000", .min = 1,
	  .max = 100000000, .help = "rows of one table" },
	{ .name = "max_upload", .type = CH_SETTING_SIZE,
	  AT(import.max_upload_bytes), .initial = "\"512MiB\"", .min = 1024,
	  .max = 1024LL * 1024 * MIB, .help = "one enqueue, all its files" },
	{ .name = "max_message", .type = CH_SETTING_SIZE,
	  AT(import.max_message_bytes), .initial = "\"25MiB\"", .min = 1024,
	  .max = 1024 * MIB, .help = "one letter with its annexes" },
	{ 0 }
};

static const struct ch_setting status_table[] = {
	{ .name = "socket", .type = CH_SETTING_STRING, AT(status.socket),
	  .initial = "\"/run/chancery/status.sock\"", .min = 1, .max = 107,
	  .help = "where systemd hands over none" },
	{ .name = "control_socket", .type = CH_SETTING_STRING,
	  AT(status.control_socket),
	  .initial = "\"/run/chancery/control.sock\"", .min = 1, .max = 107,
	  .help = "where systemd hands over none" },
	{ .name = "group", .type = CH_SETTING_STRING, AT(status.group),
	  .initial = "\"\"", .max = 32,
	  .help = "group of the status socket that we make ourselves" },
	{ .name = "control_group", .type = CH_SETTING_STRING,
	  AT(status.control_group), .initial = "\"\"", .max = 32,
	  .help = "group of the control socket that we make ourselves" },
	{ .name = "metrics_file", .type = CH_SETTING_STRING,
	  AT(status.metrics_file), .initial = "\"\"", .max = 4000,
	  .help = "textfile for node_exporter; empty: none" },
	{ .name = "max_clients", .type = CH_SETTING_INT,
	  AT(status.max_clients), .initial = "64", .min = 1, .max = 4096,
	  .help = "at once, per socket" },
	{ .name = "request_timeout", .type = CH_SETTING_DURATION,
	  AT(status.request_timeout_ms), .initial = "\"10s\"", .min = 100,
	  .max = HOUR, .help = "for a whole request to come in" },
	{ 0 }
};

const struct ch_setting ch_config_table[] = {
	{ .name = "secretariat", .type = CH_SETTING_GROUP,
	  .members = secretariat_table },
	{ .name = "store", .type = CH_SETTING_GROUP, .members = store_table },
	{ .name = "relays", .type = CH_SETTING_LIST, AT(relays),
	  .initial = "( )", .members = relay_table,
	  .size = sizeof(struct ch_relay_config), .max = 16,
	  .help = "mail servers that take our letters" },
	{ .name = "mailboxes", .type = CH_SETTING_LIST, AT(mailboxes),
	  .initial = "( )", .members = mailbox_table,
	  .size = sizeof(struct ch_mailbox_config), .max = 16,
	  .help = "where answers and bounces come in" },
	{ .name = "domains", .type = CH_SETTING_LIST, AT(domains),
	  .initial = "( )", .members = domain_table,
	  .size = sizeof(struct ch_domain_config), .max = 100,
	  .help = "what the recipients' domains take; the first that matches "
		  "holds" },
	{ .name = "sending", .type = CH_SETTING_GROUP,
	  .members = sending_table },
	{ .name = "release", .type = CH_SETTING_GROUP,
	  .members = release_table },
	{ .name = "suppression", .type = CH_SETTING_GROUP,
	  .members = suppression_table },
	{ .name = "retention", .type = CH_SETTING_GROUP,
	  .members = retention_table },
	{ .name = "alarms", .type = CH_SETTING_GROUP,
	  .members = alarms_table },
	{ .name = "import", .type = CH_SETTING_GROUP,
	  .members = import_table },
	{ .name = "status", .type = CH_SETTING_GROUP,
	  .members = status_table },
	{ .name = "stop_timeout", .type = CH_SETTING_DURATION,
	  AT(stop_timeout_ms), .initial = "\"60s\"", .min = 100, .max = HOUR,
	  .help = "for the letters under way when the service stops" },
	{ 0 }
};

/* ---- what it holds ------------------------------------------------------ */

size_t ch_config_operators_len(const struct ch_config *config)
{
	return 1 + config->alarms.mail.operators.len;
}

const struct ch_operators_config *
ch_config_operators_at(const struct ch_config *config, size_t i)
{
	const struct ch_operators_config *more =
		config->alarms.mail.operators.items;

	return i ? &more[i - 1] : &config->alarms.mail.all;
}

/* ---- rules between keys ------------------------------------------------- */

/* They hold also where some keys were wrong and have their defaults: nothing
 * more is said of such a key, and a rule that would blame another for it is left
 * out. */
struct rules {
	struct ch_config *config;
	const char *shown;
	const struct ch_setting_lines *lines;
	struct ch_problems *problems;
};

/* Whether one of these keys of the group `path` was wrong; NULL ends. */
__attribute__((sentinel)) static bool any_wrong(const struct rules *r,
						const char *path, ...)
{
	const char *name;
	bool any = false;
	va_list args;

	va_start(args, path);
	while (!any && (name = va_arg(args, const char *))) {
		CH_AUTOCHAR key = ch_xasprintf("%s.%s", path, name);

		any = ch_settings_wrong(r->lines, key);
	}
	va_end(args);
	return any;
}

__attribute__((format(printf, 5, 0))) static void
tell(const struct rules *r, enum ch_problem_kind kind, const char *path,
     const char *hint, const char *format, va_list args)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(1000);
	struct ch_place place = ch_settings_place(r->lines, r->shown, path);

	if (ch_settings_wrong(r->lines, path))
		return;
	ch_str_vaddf(&text, format, args);
	ch_problems_add(r->problems, kind, place, hint, "%s",
			ch_str_cstr(&text));
}

__attribute__((format(printf, 4, 5))) static void
complain(const struct rules *r, const char *path, const char *hint,
	 const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(r, CH_PROBLEM_ERROR, path, hint, format, args);
	va_end(args);
}

__attribute__((format(printf, 4, 5))) static void
warn(const struct rules *r, const char *path, const char *hint,
     const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(r, CH_PROBLEM_WARNING, path, hint, format, args);
	va_end(args);
}

/* By what is written, not by the resolver: a name can change its mind. */
static bool is_loopback(const char *host)
{
	struct in_addr v4;

	return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	       (inet_pton(AF_INET, host, &v4) == 1 &&
		ntohl(v4.s_addr) >> 24 == 127);
}

/* The file of credential `name`. By hand (chanceryd -t) there is no directory
 * of credentials; the unit takes them from CH_SYSCONFDIR, so we look there. */
static char *credential(const char *name)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");

	return ch_xasprintf("%s/%s", folder ? folder : CH_SYSCONFDIR, name);
}

/* Nothing on the first line: the unit's stand-in for a missing credential. */
static bool is_empty(const char *path)
{
	CH_AUTOFD fd = open(path, O_RDONLY | O_CLOEXEC);
	char first;

	return fd >= 0 && (read(fd, &first, 1) != 1 || first == '\n' ||
			   first == '\r');
}

/* Who may read a file, so that it is taken. */
enum secrecy {
	SECRET, /* nobody but us */
	PUBLIC,
};

/* Make the name of a password's, key's or certificate's file absolute and see
 * that it can be read, and by others only if they may. */
static void check_file(const struct rules *r, char **file,
		       enum secrecy secrecy, const char *path)
{
	/* systemd gives a credential to its service by an ACL, which shows as
	 * a bit of the group; the directory lets nobody else in. */
	mode_t others = 077;
	struct stat st;

	if (!strchr(*file, '/')) {
		char *found = credential(*file);

		free(*file);
		*file = found;
		if (getenv("CREDENTIALS_DIRECTORY"))
			others = 007;
		if (stat(found, &st) < 0 && errno == ENOENT) {
			complain(r, path,
				 "name a credential (LoadCredential= of the "
				 "unit) or the absolute path of a file; the "
				 "password itself may not stand here",
				 "there is no such credential");
			return;
		}
	}
	if (secrecy == PUBLIC)
		others = 0;
	if ((*file)[0] != '/')
		complain(r, path, "begin it with /", "is no absolute path");
	else if (stat(*file, &st) < 0 || access(*file, R_OK) < 0)
		complain(r, path, NULL, "the file cannot be read: %s",
			 strerrordesc_np(errno));
	else if (!S_ISREG(st.st_mode))
		complain(r, path, NULL, "%s is not a regular file", *file);
	else if (st.st_mode & others)
		complain(r, path, "chmod 600 it",
			 "%s can be read by others (mode %03o)", *file,
			 (unsigned int)(st.st_mode & 0777));
	else if (is_empty(*file))
		complain(r, path, "write it, as chancery.conf(5) says",
			 "%s is empty", *file);
}

/* Whether they belong together the send worker sees: it alone opens the key. */
static void check_smime(const struct rules *r)
{
	char **key = &r->config->secretariat.smime.key;
	char **certificate = &r->config->secretariat.smime.certificate;
	char **password = &r->config->secretariat.smime.password;

	if ((*key)[0])
		check_file(r, key, SECRET, "secretariat.smime.key");
	else if (((*certificate)[0] || (*password)[0]) &&
		 !any_wrong(r, "secretariat.smime", "key", NULL))
		complain(r, (*certificate)[0] ?
				    "secretariat.smime.certificate" :
				    "secretariat.smime.password",
			 "name the key too", "nothing is signed without a key");
	if ((*certificate)[0])
		check_file(r, certificate, PUBLIC,
			   "secretariat.smime.certificate");
	if ((*password)[0])
		check_file(r, password, SECRET, "secretariat.smime.password");
}

/* The key is opened here too, to say at once what is wrong with it, and then
 * forgotten: only the send workers keep it. */
static void check_dkim_key(const struct rules *r, struct ch_dkim_config *dkim,
			   const char *path)
{
	CH_AUTOPTR(ch_dkim_key) key = NULL;
	size_t errors = r->problems->errors;
	struct ch_error err;

	check_file(r, &dkim->key, SECRET, path);
	if (r->problems->errors > errors)
		return;
	if (ch_dkim_key_read(dkim->key, &key, &err) < 0)
		complain(r, path, "openssl genpkey makes one: see "
				  "chancery.conf(5)", "%s", err.text);
	else if (ch_dkim_key_is_rsa(key) &&
		 ch_dkim_key_bits(key) < CH_DKIM_RSA_GOOD)
		warn(r, path, "make one of 2048 bits, under a new selector",
		     "an RSA key of %d bits is weak",
		     ch_dkim_key_bits(key));
}

static void check_dkim_names(const struct rules *r, size_t i)
{
	const struct ch_dkim_config *list = r->config->secretariat.dkim.items;
	const char *from = r->config->secretariat.from;
	CH_AUTOCHAR domain = ch_xasprintf("secretariat.dkim[%zu].domain", i);
	CH_AUTOCHAR selector =
		ch_xasprintf("secretariat.dkim[%zu].selector", i);

	if (!ch_dkim_is_name(list[i].domain) || !strchr(list[i].domain, '.'))
		complain(r, domain, "such as \"chancery.example\"",
			 "\"%s\" is no domain", list[i].domain);
	else if (from[0] && !ch_dkim_is_aligned(list[i].domain, from))
		warn(r, domain,
		     "sign with the From's domain or one above it, or DMARC "
		     "does not count the signature",
		     "the letters are not from %s: their From is %s",
		     list[i].domain, from);
	if (!ch_dkim_is_name(list[i].selector))
		complain(r, selector, "such as \"2026-rsa\"",
			 "\"%s\" is no selector: letters, digits, hyphens, "
			 "and dots between them",
			 list[i].selector);
	for (size_t j = 0; j < i && list[i].domain[0]; j++)
		if (strcasecmp(list[i].domain, list[j].domain) == 0 &&
		    strcasecmp(list[i].selector, list[j].selector) == 0)
			complain(r, selector,
				 "the DNS has one key under a selector: give "
				 "each its own",
				 "two keys have the selector \"%s\"",
				 list[i].selector);
}

static void check_dkim(const struct rules *r)
{
	struct ch_dkim_config *list = r->config->secretariat.dkim.items;

	for (size_t i = 0; i < r->config->secretariat.dkim.len; i++) {
		CH_AUTOCHAR key = ch_xasprintf("secretariat.dkim[%zu].key", i);

		check_dkim_names(r, i);
		check_dkim_key(r, &list[i], key);
	}
}

/* Hex digits in any case, with or without colons, become what a connection
 * compares: see ch_connection_target. */
static void check_fingerprint(const struct rules *r, char **fingerprint,
			      const char *path)
{
	CH_AUTO(ch_str) made = CH_STR_INIT(1100);
	struct ch_sha256 unused;
	CH_AUTOCHAR copy = ch_xstrdup(*fingerprint);
	char *rest = copy;

	for (char *word; (word = strsep(&rest, " \t\r\n")) != NULL;) {
		size_t len = 0;

		for (const char *at = word; *at; at++)
			if (*at != ':')
				word[len++] = *at >= 'A' && *at <= 'F' ?
						      (char)(*at + 32) : *at;
		if (len == 0)
			continue;
		if (ch_sha256_parse(word, len, &unused) < 0) {
			complain(r, path,
				 "chancery.conf(5) says how it is printed",
				 "a fingerprint has 64 hexadecimal digits");
			return;
		}
		ch_str_addf(&made, "%s%.64s", made.len > 0 ? " " : "", word);
	}
	free(*fingerprint);
	*fingerprint = ch_xstrdup(ch_str_cstr(&made));
}

static int family_of(const char *text)
{
	struct in6_addr unused;

	return inet_pton(AF_INET, text, &unused) == 1  ? AF_INET :
	       inet_pton(AF_INET6, text, &unused) == 1 ? AF_INET6 :
							 AF_UNSPEC;
}

/* An address in brackets, as in a URL, loses them; a path is a UNIX socket. */
static void check_host(const struct rules *r, struct ch_peer_config *peer,
		       const char *path)
{
	CH_AUTOCHAR host = ch_xasprintf("%s.host", path);
	CH_AUTOCHAR tls = ch_xasprintf("%s.tls", path);
	size_t len = strlen(peer->host);

	if (peer->host[0] == '[' && peer->host[len - 1] == ']') {
		memmove(peer->host, peer->host + 1, len - 2);
		peer->host[len - 2] = '\0';
		if (family_of(peer->host) != AF_INET6)
			complain(r, host, "such as \"[2001:db8::25]\"",
				 "no IPv6 address stands in the brackets");
	}
	if (peer->host[0] != '/')
		return;
	if (len > 107)
		complain(r, host, NULL,
			 "the path of a UNIX socket has at most 107 bytes");
	if (peer->tls != CH_TLS_NONE && !peer->fingerprint[0] &&
	    !any_wrong(r, path, "fingerprint", NULL))
		complain(r, tls, "write \"none\", or give a fingerprint",
			 "a certificate cannot be checked for the path of a "
			 "UNIX socket");
}

static void check_source(const struct rules *r,
			 const struct ch_peer_config *peer, const char *path)
{
	CH_AUTOCHAR source = ch_xasprintf("%s.source", path);
	int ours = family_of(peer->source);
	int theirs = family_of(peer->host);

	if (!peer->source[0])
		return;
	if (ours == AF_UNSPEC)
		complain(r, source, "such as \"192.0.2.25\" or "
				    "\"2001:db8::25\"",
			 "\"%s\" is no IP address", peer->source);
	else if (peer->host[0] == '/')
		complain(r, source, "take it out",
			 "a UNIX socket has no source address");
	else if (theirs != AF_UNSPEC && theirs != ours)
		complain(r, source, "give one of the host's family",
			 "%s is IPv%c, and the host %s is IPv%c", peer->source,
			 ours == AF_INET ? '4' : '6', peer->host,
			 theirs == AF_INET ? '4' : '6');
}

/* Whoever can write it acts as the daemon, and could read its passwords. */
static void check_command(const struct rules *r, const char *program,
			  const char *path)
{
	struct stat st;

	if (program[0] != '/')
		complain(r, path,
			 "the first word is the program, and begins with /; "
			 "there is no shell",
			 "\"%s\" is no absolute path", program);
	else if (stat(program, &st) < 0)
		complain(r, path, NULL, "%s: %s", program,
			 strerrordesc_np(errno));
	else if (!S_ISREG(st.st_mode) || access(program, X_OK) < 0)
		complain(r, path, "chmod 755 it", "%s cannot be executed",
			 program);
	else if (st.st_mode & 022)
		complain(r, path, "chmod 755 it",
			 "%s can be changed by others (mode %03o)", program,
			 (unsigned int)(st.st_mode & 0777));
}

static void check_password(const struct rules *r, struct ch_peer_config *peer,
			   const char *path)
{
	CH_AUTOCHAR password = ch_xasprintf("%s.password", path);
	CH_AUTOCHAR command = ch_xasprintf("%s.password_command", path);
	const struct ch_setting_strings *words = &peer->password_command;

	if (any_wrong(r, path, "auth", "password", "password_command", NULL))
		return;
	if (words->len > 0 && peer->auth == CH_AUTH_NONE)
		complain(r, command, "choose an auth",
			 "without a login no password is needed");
	else if (words->len > 0 && peer->password[0])
		complain(r, command, "take one of them out",
			 "there is a password as well");
	else if (words->len > 0)
		check_command(r, words->items[0], command);
	else if (peer->auth != CH_AUTH_NONE && !peer->password[0])
		complain(r, password, NULL, "auth needs a password");
	else if (peer->auth != CH_AUTH_NONE)
		check_file(r, &peer->password, SECRET, password);
}

static void check_peer(const struct rules *r, struct ch_peer_config *peer,
		       const char *path)
{
	CH_AUTOCHAR fingerprint = ch_xasprintf("%s.fingerprint", path);
	CH_AUTOCHAR tls = ch_xasprintf("%s.tls", path);
	CH_AUTOCHAR user = ch_xasprintf("%s.user", path);

	check_fingerprint(r, &peer->fingerprint, fingerprint);
	check_host(r, peer, path);
	check_source(r, peer, path);
	if (peer->tls == CH_TLS_NONE && peer->fingerprint[0])
		complain(r, fingerprint, NULL,
			 "without TLS there is no public key to compare");
	if (peer->tls == CH_TLS_NONE && peer->host[0] &&
	    peer->host[0] != '/' && !is_loopback(peer->host))
		complain(r, tls, "write \"starttls\" or \"implicit\"",
			 "TLS may be off only for localhost, and the host is "
			 "%s", peer->host);
	if (peer->auth != CH_AUTH_NONE && !peer->user[0] &&
	    !any_wrong(r, path, "auth", NULL))
		complain(r, user, NULL, "auth needs a user");
	check_password(r, peer, path);
}

/* A backup does not help while the others are in order. */
static void check_smtputf8(const struct rules *r)
{
	const struct ch_relay_config *relays = r->config->relays.items;
	CH_AUTOCHAR backup = NULL;

	for (size_t i = 0; i < r->config->relays.len; i++) {
		CH_AUTOCHAR path = ch_xasprintf("relays[%zu]", i);

		if ((relays[i].smtputf8 && !relays[i].backup) ||
		    any_wrong(r, path, "smtputf8", "backup", NULL))
			return;
		if (relays[i].smtputf8 && !backup)
			backup = ch_xasprintf("%s.smtputf8", path);
	}
	if (backup)
		complain(r, backup,
			 "give it to another one, or take it from the backup",
			 "smtputf8 is true for a backup alone: such letters "
			 "would wait until each other relay is out of order");
}

static void check_relays(const struct rules *r)
{
	struct ch_relay_config *relays = r->config->relays.items;

	for (size_t i = 0; i < r->config->relays.len; i++) {
		CH_AUTOCHAR path = ch_xasprintf("relays[%zu]", i);
		CH_AUTOCHAR name = ch_xasprintf("relays[%zu].name", i);

		check_peer(r, &relays[i].peer, path);
		for (size_t j = 0; j < i; j++)
			if (strcmp(relays[i].peer.name,
				   relays[j].peer.name) == 0)
				complain(r, name, NULL,
					 "two relays are called \"%s\"",
					 relays[i].peer.name);
	}
	check_smtputf8(r);
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7F)
			return true;
	return false;
}

/* INBOX is one folder in whatever letters (RFC 3501 section 5.1). */
static bool is_same_folder(const char *a, const char *b)
{
	return strcmp(a, b) == 0 ||
	       (strcasecmp(a, "INBOX") == 0 && strcasecmp(b, "INBOX") == 0);
}

/* Names of folders go to a server that is not ours. */
static void check_folder(const struct rules *r, const char *path,
			 const char *name)
{
	size_t bad;

	if (!name[0] || !ch_utf8_valid(name, strlen(name), &bad) ||
	    has_control(name))
		complain(r, path, NULL, "\"%s\" is no name of a folder", name);
}

/* What is moved to a folder that is read would come in again. */
static void check_move(const struct rules *r, const char *path,
		       const struct ch_mailbox_config *box, const char *key,
		       const char *target)
{
	CH_AUTOCHAR where = ch_xasprintf("%s.%s", path, key);

	if (!target[0])
		return;
	check_folder(r, where, target);
	for (size_t i = 0; i < box->folders.len; i++)
		if (is_same_folder(box->folders.items[i], target))
			complain(r, where, NULL,
				 "\"%s\" is one of the folders that are read",
				 target);
}

static void check_folders(const struct rules *r, const char *path,
			  const struct ch_mailbox_config *box)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789$_-.";
	CH_AUTOCHAR where = ch_xasprintf("%s.folders", path);
	CH_AUTOCHAR keyword = ch_xasprintf("%s.keyword", path);

	for (size_t i = 0; i < box->folders.len; i++) {
		check_folder(r, where, box->folders.items[i]);
		for (size_t j = 0; j < i; j++)
			if (is_same_folder(box->folders.items[i],
					   box->folders.items[j]))
				complain(r, where, NULL,
					 "\"%s\" is named twice",
					 box->folders.items[i]);
	}
	check_move(r, path, box, "move_reports", box->move_reports);
	check_move(r, path, box, "move_autoreplies", box->move_autoreplies);
	check_move(r, path, box, "move_answers", box->move_answers);
	if (strspn(box->keyword, letters) != strlen(box->keyword))
		complain(r, keyword, "such as \"$Chancery\"",
			 "a keyword has letters, digits, $, _, - and . only");
}

static void check_mailboxes(const struct rules *r)
{
	struct ch_mailbox_config *boxes = r->config->mailboxes.items;

	for (size_t i = 0; i < r->config->mailboxes.len; i++) {
		CH_AUTOCHAR path = ch_xasprintf("mailboxes[%zu]", i);
		CH_AUTOCHAR name = ch_xasprintf("mailboxes[%zu].name", i);
		CH_AUTOCHAR auth = ch_xasprintf("mailboxes[%zu].auth", i);

		if (boxes[i].peer.auth == CH_AUTH_NONE)
			complain(r, auth, NULL,
				 "a mailbox cannot be read without a login");
		check_peer(r, &boxes[i].peer, path);
		check_folders(r, path, &boxes[i]);
		for (size_t j = 0; j < i; j++)
			if (strcmp(boxes[i].peer.name,
				   boxes[j].peer.name) == 0)
				complain(r, name, NULL,
					 "two mailboxes are called \"%s\"",
					 boxes[i].peer.name);
	}
}

/* As addresses have it, once: it is compared for each letter. Whether that can
 * be. */
static bool fold(char **pattern)
{
	char *folded = ch_domain_pattern_fold(*pattern);

	free(*pattern);
	*pattern = folded;
	return !ch_slice_has_utf8(ch_slice_of(folded));
}

static void check_domains(const struct rules *r)
{
	const struct ch_domain_config *domains = r->config->domains.items;

	for (size_t i = 0; i < r->config->domains.len; i++) {
		CH_AUTOCHAR path = ch_xasprintf("domains[%zu].pattern", i);
		const struct ch_setting_strings *words = &domains[i].pattern;

		for (size_t j = 0; j < words->len; j++)
			if (!ch_domain_is_pattern(words->items[j]) ||
			    !fold(&words->items[j]))
				complain(r, path,
					 "such as \"ministry.example\", "
					 "\"*.gov.example\" or \"*\"",
					 "\"%s\" is no pattern of domains",
					 words->items[j]);
	}
}

static void check_delays(const struct rules *r, const char *path,
			 const struct ch_setting_strings *words, int64_t least,
			 struct ch_retry_delays *ret)
{
	int64_t *delays = ch_xcalloc(words->len, sizeof(*delays));

	*ret = (struct ch_retry_delays){ delays, words->len };
	for (size_t i = 0; i < words->len; i++)
		if (ch_settings_duration(words->items[i], &delays[i]) < 0 ||
		    delays[i] < least || delays[i] > 30 * DAY)
			complain(r, path,
				 least ? "each is between \"1s\" and \"30d\"" :
					 "each is between \"0s\" and \"30d\"",
				 "\"%s\" is no delay", words->items[i]);
}

static void check_retry(const struct rules *r)
{
	struct ch_retry_delays *delays = r->config->sending.schedule.delays;

	check_delays(r, "sending.retry", &r->config->sending.retry, SECOND,
		     &delays[CH_REPLY_OTHER]);
	check_delays(r, "sending.retry_busy", &r->config->sending.retry_busy,
		     SECOND, &delays[CH_REPLY_BUSY]);
	check_delays(r, "sending.retry_policy",
		     &r->config->sending.retry_policy, SECOND,
		     &delays[CH_REPLY_POLICY]);
	check_delays(r, "sending.retry_mailbox",
		     &r->config->sending.retry_mailbox, SECOND,
		     &delays[CH_REPLY_MAILBOX]);
	check_delays(r, "sending.retry_connection",
		     &r->config->sending.retry_connection, 0,
		     &delays[CH_REPLY_CONNECTION]);
}

static void read_window(const struct rules *r,
			const struct ch_window_config *words,
			struct ch_hours_window *window, const char *path)
{
	CH_AUTOCHAR days = ch_xasprintf("%s.days", path);
	CH_AUTOCHAR from = ch_xasprintf("%s.from", path);
	CH_AUTOCHAR to = ch_xasprintf("%s.to", path);
	bool begins = ch_hours_parse_time(words->from, &window->from_s) == 0;

	if (ch_hours_parse_days(words->days, &window->days) < 0)
		complain(r, days, "such as \"Mon-Fri\" or \"Tue,Sat-Sun\"",
			 "\"%s\" are no weekdays", words->days);
	if (!begins)
		complain(r, from, "such as \"08:00\"",
			 "\"%s\" is no time of the day", words->from);
	if (ch_hours_parse_time(words->to, &window->to_s) < 0)
		complain(r, to, "such as \"18:00\", at most \"24:00\"",
			 "\"%s\" is no time of the day", words->to);
	else if (begins && window->from_s == window->to_s)
		complain(r, to, "a whole day is from \"00:00\" to \"24:00\"",
			 "the window ends when it begins");
}

/* Into hours->windows; `path` names the list. */
static void read_windows(const struct rules *r,
			 const struct ch_setting_list *list, const char *path,
			 struct ch_hours *hours)
{
	const struct ch_window_config *words = list->items;

	hours->windows = ch_xcalloc(list->len, sizeof(*hours->windows));
	hours->len = list->len;
	for (size_t i = 0; i < list->len; i++) {
		CH_AUTOCHAR below = ch_xasprintf("%s[%zu]", path, i);

		read_window(r, &words[i], &hours->windows[i], below);
	}
}

/* Windows that never open would keep every letter for ever. */
static void check_opens(const struct rules *r, const struct ch_hours *hours,
			const char *path)
{
	if (ch_hours_next_us(hours, ch_clock_now_us(), true) == INT64_MAX)
		complain(r, path, "look at the holidays",
			 "no window opens within %d days", CH_HOURS_DAYS);
}

static void read_holidays(const struct rules *r)
{
	const struct ch_setting_strings *dates = &r->config->sending.holidays;
	char **file = &r->config->sending.holidays_file;
	struct ch_hours *hours = &r->config->sending.hours;
	CH_AUTO(ch_str) text = CH_STR_INIT(MIB);
	size_t errors = r->problems->errors;
	struct ch_error err;

	for (size_t i = 0; i < dates->len; i++)
		if (ch_hours_add_holiday(hours, ch_slice_of(dates->items[i])) <
		    0)
			complain(r, "sending.holidays",
				 "such as \"2026-12-25\"",
				 "\"%s\" is no date", dates->items[i]);
	if ((*file)[0])
		check_file(r, file, PUBLIC, "sending.holidays_file");
	if (!(*file)[0] || r->problems->errors > errors)
		return;
	if (ch_file_read(*file, &text, &err) < 0)
		complain(r, "sending.holidays_file", NULL, "%s", err.text);
	else
		ch_hours_add_file(hours, (struct ch_slice){ ch_str_cstr(&text),
							    text.len },
				  *file, r->problems);
}

/* A relay has windows of its own, in the zone and with the holidays of all. */
static void check_relay_windows(const struct rules *r, size_t i)
{
	struct ch_relay_config *relays = r->config->relays.items;
	const struct ch_hours *all = &r->config->sending.hours;
	struct ch_hours *hours = &relays[i].hours;
	CH_AUTOCHAR path = ch_xasprintf("relays[%zu].windows", i);
	size_t errors = r->problems->errors;

	read_windows(r, &relays[i].windows, path, hours);
	if (all->holidays_len > 0)
		hours->holidays = ch_xmemdup(all->holidays,
					     all->holidays_len *
						     sizeof(*all->holidays));
	hours->holidays_len = hours->holidays_cap = all->holidays_len;
	hours->zone = ch_zone_new(r->config->sending.time_zone);
	if (hours->zone && r->problems->errors == errors)
		check_opens(r, hours, path);
}

static void check_windows(const struct rules *r)
{
	const char *name = r->config->sending.time_zone;
	struct ch_hours *hours = &r->config->sending.hours;
	size_t errors = r->problems->errors;

	read_windows(r, &r->config->sending.windows, "sending.windows", hours);
	read_holidays(r);
	ch_hours_sort(hours);
	hours->zone = ch_zone_new(name);
	if (!hours->zone)
		complain(r, "sending.time_zone",
			 "such as \"Europe/Vienna\"; timedatectl "
			 "list-timezones shows them all",
			 "there is no time zone \"%s\"", name);
	if (r->problems->errors == errors)
		check_opens(r, hours, "sending.windows");
	for (size_t i = 0; i < r->config->relays.len; i++)
		check_relay_windows(r, i);
}

/* local@domain of characters that need no quoting, with room for the token:
 * RFC 5321 section 4.5.3.1.1 gives a local part 64. */
static void check_tagged(const struct rules *r, const char *envelope,
			 const char *path, const char *such)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789.-_";
	size_t local = strspn(envelope, safe);

	if (local == 0 || local > 15 || envelope[local] != '@' ||
	    strspn(envelope + local + 1, safe) !=
		    strlen(envelope + local + 1) ||
	    !envelope[local + 1])
		complain(r, path, such, "\"%s\" leaves no place for a token",
			 envelope);
}

/* An address with a name before it in angle brackets, or alone. Only what is
 * plainly none is found here: the import reads it exactly, with the library for
 * other scripts, which is too large for this program. */
static bool is_address(const char *text)
{
	CH_AUTOCHAR spec = NULL;
	const char *open = strrchr(text, '<');
	size_t len = strlen(text);
	size_t local;

	if (!open && text[len - 1] != '>')
		spec = ch_xstrdup(text);
	else if (open && text[len - 1] == '>')
		spec = ch_xstrndup(open + 1, len - 2 - (size_t)(open - text));
	else
		return false;
	local = strcspn(spec, "@");
	return local > 0 && local <= 64 && spec[local] == '@' &&
	       spec[local + 1] && !strpbrk(spec, " \t\r\n<>(),;:\\\"") &&
	       !strchr(spec + local + 1, '@') && !has_control(text);
}

static void check_address(const struct rules *r, const char *text,
			  const char *path)
{
	if (text[0] && !is_address(text))
		complain(r, path,
			 "such as \"Secretariat <bureau@chancery.example>\" "
			 "or \"bureau@chancery.example\"",
			 "\"%s\" is no address", text);
}

/* Words of letters, digits and hyphens with a dot between them. */
static bool is_host_name(const char *text)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-";

	for (;;) {
		size_t len = strspn(text, safe);

		if (len == 0 || text[0] == '-' || text[len - 1] == '-')
			return false;
		if (!text[len])
			return true;
		if (text[len] != '.')
			return false;
		text += len + 1;
	}
}

/* It is said to servers, and stands in Message-IDs. */
static void check_hostname(const struct rules *r)
{
	const char *name = r->config->secretariat.hostname;

	if (name[0] && !is_host_name(name))
		complain(r, "secretariat.hostname",
			 "letters, digits, hyphens and dots, such as "
			 "\"mail.chancery.example\"",
			 "\"%s\" is no name of a machine", name);
}

static void check_secretariat(const struct rules *r)
{
	check_address(r, r->config->secretariat.from, "secretariat.from");
	check_address(r, r->config->secretariat.reply_to,
		      "secretariat.reply_to");
	check_hostname(r);
	check_smime(r);
	check_dkim(r);
}

static void check_envelopes(const struct rules *r)
{
	const char *journal = r->config->sending.journal;

	check_tagged(r, r->config->secretariat.envelope, "secretariat.envelope",
		     "such as \"bounces@chancery.example\", at most 15 "
		     "characters before the @");
	if (!journal[0])
		return;
	check_tagged(r, journal, "sending.journal",
		     "such as \"journal@chancery.example\", at most 15 "
		     "characters before the @");
	if (r->config->mailboxes.len == 0 &&
	    !ch_settings_wrong(r->lines, "mailboxes"))
		complain(r, "sending.journal",
			 "add a mailbox in which the copies arrive",
			 "nobody reads the copies: there are no mailboxes");
}

/* local@domain in ASCII, of what needs no quoting. */
static bool is_plain_address(const char *text)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789.-_+='/";
	size_t local = strspn(text, safe);
	const char *domain = text + local + 1;

	return local > 0 && local <= 64 && text[local] == '@' && *domain &&
	       strlen(domain) <= 255 && strspn(domain, safe) == strlen(domain);
}

/* All that there are; the end of one goes with it. */
static const char *const alarm_types[] = {
	"alarm.auth", "alarm.batch", "alarm.bounce", "alarm.command",
	"alarm.held", "alarm.journal", "alarm.loop", "alarm.mail",
	"alarm.mailbox", "alarm.relay", "alarm.restored", "alarm.setup",
	"alarm.tls", "alarm.token_key", "alarm.unread", "alarm.worker",
};

/* `group` is the one that has them: "alarms.mail". */
static void check_alarm_types(const struct rules *r, const char *group,
			      const struct ch_setting_strings *types)
{
	CH_AUTO(ch_str) all = CH_STR_INIT(1000);

	for (size_t i = 0; i < CH_COUNT(alarm_types); i++)
		ch_str_addf(&all, "%s%s", i ? ", " : "there are ",
			    alarm_types[i]);
	for (size_t i = 0; i < types->len; i++) {
		CH_AUTOCHAR path = ch_xasprintf("%s.types[%zu]", group, i);
		size_t j = 0;

		while (j < CH_COUNT(alarm_types) &&
		       strcmp(types->items[i], alarm_types[j]) != 0)
			j++;
		if (j == CH_COUNT(alarm_types))
			complain(r, path, ch_str_cstr(&all),
				 "there is no alarm \"%s\"",
				 types->items[i]);
	}
}

/* Whether it was named before the `len`th of these lists. */
static bool is_operator(const struct ch_config *config, const char *address,
			size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const struct ch_setting_strings *to =
			&ch_config_operators_at(config, i)->to;

		for (size_t j = 0; j < to->len; j++)
			if (ch_address_same(ch_slice_of(to->items[j]),
					    ch_slice_of(address)))
				return true;
	}
	return false;
}

/* The `i`th list of operators: 0 is of alarms.mail itself. */
static void check_operators(const struct rules *r, size_t i)
{
	const struct ch_config *config = r->config;
	const struct ch_operators_config *these =
		ch_config_operators_at(config, i);
	CH_AUTOCHAR group =
		i ? ch_xasprintf("alarms.mail.operators[%zu]", i - 1) :
		    ch_xstrdup("alarms.mail");

	for (size_t j = 0; j < these->to.len; j++) {
		const char *address = these->to.items[j];
		CH_AUTOCHAR path = ch_xasprintf("%s.to[%zu]", group, j);

		if (!is_plain_address(address))
			complain(r, path,
				 "the address alone, in ASCII: a domain in "
				 "another script as \"xn--…\"",
				 "\"%s\" is no address", address);
		else if (is_operator(config, address, i))
			complain(r, path,
				 "give it one list of types, or it would have "
				 "two mails",
				 "\"%s\" is named twice", address);
	}
	check_alarm_types(r, group, &these->types);
}

static void check_alarms_mail(const struct rules *r)
{
	const struct ch_config *config = r->config;
	const struct ch_relay_config *relays = config->relays.items;
	const char *relay = config->alarms.mail.relay;
	bool any = config->alarms.mail.all.to.len > 0;
	size_t i = 0;

	for (size_t j = 0; j < ch_config_operators_len(config); j++)
		check_operators(r, j);
	check_address(r, config->alarms.mail.from, "alarms.mail.from");
	/* A relay without a name has one that is not known. */
	while (i < config->relays.len && relays[i].peer.name[0] &&
	       strcmp(relays[i].peer.name, relay))
		i++;
	if (config->relays.len == 0 && ch_settings_wrong(r->lines, "relays"))
		return;
	if (relay[0] && i == config->relays.len)
		complain(r, "alarms.mail.relay", NULL,
			 "there is no relay \"%s\"", relay);
	else if (config->relays.len == 0 &&
		 (any || config->alarms.mail.operators.len > 0))
		complain(r, any ? "alarms.mail.to" : "alarms.mail.operators",
			 "add a relay", "there is no relay for these mails");
}

/* Where there is no such folder yet the start says so. */
static void check_store(const struct rules *r)
{
	const char *path = r->config->store.path;
	const char *slash = strrchr(path, '/');
	CH_AUTOCHAR folder = NULL;
	struct ch_error err;

	if (path[0] != '/') {
		complain(r, "store.path", "begin it with /",
			 "is no absolute path");
		return;
	}
	folder = slash == path ? ch_xstrdup("/") :
				 ch_xstrndup(path, (size_t)(slash - path));
	if (!r->config->store.allow_volatile &&
	    !any_wrong(r, "store", "allow_volatile", NULL) &&
	    access(folder, F_OK) == 0 &&
	    ch_store_check_place(folder, &err) < 0)
		complain(r, "store.path", NULL, "%s", err.text);
}

static void check_rules(void *config, const char *shown,
			const struct ch_setting_lines *lines,
			struct ch_problems *problems)
{
	struct rules r = { config, shown, lines, problems };

	check_envelopes(&r);
	check_secretariat(&r);
	check_relays(&r);
	check_mailboxes(&r);
	if (r.config->alarms.command.len > 0)
		check_command(&r, r.config->alarms.command.items[0],
			      "alarms.command");
	check_alarms_mail(&r);
	check_domains(&r);
	check_retry(&r);
	check_windows(&r);
	check_store(&r);
}

/* ---- the whole ---------------------------------------------------------- */

int ch_config_read(const char *path, struct ch_config **ret,
		   struct ch_problems *problems)
{
	struct ch_config *config = ch_xzalloc(sizeof(*config));

	if (ch_settings_read_checked(path, path, ch_config_table, config,
				     check_rules, problems) < 0) {
		ch_config_free(config);
		return -1;
	}
	if (!config->secretariat.hostname[0]) {
		free(config->secretariat.hostname);
		config->secretariat.hostname = ch_xstrdup(
			strchr(config->secretariat.envelope, '@') + 1);
	}
	*ret = config;
	return 0;
}

bool ch_config_has_smtputf8(const struct ch_config *config)
{
	const struct ch_relay_config *relays = config->relays.items;

	for (size_t i = 0; i < config->relays.len; i++)
		if (relays[i].smtputf8)
			return true;
	return false;
}

void ch_config_free(struct ch_config *config)
{
	struct ch_relay_config *relays = config ? config->relays.items : NULL;

	if (!config)
		return;
	ch_hours_release(&config->sending.hours);
	for (size_t i = 0; i < config->relays.len; i++)
		ch_hours_release(&relays[i].hours);
	for (size_t i = 0; i < CH_REPLY_CLASSES; i++)
		free(config->sending.schedule.delays[i].ms);
	ch_settings_release(ch_config_table, config);
	free(config);
}
