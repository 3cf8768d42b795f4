/* SPDX-License-Identifier: GPL-3.0-or-later */
/* addressee-private.h - which columns are more than a field of the letter. */
#ifndef CH_LETTER_ADDRESSEE_PRIVATE_H
#define CH_LETTER_ADDRESSEE_PRIVATE_H

#include "letter/letter.h"

#define CH_FIELD_CAPACITIES "capacities"
#define CH_FIELD_ATTACHMENTS "attachments"
#define CH_FIELD_COPIES "copies_printed"

#define CH_HINT_COPIES                                                      \
	"Name each address that is copied, divided by semicolons, or print " \
	"{{copies}}, which is made from cc."
#define CH_HINT_ATTACHMENTS \
	"Names of files in the folder of attachments, divided by semicolons."

/* Whether a column may have that name: not that of a list, nor of an item of
 * one ("capacities.1.name"). */
bool ch_addressee_column_ok(const char *column);

/* Whether it is `to.ROLE`, or `cc.ROLE`. */
bool ch_addressee_is_role(const char *column, enum ch_address_role role);

/* Whether a list of copies as it is printed names as many as are copied; -1
 * with CH_GIVE_UP. */
int ch_addressee_check_copies(const struct ch_addressee *addressee,
			      struct ch_slice printed, struct ch_error *err);

/* Read the addresses from the fields, an address once, To before Cc. -1 with
 * CH_GIVE_UP. */
int ch_addressee_read_addresses(struct ch_addressee *addressee,
				struct ch_error *err);

/* The code of a language in that field, in small letters; "" where there is
 * none. Owned by the caller. */
char *ch_addressee_code(const struct ch_fields *fields, const char *field);

/* Cut the next item off a list whose items are divided by semicolons or line
 * breaks, without the blanks around it. Empty ones are passed over. */
bool ch_list_next(struct ch_slice *rest, struct ch_slice *ret);

#endif
