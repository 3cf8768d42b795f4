// SPDX-License-Identifier: GPL-3.0-or-later
/* bell-operators.c - see bell-operators.h. */
#include "chanceryd/bell-operators.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chanceryd/bell-mail.h"
#include "chanceryd/room.h"

#define WHOLE "alarms.mail" /* the list that is alarms.mail itself */

struct ch_bell_operators {
	struct ch_mailroom *room; /* borrowed */
	struct ch_bell_mail **mails; /* owned, as are they */
	size_t len, cap;
};

/* "alarms.mail night@secretariat.example,duty@secretariat.example". Owned by
 * the caller. */
static char *name_of(const struct ch_config *config, size_t i)
{
	const struct ch_setting_strings *to =
		&ch_config_operators_at(config, i)->to;
	CH_AUTO(ch_str) name = CH_STR_INIT(20 * 400);

	ch_str_add(&name, WHOLE);
	for (size_t j = 0; i && j < to->len; j++)
		ch_str_addf(&name, "%c%s", j ? ',' : ' ', to->items[j]);
	return ch_str_take(&name);
}

const struct ch_operators_config *
ch_bell_operators(const struct ch_config *config, const char *name)
{
	for (size_t i = 0; i < ch_config_operators_len(config); i++) {
		CH_AUTOCHAR this = name_of(config, i);

		if (strcmp(this, name) == 0)
			return ch_config_operators_at(config, i);
	}
	return NULL;
}

/* One of each that the configuration has now; those that it had stay, and have
 * nothing to do. */
static void take_up(struct ch_bell_operators *all)
{
	const struct ch_config *config = all->room->config;

	for (size_t i = 0; i < ch_config_operators_len(config); i++) {
		CH_AUTOCHAR name = name_of(config, i);
		size_t j = 0;

		while (j < all->len &&
		       strcmp(ch_bell_mail_name(all->mails[j]), name) != 0)
			j++;
		if (j < all->len)
			continue;
		CH_GROW(all->mails, all->len, all->cap);
		all->mails[all->len] =
			ch_bell_mail_new(all->room, name, all->len);
		all->len++;
	}
}

struct ch_bell_operators *ch_bell_operators_new(struct ch_mailroom *room)
{
	struct ch_bell_operators *all = ch_xzalloc(sizeof(*all));

	all->room = room;
	take_up(all);
	return all;
}

void ch_bell_operators_free(struct ch_bell_operators *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->len; i++)
		ch_bell_mail_free(all->mails[i]);
	free(all->mails);
	free(all);
}

void ch_bell_operators_ring(struct ch_bell_operators *all, int64_t event_id,
			    int64_t at_us, const char *type,
			    const char *reference, const char *key,
			    const char *detail)
{
	take_up(all);
	for (size_t i = 0; i < all->len; i++)
		ch_bell_mail_ring(all->mails[i], event_id, at_us, type,
				  reference, key, detail);
}
