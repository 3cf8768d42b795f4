/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bell-operators.h - who is told of alarms by mail: the lists of alarms.mail of
 * chancery.conf, and for each its own queue and mails (bell-mail.h).
 *
 * A list is known by its addresses, as far as a reload and the store go: one
 * that stands elsewhere in the file, or has other types, is the same.
 */
#ifndef CH_CHANCERYD_BELL_OPERATORS_H
#define CH_CHANCERYD_BELL_OPERATORS_H

#include <stddef.h>
#include <stdint.h>

struct ch_bell_operators; /* opaque; owned by the bell */
struct ch_config;
struct ch_mailroom;
struct ch_operators_config;

/* The list of that name, or NULL where the configuration has none. */
const struct ch_operators_config *
ch_bell_operators(const struct ch_config *config, const char *name);

struct ch_bell_operators *ch_bell_operators_new(struct ch_mailroom *room);
void ch_bell_operators_free(struct ch_bell_operators *all); /* NULL is fine */
/* As ch_bell_mail_ring(), for each list. */
void ch_bell_operators_ring(struct ch_bell_operators *all, int64_t event_id,
			    int64_t at_us, const char *type,
			    const char *reference, const char *key,
			    const char *detail);

#endif
