// SPDX-License-Identifier: GPL-3.0-or-later
/* enqueue.c - chancery enqueue: upload a letter and its table.
 *
 * chanceryd's import decides; what is shown before is its own dry run over the
 * same bytes. The letter's files are read into memory once and the tables are
 * held open, so that what is queued is what was shown: the digests are compared
 * as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/settings.h"
#include "cli/batch.h"
#include "cli/cli.h"
#include "cli/enqueue.h"
#include "cli/json.h"
#include "cli/mailing.h"
#include "cli/outcome.h"
#include "cli/priority.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/upload.h"

#define SHOWN_LINES 30

struct enqueue {
	const struct ch_cli *cli;
	const struct ch_verb *verb;
	const struct ch_args *args;
	const char *reminds; /* borrowed; a reference, or NULL */
	struct ch_mailing mailing;
	struct ch_report report;
	int tables[CH_TABLES_MAX]; /* owned; open as long as this runs */
	struct stat before[CH_TABLES_MAX];
	char not_before[CH_RFC3339_SIZE];
	char canary[16];         /* digits */
	char canary_percent[16]; /* digits, or "" */
	char canary_wait_s[24];  /* digits, or "" */
	char *digest; /* owned: of the dry run */
};

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* ---- what goes up ----------------------------------------------------- */

static int read_time(struct enqueue *e)
{
	const char *at = ch_args_value(e->args, "at");
	int64_t at_us;

	if (!at)
		return EX_OK;
	if (ch_clock_parse_rfc3339(at, &at_us) < 0)
		return ch_fail_usage(e->cli, e->verb,
				     "--at is like 2026-12-07T09:00:00+01:00, "
				     "not \"%s\"", at);
	if (at_us <= ch_clock_now_us())
		return ch_fail_usage(e->cli, e->verb,
				     "--at %s is over", at);
	ch_clock_rfc3339(at_us, e->not_before);
	return EX_OK;
}

/* "10" or "10,5%". */
static int read_canary(struct enqueue *e)
{
	const char *text = ch_args_value(e->args, "canary");
	size_t digits, percent;
	const char *rest;

	if (!text)
		return EX_OK;
	digits = strspn(text, "0123456789");
	rest = text + digits;
	percent = *rest == ',' ? strspn(rest + 1, "0123456789") : 0;
	if (digits == 0 || digits > 4 || percent > 3 ||
	    strtol(text, NULL, 10) < 1 || strtol(text, NULL, 10) > 1000 ||
	    (*rest && (percent == 0 || (strcmp(rest + 1 + percent, "%") != 0 &&
					rest[1 + percent]))))
		return ch_fail_usage(e->cli, e->verb,
				     "--canary is like 10 or 10,5%%, at most "
				     "1000, not \"%s\"", text);
	snprintf(e->canary, sizeof(e->canary), "%.*s", (int)digits, text);
	if (percent)
		snprintf(e->canary_percent, sizeof(e->canary_percent), "%.*s",
			 (int)percent, rest + 1);
	return EX_OK;
}

static int read_canary_wait(struct enqueue *e)
{
	const char *text = ch_args_value(e->args, "canary-wait");
	int64_t wait_ms;

	if (!text)
		return EX_OK;
	if (!e->canary[0])
		return ch_fail_usage(e->cli, e->verb,
				     "--canary-wait needs --canary");
	if (ch_settings_duration(text, &wait_ms) < 0 || wait_ms < 1000)
		return ch_fail_usage(e->cli, e->verb,
				     "--canary-wait is like 30m or 1h, not "
				     "\"%s\"", text);
	snprintf(e->canary_wait_s, sizeof(e->canary_wait_s), "%lld",
		 (long long)(wait_ms / 1000));
	return EX_OK;
}

static int read_priority(const struct enqueue *e)
{
	const char *text = ch_args_value(e->args, "priority");

	if (!text || ch_priority_word(text))
		return EX_OK;
	return ch_fail_usage(e->cli, e->verb,
			     "--priority is high, normal or low, not \"%s\"",
			     text);
}

