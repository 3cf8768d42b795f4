// SPDX-License-Identifier: GPL-3.0-or-later
/* clock.c - read clocks, write and read the two date forms we use. */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t ch_clock_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t ch_clock_mono_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whole seconds, rounded down also before 1970. */
static time_t seconds_of(int64_t at_us)
{
	int64_t rest = at_us % 1000000;

	return (time_t)(at_us / 1000000 - (rest < 0));
}

const char *ch_clock_today(char out[CH_DATE_SIZE])
{
	time_t now = (time_t)(ch_clock_now_us() / 1000000);
	struct tm local = { 0 };

	localtime_r(&now, &local);
	strftime(out, CH_DATE_SIZE, "%Y-%m-%d", &local);
	return out;
}

const char *ch_clock_rfc3339(int64_t at_us, char out[CH_RFC3339_SIZE])
{
	time_t seconds = seconds_of(at_us);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
	    strftime(out, CH_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, CH_RFC3339_SIZE, "1970-01-01T00:00:00Z");
	return out;
}

const char *ch_clock_rfc5322(int64_t at_us, char out[CH_RFC5322_DATE_SIZE])
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed",
					 "Thu", "Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr",
					    "May", "Jun", "Jul", "Aug",
					    "Sep", "Oct", "Nov", "Dec" };
	time_t seconds = seconds_of(at_us);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		memset(&tm, 0, sizeof(tm));
	snprintf(out, CH_RFC5322_DATE_SIZE,
		 "%s, %02d %s %04d %02d:%02d:%02d +0000", days[tm.tm_wday],
		 tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
		 tm.tm_min, tm.tm_sec);
	return out;
}

int ch_clock_parse_rfc3339(const char *text, int64_t *ret_us)
{
	struct tm tm = { 0 };
	struct tm check;
	int used = 0;
	int zone_hours = 0;
	int zone_minutes = 0;
	char sign = '+';
	time_t seconds;
	time_t naive;

	if (sscanf(text, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &used) != 3 || used != 10)
		return -1;
	text += used;
	if (*text) {
		used = 0;
		if (sscanf(text, "T%2d:%2d:%2d%n", &tm.tm_hour, &tm.tm_min,
			   &tm.tm_sec, &used) != 3 || used != 9)
			return -1;
		text += used;
		if (strcmp(text, "Z") != 0) {
			used = 0;
			if (sscanf(text, "%c%2d:%2d%n", &sign, &zone_hours,
				   &zone_minutes, &used) != 3 ||
			    used != 6 || text[used] != '\0' ||
			    (sign != '+' && sign != '-') || zone_hours > 14 ||
			    zone_minutes > 59)
				return -1;
		}
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	check = tm;
	naive = timegm(&check);
	if (check.tm_year != tm.tm_year || check.tm_mon != tm.tm_mon ||
	    check.tm_mday != tm.tm_mday || check.tm_hour != tm.tm_hour ||
	    check.tm_min != tm.tm_min || check.tm_sec != tm.tm_sec)
		return -1;
	seconds = (zone_hours * 60 + zone_minutes) * 60;
	*ret_us = (int64_t)(naive + (sign == '+' ? -seconds : seconds)) *
		  1000000;
	return 0;
}
