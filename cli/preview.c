// SPDX-License-Identifier: GPL-3.0-or-later
/* preview.c - chancery preview: letters as they will be.
 *
 * One goes to the standard output or where -o says; of several each gets a file
 * in a folder, and the files' names are what is printed. Nothing is opened.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/mailing.h"
#include "cli/output.h"
#include "cli/report.h"
#include "letter/page.h"

#define TEXT_MAX CH_BUNDLE_FILE_MAX
#define MESSAGE_ID "preview@chancery.invalid"

enum form {
	FORM_TEXT,
	FORM_HTML,
	FORM_PDF,
	FORM_EML,
};

static const struct {
	const char *option;    /* and the end of a file's name … */
	const char *extension; /* … where it is another */
} forms[] = {
	[FORM_TEXT] = { "text", "txt" },
	[FORM_HTML] = { "html", "html" },
	[FORM_PDF] = { "pdf", "pdf" },
	[FORM_EML] = { "eml", "eml" },
};

/* Whose letters are wanted, and which were found. */
struct wanted {
	const char **keys; /* owned array; none: the first addressee */
	bool *found;       /* owned; by key, or by language */
	size_t len;
	bool each_language;
	size_t left; /* not found yet */
};

struct preview {
	const struct ch_cli *cli;
	struct ch_mailing mailing;
	struct ch_report report;
	struct wanted wanted;
	enum form form;
	bool several; /* files in a folder */
	const char *output;
};

/* ---- who is wanted ---------------------------------------------------- */

static void read_wanted(struct preview *p)
{
	const struct ch_args *args = p->mailing.args;
	struct wanted *wanted = &p->wanted;

	wanted->keys = ch_xcalloc(args->len + 1, sizeof(*wanted->keys));
	wanted->each_language = ch_args_has(args, "each-language");
	for (size_t i = 0; i < args->len; i++) {
		const struct ch_arg *arg = &args->items[i];
		bool twice = false;

		if (!arg->option || strcmp(arg->option->name, "recipient") != 0)
			continue;
		for (size_t j = 0; j < wanted->len; j++)
			twice |= strcmp(wanted->keys[j], arg->value) == 0;
		if (!twice)
			wanted->keys[wanted->len++] = arg->value;
	}
	p->several = wanted->each_language || wanted->len > 1;
}

/* The languages are known when the letter is loaded. */
static void count_wanted(struct preview *p)
{
	const char *const *codes = ch_letter_languages(p->mailing.letter);
	struct wanted *wanted = &p->wanted;

	if (wanted->each_language) {
		for (wanted->len = 0; codes[wanted->len]; wanted->len++)
			continue;
	}
	wanted->left = wanted->len ? wanted->len : 1;
	wanted->found = ch_xcalloc(wanted->len + 1, sizeof(*wanted->found));
}

/* The first addressee that gets each language, or those with the keys. */
static bool is_wanted(struct preview *p, const struct ch_addressee *a)
{
	const struct ch_letter *letter = p->mailing.letter;
	struct wanted *wanted = &p->wanted;
	const char *const *names =
		wanted->each_language ? ch_letter_languages(letter)
				      : wanted->keys;
	const char *name = wanted->each_language
				   ? ch_letter_language_of(letter, a)
				   : a->key;

	for (size_t i = 0; i < wanted->len; i++) {
		if (strcmp(names[i], name) != 0 || wanted->found[i])
			continue;
		wanted->found[i] = true;
		return true;
	}
	return wanted->len == 0;
}

/* "members.csv, guests.xlsx". Owned by the caller. */
static char *names_of_tables(const struct ch_mailing *mailing)
{
	char *all = ch_xstrdup(mailing->tables[0]);

	for (size_t i = 1; i < mailing->tables_len; i++) {
		char *more = ch_xasprintf("%s, %s", all, mailing->tables[i]);

		free(all);
		all = more;
	}
	return all;
}

/* The row may be there and be faulty: then its faults are the answer. */
static int not_found(struct preview *p, const char *key,
		     struct ch_problems *faults)
{
	const struct ch_cli *cli = p->cli;
	CH_AUTOCHAR tables = names_of_tables(&p->mailing);

