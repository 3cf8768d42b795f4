// SPDX-License-Identifier: GPL-3.0-or-later
/* preview.c - chancery preview: one addressee's letter, as it will be. */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/mailing.h"
#include "cli/report.h"

#define TEXT_MAX CH_BUNDLE_FILE_MAX
#define MESSAGE_ID "preview@chancery.invalid"

/* ---- finding the addressee -------------------------------------------- */

/* 1 with *ret, 0 where no good row has that key. NULL: the first. */
static int find_addressee(struct ch_mailing *mailing,
			  struct ch_recipients *recipients,
			  const char *key, struct ch_problems *faults,
			  struct ch_addressee *ret)
{
	while (ch_recipients_next(recipients, ret, faults) > 0) {
		if (!key || strcmp(ret->key, key) == 0)
			return 1;
		ch_addressee_release(ret);
	}
	return 0;
}

/* The row may be there and be faulty: then its faults are the answer. */
static int not_found(const struct ch_cli *cli, struct ch_report *report,
		     const char *key, const char *table,
		     struct ch_problems *faults)
{
	if (!faults->errors && !key)
		return ch_fail(cli, EX_DATAERR, NULL, "%s: has no addressee",
			       table);
	if (!faults->errors)
		return ch_fail(cli, EX_DATAERR,
			       "A key is written as in the column \"key\".",
			       "%s: no addressee \"%s\"", table, key);
	ch_report_tell(report, faults);
	return ch_fail(cli, EX_DATAERR, "Correct the table, then try again.",
		       "no row without a fault %s%s", key ? "has the key " : "",
		       key ? key : "");
}

/* ---- writing it ------------------------------------------------------- */

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

static int write_letter(struct ch_mailing *mailing,
			const struct ch_addressee *a, struct ch_str *out)
{
	if (ch_args_has(mailing->args, "eml"))
		return write_eml(mailing, a, out);
	if (ch_args_has(mailing->args, "html"))
		return ch_letter_merge(mailing->letter, a, NULL, NULL, out,
				       &mailing->problems);
	return ch_mailing_write(mailing, a, out);
}

static int put(const struct ch_cli *cli, const char *path,
	       const struct ch_str *bytes)
{
	FILE *file;

	if (!path || strcmp(path, "-") == 0) {
		if (cli->out.tty && !cli->out.utf8)
			ch_term_line(&cli->err,
				     "This locale has ASCII alone; "
				     "LC_ALL=C.UTF-8 shows it all.");
		if (cli->out.tty)
			ch_term_block(&cli->out, ch_str_cstr(bytes),
				      bytes->len);
		else
			fwrite(ch_str_cstr(bytes), 1, bytes->len, stdout);
		return EX_OK;
	}
	file = fopen(path, "wbe");
	if (!file)
		return ch_fail(cli, EX_CANTCREAT, NULL, "%s: %s", path,
			       strerror(errno));
	fwrite(ch_str_cstr(bytes), 1, bytes->len, file);
	if (ferror(file) | (fclose(file) != 0))
		return ch_fail(cli, EX_IOERR, NULL, "%s: cannot be written",
			       path);
	return EX_OK;
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

static int put_json(const struct ch_cli *cli, struct ch_mailing *mailing,
		    const struct ch_addressee *a)
{
	CH_AUTO(ch_str) subject = CH_STR_INIT(4096);
	CH_AUTO(ch_str) text = CH_STR_INIT(TEXT_MAX);
	CH_AUTO(ch_str) html = CH_STR_INIT(TEXT_MAX);
	const char *language = ch_letter_language_of(mailing->letter, a);
	json_t *object;

	if (ch_letter_merge(mailing->letter, a, &subject, &text, &html,
			    &mailing->problems) < 0)
		return -1;
	object = json_pack("{s:s, s:s, s:o, s:o, s:s, s:I, s:s, s:s}", "key",
			   a->key, "language", language, "to",
			   addresses_of(mailing, a, CH_ROLE_TO), "cc",
			   addresses_of(mailing, a, CH_ROLE_CC), "subject",
			   ch_str_cstr(&subject), "annexes",
			   (json_int_t)ch_letter_annexes_of(mailing->letter,
							    a),
			   "text", ch_str_cstr(&text), "html",
			   ch_str_cstr(&html));
	ch_json_line(&cli->out, object);
	json_decref(object);
	return 0;
}

/* ---- all of it -------------------------------------------------------- */

static void say_stand_ins(const struct ch_cli *cli,
			  const struct ch_mailing *mailing)
{
	if (mailing->stand_in)
		ch_term_line(&cli->err,
			     "Without --reference it is called \"%s\" here.",
			     mailing->stand_in);
	if (mailing->stand_in_sender && ch_args_has(mailing->args, "eml"))
		ch_term_line(&cli->err,
			     "letter.conf names no sender: the one of "
			     "chancery.conf will stand; --from shows it.");
}

static int preview(const struct ch_cli *cli, struct ch_mailing *mailing,
		   struct ch_report *report)
{
	CH_AUTOPTR(ch_recipients) recipients = NULL;
	CH_AUTO(ch_problems) faults = { 0 };
	CH_AUTO(ch_addressee) addressee = { 0 };
	CH_AUTO(ch_str) bytes = CH_STR_INIT(2 * TEXT_MAX);
	const char *key = ch_args_value(mailing->args, "recipient");

	if (ch_mailing_gather(mailing) < 0 || ch_mailing_load(mailing) < 0 ||
	    ch_mailing_tables(mailing, &recipients) < 0 ||
	    mailing->problems.errors) {
		ch_report_tell(report, &mailing->problems);
		return EX_DATAERR;
	}
	if (!find_addressee(mailing, recipients, key, &faults, &addressee))
		return not_found(cli, report, key, mailing->tables[0],
				 &faults);
	if ((cli->json ? put_json(cli, mailing, &addressee)
		       : write_letter(mailing, &addressee, &bytes)) < 0) {
		ch_report_tell(report, &mailing->problems);
		return EX_DATAERR;
	}
	say_stand_ins(cli, mailing);
	if (cli->json)
		return EX_OK;
	return put(cli, ch_args_value(mailing->args, "output"), &bytes);
}

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	struct ch_report report = { .cli = cli, .term = &cli->err };
	struct ch_mailing mailing;
	int code;

	if (ch_args_has(args, "text") + ch_args_has(args, "html") +
		    ch_args_has(args, "eml") + cli->json > 1)
		return ch_fail_usage(cli, &ch_verb_preview,
				     "one of --text, --html, --eml and "
				     "--json");
	if (cli->json && ch_args_has(args, "output"))
		return ch_fail_usage(cli, &ch_verb_preview,
				     "--json goes to the standard output");
	ch_mailing_init(&mailing, args);
	code = ch_mailing_look(cli, &mailing);
	if (code == EX_OK)
		code = preview(cli, &mailing, &report);
	ch_report_release(&report);
	ch_mailing_release(&mailing);
	return code;
}

static const struct ch_option options[] = {
	{ "recipient", 'r', "KEY", false,
	  "Whose letter; the first addressee's if not given." },
	{ "text", 0, NULL, false, "As plain text, with whom it goes to." },
	{ "html", 0, NULL, false, "As the HTML that most will see." },
	{ "eml", 0, NULL, false, "As the whole message." },
	{ "output", 'o', "FILE", false, "Write it there." },
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
	.summary = "Show one addressee's letter as it will be. Needs no "
		   "daemon.",
	.about = "",
	.options = options,
	.run = run,
};
