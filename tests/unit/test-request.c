// SPDX-License-Identifier: GPL-3.0-or-later
/* test-request.c - targets, the JSON of commands, and the objects that the
 * sockets write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "chanceryd/http-json.h"
#include "chanceryd/http-request.h"
#include "chanceryd/mailroom.h"
#include "store/store.h"

/* Segments with | between, then pairs as name=value;. */
static const struct {
	const char *raw;
	const char *shown; /* NULL: refused with `status` */
	const char *status;
} targets[] = {
	{ "/", "", NULL },
	{ "/v1/status", "v1|status", NULL },
	{ "/v1/batches/A%2F77%2f12", "v1|batches|A/77/12", NULL },
	{ "/%e4%b8%ad%20x?", "\u4e2d x", NULL },
	{ "/a?b=c&d=&e", "a b=c;d=;e=;", NULL },
	{ "/a?b=%3D%26&c=x=y", "a b==&;c=x=y;", NULL },
	{ "/a?b&&c", NULL, "4.0.0" },
	{ "/a+b", "a+b", NULL },
	{ "/.", ".", NULL },
	{ "", NULL, "4.0.0" },
	{ "*", NULL, "4.0.0" },
	{ "http://c/v1", NULL, "4.0.0" },
	{ "//", NULL, "4.0.0" },
	{ "/a//b", NULL, "4.0.0" },
	{ "/a/", NULL, "4.0.4" },
	{ "/a/?x", NULL, "4.0.4" },
	{ "/a%", NULL, "4.0.0" },
	{ "/a%2", NULL, "4.0.0" },
	{ "/a%g0", NULL, "4.0.0" },
	{ "/a%00b", NULL, "4.0.0" },
	{ "/a%0Ab", NULL, "4.0.0" },
	{ "/a%7F", NULL, "4.0.0" },
	{ "/%c3%28", NULL, "4.0.0" },
	{ "/%ed%a0%80", NULL, "4.0.0" },
	{ "/%e2%80%ae", NULL, "4.0.0" },
	{ "/a?b=%ff", NULL, "4.0.0" },
	{ "/a?=b", NULL, "4.0.0" },
	{ "/a?b=1&b=2", NULL, "4.0.0" },
	{ "/a?b=1&%62=2", NULL, "4.0.0" },
	{ "/1/2/3/4/5/6/7/8", "1|2|3|4|5|6|7|8", NULL },
	{ "/1/2/3/4/5/6/7/8/9", NULL, "4.0.4" },
	{ "/?1&2&3&4&5&6&7&8&9", NULL, "4.0.0" },
};

static void reads_targets(void **state)
{
	(void)state;
	for (size_t i = 0; i < CH_COUNT(targets); i++) {
		CH_AUTO(ch_target) target = { 0 };
		CH_AUTO(ch_str) shown = CH_STR_INIT(1000);
		struct ch_error err;

		if (ch_target_parse(targets[i].raw, &target, &err) < 0) {
			if (targets[i].shown)
				fail_msg("%s: %s", targets[i].raw, err.text);
			assert_string_equal(err.status, targets[i].status);
			continue;
		}
		if (!targets[i].shown)
			fail_msg("%s was taken", targets[i].raw);
		for (size_t j = 0; j < target.segments_len; j++)
			ch_str_addf(&shown, "%s%s", j ? "|" : "",
				    target.segments[j]);
		if (target.pairs_len)
			ch_str_add(&shown, " ");
		for (size_t j = 0; j < target.pairs_len; j++)
			ch_str_addf(&shown, "%s=%s;", target.pairs[j].name,
				    target.pairs[j].value);
		assert_string_equal(ch_str_cstr(&shown), targets[i].shown);
	}
}

static void refuses_long_targets(void **state)
{
	CH_AUTO(ch_target) target = { 0 };
	struct ch_error err;
	char raw[CH_TARGET_MAX + 2];

	(void)state;
	memset(raw, 'a', sizeof(raw));
	raw[0] = '/';
	raw[CH_TARGET_MAX + 1] = '\0';
	assert_int_equal(ch_target_parse(raw, &target, &err), -1);
	assert_string_equal(err.status, "4.1.4");
	raw[CH_TARGET_MAX] = '\0';
	assert_int_equal(ch_target_parse(raw, &target, &err), 0);
}

