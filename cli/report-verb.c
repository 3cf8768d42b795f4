// SPDX-License-Identifier: GPL-3.0-or-later
/* report-verb.c - chancery report: what became of a batch, as a file for those
 * who have no account here. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/mailing.h"
#include "cli/output.h"
#include "cli/overview.h"
#include "cli/report.h"
#include "cli/target.h"
#include "cli/words.h"
#include "letter/country.h"
#include "letter/languages.h"
#include "letter/page.h"
#include "letter/tsv.h"

enum form {
	FORM_CSV,
	FORM_XLSX,
	FORM_HTML,
	FORM_PDF,
	FORM_JSON, /* to stdout alone, by --json */
};

static const char *const forms[] = { "csv", "xlsx", "html", "pdf", NULL };

struct report {
	const struct ch_cli *cli;
	const struct ch_args *args;
	enum form form;
	const char *path; /* or NULL */
	struct ch_overview overview;
	/* What the overview borrows. */
	struct ch_str words_text, countries_text;
	struct ch_words *words;
	struct ch_countries *countries;
};

/* ---- what is asked for ------------------------------------------------ */

static int form_named(struct report *r, const char *name)
{
	for (size_t i = 0; forms[i]; i++) {
		if (strcasecmp(forms[i], name) == 0) {
			r->form = (enum form)i;
			return EX_OK;
		}
	}
	return ch_fail_usage(r->cli, &ch_verb_report,
			     "no form \"%s\": csv, xlsx, html or pdf", name);
}

/* By --format, else by the end of the file's name; CSV where it has none. */
static int read_form(struct report *r)
{
	const char *given = ch_args_value(r->args, "format");
	const char *slash = r->path ? strrchr(r->path, '/') : NULL;
	const char *name = slash ? slash + 1 : r->path;
	const char *dot = name ? strrchr(name, '.') : NULL;

	if (r->cli->json && (given || r->path))
		return ch_fail_usage(r->cli, &ch_verb_report,
				     "--json goes to the standard output, in "
				     "its own form");
	if (r->cli->json)
		r->form = FORM_JSON;
	else if (given)
		return form_named(r, given);
	else if (dot)
		return form_named(r, dot + 1);
	return EX_OK;
}

static int check_form(const struct report *r)
{
	bool on_stdout = !r->path || strcmp(r->path, "-") == 0;

	if (r->form == FORM_XLSX && !ch_overview_xlsx_available())
		return ch_fail(r->cli, EX_UNAVAILABLE,
			       "Build it with libxlsxwriter, or ask for csv "
			       "or html.",
			       "this build of Chancery writes no workbooks");
	if (r->form == FORM_PDF && !ch_page_available())
		return ch_fail(r->cli, EX_UNAVAILABLE,
			       "Build it with pango, librsvg and libhyphen, "
			       "or ask for html.",
			       "this build of Chancery sets no pages");
	if (on_stdout && r->cli->out.tty &&
	    (r->form == FORM_XLSX || r->form == FORM_PDF))
		return ch_fail_usage(r->cli, &ch_verb_report,
				     "%s does not go to a terminal: -o FILE",
				     forms[r->form]);
	return EX_OK;
}

/* The language of the locale, "fr_CH.UTF-8", where it is one of the six. */
static const char *locale_language(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	const char *value = NULL;

	for (size_t i = 0; i < CH_COUNT(names) && !(value && value[0]); i++)
		value = getenv(names[i]);
	for (size_t i = 0; value && i < CH_LANGUAGES; i++) {
		if (strncmp(value, ch_languages[i], 2) == 0 &&
		    (value[2] == '\0' || strchr("_.@", value[2])))
			return ch_languages[i];
	}
	return "en";
}

static int read_language(struct report *r)
{
	const char *given = ch_args_value(r->args, "language");
	size_t number = given ? ch_language_number(ch_slice_of(given))
			      : CH_LANGUAGES;

	if (given && number == CH_LANGUAGES)
		return ch_fail_usage(r->cli, &ch_verb_report,
				     "no language \"%s\": ar, en, es, fr, ru "
				     "or zh", given);
	r->overview.language = given ? ch_languages[number]
				     : locale_language();
	return EX_OK;
}

static int read_options(struct report *r)
{
	struct ch_overview *o = &r->overview;
	int code;

	o->cli = r->cli;
	r->path = ch_args_value(r->args, "output");
	o->state = ch_args_value(r->args, "state");
	code = ch_choice_read(r->cli, &ch_verb_report, o->state, &o->choice);
	if (code == EX_OK)
		code = read_language(r);
	if (code == EX_OK)
		code = read_form(r);
	return code == EX_OK ? check_form(r) : code;
}

/* ---- its words and names ---------------------------------------------- */

static int read_table(const char *name, struct ch_str *out, char **ret_path,
		      struct ch_error *err)
{
	*ret_path = ch_xasprintf("%s/%s", ch_data_folder(), name);
	ch_str_init(out, CH_TSV_BYTES_MAX);
	return ch_file_read(*ret_path, out, err);
}

