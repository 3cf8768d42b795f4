// SPDX-License-Identifier: GPL-3.0-or-later
/* test-hours.c - when letters may go, over every change of the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "chanceryd/hours.h"
#include "chanceryd/zone.h"

static int64_t at(const char *text)
{
	int64_t at_us = 0;

	if (ch_clock_parse_rfc3339(text, &at_us) < 0)
		fail_msg("%s is no time", text);
	return at_us;
}

/* "Mon-Fri 08:00 18:00", and so on behind ";". */
static void add_windows(struct ch_hours *hours, const char *text)
{
	char days[40], from[10], to[10];
	size_t cap = 0;
	int used;

	while (sscanf(text, " %39s %9s %9[^; ]%n", days, from, to, &used) ==
	       3) {
		struct ch_hours_window *window;

		CH_GROW(hours->windows, hours->len, cap);
		window = &hours->windows[hours->len++];
		assert_int_equal(ch_hours_parse_days(days, &window->days), 0);
		assert_int_equal(ch_hours_parse_time(from, &window->from_s),
				 0);
		assert_int_equal(ch_hours_parse_time(to, &window->to_s), 0);
		text += used;
		text += strspn(text, "; ");
	}
}

static const char *shown(int64_t at_us, char out[CH_RFC3339_SIZE])
{
	return at_us == INT64_MAX ? "never" : ch_clock_rfc3339(at_us, out);
}

#define OFFICE "Mon-Fri 08:00 18:00"