static void matches_patterns(void **state)
{
	static const struct {
		const char *raw;
		const char *pattern;
		bool matches;
		const char *first, *second;
	} rows[] = {
		{ "/", "", true, NULL, NULL },
		{ "/a", "", false, NULL, NULL },
		{ "/", "a", false, NULL, NULL },
		{ "/v1/batches", "v1/batches", true, NULL, NULL },
		{ "/v1/batches/X", "v1/batches", false, NULL, NULL },
		{ "/v1/batches", "v1/batches/*", false, NULL, NULL },
		{ "/v1/batches/X", "v1/batches/*", true, "X", NULL },
		{ "/v1/batches/a%2Fletters", "v1/batches/*", true,
		  "a/letters", NULL },
		{ "/v1/batches/X/letters/Y", "v1/batches/*/letters/*", true,
		  "X", "Y" },
		{ "/v1/batches/*/letters/*", "v1/batches/*/letters/*", true,
		  "*", "*" },
		{ "/v1/batches/X/letter/Y", "v1/batches/*/letters/*", false,
		  NULL, NULL },
		{ "/v1/batche", "v1/batches", false, NULL, NULL },
		{ "/*", "v1", false, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_target) target = { 0 };
		const char *star;
		struct ch_error err;

		assert_int_equal(ch_target_parse(rows[i].raw, &target, &err),
				 0);
		assert_int_equal(ch_target_matches(&target, rows[i].pattern),
				 rows[i].matches);
		if (!rows[i].matches)
			continue;
		star = ch_target_star(&target, rows[i].pattern, 0);
		assert_string_equal(star ? star : "none",
				    rows[i].first ? rows[i].first : "none");
		star = ch_target_star(&target, rows[i].pattern, 1);
		assert_string_equal(star ? star : "none",
				    rows[i].second ? rows[i].second : "none");
	}
}

static void reads_numbers(void **state)
{
	static const struct {
		const char *text;
		int64_t value; /* -1: refused */
	} rows[] = {
		{ "0", 0 }, { "7", 7 }, { "007", 7 },
		{ "9223372036854775807", INT64_MAX },
		{ "9223372036854775808", -1 },
		{ "99999999999999999999", -1 }, { "", -1 }, { "-1", -1 },
		{ "+1", -1 }, { " 1", -1 }, { "1 ", -1 }, { "0x1", -1 },
		{ "1e3", -1 },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		int64_t value = -1;

		ch_digits(rows[i].text, 0, INT64_MAX, &value);
		assert_true(value == rows[i].value);
	}
}

static void knows_local_hosts(void **state)
{
	static const struct {
		const char *host;
		bool local;
	} rows[] = {
		{ "", true }, { "c", true }, { "localhost", true },
		{ "localhost:8080", true }, { "127.0.0.1", true },
		{ "127.0.0.1:8080", true }, { "[::1]:8080", true },
		{ "evil.example", false }, { "evil.example:8080", false },
		{ "127.0.0.1.evil.example", false }, { "localhost.", false },
		{ "1.example", false },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++)
		assert_int_equal(ch_is_local_host(rows[i].host),
				 rows[i].local);
}

static const struct {
	const char *body;
	const char *name;
	const char *value; /* NULL: refused, or none wanted */
	const char *status;
} bodies[] = {
	{ "{\"as\":\"sent\"}", "as", "sent", NULL },
	{ " { \"as\" : \"\\u00e9\" } ", "as", "\u00e9", NULL },
	{ "{\"as\":\"[[[[[[[[[{{{{\"}", "as", "[[[[[[[[[{{{{", NULL },
	{ "{\"as\":\"\\\"[[[[[[[[[\"}", "as", "\"[[[[[[[[[", NULL },
	{ "", NULL, NULL, NULL },
	{ "{}", NULL, NULL, NULL },
	{ "{\"as\":\"sent\"}", NULL, NULL, "4.0.0" },
	{ "", "as", NULL, "4.0.0" },
	{ "{}", "as", NULL, "4.0.0" },
	{ "{\"as\":null}", "as", NULL, "4.0.0" },
	{ "{\"as\":[\"sent\"]}", "as", NULL, "4.0.0" },
	{ "{\"as\":\"a\",\"as\":\"b\"}", "as", NULL, "4.0.0" },
	{ "{\"as\":\"a\",\"is\":\"b\"}", "as", NULL, "4.0.0" },
	{ "{\"is\":\"b\"}", "as", NULL, "4.0.0" },
	{ "{\"as\":\"a\\nb\"}", "as", NULL, "4.0.0" },
	{ "{\"as\":\"a\\u202eb\"}", "as", NULL, "4.0.0" },
	{ "{\"as\":\"a\\u0000b\"}", "as", NULL, "4.0.0" },
	{ "{\"as\":\"\xff\"}", "as", NULL, "4.0.0" },
	{ "{\"as\":\"a\"} x", "as", NULL, "4.0.0" },
	{ "{\"as\":\"a\"", "as", NULL, "4.0.0" },
	{ "{'as':'a'}", "as", NULL, "4.0.0" },
	{ "[[[[[[[[[]]]]]]]]]", "as", NULL, "4.0.0" },
	{ "null", NULL, NULL, "4.0.0" },
};