	if (!faults->errors && !key)
		return ch_fail(cli, EX_DATAERR, NULL, "%s: no addressee",
			       tables);
	if (!faults->errors)
		return ch_fail(cli, EX_DATAERR,
			       "A key is written as in the column \"key\".",
			       "%s: no addressee \"%s\"", tables, key);
	ch_report_tell(&p->report, faults);
	return ch_fail(cli, EX_DATAERR, "Correct the table, then try again.",
		       "no row without a fault %s%s", key ? "has the key " : "",
		       key ? key : "");
}

/* Languages that nobody in the table gets are said; keys must be there. */
static int check_found(struct preview *p, struct ch_problems *faults)
{
	struct wanted *wanted = &p->wanted;

	if (wanted->len == 0)
		return wanted->left ? not_found(p, NULL, faults) : EX_OK;
	if (wanted->left == wanted->len && wanted->each_language)
		return not_found(p, NULL, faults);
	for (size_t i = 0; i < wanted->len; i++) {
		if (wanted->found[i])
			continue;
		if (!wanted->each_language)
			return not_found(p, wanted->keys[i], faults);
		ch_term_line(&p->cli->err,
			     "Nobody in the table gets the letter in \"%s\".",
			     ch_letter_languages(p->mailing.letter)[i]);
	}
	return EX_OK;
}

/* ---- writing one ------------------------------------------------------ */

static int write_eml(struct ch_mailing *mailing, const struct ch_addressee *a,
		     struct ch_str *out)
{
	struct ch_letter_identity identity = { MESSAGE_ID,
					       mailing->options.date_us };
	CH_AUTO(ch_composed) composed;
	int rc;

	ch_composed_init(&composed, TEXT_MAX);
	rc = ch_letter_compose(mailing->letter, a, &identity, &composed,
			       &mailing->problems);
	for (size_t i = 0; rc == 0 && i < composed.pieces_len; i++)
		ch_str_add_mem(out, composed.pieces[i].iov_base,
			       composed.pieces[i].iov_len);
	return rc;
}

static int write_letter(struct preview *p, const struct ch_addressee *a,
			struct ch_str *out)
{
	struct ch_mailing *mailing = &p->mailing;

	switch (p->form) {
	case FORM_EML:
		return write_eml(mailing, a, out);
	case FORM_HTML:
		return ch_letter_merge(mailing->letter, a, NULL, NULL, out,
				       &mailing->problems);
	case FORM_PDF:
		return ch_letter_page(mailing->letter, a, out,
				      &mailing->problems);
	case FORM_TEXT:
		break;
	}
	return ch_mailing_write(mailing, a, out);
}

static int put_on_terminal(const struct ch_cli *cli, const struct ch_str *bytes)
{
	if (!cli->out.utf8)
		ch_term_line(&cli->err, "This locale has ASCII alone; "
					"LC_ALL=C.UTF-8 shows it all.");
	ch_term_block(&cli->out, ch_str_cstr(bytes), bytes->len);
	return EX_OK;
}

static int put(const struct ch_cli *cli, const char *path,
	       const struct ch_str *bytes)
{
	struct ch_output output;
	int code;

	if ((!path || strcmp(path, "-") == 0) && cli->out.tty)
		return put_on_terminal(cli, bytes);
	code = ch_output_open(cli, path, CH_OUTPUT_STREAM, &output);
	if (code == EX_OK) {
		fwrite(ch_str_cstr(bytes), 1, bytes->len, output.file);
		code = ch_output_commit(&output);
	}
	ch_output_release(&output);
	return code;
}

/* "FOLDER/FRA.fr.pdf". A key may hold what no file's name can. */
static char *path_of(const struct preview *p, const struct ch_addressee *a)
{
	CH_AUTOCHAR key = ch_xstrdup(a->key);

	for (char *c = key; *c; c++) {
		if (*c == '/' || (c == key && *c == '.'))
			*c = '-';
	}
	return ch_xasprintf("%s%s%s.%s.%s", p->output ? p->output : "",
			    p->output ? "/" : "", key,
			    ch_letter_language_of(p->mailing.letter, a),
			    forms[p->form].extension);
}

static json_t *addresses_of(const struct ch_mailing *mailing,
			    const struct ch_addressee *a,
			    enum ch_address_role role)
{
	const struct ch_address *test_to = ch_letter_test_to(mailing->letter);
	json_t *list = json_array();

