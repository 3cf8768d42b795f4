/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config.h - chancery.conf as a value.
 *
 * Read once, never changed; a reload reads a second one and swaps. Times are
 * milliseconds, sizes bytes. Every char * is owned by the struct, "" where not
 * set.
 */
#ifndef CH_CHANCERYD_CONFIG_H
#define CH_CHANCERYD_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/problem.h"
#include "base/settings.h"

struct ch_config_secretariat {
	char *from;              /* header From, where a letter has no sender */
	char *reply_to;
	char *organisation;
	char *envelope;          /* "bounces@chancery.example" */
	char *envelope_local;    /* derived: "bounces", the tokens' prefix */
	char *envelope_domain;   /* derived: "chancery.example" */
	char *message_id_domain; /* default: that of from */
	char *fallback_language;
};

struct ch_config_store {
	char *path;
	char *directory; /* derived: where the database, the objects, the spool
			    and token.key are */
	bool allow_network_file_system;
	bool allow_volatile;
};

struct ch_config_relay {
	char *name;
	char *host;
	int64_t port;
	int tls; /* enum ch_tls_mode */
	char *ca_file;
	char *source;
	char *helo; /* "": the host's name */
	int auth;   /* enum ch_auth_mechanism */
	char *user;
	char *password;      /* as written: a credential's name or a path */
	char *password_file; /* derived: absolute path, "" = none */
	int64_t connections;
	int64_t letters_per_connection;
	int64_t per_minute; /* 0 = as fast as it takes them */
	int64_t connect_timeout_ms;
	int64_t command_timeout_ms;
	int64_t data_timeout_ms;
	int64_t dot_timeout_ms;
	int64_t attempt_timeout_ms;
	int64_t idle_timeout_ms;
	bool chunking;
	bool dsn;
	bool dsn_success;
};

struct ch_config_sending {
	struct ch_setting_strings retry; /* durations as written */
	int64_t *retry_ms;               /* derived; owned */
	size_t retry_len;
	int64_t max_age_ms;
};

struct ch_config_mailbox {
	char *name;
	char *host;
	int64_t port;
	int tls;
	char *ca_file;
	char *source;
	char *user;
	char *password;
	char *password_file; /* derived */
	char *folder;
	int64_t poll_ms;
	int64_t idle_ms;
	int64_t connect_timeout_ms;
	int64_t command_timeout_ms;
	int64_t max_message_bytes;
};

struct ch_config_import {
	int64_t max_recipients;
	int64_t max_message_bytes;
	int64_t max_upload_bytes;
	int64_t at_once;
};

struct ch_config_status {
	char *socket;
	char *control_socket;
	int64_t max_clients;
	int64_t request_timeout_ms;
	char *metrics_file;
	struct ch_setting_strings control_users; /* names or uids; empty: all
						    whom the mode lets in */
};

struct ch_config_release {
	bool second_person;
};

struct ch_daemon_config {
	struct ch_config_secretariat secretariat;
	struct ch_config_store store;
	struct ch_setting_list relays; /* of struct ch_config_relay */
	struct ch_config_sending sending;
	struct ch_setting_list mailboxes; /* of struct ch_config_mailbox */
	struct ch_config_import import;
	struct ch_config_status status;
	struct ch_config_release release;
};

/* Read and check the file: every key by its table, then what depends on more
 * than one (TLS off for a peer that is not loopback, passwords that others can
 * read or that stand in the file itself, two relays of one name …).
 * `credentials_dir` is $CREDENTIALS_DIRECTORY or NULL. Returns 0 and a
 * configuration that the caller frees; -1 with every problem. */
int ch_daemon_config_read(const char *path, const char *credentials_dir,
			  struct ch_daemon_config **ret,
			  struct ch_problems *problems);
void ch_daemon_config_free(struct ch_daemon_config *config);

const struct ch_config_relay *
ch_config_relay(const struct ch_daemon_config *config, size_t index);
const struct ch_config_mailbox *
ch_config_mailbox(const struct ch_daemon_config *config, size_t index);

/* The table itself, for the test that compares it with the sample and the
 * manual. */
extern const struct ch_setting ch_daemon_config_table[];

CH_DEFINE_AUTOPTR(ch_daemon_config);

#endif