static int parse_tables(struct report *r, const char *words,
			const char *countries)
{
	CH_AUTO(ch_report) told = { .cli = r->cli, .term = &r->cli->err };
	CH_AUTO(ch_problems) problems = { 0 };

	if (ch_words_parse((struct ch_slice){ ch_str_cstr(&r->words_text),
					      r->words_text.len },
			   words, r->overview.language, &r->words,
			   &problems) < 0 ||
	    ch_countries_parse(
		    (struct ch_slice){ ch_str_cstr(&r->countries_text),
				       r->countries_text.len },
		    countries, &r->countries, &problems) < 0) {
		ch_report_tell(&told, &problems);
		return EX_CONFIG;
	}
	r->overview.words = r->words;
	r->overview.countries = r->countries;
	return EX_OK;
}

static int read_tables(struct report *r)
{
	CH_AUTOCHAR words = NULL;
	CH_AUTOCHAR countries = NULL;
	struct ch_error err;

	if (read_table(CH_WORDS_FILE, &r->words_text, &words, &err) < 0 ||
	    read_table(CH_COUNTRIES_FILE, &r->countries_text, &countries,
		       &err) < 0)
		return ch_fail(r->cli, EX_CONFIG,
			       "It is installed with chancery; "
			       "CHANCERY_DATADIR says where else it is.",
			       "%s", err.text);
	return parse_tables(r, words, countries);
}

/* ---- writing ---------------------------------------------------------- */

/* On a terminal no byte of it may be a command. */
static int show_csv(struct report *r)
{
	char *text = NULL;
	size_t len = 0;
	FILE *memory = open_memstream(&text, &len);
	int code;

	if (!memory)
		abort(); /* out of memory */
	code = r->form == FORM_CSV ? ch_overview_csv(&r->overview, memory)
				   : ch_overview_html(&r->overview, memory);
	fclose(memory);
	if (code == EX_OK)
		ch_term_block(&r->cli->out, text, len);
	free(text);
	return code;
}

static int write_form(struct report *r, struct ch_output *output)
{
	switch (r->form) {
	case FORM_XLSX:
		return ch_overview_xlsx(&r->overview, output->written);
	case FORM_HTML:
		return ch_overview_html(&r->overview, output->file);
	case FORM_PDF:
		return ch_overview_pdf(&r->overview, output->file);
	case FORM_CSV:
	case FORM_JSON:
		break;
	}
	return ch_overview_csv(&r->overview, output->file);
}

static int write_report(struct report *r)
{
	bool on_stdout = !r->path || strcmp(r->path, "-") == 0;
	struct ch_output output;
	int code;

	if (r->form == FORM_JSON)
		return ch_overview_json(&r->overview);
	if (on_stdout && r->cli->out.tty)
		return show_csv(r);
	code = ch_output_open(r->cli, r->path,
			      r->form == FORM_XLSX ? CH_OUTPUT_NAMED
						   : CH_OUTPUT_STREAM,
			      &output);
	if (code == EX_OK)
		code = write_form(r, &output);
	if (code == EX_OK)
		code = ch_output_commit(&output);
	ch_output_release(&output);
	return code;
}

static int report(struct report *r)
{
	CH_AUTO(ch_target) target = { 0 };
	int code = read_options(r);

	if (code == EX_OK)
		code = read_tables(r);
	if (code != EX_OK)
		return code;
	ch_target_batch(ch_args_operand(r->args, 0), &target);
	code = ch_overview_gather(&r->overview, target.reference,
				  ch_args_has(r->args, "capacities")
					  ? CH_OVERVIEW_CAPACITIES
					  : CH_OVERVIEW_PLAIN);
	return code == EX_OK ? write_report(r) : code;
}

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	struct report r = { .cli = cli, .args = args };
	int code = report(&r);

	ch_overview_release(&r.overview);
	ch_words_free(r.words);
	ch_countries_free(r.countries);
	ch_str_release(&r.words_text);
	ch_str_release(&r.countries_text);
	return code;
}

static const struct ch_option options[] = {
	{ "output", 'o', "FILE", false,
	  "Write it there; its end, .csv, .xlsx, .html or .pdf, says in which "
	  "form." },
	{ "format", 'f', "FORM", false,
	  "csv, xlsx, html or pdf, whatever the file is called." },
	CH_CHOICE_OPTION,
	{ "language", 'l', "LANGUAGE", false,
	  "ar, en, es, fr, ru or zh; that of the locale if not given." },
	{ "capacities", 0, NULL, false,
	  "Also in which capacities each is addressed; only the secretariat "
	  "may ask for them." },
	{ 0 },
};

const struct ch_verb ch_verb_report = {
	.name = "report",
	.operands = "BATCH",
	.least = 1,
	.most = 1,
	.summary = "What became of a batch, as a file to hand on.",
	.about = "A summary, and a row for each addressee by the name of the "
		 "State: to whom, how\nit stands, when, what was answered, why "
		 "it came back. With neither -o nor\n--format: CSV. The summary "
		 "counts all letters, also with --state. A file that\n"
		 "is there is replaced when the new one is whole.\n",
	.options = options,
	.run = run,
};