	if (test_to && role == CH_ROLE_TO)
		json_array_append_new(list, json_string(test_to->spec));
	for (size_t i = 0; i < a->addresses_len && !test_to; i++) {
		if (a->addresses[i].role == role)
			json_array_append_new(
				list,
				json_string(a->addresses[i].address.spec));
	}
	return list;
}

/* With a folder, the object names the file in place of holding the letter. */
static int put_json(struct preview *p, const struct ch_addressee *a,
		    const char *path)
{
	struct ch_mailing *mailing = &p->mailing;
	CH_AUTO(ch_str) subject = CH_STR_INIT(4096);
	CH_AUTO(ch_str) text = CH_STR_INIT(TEXT_MAX);
	CH_AUTO(ch_str) html = CH_STR_INIT(TEXT_MAX);
	const char *language = ch_letter_language_of(mailing->letter, a);
	json_t *object;

	if (ch_letter_merge(mailing->letter, a, &subject, &text, &html,
			    &mailing->problems) < 0)
		return -1;
	object = json_pack("{s:s, s:s, s:o, s:o, s:s, s:I}", "key", a->key,
			   "language", language, "to",
			   addresses_of(mailing, a, CH_ROLE_TO), "cc",
			   addresses_of(mailing, a, CH_ROLE_CC), "subject",
			   ch_str_cstr(&subject), "annexes",
			   (json_int_t)ch_letter_annexes_of(mailing->letter,
							    a));
	if (path) {
		json_object_set_new(object, "file", json_string(path));
	} else {
		json_object_set_new(object, "text",
				    json_string(ch_str_cstr(&text)));
		json_object_set_new(object, "html",
				    json_string(ch_str_cstr(&html)));
	}
	ch_json_line(&p->cli->out, object);
	json_decref(object);
	return 0;
}

static int faulty(struct preview *p)
{
	ch_report_tell(&p->report, &p->mailing.problems);
	return EX_DATAERR;
}

/* Into its file, whose name is told. */
static int show_in_file(struct preview *p, const struct ch_addressee *a)
{
	CH_AUTO(ch_str) bytes = CH_STR_INIT(2 * TEXT_MAX);
	CH_AUTOCHAR path = path_of(p, a);
	int code;

	if (write_letter(p, a, &bytes) < 0)
		return faulty(p);
	code = put(p->cli, path, &bytes);
	if (code != EX_OK)
		return code;
	if (!p->cli->json)
		ch_term_line(&p->cli->out, "%s", path);
	else if (put_json(p, a, path) < 0)
		return faulty(p);
	return EX_OK;
}

static int show(struct preview *p, const struct ch_addressee *a)
{
	CH_AUTO(ch_str) bytes = CH_STR_INIT(2 * TEXT_MAX);

	if (p->several)
		return show_in_file(p, a);
	if (p->cli->json)
		return put_json(p, a, NULL) < 0 ? faulty(p) : EX_OK;
	if (write_letter(p, a, &bytes) < 0)
		return faulty(p);
	return put(p->cli, p->output, &bytes);
}

/* ---- all of it -------------------------------------------------------- */

static void say_stand_ins(const struct preview *p)
{
	const struct ch_mailing *mailing = &p->mailing;

	if (mailing->stand_in)
		ch_term_line(&p->cli->err,
			     "Without --reference it is called \"%s\" here.",
			     mailing->stand_in);
	if (mailing->stand_in_sender && p->form == FORM_EML)
		ch_term_line(&p->cli->err,
			     "letter.conf names no sender: the one of "
			     "chancery.conf will stand; --from shows it.");
}

static int make_folder(const struct preview *p)
{
	if (!p->several || !p->output || mkdir(p->output, 0777) == 0 ||
	    errno == EEXIST)
		return EX_OK;
	return ch_fail(p->cli, EX_CANTCREAT, NULL, "%s: %s", p->output,
		       strerror(errno));
}

