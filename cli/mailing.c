// SPDX-License-Identifier: GPL-3.0-or-later
/* mailing.c - gather, parse and open what a person wants to send. */
#include "cli/mailing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "letter/conf.h"
#include "letter/shared.h"
#include "mail/address.h"

#define CONF_NAME "letter.conf"
#define STAND_IN_SENDER "sender-of-chancery.conf@chancery.invalid"

static char *without_slashes(const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	return ch_xstrndup(path, len);
}

void ch_mailing_init(struct ch_mailing *mailing, const struct ch_args *args)
{
	ch_mailing_init_with(mailing, args, ch_args_operand(args, 0));
	mailing->tables_len = ch_args_operands(args) - 1;
	mailing->tables = ch_xcalloc(mailing->tables_len,
				     sizeof(*mailing->tables));
	for (size_t i = 0; i < mailing->tables_len; i++)
		mailing->tables[i] = ch_args_operand(args, i + 1);
}

void ch_mailing_init_with(struct ch_mailing *mailing,
			  const struct ch_args *args, const char *letter)
{
	*mailing = (struct ch_mailing){
		.letter_path = without_slashes(letter),
		.args = args,
		.options = {
			.reference = ch_args_value(args, "reference"),
			.deadline = ch_args_value(args, "deadline"),
			.from = ch_args_value(args, "from"),
			.test_to = ch_args_value(args, "test-to"),
			.date_us = ch_clock_now_us(),
		},
	};
}

void ch_mailing_release(struct ch_mailing *mailing)
{
	if (mailing->letter)
		ch_letter_free(mailing->letter);
	free(mailing->letter_path);
	free(mailing->tables);
	free(mailing->stand_in);
	ch_bundle_release(&mailing->bundle);
	ch_problems_release(&mailing->problems);
	*mailing = (struct ch_mailing){ 0 };
}

/* Without this the letter would be blamed for what stands in the command. */
static bool is_day(const char *text)
{
	int64_t ignored;

	return strlen(text) == strlen("2026-12-07") &&
	       ch_clock_parse_rfc3339(text, &ignored) == 0;
}