static void reads_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < CH_COUNT(bodies); i++) {
		CH_AUTOCHAR value = NULL;
		struct ch_error err = { .text = "" };
		int got = ch_body_member(ch_slice_of(bodies[i].body),
					 bodies[i].name, &value, &err);

		if ((got < 0) != (bodies[i].status != NULL))
			fail_msg("%s: %d %s", bodies[i].body, got, err.text);
		if (got < 0)
			assert_string_equal(err.status, bodies[i].status);
		else if (bodies[i].value)
			assert_string_equal(value, bodies[i].value);
		else
			assert_null(value);
	}
}

static void refuses_large_bodies(void **state)
{
	size_t len = CH_JSON_BODY_MAX + 1;
	CH_AUTOCHAR bytes = ch_xmalloc(len);
	CH_AUTOCHAR value = NULL;
	struct ch_error err;

	(void)state;
	memset(bytes, ' ', len);
	bytes[0] = '{';
	bytes[len - 2] = '}';
	assert_int_equal(ch_body_member((struct ch_slice){ bytes, len - 1 },
					NULL, &value, &err), 0);
	assert_int_equal(ch_body_member((struct ch_slice){ bytes, len },
					NULL, &value, &err), -1);
	assert_string_equal(err.status, "4.1.3");
}

static void writes_a_batch(void **state)
{
	char words[9][60] = { "A/77/12", "[x] \xc5\x81\xff", "",
			      "Bureau <b@chancery.example>", "", "",
			      "m.okello (uid 1000)", "{\"en\":1,\"fr\":2}",
			      "DM-1" };
	const struct ch_store_batch batch = {
		.id = 17, .reference = words[0], .state = CH_BATCH_HELD,
		.subject = words[1], .deadline = words[2], .from = words[3],
		.reply_to = words[4], .test_to = words[5],
		.enqueued_by = words[6], .released_by = words[2],
		.created_us = 1000000, .date_us = 2500000, .letters = 3,
		.largest_bytes = 4711, .digest = { { 0xde, 0xad } },
		.summary = words[7],
		.terms = {
			.priority = -1,
			.per_minute = 30,
			.per_day = 900,
			.canary = 2,
			.canary_percent = 10,
			.canary_wait_us = 3600000000,
			.stage = CH_CANARY_WAITING,
			.canary_until_us = 3600000000,
		},
		.relation = CH_RELATION_REMINDS, .related = words[8],
	};
	const struct ch_tally tally = {
		.state = { [CH_STATE_QUEUED] = 1, [CH_STATE_SENT] = 2 },
		.deferred = 1, .bounced = 1,
		.heard = 1,
	};
	CH_AUTO(ch_str) out = CH_STR_INIT(10000);

	(void)state;
	ch_http_dump(ch_http_batch(&batch, &tally, 1), &out);
	assert_string_equal(ch_str_cstr(&out),
		"{\"reference\":\"A/77/12\",\"state\":\"held\","
		"\"subject\":\"[x] \u0141\ufffd\",\"deadline\":null,"
		"\"from\":\"Bureau <b@chancery.example>\","
		"\"reply_to\":null,\"test_to\":null,"
		"\"enqueued_by\":\"m.okello (uid 1000)\","
		"\"released_by\":null,"
		"\"created_at\":\"1970-01-01T00:00:01Z\","
		"\"not_before\":null,\"date\":\"1970-01-01T00:00:02Z\","
		"\"priority\":\"low\","
		"\"pace\":{\"per_second\":0,\"per_minute\":30,"
		"\"per_hour\":0,\"per_day\":900},"
		"\"canary\":{\"letters\":2,\"percent\":10,"
		"\"wait_s\":3600,\"stage\":\"waiting\","
		"\"until\":\"1970-01-01T01:00:00Z\"},"
		"\"stopped\":null,"
		"\"relation\":\"reminds\",\"related\":\"DM-1\","
		"\"digest\":\"dead0000000000000000000000000000"
		"00000000000000000000000000000000\","
		"\"languages\":{\"en\":1,\"fr\":2},\"largest_bytes\":4711,"
		"\"total\":3,\"letters\":{\"queued\":1,\"claimed\":0,"
		"\"dot\":0,\"sent\":2,\"failed\":0,\"in_doubt\":0,"
		"\"cancelled\":0,\"held\":0},\"deferred\":1,\"bounced\":1,"
		"\"auto_replied\":0,\"answered\":0,\"delayed\":0,"
		"\"delivered\":0,\"read\":0,\"silent\":1,"
		"\"at_risk\":1,"
		"\"cursor\":17}");
}