/* Rows are read up to the last one that is wanted. */
static int show_all(struct preview *p, struct ch_recipients *recipients)
{
	CH_AUTO(ch_problems) faults = { 0 };
	struct ch_addressee a;
	int code = EX_OK;

	while (code == EX_OK && p->wanted.left > 0 &&
	       ch_recipients_next(recipients, &a, &faults) > 0) {
		if (is_wanted(p, &a)) {
			p->wanted.left--;
			code = show(p, &a);
		}
		ch_addressee_release(&a);
	}
	if (code == EX_OK && p->wanted.left > 0)
		code = check_found(p, &faults);
	if (code == EX_OK)
		say_stand_ins(p);
	return code;
}

static int preview(struct preview *p)
{
	CH_AUTOPTR(ch_recipients) recipients = NULL;
	struct ch_mailing *mailing = &p->mailing;
	int code;

	if (ch_mailing_gather(mailing) < 0 || ch_mailing_load(mailing) < 0 ||
	    ch_mailing_tables(mailing, &recipients) < 0 ||
	    mailing->problems.errors)
		return faulty(p);
	ch_report_tell(&p->report, &mailing->problems); /* warnings */
	count_wanted(p);
	code = make_folder(p);
	return code == EX_OK ? show_all(p, recipients) : code;
}

/* What the options ask for; EX_OK, or the mistake has been said. */
static int read_options(struct preview *p)
{
	const struct ch_args *args = p->mailing.args;
	const struct ch_cli *cli = p->cli;
	int given = 0;

	for (size_t i = 0; i < CH_COUNT(forms); i++) {
		if (!ch_args_has(args, forms[i].option))
			continue;
		p->form = (enum form)i;
		given++;
	}
	read_wanted(p);
	p->output = ch_args_value(args, "output");
	if (given + (cli->json && !p->several) > 1)
		return ch_fail_usage(cli, &ch_verb_preview,
				     "one of --text, --html, --pdf, --eml and "
				     "--json");
	if (cli->json && p->output && !p->several)
		return ch_fail_usage(cli, &ch_verb_preview,
				     "--json goes to the standard output");
	if (p->wanted.each_language && p->wanted.len > 0)
		return ch_fail_usage(cli, &ch_verb_preview,
				     "--each-language chooses the recipients");
	if (p->form == FORM_PDF && !ch_page_available())
		return ch_fail(cli, EX_UNAVAILABLE,
			       "Build it with pango, librsvg and libhyphen.",
			       "this build of Chancery sets no pages");
	if (p->form == FORM_PDF && !p->output && !p->several && cli->out.tty)
		return ch_fail_usage(cli, &ch_verb_preview,
				     "a PDF does not go to a terminal: -o FILE");
	return EX_OK;
}

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	struct preview p = { .cli = cli };
	int code;

	p.report = (struct ch_report){ .cli = cli, .term = &cli->err };
	ch_mailing_init(&p.mailing, args);
	code = read_options(&p);
	if (code == EX_OK)
		code = ch_mailing_look(cli, &p.mailing);
	if (code == EX_OK)
		code = preview(&p);
	ch_report_release(&p.report);
	ch_mailing_release(&p.mailing);
	free(p.wanted.keys);
	free(p.wanted.found);
	return code;
}

static const struct ch_option options[] = {
	{ "recipient", 'r', "KEY", true,
	  "Whose letter; the first addressee's if not given. May be given "
	  "several times." },
	{ "each-language", 0, NULL, false,
	  "The letter of the first addressee of each language." },
	{ "text", 0, NULL, false, "As plain text, with whom it goes to." },
	{ "html", 0, NULL, false, "As the HTML that most will see." },
	{ "pdf", 0, NULL, false, "As the page, to be printed." },
	{ "eml", 0, NULL, false, "As the whole message." },
	{ "output", 'o', "FILE", false,
	  "Write it there; several letters, into the folder of that name." },
	{ "reference", 'R', "REFERENCE", false,
	  "What the batch will be called, such as DM-1276." },
	CH_MAILING_OPTIONS,
	{ "from", 0, "ADDRESS", false,
	  "The sender, where letter.conf names none." },
	{ 0 },
};

const struct ch_verb ch_verb_preview = {
	.name = "preview",
	.operands = "LETTER TABLE...",
	.least = 2,
	.most = 1 + CH_TABLES_MAX,
	.summary = "Show letters as they will be. Needs no daemon.",
	.about = "",
	.options = options,
	.run = run,
};