static void openings(void **state)
{
	static const struct {
		const char *name, *zone, *windows, *holidays, *now;
		bool open;
		const char *change;
	} rows[] = {
		{ "a Friday", "Europe/Vienna", OFFICE, "",
		  "2026-11-27T12:00:00Z", true, "2026-11-27T17:00:00Z" },
		{ "its evening", "Europe/Vienna", OFFICE, "",
		  "2026-11-27T17:00:00Z", false, "2026-11-30T07:00:00Z" },
		{ "just before it closes", "Europe/Vienna", OFFICE, "",
		  "2026-11-27T16:59:59Z", true, "2026-11-27T17:00:00Z" },
		{ "just before it opens", "Europe/Vienna", OFFICE, "",
		  "2026-11-30T06:59:59Z", false, "2026-11-30T07:00:00Z" },
		{ "over a holiday", "Europe/Vienna", OFFICE, "2026-11-30",
		  "2026-11-28T00:00:00Z", false, "2026-12-01T07:00:00Z" },
		{ "over many", "Europe/Vienna", OFFICE,
		  "2026-12-24\n2026-12-25\n2026-12-28\n2026-12-29",
		  "2026-12-23T18:00:00Z", false, "2026-12-30T07:00:00Z" },
		{ "summer time begins at the weekend", "Europe/Vienna", OFFICE,
		  "", "2026-03-28T12:00:00Z", false, "2026-03-30T06:00:00Z" },
		{ "summer time ends at the weekend", "Europe/Vienna", OFFICE,
		  "", "2026-10-24T12:00:00Z", false, "2026-10-26T07:00:00Z" },
		{ "it begins in the hour left out", "Europe/Vienna",
		  "Sun 02:30 05:00", "", "2026-03-29T00:00:00Z", false,
		  "2026-03-29T01:00:00Z" },
		{ "it ends in the hour left out", "Europe/Vienna",
		  "Sun 01:00 02:30", "", "2026-03-29T00:30:00Z", true,
		  "2026-03-29T01:00:00Z" },
		{ "it is within the hour left out", "Europe/Vienna",
		  "Sun 02:10 02:50", "", "2026-03-29T00:30:00Z", false,
		  "2026-04-05T00:10:00Z" },
		{ "the hour that comes twice, first", "Europe/Vienna",
		  "Sun 02:10 02:50", "", "2026-10-25T00:10:00Z", true,
		  "2026-10-25T00:50:00Z" },
		{ "between both", "Europe/Vienna", "Sun 02:10 02:50", "",
		  "2026-10-25T00:50:00Z", false, "2026-10-25T01:10:00Z" },
		{ "and again", "Europe/Vienna", "Sun 02:10 02:50", "",
		  "2026-10-25T01:10:00Z", true, "2026-10-25T01:50:00Z" },
		{ "over both", "Europe/Vienna", "Sun 01:00 04:00", "",
		  "2026-10-24T23:00:00Z", true, "2026-10-25T03:00:00Z" },
		{ "half an hour of summer time", "Australia/Lord_Howe", OFFICE,
		  "", "2026-10-02T07:30:00Z", false, "2026-10-04T21:00:00Z" },
		{ "and without it", "Australia/Lord_Howe", OFFICE, "",
		  "2026-04-03T07:00:00Z", false, "2026-04-05T21:30:00Z" },
		{ "a day that was left out", "Pacific/Apia",
		  "Mon-Sun 08:00 18:00", "", "2011-12-30T05:00:00Z", false,
		  "2011-12-30T18:00:00Z" },
		{ "after 2038", "America/New_York", OFFICE, "",
		  "2045-07-01T01:00:00Z", false, "2045-07-03T12:00:00Z" },
		{ "after 2038 in winter", "America/New_York", OFFICE, "",
		  "2045-12-02T01:00:00Z", false, "2045-12-04T13:00:00Z" },
		{ "before 1970", "UTC", OFFICE, "", "1969-12-31T20:00:00Z",
		  false, "1970-01-01T08:00:00Z" },
		{ "over midnight, late", "UTC", "Fri 22:00 06:00", "",
		  "2026-11-27T23:00:00Z", true, "2026-11-28T06:00:00Z" },
		{ "over midnight, early", "UTC", "Fri 22:00 06:00", "",
		  "2026-11-28T05:00:00Z", true, "2026-11-28T06:00:00Z" },
		{ "over midnight into a holiday", "UTC", "Fri 22:00 06:00",
		  "2026-11-28", "2026-11-28T05:00:00Z", true,
		  "2026-11-28T06:00:00Z" },
		{ "over midnight, another day", "UTC", "Fri 22:00 06:00", "",
		  "2026-11-29T05:00:00Z", false, "2026-12-04T22:00:00Z" },
		{ "until midnight", "UTC", "Fri 18:00 00:00", "",
		  "2026-11-27T20:00:00Z", true, "2026-11-28T00:00:00Z" },
		{ "one behind the other", "UTC",
		  "Fri 08:00 12:00; Fri 12:00 14:00", "",
		  "2026-11-27T09:00:00Z", true, "2026-11-27T14:00:00Z" },
		{ "with a break", "UTC", "Fri 08:00 12:00; Fri 13:00 14:00",
		  "", "2026-11-27T12:30:00Z", false, "2026-11-27T13:00:00Z" },
		{ "all days and hours", "UTC", "Mon-Sun 00:00 24:00", "",
		  "2026-11-27T12:30:00Z", true, "never" },
		{ "one holiday in all of that", "UTC", "Mon-Sun 00:00 24:00",
		  "2027-01-01", "2026-11-27T12:30:00Z", true,
		  "2027-01-01T00:00:00Z" },
		{ "no windows", "UTC", "", "2026-11-27",
		  "2026-11-27T12:30:00Z", true, "never" },
		{ "east of everybody", "Pacific/Kiritimati", OFFICE, "",
		  "2026-11-29T17:59:59Z", false, "2026-11-29T18:00:00Z" },
		{ "by an offset", "+05:45", OFFICE, "", "2026-11-30T02:00:00Z",
		  false, "2026-11-30T02:15:00Z" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_problems) problems = { 0 };
		CH_AUTO(ch_hours) hours = { .zone = ch_zone_new(rows[i].zone) };
		int64_t now_us = at(rows[i].now);
		char text[CH_RFC3339_SIZE];
		const char *change;

		assert_non_null(hours.zone);
		add_windows(&hours, rows[i].windows);
		ch_hours_add_file(&hours, ch_slice_of(rows[i].holidays), "",
				  &problems);
		assert_int_equal(problems.len, 0);
		ch_hours_sort(&hours);
		change = shown(ch_hours_next_us(&hours, now_us, !rows[i].open),
			       text);
		if (ch_hours_open(&hours, now_us) != rows[i].open ||
		    strcmp(change, rows[i].change) != 0)
			fail_msg("%s: %s, until %s", rows[i].name,
				 rows[i].open ? "closed" : "open", change);
		assert_true(ch_hours_next_us(&hours, now_us, rows[i].open) ==
			    now_us);
	}
}