static void writes_an_event(void **state)
{
	char words[5][40] = { "letter.sent", "", "DM-1", "FRA",
			      "{\"code\":250}" };
	struct ch_store_event event = {
		.id = 9, .at_us = 1000000, .type = words[0], .who = words[1],
		.detail = words[4], .reference = words[2], .key = words[3],
	};
	CH_AUTO(ch_str) out = CH_STR_INIT(10000);

	(void)state;
	ch_http_dump(ch_http_event(&event), &out);
	event.detail = words[0]; /* no JSON: our own fault, and no crash */
	ch_http_dump(ch_http_event(&event), &out);
	assert_string_equal(ch_str_cstr(&out),
		"{\"cursor\":9,\"at\":\"1970-01-01T00:00:01Z\","
		"\"type\":\"letter.sent\",\"batch\":\"DM-1\",\"key\":\"FRA\","
		"\"who\":null,\"detail\":{\"code\":250}}"
		"{\"cursor\":9,\"at\":\"1970-01-01T00:00:01Z\","
		"\"type\":\"letter.sent\",\"batch\":\"DM-1\",\"key\":\"FRA\","
		"\"who\":null,\"detail\":null}");
}

static void refuses_broken_fields(void **state)
{
	char text[] = "";
	char fields[] = "name without a value";
	const struct ch_store_batch batch = {
		.reference = text, .deadline = text, .from = text,
		.reply_to = text, .test_to = text,
	};
	const struct ch_store_letter letter = {
		.key = text, .name = text, .language = text,
		.message_id = text,
		.fields = { fields, strlen(fields), sizeof(fields),
			    sizeof(fields), false },
	};
	struct ch_error err;
	json_t *json = NULL;

	(void)state;
	assert_int_equal(ch_http_source(&batch, &letter, NULL, 0, &json, &err),
			 -1);
	assert_null(json);
}

static void knows_what_a_client_unpacks(void **state)
{
	static const struct {
		const char *value;
		bool accepted;
	} cases[] = {
		{ NULL, true }, /* RFC 9110: it said nothing */
		{ "zstd", true },
		{ "ZSTD", true },
		{ "deflate, gzip, br, zstd", true },
		{ "gzip,zstd;q=0.5", true },
		{ "gzip;q=0, zstd ; q=1", true },
		{ "*", true },
		{ "identity;q=0, *;q=0.1", true },
		{ "zstd;q=0.001", true },
		{ "", false },
		{ "identity", false },
		{ "gzip, br", false },
		{ "zstd;q=0", false },
		{ "zstd;q=0.000, *", false },
		{ "*;q=0, zstd;q=1", true },
		{ "*;q=0", false },
		{ "zstdx, xzstd", false },
		{ ",, ,", false },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(cases); i++)
		assert_int_equal(ch_accepts_encoding(cases[i].value, "zstd"),
				 cases[i].accepted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_targets),
		cmocka_unit_test(refuses_long_targets),
		cmocka_unit_test(matches_patterns),
		cmocka_unit_test(reads_numbers),
		cmocka_unit_test(knows_local_hosts),
		cmocka_unit_test(knows_what_a_client_unpacks),
		cmocka_unit_test(reads_bodies),
		cmocka_unit_test(refuses_large_bodies),
		cmocka_unit_test(writes_a_batch),
		cmocka_unit_test(writes_an_event),
		cmocka_unit_test(refuses_broken_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