int ch_mailing_look(const struct ch_cli *cli, const struct ch_mailing *mailing)
{
	const char *deadline = mailing->options.deadline;
	const char *test_to = mailing->options.test_to;
	struct ch_address address;
	struct ch_error err;
	struct stat st;

	if (deadline && deadline[0] && !is_day(deadline))
		return ch_fail_usage(cli, NULL,
				     "--deadline is a day like 2026-12-18, "
				     "not \"%s\"", deadline);
	if (test_to && test_to[0] &&
	    ch_address_parse(test_to, strlen(test_to), &address, &err) < 0)
		return ch_fail_usage(cli, NULL, "--test-to: %s", err.text);
	if (stat(mailing->letter_path, &st) < 0)
		return ch_fail(cli, EX_NOINPUT, "The first word is the "
						"folder of a letter.",
			       "%s: %s", mailing->letter_path,
			       strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return ch_fail(cli, EX_NOINPUT,
			       "A letter is a folder with letter.conf and a "
			       "file such as en.md for each language.",
			       "%s: is not a folder", mailing->letter_path);
	for (size_t i = 0; i < mailing->tables_len; i++) {
		if (stat(mailing->tables[i], &st) < 0)
			return ch_fail(cli, EX_NOINPUT,
				       "Behind the letter come the tables of "
				       "addressees.",
				       "%s: %s", mailing->tables[i],
				       strerror(errno));
	}
	return EX_OK;
}

const char *ch_data_folder(void)
{
	const char *folder = getenv("CHANCERY_DATADIR");

	return folder && folder[0] ? folder : CH_DATADIR;
}

int ch_mailing_gather(struct ch_mailing *mailing)
{
	const struct ch_args *args = mailing->args;
	const char *folder = ch_args_value(args, "annex-dir");
	size_t errors = mailing->problems.errors;

	ch_bundle_add_folder(&mailing->bundle, CH_ROLE_LETTER,
			     mailing->letter_path, mailing->letter_path,
			     &mailing->problems);
	for (size_t i = 0; i < args->len; i++) {
		if (args->items[i].option &&
		    strcmp(args->items[i].option->name, "annex") == 0)
			ch_bundle_add_annex(&mailing->bundle,
					    args->items[i].value,
					    &mailing->problems);
	}
	if (folder)
		ch_bundle_add_folder(&mailing->bundle, CH_ROLE_ATTACHMENT,
				     folder, folder, &mailing->problems);
	ch_shared_add(&mailing->bundle, ch_data_folder(), &mailing->problems);
	return mailing->problems.errors > errors ? -1 : 0;
}

/* A reference such as the letter wants: "DM-#" gives "DM-0". */
static char *make_stand_in(const char *pattern)
{
	char *made = ch_xstrdup(pattern && pattern[0] ? pattern : "REFERENCE");

	for (char *c = made; *c; c++) {
		if (*c == '#')
			*c = '0';
	}
	return made;
}

/* What stands for facts that the letter gets only when it is queued. */
static void fill_in(struct ch_mailing *mailing)
{
	const struct ch_bundle_file *file =
		ch_bundle_find(&mailing->bundle, CH_ROLE_LETTER, CONF_NAME);
	struct ch_letter_conf conf = { 0 };
	CH_AUTO(ch_problems) ignored = { 0 }; /* loading tells them */

	if (file)
		ch_letter_conf_parse((struct ch_slice){
					     ch_str_cstr(&file->bytes),
					     file->bytes.len },
				     file->shown, &conf, &ignored);
	if (!mailing->options.reference) {
		mailing->stand_in = make_stand_in(conf.reference);
		mailing->options.reference = mailing->stand_in;
	}
	if (!mailing->options.from) {
		mailing->options.from = STAND_IN_SENDER;
		mailing->stand_in_sender = !conf.sender || !conf.sender[0];
	}
	ch_letter_conf_release(&conf);
}

int ch_mailing_load(struct ch_mailing *mailing)
{
	fill_in(mailing);
	return ch_letter_load(&mailing->bundle, &mailing->options,
			      &mailing->letter, &mailing->problems);
}

int ch_mailing_tables(struct ch_mailing *mailing, struct ch_recipients **ret)
{
	struct ch_recipients_table tables[CH_TABLES_MAX];
	struct ch_recipients_options options = {
		.charset = ch_args_value(mailing->args, "charset"),
		.sheet = ch_args_value(mailing->args, "sheet"),
		.utf8 = CH_TABLE_UTF8_WARNED,
		.capacities = mailing->letter &&
			      ch_letter_uses(mailing->letter, "capacities"),
	};
	const char *const *columns;
	size_t len;

	for (size_t i = 0; i < mailing->tables_len; i++) {
		const char *path = mailing->tables[i];
		const char *slash = strrchr(path, '/');

		tables[i] = (struct ch_recipients_table){
			path, mailing->tables_made && slash ? slash + 1 : path
		};
	}
	if (ch_recipients_open(tables, mailing->tables_len, &options, ret,
			       &mailing->problems) < 0)
		return -1;
	columns = ch_recipients_columns(*ret, &len);
	if (mailing->letter)
		ch_letter_check_columns(mailing->letter, columns,
					ch_recipients_column_files(*ret), len,
					&mailing->problems);
	return 0;
}

/* ---- a letter as text ------------------------------------------------- */

static void add_addresses(const struct ch_addressee *a,
			  enum ch_address_role role, const char *name,
			  struct ch_str *out)
{
	const char *separator = NULL;

	for (size_t i = 0; i < a->addresses_len; i++) {
		const struct ch_address *address = &a->addresses[i].address;

		if (a->addresses[i].role != role)
			continue;
		ch_str_add(out, separator ? separator : name);
		separator = ", ";
		if (address->display[0])
			ch_str_addf(out, "%s <%s>", address->display,
				    address->spec);
		else
			ch_str_add(out, address->spec);
	}
	if (separator)
		ch_str_add_char(out, '\n');
}

int ch_mailing_write(struct ch_mailing *mailing, const struct ch_addressee *a,
		     struct ch_str *out)
{
	const struct ch_letter *letter = mailing->letter;
	const struct ch_address *test_to = ch_letter_test_to(letter);
	const char *language = ch_letter_language_of(letter, a);
	CH_AUTO(ch_str) subject = CH_STR_INIT(4096);
	CH_AUTO(ch_str) text = CH_STR_INIT(CH_BUNDLE_FILE_MAX);

	if (ch_letter_merge(letter, a, &subject, &text, NULL,
			    &mailing->problems) < 0)
		return -1;
	if (test_to)
		ch_str_addf(out, "To: %s\n", test_to->spec);
	else
		add_addresses(a, CH_ROLE_TO, "To: ", out);
	if (!test_to)
		add_addresses(a, CH_ROLE_CC, "Cc: ", out);
	ch_str_addf(out, "Subject: %s\nLanguage: %s\nAnnexes: %zu\n\n",
		    ch_str_cstr(&subject), language,
		    ch_letter_annexes_of(letter, a));
	ch_str_add_mem(out, ch_str_cstr(&text), text.len);
	return 0;
}
