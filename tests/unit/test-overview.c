// SPDX-License-Identifier: GPL-3.0-or-later
/* test-overview.c - the rows of a report: out of what chanceryd says, into the
 * bytes of a CSV file and the words of a language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/overview-row.h"
#include "cli/overview.h"
#include "cli/words.h"
#include "letter/country.h"
#include "letter/rows.h"

#define TEXT_MAX (1024 * 1024)

/* ---- what of chancery is not linked ------------------------------------ */

const struct ch_verb ch_verb_letters = { .name = "letters" };

int ch_fail(const struct ch_cli *cli, int code, const char *hint,
	    const char *format, ...)
{
	return code;
}

int ch_fail_usage(const struct ch_cli *cli, const struct ch_verb *verb,
		  const char *format, ...)
{
	return EX_USAGE;
}

int ch_overview_fail(const struct ch_overview *o)
{
	return EX_IOERR;
}

/* The rows that a form is given, and how many were. */
static const struct ch_overview_row *given;
static size_t given_len, taken;

int ch_overview_next(struct ch_overview *o, struct ch_overview_row *ret)
{
	if (taken == given_len)
		return 0;
	for (size_t i = 0; i < CH_OV_COLUMNS; i++)
		ret->cells[i] = ch_xstrdup(given[taken].cells[i]
						   ? given[taken].cells[i]
						   : "");
	taken++;
	return 1;
}

/* ---- the tables that ship ---------------------------------------------- */

static struct ch_str words_text = CH_STR_INIT(TEXT_MAX);
static struct ch_str countries_text = CH_STR_INIT(TEXT_MAX);
static struct ch_countries *countries;

static struct ch_slice slice_of(const struct ch_str *text)
{
	return (struct ch_slice){ ch_str_cstr(text), text->len };
}

static int load(void **state)
{
	CH_AUTOCHAR words = ch_xasprintf("%s/report.tsv",
					 getenv("CHANCERY_DATADIR"));
	CH_AUTOCHAR names = ch_xasprintf("%s/countries.tsv",
					 getenv("CHANCERY_DATADIR"));
	CH_AUTO(ch_problems) problems = { 0 };
	struct ch_error err;

	(void)state;
	return ch_file_read(words, &words_text, &err) < 0 ||
	       ch_file_read(names, &countries_text, &err) < 0 ||
	       ch_countries_parse(slice_of(&countries_text), names, &countries,
				  &problems) < 0;
}

static int unload(void **state)
{
	(void)state;
	ch_countries_free(countries);
	ch_str_release(&words_text);
	ch_str_release(&countries_text);
	return 0;
}

static struct ch_words *words_in(const char *language)
{
	CH_AUTO(ch_problems) problems = { 0 };
	struct ch_words *words = NULL;

	assert_int_equal(ch_words_parse(slice_of(&words_text), "report.tsv",
					language, &words, &problems), 0);
	return words;
}

/* ---- rows -------------------------------------------------------------- */

#define AT "\"2026-11-24T10:02:03Z\""
#define SENT                                                               \
	"{\"seq\":0,\"role\":\"to\",\"address\":\"m@fr.example\","         \
	"\"state\":\"sent\",\"code\":250,\"status\":\"2.0.0\","            \
	"\"reply\":\"250 2.0.0 Ok\",\"changed_at\":" AT "}"
#define LETTER(state, facts)                                               \
	"L{\"key\":\"FRA\",\"name\":\"Ministry\",\"language\":\"fr\","     \
	"\"state\":\"" state "\"" facts ",\"addresses\":[" SENT "]}"
#define RETURN(cursor, kind, more)                                         \
	"R{\"cursor\":" cursor ",\"kind\":\"" kind "\",\"verified\":true," \
	"\"received_at\":\"2026-11-25T11:12:13Z\","                        \
	"\"from\":\"s@fr.example\"" more "}"
#define TRUE(fact) ",\"" fact "\":true"