/* Minute by minute through a year: what was said of the next change is so. */
static void every_minute_of_a_year(void **state)
{
	static const char *const zones[] = { "Europe/Vienna",
					     "Australia/Lord_Howe",
					     "America/St_Johns" };

	(void)state;
	for (size_t i = 0; i < CH_COUNT(zones); i++) {
		CH_AUTO(ch_hours) hours = { .zone = ch_zone_new(zones[i]) };
		int64_t t = at("2026-01-01T00:00:00Z");
		int64_t end = at("2027-01-01T00:00:00Z");
		bool open;
		int64_t change;

		add_windows(&hours, "Mon-Fri 08:15 17:45; Sat-Sun 01:30 02:20; "
				    "Wed 22:00 03:00");
		open = ch_hours_open(&hours, t);
		change = ch_hours_next_us(&hours, t, !open);
		for (; t < end; t += 60000000) {
			bool now = ch_hours_open(&hours, t);

			if (now != open && t != change)
				fail_msg("%s: at %lld, not %lld", zones[i],
					 (long long)t, (long long)change);
			if (t == change) {
				assert_true(now != open);
				open = now;
				change = ch_hours_next_us(&hours, t, !open);
			}
		}
	}
}

static void weekdays(void **state)
{
	static const struct {
		const char *text;
		int result;
		unsigned int days;
	} rows[] = {
		{ "Mon", 0, 1 },
		{ "Mon-Fri", 0, 31 },
		{ "mon - FRI", 0, 31 },
		{ "Sat-Mon", 0, 97 },
		{ "Sun-Sat", 0, 127 },
		{ "Mon, Wed,Fri-Sat", 0, 53 },
		{ "Tue-Tue", 0, 2 },
		{ "", -1, 0 },
		{ "Monday", -1, 0 },
		{ "Mon-", -1, 0 },
		{ "Mon,", -1, 0 },
		{ ",Mon", -1, 0 },
		{ "Mo-Fr", -1, 0 },
		{ "Mon Fri", -1, 0 },
		{ "Mon-Wed-Fri", -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		unsigned int days = 0;

		if (ch_hours_parse_days(rows[i].text, &days) !=
			    rows[i].result || days != rows[i].days)
			fail_msg("\"%s\": %u", rows[i].text, days);
	}
}

static void times(void **state)
{
	static const struct {
		const char *text;
		int result;
		int32_t at_s;
	} rows[] = {
		{ "00:00", 0, 0 },	   { "08:00", 0, 28800 },
		{ "23:59:59", 0, 86399 },  { "24:00", 0, 86400 },
		{ "24:00:01", -1, 7 },	   { "24:01", -1, 7 },
		{ "8:00", -1, 7 },	   { "08.00", -1, 7 },
		{ "08:60", -1, 7 },	   { "25:00", -1, 7 },
		{ "08:00 ", -1, 7 },	   { "-8:00", -1, 7 },
		{ "", -1, 7 },		   { "08:00-00", -1, 7 },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		int32_t at_s = 7;

		if (ch_hours_parse_time(rows[i].text, &at_s) !=
			    rows[i].result || at_s != rows[i].at_s)
			fail_msg("\"%s\": %d", rows[i].text, at_s);
	}
}

static void a_file_of_holidays(void **state)
{
	static const char text[] =
		"# closed\n"
		"2026-12-25\n"
		"  2026-02-30  # no such day\r\n"
		"\n"
		"2026-01-01 # New Year\n"
		"2026-12-24 2026-12-25\n"
		"2026-12-31T00:00:00Z\n"
		"1969-12-31";
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_hours) hours = { 0 };

	(void)state;
	ch_hours_add_file(&hours, ch_slice_of(text), "h.txt", &problems);
	ch_hours_sort(&hours);
	assert_int_equal(hours.holidays_len, 3);
	assert_int_equal(hours.holidays[0], -1);
	assert_int_equal(hours.holidays[1], 20454);
	assert_int_equal(hours.holidays[2], 20812);
	assert_int_equal(problems.len, 3);
	assert_string_equal(problems.items[0].file, "h.txt");
	assert_int_equal(problems.items[0].line, 3);
	assert_int_equal(problems.items[0].column, 3);
	assert_int_equal(problems.items[1].line, 6);
	assert_int_equal(problems.items[1].column, 1);
	assert_int_equal(problems.items[2].line, 7);
}

static void zones(void **state)
{
	static const char *const none[] = { "", "Europe/Nowhere", "Vienna",
					    "../../../etc/passwd",
					    "/etc/passwd", "zone.tab",
					    "+99:99" };

	(void)state;
	for (size_t i = 0; i < CH_COUNT(none); i++)
		if (ch_zone_new(none[i]))
			fail_msg("\"%s\" is a time zone", none[i]);
	ch_zone_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openings),
		cmocka_unit_test(every_minute_of_a_year),
		cmocka_unit_test(weekdays),
		cmocka_unit_test(times),
		cmocka_unit_test(a_file_of_holidays),
		cmocka_unit_test(zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
