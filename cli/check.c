// SPDX-License-Identifier: GPL-3.0-or-later
/* check.c - chancery check: merge and compose every letter, send nothing. */
#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/mailing.h"
#include "cli/report.h"
#include "letter/conf.h"

#define MESSAGE_ID "check@chancery.invalid"

struct check {
	const struct ch_cli *cli;
	struct ch_mailing mailing;
	struct ch_report report;
	struct ch_composed composed;
	uint64_t letters;
	uint64_t in_language[CH_LANGUAGES];
	uint64_t in_another; /* in place of the language they want */
	uint64_t largest_bytes;
	size_t least_annexes; /* of a letter */
	size_t most_annexes;
	struct ch_recipients *recipients; /* owned; NULL: could not be read */
};

static void count(struct check *check, const struct ch_addressee *addressee)
{
	const char *language =
		ch_letter_language_of(check->mailing.letter, addressee);
	size_t annexes =
		ch_letter_annexes_of(check->mailing.letter, addressee);

	if (check->letters++ == 0 || annexes < check->least_annexes)
		check->least_annexes = annexes;
	if (annexes > check->most_annexes)
		check->most_annexes = annexes;
	check->in_another += addressee->language[0] &&
			     strcmp(addressee->language, language) != 0;
	for (size_t i = 0; i < CH_LANGUAGES; i++)
		check->in_language[i] += strcmp(ch_languages[i], language) == 0;
	if (check->composed.size_bytes > check->largest_bytes)
		check->largest_bytes = check->composed.size_bytes;
}

static void check_rows(struct check *check)
{
	struct ch_mailing *mailing = &check->mailing;
	struct ch_letter_identity identity = { MESSAGE_ID,
					       mailing->options.date_us };
	/* Behind a fault of the letter the rows are read, but not merged: each
	 * would say it again. */
	bool merging = mailing->problems.errors == 0;
	struct ch_addressee a;

	while (ch_recipients_next(check->recipients, &a, &mailing->problems) >
	       0) {
		if (merging &&
		    ch_letter_compose(mailing->letter, &a, &identity,
				      &check->composed,
				      &mailing->problems) == 0)
			count(check, &a);
		ch_addressee_release(&a);
		ch_report_tell(&check->report, &mailing->problems);
	}
}

/* Files that nobody gets: forgotten in the table, or misspelt there. */
static void check_attachments(struct check *check)
{
	struct ch_mailing *mailing = &check->mailing;

	for (size_t i = 0; i < mailing->bundle.len; i++) {
		const struct ch_bundle_file *file = &mailing->bundle.files[i];

		if (file->role == CH_ROLE_ATTACHMENT &&
		    !ch_letter_attached(mailing->letter, i))
			ch_problems_add(&mailing->problems, CH_PROBLEM_WARNING,
					(struct ch_place){ file->shown, 0, 0,
							   NULL },
					NULL, "no row of the table names this "
					      "file");
	}
}

static void check_all(struct check *check)
{
	struct ch_mailing *mailing = &check->mailing;

	if (ch_mailing_gather(mailing) == 0)
		ch_mailing_load(mailing);
	if (ch_mailing_tables(mailing, &check->recipients) == 0)
		check_rows(check);
	if (mailing->letter && mailing->problems.errors == 0)
		check_attachments(check);
	ch_report_tell(&check->report, &mailing->problems);
}

/* ---- what was found --------------------------------------------------- */

/* What the texts print that is no column. */
static const char *const own_fields[] = { "reference", "date", "deadline",
					  "annexes", "copies", "capacities" };

/* Columns that say something to the program, whatever the letter prints. */
static bool is_known(const char *column)
{
	static const char *const names[] = {
		"key",
		"to",
		"cc",
		"language",
		"second_language",
		"name",
		"capacity",
		"attachments",
		"copies_printed",
	};

	for (size_t i = 0; i < CH_COUNT(names); i++) {
		if (strcmp(names[i], column) == 0)
			return true;
	}
	return strncmp(column, "to.", 3) == 0 ||
	       strncmp(column, "cc.", 3) == 0;
}

/* The fields that the texts print, or the columns that nothing reads. */
static json_t *list_fields(const struct check *check, bool used)
{
	const struct ch_letter *letter = check->mailing.letter;
	const char *const *columns;
	json_t *list = json_array();
	size_t len;

	if (!letter || !check->recipients)
		return list;
	for (size_t i = 0; used && i < CH_COUNT(own_fields); i++) {
		if (ch_letter_uses(letter, own_fields[i]))
			json_array_append_new(list,
					      json_string(own_fields[i]));
	}
	columns = ch_recipients_columns(check->recipients, &len);
	for (size_t i = 0; i < len; i++) {
		bool uses = ch_letter_uses(letter, columns[i]);

		if (used ? uses : !uses && !is_known(columns[i]))
			json_array_append_new(list, json_string(columns[i]));
	}
	return list;
}

static json_t *list_tables(const struct check *check)
{
	const struct ch_mailing *mailing = &check->mailing;
	json_t *list = json_array();

	for (size_t i = 0; check->recipients && i < mailing->tables_len; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:s}", "file",
					mailing->tables[i], "form",
					ch_recipients_form(check->recipients,
							   i)));
	return list;
}