static const struct row_case {
	const char *name;
	const char *records[5]; /* NULL ends */
	bool late;
	enum ch_overview_column column;
	const char *expected;
	int count; /* that is 1, or -1 */
} made_rows[] = {
	{ "State in French", { LETTER("sent", "") }, false, CH_OV_NAME,
	  "France", CH_OV_ALL },
	{ "own name", { LETTER("sent", "") }, false, CH_OV_ADDRESSEE,
	  "Ministry", CH_OV_SENT },
	{ "sent", { LETTER("sent", "") }, false, CH_OV_OUTCOME, "sent",
	  CH_OV_SILENT },
	{ "when", { LETTER("sent", "") }, false, CH_OV_SENT_AT,
	  "2026-11-24T10:02:03Z", CH_OV_SILENT },
	{ "not late", { LETTER("sent", "") }, false, CH_OV_OVERDUE, "",
	  CH_OV_SILENT },
	{ "late", { LETTER("sent", "") }, true, CH_OV_OVERDUE, "yes",
	  CH_OV_LATE },
	{ "reply", { LETTER("sent", "") }, false, CH_OV_SMTP_REPLY,
	  "250 2.0.0 Ok", -1 },
	{ "waits", { LETTER("claimed", "") }, true, CH_OV_OUTCOME, "waiting",
	  -1 },
	{ "waits: not late", { LETTER("queued", "") }, true, CH_OV_OVERDUE,
	  "", -1 },
	{ "newer state", { LETTER("lost", "") }, false, CH_OV_OUTCOME,
	  "unknown", -1 },
	{ "away", { LETTER("sent", TRUE("auto_replied")
			   ",\"away_until\":\"2026-12-07\"") }, false,
	  CH_OV_AWAY_UNTIL, "2026-12-07", CH_OV_AWAY },
	{ "read", { LETTER("sent", TRUE("read") TRUE("delivered")),
		    RETURN("1", "mdn", "") }, false, CH_OV_OUTCOME, "read",
	  CH_OV_READ },
	{ "answered", { LETTER("sent", TRUE("answered")),
			RETURN("7", "reply", ",\"says\":\"answer\","
					     "\"attachments\":2") },
	  true, CH_OV_OUTCOME, "answered", CH_OV_ANSWERED },
	{ "its files", { LETTER("sent", TRUE("answered")),
			 RETURN("7", "reply", ",\"attachments\":2") },
	  true, CH_OV_ATTACHMENTS, "2", CH_OV_ANSWERED },
	{ "their names", { LETTER("sent", TRUE("answered")),
			   RETURN("7", "reply",
				  ",\"attachments\":2,"
				  "\"files\":[{\"name\":\"a.pdf\"},"
				  "{\"name\":\"b.pdf\"}]") },
	  true, CH_OV_ATTACHMENTS, "a.pdf; b.pdf", CH_OV_ANSWERED },
	{ "acknowledged",
	  { LETTER("sent", TRUE("answered")),
	    RETURN("7", "reply", ",\"says\":\"acknowledgement\"") },
	  true, CH_OV_OUTCOME, "acknowledged", CH_OV_ACKNOWLEDGED },
	{ "and answered before it",
	  { LETTER("sent", TRUE("answered")), RETURN("7", "reply", ""),
	    RETURN("8", "reply", ",\"says\":\"acknowledgement\"") },
	  true, CH_OV_ANSWER_ID, "7", CH_OV_ANSWERED },
	{ "the last answer",
	  { LETTER("sent", TRUE("answered")), RETURN("7", "reply", ""),
	    RETURN("9", "reply", "") },
	  true, CH_OV_ANSWER_ID, "9", CH_OV_ANSWERED },
	{ "between two questions to chanceryd",
	  { LETTER("sent", ""), RETURN("9", "reply", "") },
	  true, CH_OV_OUTCOME, "answered", CH_OV_ANSWERED },
	{ "a guess is no answer",
	  { LETTER("sent", ""),
	    "R{\"cursor\":3,\"kind\":\"reply\",\"verified\":false,"
	    "\"match\":\"reference\"}" },
	  false, CH_OV_ANSWER_ID, "", CH_OV_SILENT },
	{ "an answer by its references is",
	  { LETTER("sent", TRUE("answered")),
	    "R{\"cursor\":3,\"kind\":\"reply\",\"verified\":false,"
	    "\"match\":\"message_id\"}" },
	  false, CH_OV_ANSWER_ID, "3", CH_OV_ANSWERED },
	{ "returned", { LETTER("sent", TRUE("bounced")),
			RETURN("4", "bounce_hard",
			       ",\"status\":\"5.1.1\","
			       "\"reason\":\"user unknown\"") },
	  true, CH_OV_RETURNED_STATUS, "5.1.1", CH_OV_RETURNED },
	{ "the final one", { LETTER("sent", TRUE("bounced")),
			     RETURN("4", "bounce_hard",
				    ",\"status\":\"5.1.1\""),
			     RETURN("5", "bounce_soft",
				    ",\"status\":\"4.2.2\"") },
	  true, CH_OV_RETURNED_STATUS, "5.1.1", CH_OV_RETURNED },
	{ "not without proof",
	  { LETTER("sent", ""),
	    "R{\"cursor\":3,\"kind\":\"bounce_hard\",\"verified\":false,"
	    "\"match\":\"message_id\",\"status\":\"5.1.1\"}" },
	  false, CH_OV_RETURNED_STATUS, "", CH_OV_SILENT },
	{ "in doubt first", { LETTER("in_doubt", TRUE("answered")) }, true,
	  CH_OV_OUTCOME, "in_doubt", CH_OV_IN_DOUBT },
	{ "reminded", { LETTER("sent", ""),
			"F{\"relation\":\"reminds\",\"reference\":\"DM-2\"}",
			"F{\"relation\":\"corrects\",\"reference\":\"DM-3\"}" },
	  true, CH_OV_FOLLOWED_BY, "reminds DM-2; corrects DM-3",
	  CH_OV_LATE },
	{ "capacities", { LETTER("sent", ""),
			  "C{\"capacities\":[\"Member\",\"Host\"]}" },
	  true, CH_OV_CAPACITIES, "Member; Host", CH_OV_LATE },
};

