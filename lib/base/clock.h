/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clock.h - the time, passed in wherever a decision depends on it.
 *
 * Wall time is microseconds since 1970-01-01T00:00:00Z and is named *_us;
 * time spans for deadlines are milliseconds on the monotonic clock.
 */
#ifndef CH_BASE_CLOCK_H
#define CH_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t ch_clock_now_us(void);  /* CLOCK_REALTIME */
int64_t ch_clock_mono_ms(void); /* CLOCK_MONOTONIC */

/* "2026-11-24T01:02:03Z" (RFC 3339, UTC) into `out`. */
#define CH_RFC3339_SIZE 32
const char *ch_clock_rfc3339(int64_t at_us, char out[CH_RFC3339_SIZE]);

/* Today, by this machine's calendar: "2026-12-18". */
#define CH_DATE_SIZE 16
const char *ch_clock_today(char out[CH_DATE_SIZE]);

/* "Tue, 24 Nov 2026 01:02:03 +0000" (RFC 5322 section 3.3) into `out`. */
#define CH_RFC5322_DATE_SIZE 40
const char *ch_clock_rfc5322(int64_t at_us, char out[CH_RFC5322_DATE_SIZE]);

/* Read "2026-12-07" or "2026-12-07T09:30:00Z" or with "+01:00" for the Z.
 * Returns 0 with *ret_us, or -1 when it is no such time. */
int ch_clock_parse_rfc3339(const char *text, int64_t *ret_us);

#endif