/* Numbers that chanceryd need not be asked about. */
static int read_paces(const struct enqueue *e)
{
	static const char *const names[] = { "per-second", "per-minute",
					     "per-hour", "per-day" };

	for (size_t i = 0; i < CH_COUNT(names); i++) {
		const char *text = ch_args_value(e->args, names[i]);
		size_t digits = text ? strspn(text, "0123456789") : 0;

		if (text && (digits == 0 || digits > 8 || text[digits] ||
			     strspn(text, "0") == digits))
			return ch_fail_usage(e->cli, e->verb,
					     "--%s is a number of letters, not "
					     "\"%s\"", names[i], text);
	}
	return EX_OK;
}

static int read_terms(struct enqueue *e)
{
	int code = read_time(e);

	if (code == EX_OK)
		code = read_priority(e);
	if (code == EX_OK)
		code = read_paces(e);
	if (code == EX_OK)
		code = read_canary(e);
	return code == EX_OK ? read_canary_wait(e) : code;
}

static int open_table(struct enqueue *e, size_t table)
{
	const char *path = e->mailing.tables[table];
	struct ch_error err;

	for (size_t i = 0; i < table; i++) {
		if (strcmp(last_part(e->mailing.tables[i]),
			   last_part(path)) == 0)
			return ch_fail(e->cli, EX_USAGE,
				       "Rename one of them.",
				       "two tables are called %s",
				       last_part(path));
	}
	e->tables[table] = ch_file_open(AT_FDCWD, path, &err);
	if (e->tables[table] < 0)
		return ch_fail(e->cli, EX_NOINPUT, NULL, "%s", err.text);
	if (fstat(e->tables[table], &e->before[table]) < 0)
		return ch_fail(e->cli, EX_IOERR, NULL, "%s: %s", path,
			       strerror(errno));
	return EX_OK;
}

static int gather(struct enqueue *e)
{
	int code = ch_mailing_look(e->cli, &e->mailing);

	if (code != EX_OK)
		return code;
	if (ch_mailing_gather(&e->mailing) < 0) {
		ch_report_tell(&e->report, &e->mailing.problems);
		return EX_DATAERR;
	}
	for (size_t i = 0; code == EX_OK && i < e->mailing.tables_len; i++)
		code = open_table(e, i);
	return code;
}

/* NULL, or the path of the one that did. */
static const char *changed_table(const struct enqueue *e)
{
	for (size_t i = 0; i < e->mailing.tables_len; i++) {
		const struct stat *before = &e->before[i];
		struct stat now;

		if (fstat(e->tables[i], &now) < 0 ||
		    now.st_size != before->st_size ||
		    now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
		    now.st_mtim.tv_nsec != before->st_mtim.tv_nsec)
			return e->mailing.tables[i];
	}
	return NULL;
}

static void add_field(struct ch_upload *upload, const char *name,
		      const char *value)
{
	if (value && value[0])
		ch_upload_field(upload, name, value);
}

/* chanceryd wants the fields before the files. */
static void fill(const struct enqueue *e, bool dry_run,
		 struct ch_upload *upload)
{
	const struct ch_args *args = e->args;
	const struct ch_bundle *bundle = &e->mailing.bundle;

	add_field(upload, "reference", ch_args_value(args, "reference"));
	add_field(upload, "deadline", ch_args_value(args, "deadline"));
	add_field(upload, "charset", ch_args_value(args, "charset"));
	add_field(upload, "sheet", ch_args_value(args, "sheet"));
	add_field(upload, "test_to", ch_args_value(args, "test-to"));
	add_field(upload, "not_before", e->not_before);
	add_field(upload, "priority", ch_args_value(args, "priority"));
	add_field(upload, "per_second", ch_args_value(args, "per-second"));
	add_field(upload, "per_minute", ch_args_value(args, "per-minute"));
	add_field(upload, "per_hour", ch_args_value(args, "per-hour"));
	add_field(upload, "per_day", ch_args_value(args, "per-day"));
	add_field(upload, "canary", e->canary);
	add_field(upload, "canary_percent", e->canary_percent);
	add_field(upload, "canary_wait_s", e->canary_wait_s);
	add_field(upload, "reminds", e->reminds);
	add_field(upload, "corrects", ch_args_value(args, "corrects"));
	add_field(upload, "recalls", ch_args_value(args, "recalls"));
	if (ch_args_has(args, "hold"))
		ch_upload_field(upload, "hold", "1");
	if (dry_run)
		ch_upload_field(upload, "dry_run", "1");
	for (size_t i = 0; i < bundle->len; i++) {
		const struct ch_bundle_file *file = &bundle->files[i];

		ch_upload_bytes(upload, ch_file_role_name(file->role),
				file->name, ch_str_cstr(&file->bytes),
				file->bytes.len);
	}
	for (size_t i = 0; i < e->mailing.tables_len; i++)
		ch_upload_file(upload, "recipients",
			       last_part(e->mailing.tables[i]), e->tables[i],
			       (uint64_t)e->before[i].st_size);
}

