/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relay.h - the one relay of a send worker: its set-up, and its connection
 * while there is one.
 */
#ifndef CH_SEND_RELAY_H
#define CH_SEND_RELAY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "net/smtp.h"
#include "wire/messages.h"

struct ch_relay {
	struct ch_smtp_options options; /* borrows what follows */
	char *name, *host, *ca_file, *source, *user, *helo; /* owned */
	char *fingerprint; /* owned; "" = none */
	char *password_file; /* owned; "" = none */
	char *objects_dir;   /* owned */
	char *given;         /* owned; what a command gave; "" = none */
	unsigned int given_number;
	struct ch_str password; /* while it connects */
	unsigned int password_number; /* of the last login */
	int idle_timeout_ms;
	unsigned int letters_per_connection;
	struct ch_smtp *smtp;  /* owned; NULL while there is none */
	unsigned int carried;  /* letters over this connection */
};

/* Copy a CH_MSG_SEND_SETUP. */
void ch_relay_init(struct ch_relay *relay, const struct ch_send_setup *setup);
void ch_relay_release(struct ch_relay *relay); /* says QUIT first */

/* See to it that there is a connection: anew where there is none, or where it
 * has carried its share. One that the relay has ended in the meantime shows
 * when the next letter is sent. The password's file is read each time, so that
 * a new one needs no restart. -1 with the fault and the relay's reply code. */
int ch_relay_connect(struct ch_relay *relay, enum ch_relay_fault *ret_fault,
		     unsigned int *ret_code, struct ch_error *err);
/* Another password was given: the next connection has it. */
void ch_relay_give(struct ch_relay *relay, struct ch_slice password,
		   unsigned int number);
/* QUIT where there is a connection. */
void ch_relay_close(struct ch_relay *relay);

/* What became of an address, as chanceryd is told; borrows the result's reply. */
struct ch_send_address_result
ch_relay_result(const struct ch_smtp_result *result, uint32_t seq);

#endif
