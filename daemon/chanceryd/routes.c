// SPDX-License-Identifier: GPL-3.0-or-later
/* routes.c - see routes.h. */
#include "chanceryd/routes.h"

#include "base/str.h"
#include "chanceryd/relays.h"
#include "store/store.h"

#define WAIT_US 1000000LL /* until it asks again */
#define STEP_US 20000LL   /* and a little more for each that waits: they do not
			     come back all at once */

/* All of them count: those that were sent to stand in the header still. */
bool ch_route_needs_utf8(const struct ch_store_letter *letter)
{
	for (size_t i = 0; i < letter->addresses_len; i++)
		if (ch_slice_has_utf8(
			    ch_slice_of(letter->addresses[i].address)))
			return true;
	return false;
}

/* ch_store_claim's `when`. */
static int64_t when(void *context, const struct ch_store_letter *letter)
{
	struct ch_route *route = context;
	bool needs = ch_route_needs_utf8(letter);
	int64_t until_us = 0;

	if (needs && route->room == 0)
		return route->now_us + WAIT_US +
		       STEP_US * (int64_t)route->put_off++;
	if (route->when)
		until_us = route->when(route->context, letter);
	if (needs && until_us == 0)
		route->room--;
	return until_us;
}

bool ch_route_begin(struct ch_mailroom *room, struct ch_route *route,
		    struct ch_store_claim *claim)
{
	if (!ch_relays_differ(room))
		return false;
	*route = (struct ch_route){
		.when = claim->when,
		.context = claim->context,
		.now_us = claim->now_us,
		.room = ch_relays_room_utf8(room),
	};
	claim->when = when;
	claim->context = route;
	return true;
}