static void tell_json(const struct check *check)
{
	json_t *languages = json_object();
	json_t *object;

	for (size_t i = 0; i < CH_LANGUAGES; i++) {
		if (check->in_language[i])
			json_object_set_new(
				languages, ch_languages[i],
				json_integer(
					(json_int_t)check->in_language[i]));
	}
	object = json_pack("{s:o, s:o, s:o, s:I, s:o, s:I, s:I, s:I, s:I}",
			   "tables", list_tables(check), "fields_used",
			   list_fields(check, true), "columns_not_used",
			   list_fields(check, false), "letters",
			   (json_int_t)check->letters, "languages", languages,
			   "in_another_language",
			   (json_int_t)check->in_another, "largest_bytes",
			   (json_int_t)check->largest_bytes, "errors",
			   (json_int_t)check->mailing.problems.errors,
			   "warnings",
			   (json_int_t)check->mailing.problems.warnings);
	ch_json_line(&check->cli->out, object);
	json_decref(object);
}

static void tell_languages(const struct check *check)
{
	char size[CH_TERM_SIZE];
	char more[32] = "";

	for (size_t i = 0; i < CH_LANGUAGES; i++) {
		if (check->in_language[i])
			ch_term_line(&check->cli->out, "  %s %7llu",
				     ch_languages[i],
				     (unsigned long long)
					     check->in_language[i]);
	}
	if (check->in_another)
		ch_term_line(&check->cli->out,
			     "The letter lacks the language of %llu of them.",
			     (unsigned long long)check->in_another);
	if (check->most_annexes > check->least_annexes)
		snprintf(more, sizeof(more), " to %zu", check->most_annexes);
	ch_term_line(&check->cli->out,
		     "Annexes: %zu%s. Largest message: %s.",
		     check->least_annexes, more,
		     ch_term_size(check->largest_bytes, size));
}

static void tell_tables(const struct check *check)
{
	const struct ch_mailing *mailing = &check->mailing;

	for (size_t i = 0; check->recipients && i < mailing->tables_len; i++)
		ch_term_line(&check->cli->out, "%s: %s.", mailing->tables[i],
			     ch_recipients_form(check->recipients, i));
}

static void tell_list(const struct check *check, const char *what, bool used)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(64 * 1024);
	json_t *list = list_fields(check, used);
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		ch_str_addf(&text, "%s%s", i ? ", " : "",
			    json_string_value(item));
	if (json_array_size(list) > 0)
		ch_term_line(&check->cli->out, "%s: %s.", what,
			     ch_str_cstr(&text));
	json_decref(list);
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* One long run of bad rows may be more than is kept. */
static char *not_shown(const struct check *check)
{
	const struct ch_problems *all = &check->mailing.problems;
	size_t count = all->errors + all->warnings - check->report.told;

	return count ? ch_xasprintf(" (%zu more than are shown)", count)
		     : ch_xstrdup("");
}

static int tell(const struct check *check)
{
	const struct ch_mailing *mailing = &check->mailing;
	size_t errors = mailing->problems.errors;
	size_t warnings = mailing->problems.warnings;
	const struct ch_term *out = &check->cli->out;
	CH_AUTOCHAR more = not_shown(check);

	if (check->cli->json) {
		tell_json(check);
		return errors ? EX_DATAERR : EX_OK;
	}
	tell_tables(check);
	if (errors) {
		ch_term_line(out,
			     "%zu error%s, %zu warning%s%s: correct %s and "
			     "check again; nothing can be queued before.",
			     errors, plural(errors), warnings,
			     plural(warnings), more,
			     errors == 1 ? "it" : "them");
		return EX_DATAERR;
	}
	ch_term_line(out, "%llu letter%s can be sent; %zu warning%s%s.",
		     (unsigned long long)check->letters,
		     plural(check->letters), warnings, plural(warnings), more);
	tell_languages(check);
	tell_list(check, "Fields that the letter prints", true);
	tell_list(check, "Columns that it does not", false);
	return EX_OK;
}

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	struct check check = {
		.cli = cli,
		.report = { .cli = cli, .term = &cli->out },
	};
	int code;

	ch_mailing_init(&check.mailing, args);
	ch_composed_init(&check.composed, CH_BUNDLE_FILE_MAX);
	code = ch_mailing_look(cli, &check.mailing);
	if (code == EX_OK) {
		check_all(&check);
		code = tell(&check);
	}
	if (check.recipients)
		ch_recipients_free(check.recipients);
	ch_composed_release(&check.composed);
	ch_report_release(&check.report);
	ch_mailing_release(&check.mailing);
	return code;
}

static const struct ch_option options[] = {
	{ "reference", 'R', "REFERENCE", false,
	  "What the batch will be called, such as DM-1276." },
	CH_MAILING_OPTIONS,
	{ "from", 0, "ADDRESS", false,
	  "The sender, where letter.conf names none." },
	{ 0 },
};

const struct ch_verb ch_verb_check = {
	.name = "check",
	.operands = "LETTER TABLE...",
	.least = 2,
	.most = 1 + CH_TABLES_MAX,
	.summary = "Merge every letter, send nothing; tell all that is wrong.",
	.about = "LETTER is the letter's folder, TABLE a table of addressees: "
		 "CSV, XLSX or ODS.\nWho stands in several gets one letter. "
		 "Needs no daemon.\nEach problem is file:line:column: field: "
		 "reason. Exit status 65 if one is\nan error.\n",
	.options = options,
	.run = run,
};
