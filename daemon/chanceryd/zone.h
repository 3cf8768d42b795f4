/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zone.h - what the clocks show in a time zone; zone.c alone includes GLib.
 *
 * GLib reads the system's time zone data, which follow what governments decide
 * with the next update, and their rule for the years after those they list.
 * The zone of the process (TZ) is not touched.
 */
#ifndef CH_CHANCERYD_ZONE_H
#define CH_CHANCERYD_ZONE_H

#include <stdint.h>

struct ch_zone; /* opaque */

/* "Europe/Vienna", "UTC", "+01:00"; NULL where there is no such zone. The
 * caller frees it with ch_zone_free(). */
struct ch_zone *ch_zone_new(const char *name);
void ch_zone_free(struct ch_zone *zone); /* NULL is fine */

/* Seconds that its clocks are ahead of UTC at `at_s` (since 1970). */
int32_t ch_zone_offset_s(const struct ch_zone *zone, int64_t at_s);

#endif