/* ---- what is wrong with it -------------------------------------------- */

/* chanceryd calls the files by their names alone; this person by a path, which
 * a reminder's tables have only meanwhile. */
static char *path_of(const struct enqueue *e, const char *name)
{
	const struct ch_mailing *mailing = &e->mailing;
	const char *flat = last_part(name);

	/* "members.xlsx:Members!C42" too */
	for (size_t i = 0; i < mailing->tables_len; i++) {
		const char *table = last_part(mailing->tables[i]);
		size_t len = strlen(table);

		if (strncmp(name, table, len) == 0 &&
		    (!name[len] || name[len] == ':') &&
		    !mailing->tables_made)
			return ch_xasprintf("%s%s", mailing->tables[i],
					    name + len);
	}
	if (strcmp(name, "letter") == 0)
		return ch_xstrdup(mailing->letter_path);
	for (size_t i = 0; i < mailing->bundle.len; i++) {
		const struct ch_bundle_file *file = &mailing->bundle.files[i];

		if (strcmp(file->name, flat) == 0)
			return ch_xstrdup(file->shown);
	}
	return ch_xstrdup(name);
}

static void tell_problems(struct enqueue *e, const json_t *list)
{
	CH_AUTO(ch_problems) problems = { 0 };
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		CH_AUTOCHAR path = path_of(e, ch_json_text(item, "file"));
		struct ch_place place = {
			.file = path,
			.line = (unsigned int)ch_json_number(item, "line"),
			.column = (unsigned int)ch_json_number(item, "column"),
			.field = ch_json_text(item, "field"),
		};

		ch_problems_add(&problems,
				strcmp(ch_json_text(item, "kind"),
				       "warning") == 0
					? CH_PROBLEM_WARNING
					: CH_PROBLEM_ERROR,
				place, ch_json_text(item, "hint"), "%s",
				ch_json_text(item, "text"));
	}
	ch_report_tell(&e->report, &problems);
}

static int refused(struct enqueue *e, const struct ch_answer *answer)
{
	unsigned long long errors = ch_json_number(answer->json, "errors");
	char count[CH_COUNT_SIZE];

	if (!json_is_array(json_object_get(answer->json, "problems")))
		return ch_answer_fail(e->cli, answer);
	tell_problems(e, json_object_get(answer->json, "problems"));
	return ch_fail(e->cli, EX_DATAERR,
		       "Correct them, see with \"chancery check\", then queue "
		       "it again.",
		       "%s: nothing was queued",
		       ch_outcome_count(errors, "error", count));
}

/* ---- asking chanceryd ------------------------------------------------- */

/* *ret_batch is new. */
static int upload(struct enqueue *e, bool dry_run, json_t **ret_batch)
{
	CH_AUTO(ch_upload) parts = { 0 };
	CH_AUTO(ch_answer) answer = { 0 };
	const char *changed = changed_table(e);
	json_t *batch;
	int code;

	if (changed)
		return ch_fail(e->cli, EX_DATAERR,
			       "Look at it, then queue it again.",
			       "%s changed in the meantime: nothing was queued",
			       changed);
	fill(e, dry_run, &parts);
	code = ch_request_upload(e->cli, "/v1/batches", &parts, &answer);
	if (code != EX_OK)
		return code;
	if (answer.status >= 400)
		return refused(e, &answer);
	batch = json_object_get(answer.json, "batch");
	if (!json_is_object(batch))
		return ch_fail(e->cli, EX_PROTOCOL,
			       "Are chancery and chanceryd of one version?",
			       "chanceryd's answer cannot be read");
	if (!e->digest) /* warnings once, of the first of the two runs */
		tell_problems(e, json_object_get(answer.json, "problems"));
	*ret_batch = json_incref(batch);
	return EX_OK;
}

