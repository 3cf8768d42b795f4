// SPDX-License-Identifier: GPL-3.0-or-later
/* zone.c - see zone.h. */
#include "chanceryd/zone.h"

#include <stdbool.h>
#include <string.h>

#include <glib.h>

#include "base/mem.h"

struct ch_zone {
	GTimeZone *zone; /* owned */
};

/* GLib opens whatever file has that name, and complains on stderr if it is not
 * about a time zone: of those a name with a point may be. */
static bool is_name(const char *name)
{
	return name[0] && name[0] != '/' && !strchr(name, '.');
}

struct ch_zone *ch_zone_new(const char *name)
{
	GTimeZone *found = is_name(name) ? g_time_zone_new_identifier(name) :
					   NULL;
	struct ch_zone *zone;

	if (!found)
		return NULL;
	zone = ch_xzalloc(sizeof(*zone));
	zone->zone = found;
	return zone;
}

void ch_zone_free(struct ch_zone *zone)
{
	if (!zone)
		return;
	g_time_zone_unref(zone->zone);
	free(zone);
}

int32_t ch_zone_offset_s(const struct ch_zone *zone, int64_t at_s)
{
	gint interval = g_time_zone_find_interval(
		zone->zone, G_TIME_TYPE_UNIVERSAL, at_s);

	return g_time_zone_get_offset(zone->zone, interval);
}