static void made(void **state)
{
	(void)state;
	for (size_t i = 0; i < CH_COUNT(made_rows); i++) {
		const struct row_case *c = &made_rows[i];
		struct ch_overview o = { .countries = countries,
					 .language = "fr",
					 .late = c->late };
		struct ch_overview_making making = { 0 };
		struct ch_overview_row row = { { NULL } };

		for (size_t r = 0; c->records[r]; r++)
			ch_overview_take(&making,
					 ch_slice_of(c->records[r]));
		ch_overview_make(&o, &making, &row);
		if (strcmp(row.cells[c->column], c->expected) != 0)
			fail_msg("%s: \"%s\"", c->name,
				 row.cells[c->column]);
		if (c->count >= 0 && o.counts[c->count] != 1)
			fail_msg("%s: %s is not counted", c->name,
				 ch_overview_count_name(
					 (enum ch_overview_count)c->count));
		if (o.counts[CH_OV_ANSWERED] + o.counts[CH_OV_ACKNOWLEDGED] +
			    o.counts[CH_OV_SILENT] + o.counts[CH_OV_RETURNED] >
		    1)
			fail_msg("%s: counted twice", c->name);
		ch_overview_row_release(&row);
		ch_overview_making_release(&making);
	}
}

static void capacities(void **state)
{
	static const struct {
		const char *fields, *expected;
	} cases[] = {
		{ "[{\"name\":\"capacities.2.table\",\"value\":\"Host\"},"
		  "{\"name\":\"capacities.1.table\",\"value\":\"Member\"},"
		  "{\"name\":\"capacities.1.seat\",\"value\":\"4\"},"
		  "{\"name\":\"capacity\",\"value\":\"Guest\"}]",
		  "{\"capacities\":[\"Member\",\"Host\"]}" },
		{ "[{\"name\":\"capacity\",\"value\":\"Guest\"}]",
		  "{\"capacities\":[\"Guest\"]}" },
		{ "[{\"name\":\"capacities.21.table\",\"value\":\"x\"},"
		  "{\"name\":\"capacities.0.table\",\"value\":\"x\"},"
		  "{\"name\":\"capacities.-1.table\",\"value\":\"x\"}]",
		  "{\"capacities\":[]}" },
		{ "null", "{\"capacities\":[]}" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(cases); i++) {
		CH_AUTOCHAR text = ch_xasprintf("{\"fields\":%s}",
						cases[i].fields);
		json_t *addressee = json_loads(text, 0, NULL);
		json_t *list = ch_overview_capacities(addressee);
		CH_AUTOCHAR got = json_dumps(list, JSON_COMPACT);

		assert_string_equal(got, cases[i].expected);
		json_decref(list);
		json_decref(addressee);
	}
}

/* ---- CSV --------------------------------------------------------------- */

static void csv(void **state)
{
	static char fra[] = "FRA", formula[] = "=cmd|'/C calc'!A0";
	static char quoted[] = "a \"b\", c\nd", guarded[] = "'=1";
	static char egypt[] = "مصر", plain[] = "O'Neil";
	const struct ch_overview_row two[] = {
		{ { [CH_OV_KEY] = fra, [CH_OV_NAME] = formula,
		    [CH_OV_ADDRESSEE] = quoted, [CH_OV_TO] = guarded } },
		{ { [CH_OV_KEY] = egypt, [CH_OV_FOLLOWED_BY] = plain } },
	};
	struct ch_overview o = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	given = two;
	given_len = 2;
	taken = 0;
	assert_int_equal(ch_overview_csv(&o, out), EX_OK);
	fclose(out);
	assert_string_equal(
		text,
		"key,name,addressee,capacities,language,to,cc,outcome,overdue,"
		"sent_at,smtp_reply,delivered_at,read_at,answered_at,"
		"answered_by,says,answer_id,attachments,returned_at,"
		"returned_address,returned_status,returned_reason,away_until,"
		"readdressed_to,followed_by\r\n"
		"FRA,\"'=cmd|'/C calc'!A0\",\"a \"\"b\"\", c\nd\",,,"
		"\"''=1\",,,,,,,,,,,,,,,,,,,\r\n"
		"مصر,,,,,,,,,,,,,,,,,,,,,,,,O'Neil\r\n");
	free(text);
}

/* ---- a workbook, read by our own reader of tables ---------------------- */

static void assert_row(struct ch_rows *rows, struct ch_row *row,
		       const char *const *cells)
{
	CH_AUTO(ch_problems) problems = { 0 };
	size_t len = 0;

	assert_int_equal(ch_rows_next(rows, row, &problems), 1);
	assert_int_equal(problems.errors + problems.warnings, 0);
	for (; cells[len]; len++) {
		CH_AUTOCHAR cell = ch_slice_dup(len < row->len
							? ch_row_cell(row, len)
							: CH_SLICE_EMPTY);

		assert_string_equal(cell, cells[len]);
	}
	assert_true(row->len <= len);
}

static void write_book(const char *path)
{
	static char fra[] = "FRA", formula[] = "=1+1", escape[] = "_x0041_b_";
	static char link[] = "https://x.example", at[] = "2026-11-24T10:02:00Z";
	static char day[] = "2026-12-07", number[] = "7", sent[] = "sent";
	const struct ch_overview_row one = {
		{ [CH_OV_KEY] = fra, [CH_OV_NAME] = formula,
		  [CH_OV_ADDRESSEE] = escape, [CH_OV_TO] = link,
		  [CH_OV_OUTCOME] = sent, [CH_OV_SENT_AT] = at,
		  [CH_OV_ANSWER_ID] = number, [CH_OV_AWAY_UNTIL] = day }
	};
	CH_AUTOPTR(ch_words) table = words_in("en");
	struct ch_overview o = { .words = table,
				 .language = "en",
				 .batch = json_pack("{s:s}", "reference",
						    "A&B"),
				 .rows = 1 };

	for (size_t i = 0; i < CH_OV_COLUMNS; i++)
		o.columns[i] = one.cells[i] != NULL;
	given = &one;
	given_len = 1;
	taken = 0;
	assert_int_equal(ch_overview_xlsx(&o, path), EX_OK);
	json_decref(o.batch);
}

static void workbook(void **state)
{
	static const char *const head[] = {
		"Code", "State or organization", "Addressee", "Addresses",
		"Status", "Sent on", "Number of the answer",
		"Out of office until", NULL
	};
	static const char *const cells[] = {
		"FRA", "=1+1", "_x0041_b_", "https://x.example", "Sent",
		"2026-11-24T10:02", "7", "2026-12-07", NULL
	};
	static const struct ch_rows_options options = {
		.shown = "report.xlsx", .sheet = "Letters", .max_cell = 1000,
		.max_cells = 100
	};
	char path[] = "/tmp/test-overview-XXXXXX";
	CH_AUTO(ch_problems) problems = { 0 };
	struct ch_rows *rows = NULL;
	struct ch_row row;
	CH_AUTOFD fd = mkstemp(path);

	(void)state;
	if (!ch_overview_xlsx_available()) {
		unlink(path);
		skip();
	}
	write_book(path);
	ch_auto_close(&fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	unlink(path);
	ch_row_init(&row);
	assert_int_equal(ch_rows_open(fd, &options, &rows, &problems), 0);
	assert_row(rows, &row, head);
	assert_row(rows, &row, cells);
	assert_int_equal(ch_rows_next(rows, &row, &problems), 0);
	ch_row_release(&row);
	ch_rows_free(rows);
}

/* ---- words ------------------------------------------------------------- */

static void words(void **state)
{
	static const struct {
		const char *language;
		enum ch_overview_column column;
		const char *cell, *expected;
	} cases[] = {
		{ "en", CH_OV_OUTCOME, "answered", "Answered" },
		{ "fr", CH_OV_OUTCOME, "returned", "Retournée" },
		{ "ar", CH_OV_OUTCOME, "silent", "دون رد" },
		{ "zh", CH_OV_SAYS, "question", "询问" },
		{ "ru", CH_OV_RETURNED_REASON, "mailbox full",
		  "Ящик переполнен" },
		{ "es", CH_OV_RETURNED_REASON, "a new one", "a new one" },
		{ "en", CH_OV_SENT_AT, "2026-11-24T10:02:03Z",
		  "2026-11-24 10:02" },
		{ "en", CH_OV_AWAY_UNTIL, "2026-12-07", "2026-12-07" },
		{ "fr", CH_OV_FOLLOWED_BY, "reminds DM-2; corrects DM-3",
		  "Rappel DM-2; Rectificatif DM-3" },
		{ "en", CH_OV_TO, "a@xn--fiq228c.example; b@b.example",
		  "a@中文.example; b@b.example" },
		{ "en", CH_OV_NAME, "a\x1b[2J\u202e b\u2066\xff\r\n c\u200f",
		  "a\uFFFD[2J b\uFFFD  c\u200f" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(cases); i++) {
		CH_AUTOPTR(ch_words) table = words_in(cases[i].language);
		CH_AUTO(ch_str) out = CH_STR_INIT(TEXT_MAX);
		CH_AUTOCHAR cell = ch_xstrdup(cases[i].cell);
		struct ch_overview o = { .words = table,
					 .language = cases[i].language };
		struct ch_overview_row row = { { NULL } };

		row.cells[cases[i].column] = cell;
		ch_overview_text(&o, &row, cases[i].column, &out);
		assert_string_equal(ch_str_cstr(&out), cases[i].expected);
	}
}

static void share(void **state)
{
	static const struct {
		const char *language;
		uint64_t answered, all;
		const char *expected;
	} cases[] = {
		{ "en", 1, 8, "12.5%" },   { "fr", 1, 8, "12,5\u00A0%" },
		{ "zh", 193, 193, "100.0%" }, { "en", 0, 193, "0.0%" },
		{ "ru", 2, 3, "66,7\u00A0%" }, { "ar", 1, 3, "33.3%" },
		{ "es", 0, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(cases); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(100);
		struct ch_overview o = { .language = cases[i].language };

		o.counts[CH_OV_ANSWERED] = cases[i].answered;
		o.counts[CH_OV_ALL] = cases[i].all;
		ch_overview_share(&o, &out);
		assert_string_equal(ch_str_cstr(&out), cases[i].expected);
	}
}

/* Every word in every language, and what is wrong with a table. */
static void tables(void **state)
{
	static const char *const heads = "word\ten\tfr\tes\tru\tzh\tar\n";
	CH_AUTOCHAR twice = ch_xasprintf(
		"%sread\ta\ta\ta\ta\ta\ta\nread\tb\tb\tb\tb\tb\tb\n"
		"reed\tb\tb\tb\tb\tb\tb\n", heads);
	CH_AUTO(ch_problems) problems = { 0 };
	struct ch_words *table = NULL;
	CH_AUTO(ch_str) first = CH_STR_INIT(1000);

	(void)state;
	assert_int_equal(ch_words_parse(ch_slice_of(twice), "report.tsv",
					"en", &table, &problems), -1);
	ch_problem_format(&problems.items[0], &first);
	assert_string_equal(ch_str_cstr(&first),
			    "report.tsv:3:1: word: \"read\" is also on line "
			    "2");
	ch_str_clear(&first);
	ch_problem_format(&problems.items[1], &first);
	assert_string_equal(ch_str_cstr(&first),
			    "report.tsv:4:1: word: \"reed\" is no word of a "
			    "report");
	ch_problems_release(&problems);
	assert_int_equal(ch_words_parse(ch_slice_of(heads), "report.tsv",
					"en", &table, &problems), -1);
	assert_int_equal(problems.errors, 79);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(made),	 cmocka_unit_test(capacities),
		cmocka_unit_test(csv),	 cmocka_unit_test(workbook),
		cmocka_unit_test(words),
		cmocka_unit_test(share), cmocka_unit_test(tables),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