/* ---- showing it first ------------------------------------------------- */

/* The first lines of a text. */
static void show_start(const struct ch_term *term, const struct ch_str *text)
{
	const char *start = ch_str_cstr(text);
	const char *end = start;

	for (int lines = 0; lines < SHOWN_LINES && *end; lines++) {
		end += strcspn(end, "\n");
		end += *end == '\n';
	}
	ch_term_block(term, start, (size_t)(end - start));
	if (*end)
		ch_term_line(term, "... (\"chancery preview\" shows the rest)");
}

/* The letter of the first row, merged here: by the same code, from the same
 * files, with the sender that chanceryd told. */
static void show_first(struct enqueue *e, const json_t *batch)
{
	struct ch_mailing *mailing = &e->mailing;
	const struct ch_term *err = &e->cli->err;
	CH_AUTOPTR(ch_recipients) recipients = NULL;
	CH_AUTO(ch_addressee) addressee = { 0 };
	CH_AUTO(ch_str) text = CH_STR_INIT(CH_BUNDLE_FILE_MAX);

	if (ch_json_text(batch, "from")[0])
		mailing->options.from = ch_json_text(batch, "from");
	if (ch_mailing_load(mailing) < 0 ||
	    ch_mailing_tables(mailing, &recipients) < 0 ||
	    ch_recipients_next(recipients, &addressee, &mailing->problems) <=
		    0 ||
	    ch_mailing_write(mailing, &addressee, &text) < 0) {
		ch_report_tell(&e->report, &mailing->problems);
		return;
	}
	for (size_t i = 0; !mailing->tables_made && i < mailing->tables_len;
	     i++)
		ch_term_line(err, "%s: %s.", mailing->tables[i],
			     ch_recipients_form(recipients, i));
	ch_term_line(err, "The first letter, of %s:", addressee.key);
	fputc('\n', err->file);
	show_start(err, &text);
	fputc('\n', err->file);
}

static int show_and_ask(struct enqueue *e, bool only_show)
{
	CH_AUTOCHAR question = NULL;
	json_t *batch = NULL;
	char count[CH_COUNT_SIZE];
	bool held;
	int code = upload(e, true, &batch);

	if (code != EX_OK)
		return code;
	/* Also where chancery.conf has every batch wait. */
	held = ch_args_has(e->args, "hold") ||
	       strcmp(ch_json_text(batch, "state"), "held") == 0;
	e->digest = ch_xstrdup(ch_json_text(batch, "digest"));
	if (only_show && e->cli->json) {
		ch_json_line(&e->cli->out, batch);
		json_decref(batch);
		return EX_OK;
	}
	show_first(e, batch);
	json_object_set_new(batch, "state", json_string("(not queued yet)"));
	json_object_del(batch, "created_at");
	json_object_del(batch, "enqueued_by");
	ch_batch_facts(&e->cli->err, batch);
	ch_outcome_count(ch_json_number(batch, "total"), "letter", count);
	question = ch_xasprintf("%s %s as %s?",
				held ? "Queue and hold" : "Send", count, ch_args_value(e->args, "reference"));
	json_decref(batch);
	if (only_show) {
		ch_term_line(&e->cli->err, "Nothing was queued.");
		return EX_OK;
	}
	if (ch_ask(e->cli, question))
		return EX_OK;
	ch_term_line(&e->cli->err, "Nothing was queued.");
	return CH_EX_NO;
}

/* ---- queueing it ------------------------------------------------------ */

static void say_queued(const struct enqueue *e, const json_t *batch)
{
	const struct ch_term *out = &e->cli->out;
	const char *reference = ch_json_text(batch, "reference");
	bool held = strcmp(ch_json_text(batch, "state"), "held") == 0;
	char count[CH_COUNT_SIZE];

	ch_outcome_count(ch_json_number(batch, "total"), "letter", count);
	ch_term_line(out, "%s: %s %s.", reference, count,
		     held ? "held" : "queued");
	if (held)
		ch_term_line(out, "\"chancery release %s\" lets them go.",
			     reference);
}

static int queue(struct enqueue *e)
{
	json_t *batch = NULL;
	bool same;
	int code = upload(e, false, &batch);

	if (code != EX_OK)
		return code;
	same = !e->digest ||
	       strcmp(e->digest, ch_json_text(batch, "digest")) == 0;
	if (e->cli->json)
		ch_json_line(&e->cli->out, batch);
	else
		say_queued(e, batch);
	json_decref(batch);
	if (same)
		return EX_OK;
	return ch_fail(e->cli, EX_SOFTWARE,
		       "Stop it with \"chancery pause\" and look.",
		       "what was queued is not what was shown");
}

static int check_words(const struct enqueue *e)
{
	if (!ch_args_value(e->args, "reference"))
		return ch_fail_usage(e->cli, e->verb,
				     "needs --reference, such as DM-1276");
	if (ch_args_value(e->args, "corrects") &&
	    ch_args_value(e->args, "recalls"))
		return ch_fail_usage(e->cli, e->verb,
				     "either --corrects or --recalls");
	if (!ch_args_has(e->args, "yes") && !ch_args_has(e->args, "dry-run") &&
	    !ch_can_ask(e->cli))
		return ch_fail_usage(e->cli, e->verb,
				     "without a terminal it needs --yes");
	return EX_OK;
}

static int enqueue(struct enqueue *e)
{
	bool dry_run = ch_args_has(e->args, "dry-run");
	bool yes = ch_args_has(e->args, "yes");
	int code = check_words(e);

	if (code == EX_OK)
		code = read_terms(e);
	if (code == EX_OK)
		code = gather(e);
	if (code == EX_OK && (dry_run || !yes))
		code = show_and_ask(e, dry_run);
	if (code != EX_OK || dry_run)
		return code;
	return queue(e);
}

static void init(struct enqueue *e, const struct ch_cli *cli,
		 const struct ch_args *args, const struct ch_verb *verb)
{
	*e = (struct enqueue){
		.cli = cli,
		.verb = verb,
		.args = args,
		.report = { .cli = cli,
			    .term = cli->json ? &cli->out : &cli->err },
	};
	for (size_t i = 0; i < CH_TABLES_MAX; i++)
		e->tables[i] = -1;
}

static int finish(struct enqueue *e)
{
	int code = enqueue(e);

	for (size_t i = 0; i < CH_TABLES_MAX; i++)
		ch_auto_close(&e->tables[i]);
	free(e->digest);
	ch_report_release(&e->report);
	ch_mailing_release(&e->mailing);
	return code;
}

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	struct enqueue e;

	init(&e, cli, args, &ch_verb_enqueue);
	ch_mailing_init(&e.mailing, args);
	return finish(&e);
}

int ch_enqueue_reminder(const struct ch_cli *cli, const struct ch_args *args,
			const char *reminds, const char *letter,
			const char *const *tables, size_t tables_len)
{
	struct enqueue e;

	init(&e, cli, args, &ch_verb_remind);
	e.reminds = reminds;
	ch_mailing_init_with(&e.mailing, args, letter);
	e.mailing.tables_len = tables_len;
	e.mailing.tables_made = true;
	e.mailing.tables = ch_xmemdup(tables, tables_len * sizeof(*tables));
	return finish(&e);
}

static const struct ch_option options[] = {
	CH_ENQUEUE_OPTIONS,
	{ "corrects", 0, "BATCH", false,
	  "It corrects that batch, and is shown with it." },
	{ "recalls", 0, "BATCH", false,
	  "It takes that batch back, and is shown with it." },
	{ 0 },
};

const struct ch_verb ch_verb_enqueue = {
	.name = "enqueue",
	.operands = "LETTER TABLE...",
	.least = 2,
	.most = 1 + CH_TABLES_MAX,
	.summary = "Queue a letter for every row of a table.",
	.about = "All of them or, where anything is wrong, none. On a terminal "
		 "it shows how many\nletters there are in each language, their "
		 "sizes and the first one, and asks.\n",
	.options = options,
	.run = run,
};
