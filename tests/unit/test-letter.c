// SPDX-License-Identifier: GPL-3.0-or-later
/* test-letter.c - whole letters: loading, merging, composing, and what each
 * fault of a letter says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/objects.h"
#include "letter/letter.h"

#define FSI "\xE2\x81\xA8"
#define PDI "\xE2\x81\xA9"

struct file {
	const char *name, *text;
};

static struct ch_bundle_file make_file(const struct file *file)
{
	struct ch_bundle_file ret = {
		.role = file->name[0] == '+' ? CH_ROLE_ANNEX : CH_ROLE_LETTER,
		.name = ch_xstrdup(file->name + (file->name[0] == '+')),
		.shown = ch_xasprintf("l/%s", file->name),
	};

	ch_str_init(&ret.bytes, 100000);
	ch_str_add(&ret.bytes, file->text);
	ch_sha256_of(file->text, strlen(file->text), &ret.sha256);
	return ret;
}

/* A bundle in memory; "+" before a name makes it an annex given beside. */
static void make_bundle(const struct file *files, struct ch_bundle *ret)
{
	*ret = (struct ch_bundle){ 0 };
	for (; files->name; files++) {
		CH_GROW(ret->files, ret->len, ret->cap);
		ret->files[ret->len++] = make_file(files);
	}
}

static const struct ch_letter_options plain_options = {
	.reference = "DM-1276",
	.deadline = "2026-12-01",
	.from = "Office <office@secretariat.example>",
	.date_us = INT64_C(1795478400000000), /* 2026-11-24 */
};

static void add_problems(struct ch_str *out, const struct ch_problems *problems)
{
	for (size_t i = 0; i < problems->len; i++) {
		ch_problem_format(&problems->items[i], out);
		ch_str_add(out, "\n");
	}
}

struct value {
	const char *name, *value;
};

/* An addressee with these fields; "to" and "cc" become addresses. */
static void make_addressee(const struct value *values,
			   struct ch_addressee *ret)
{
	CH_AUTO(ch_fields) fields = { 0 };
	CH_AUTO(ch_str) bytes = CH_STR_INIT(1000000);
	struct ch_error err;
	const char *language;

	for (; values->name; values++)
		ch_fields_set(&fields, values->name,
			      ch_slice_of(values->value));
	ch_fields_encode(&fields, &bytes);
	language = ch_fields_get(&fields, "language");
	assert_int_equal(
		ch_addressee_from_fields(
			ch_slice_of(ch_fields_get(&fields, "key")),
			ch_slice_of(language),
			(struct ch_slice){ ch_str_cstr(&bytes), bytes.len },
			ret, &err), 0);
}

static const struct value france[] = {
	{ "key", "FRA" },     { "language", "fr" },
	{ "name", "France" }, { "to", "Ministère <m@fr.example>" },
	{ "cc", "Mission <un@fr.example>, b@fr.example" },
	{ "empty", "" },      { "star", "*a* <b> [x](https://y.example)" },
	{ "day", "2002-12-07" }, { "two", "one\ntwo" },
	{ "tag", "{{name}}" }, { "kind", "short" },
	{ "count", "1234" },
	{ "capacities.1.role", "Ministre" },
	{ "capacities.2.role", "Gouverneur" },
	{ "capacities.2.name", "Fonds" }, { NULL, NULL },
};

/* The subject, an empty line, the text; or the problems. */
static void merge(const struct file *files,
		  const struct ch_letter_options *options,
		  const struct value *values, struct ch_str *out)
{
	CH_AUTO(ch_bundle) bundle = { 0 };
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_letter) letter = NULL;
	CH_AUTO(ch_addressee) addressee = { 0 };
	CH_AUTO(ch_str) subject = CH_STR_INIT(10000);
	CH_AUTO(ch_str) text = CH_STR_INIT(100000);

	make_bundle(files, &bundle);
	make_addressee(values, &addressee);
	if (ch_letter_load(&bundle, options, &letter, &problems) == 0 &&
	    ch_letter_merge(letter, &addressee, &subject, &text, NULL,
			    &problems) == 0)
		ch_str_addf(out, "%s\n\n%s", ch_str_cstr(&subject),
			    ch_str_cstr(&text));
	add_problems(out, &problems);
}

static void letters(void **state)
{
	static const struct {
		const char *name;
		struct file files[8];
		const char *expected;
	} rows[] = {
		{ "the language of the addressee",
		  { { "letter.conf", "" },
		    { "en.md", "Subject: S\n\nen\n" },
		    { "fr.md", "Subject: Objet {{name}}\n\nCher {{name}},\n" } },
		  "[DM-1276] Objet France\n\nCher France,\n" },
		{ "the fallback is English",
		  { { "letter.conf", "" },
		    { "es.md", "Subject: S\n\nes\n" },
		    { "en.md", "Subject: S\n\nen\n" } },
		  "[DM-1276] S\n\nen\n" },
		{ "or what letter.conf says",
		  { { "letter.conf", "fallback_language = \"es\";" },
		    { "es.md", "Subject: S\n\nes\n" },
		    { "en.md", "Subject: S\n\nen\n" } },
		  "[DM-1276] S\n\nes\n" },
		{ "or the first there is",
		  { { "letter.conf", "languages = [\"zh\", \"es\"];" },
		    { "es.md", "Subject: S\n\nes\n" },
		    { "zh.md", "Subject: S\n\nzh\n" } },
		  "[DM-1276] S\n\nzh\n" },
		{ "fields that every letter has",
		  { { "letter.conf", "" },
		    { "fr.md", "\xEF\xBB\xBFSubject: {{reference}}\r\n\r\n"
			       "{{reference}} {{date}} {{date | date}}\r\n"
			       "{{deadline | date}} {{language}} {{day | "
			       "date}}\r\n" } },
		  "[DM-1276] DM-1276\n\nDM-1276 2026-11-24 24 novembre 2026 "
		  "1er d\xC3\xA9" "cembre 2026 fr 7 d\xC3\xA9" "cembre 2002\n" },
		{ "labels",
		  { { "letter.conf", "labels: { fr: { to = \"\xC3\x80\"; }; "
				     "en: { to = \"To\"; }; };" },
		    { "fr.md", "Subject: S\n\n{{labels.to}} {{name}}\n" } },
		  "[DM-1276] S\n\n\xC3\x80 France\n" },
		{ "annexes are counted",
		  { { "letter.conf", "annexes = [ \"a.pdf\", \"b.pdf\" ];" },
		    { "a.fr.pdf", "x" },
		    { "a.pdf", "y" },
		    { "b.pdf", "z" },
		    { "+c.pdf", "c" },
		    { "fr.md", "Subject: S\n\nAnnexes: {{annexes}}\n" } },
		  "[DM-1276] S\n\nAnnexes: 3\n"
		  "l/a.pdf: warning: nothing in the letter uses this file\n" },
		{ "no annexes, no count",
		  { { "letter.conf", "" },
		    { "fr.md", "Subject: S\n\nx{{#annexes}} Annexes: "
			       "{{annexes}}{{/annexes}}\n" } },
		  "[DM-1276] S\n\nx\n" },
		{ "copies",
		  { { "letter.conf", "" },
		    { "fr.md", "Subject: S\n\nCopie: {{copies}}\n" } },
		  "[DM-1276] S\n\nCopie: Mission\u202F; b@fr.example\n" },
		{ "a partial of its language, and one of all",
		  { { "letter.conf", "" },
		    { "closing.fr.md", "Salutations\n" },
		    { "closing.md", "Yours\n" },
		    { "sign.md", "{{name}}\n" },
		    { "fr.md", "Subject: S\n\n{{> closing}}\n{{> sign}}\n" } },
		  "[DM-1276] S\n\nSalutations France\n"
		  "l/closing.md: warning: nothing in the letter uses this "
		  "file\n" },
		{ "values are data",
		  { { "letter.conf", "" },
		    { "fr.md", "Subject: {{tag}} {{star}}\n\n{{tag}} "
			       "{{star}}\n" } },
		  "[DM-1276] {{name}} *a* <b> [x](https://y.example)\n\n"
		  "{{name}} *a* <b> [x](https://y.example)\n" },
		{ "a line break in a value",
		  { { "letter.conf", "" },
		    { "fr.md", "Subject: S\n\n{{two}}\n" } },
		  "[DM-1276] S\n\none\ntwo\n" },
		{ "sections",
		  { { "letter.conf", "" },
		    { "fr.md", "Subject: S\n\n{{#empty}}\n- no\n{{/empty}}\n"
			       "{{#name}}\n- yes {{name}}\n{{/name}}\n" } },
		  "[DM-1276] S\n\n  - yes France\n" },
		{ "a list, in the subject too",
		  { { "letter.conf", "" },
		    { "fr.md", "Subject: {{#capacities}}{{role}}, "
			       "{{/capacities}}etc.\n\n{{#capacities}}\n"
			       "- {{role}} ({{name}})\n{{/capacities}}\n" } },
		  "[DM-1276] Ministre, Gouverneur, etc.\n\n"
		  "  - Ministre (France)\n  - Gouverneur (Fonds)\n" },
		{ "no list",
		  { { "letter.conf", "" },
		    { "fr.md", "Subject: S\n\n{{#seats}}\n- {{x}}\n"
			       "{{/seats}}\n{{^seats}}\nnone\n{{/seats}}\n"
			       } },
		  "[DM-1276] S\n\nnone\n" },
		{ "a frame that six languages share",
		  { { "letter.conf", "labels: { fr: { end = \"Fin\"; }; };" },
		    { "frame.md", "{{reference}}\n\n{{$body}}\n{{/body}}\n\n"
				  "{{labels.end}}\n" },
		    { "fr.md", "Subject: S\n\n{{<frame}}\n{{$body}}\n"
			       "Cher {{name}},\n{{/body}}\n{{/frame}}\n" } },
		  "[DM-1276] S\n\nDM-1276\n\nCher France,\n\nFin\n" },
		{ "a text by a field's name",
		  { { "letter.conf", "" },
		    { "README.md", "{{nothing}}" },
		    { "short.fr.md", "Bref, {{name}}.\n" },
		    { "short.en.md", "{{nothing}}\n" },
		    { "long.md", "Long.\n" },
		    { "fr.md", "Subject: S\n\n{{>*kind}}\n" } },
		  "[DM-1276] S\n\nBref, France.\n"
		  "l/short.en.md: warning: nothing in the letter uses this "
		  "file\n" },
		{ "filters in the language of the text",
		  { { "letter.conf", "annexes = [ \"a.pdf\" ];" },
		    { "a.pdf", "x" },
		    { "fr.md", "Subject: {{name | upper}}\n\n{{count | number}}"
			       "; {{annexes}} {{annexes | plural: one=annexe, "
			       "other=annexes}}; {{annexes | ordinal:f}}; "
			       "{{day | date:weekday}}\n" } },
		  "[DM-1276] FRANCE\n\n1\xE2\x80\xAF" "234; 1 annexe; 1re; "
		  "samedi 7 d\xC3\xA9" "cembre 2002\n" },
		{ "a section on the labels",
		  { { "letter.conf", "labels: { fr: { a = \"x\"; }; };" },
		    { "fr.md", "Subject: S\n\n{{#labels}}{{a}}{{/labels}}\n" }
		    },
		  "[DM-1276] S\n\nx\n" },
		{ "a reference as the letter wants it",
		  { { "letter.conf", "reference = \"DM-#\";" },
		    { "fr.md", "Subject: S\n\nx\n" } },
		  "[DM-1276] S\n\nx\n" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(100000);

		merge(rows[i].files, &plain_options, france, &out);
		if (strcmp(ch_str_cstr(&out), rows[i].expected) != 0)
			print_error("row \"%s\"\n", rows[i].name);
		assert_string_equal(ch_str_cstr(&out), rows[i].expected);
	}
}

static void arabic_is_isolated(void **state)
{
	static const struct file files[] = {
		{ "letter.conf", "" },
		{ "ar.md", "Subject: \xD8\xA8 {{name}}\n\n\xD8\xA8 {{name}}\n" },
		{ NULL, NULL },
	};
	static const struct value values[] = {
		{ "key", "A" }, { "language", "ar" }, { "name", "X" },
		{ "to", "a@b.example" }, { NULL, NULL },
	};
	CH_AUTO(ch_str) out = CH_STR_INIT(100000);

	(void)state;
	merge(files, &plain_options, values, &out);
	assert_string_equal(ch_str_cstr(&out),
			    "[DM-1276] \xD8\xA8 " FSI "X" PDI
			    "\n\n\xD8\xA8 " FSI "X" PDI "\n");
}

#define OK_TEXT { "en.md", "Subject: S\n\nx\n" }

static void faults(void **state)
{
	static const struct {
		const char *name;
		struct file files[6];
		const char *expected;
	} rows[] = {
		{ "no letter.conf", { OK_TEXT },
		  "l/en.md: there is no letter.conf\n" },
		{ "unknown key", { { "letter.conf", "\nsubjekt = \"x\";" },
				   OK_TEXT },
		  "l/letter.conf:2: subjekt: unknown setting\n" },
		{ "bad sender", { { "letter.conf", "\nsender = \"x\";" },
				  OK_TEXT },
		  "l/letter.conf:2: sender: no \"@\" in \"x\"\n" },
		{ "no text", { { "letter.conf", "" } },
		  "l/letter.conf: there is no text in any language\n" },
		{ "a language without its text",
		  { { "letter.conf", "languages = [\"en\", \"fr\", \"de\", "
				     "\"en\"];" }, OK_TEXT },
		  "l/letter.conf:1: languages: there is no fr.md\n"
		  "l/letter.conf:1: languages: \"de\" is none of the six\n"
		  "l/letter.conf:1: languages: \"en\" is there twice\n" },
		{ "a fallback that is not there",
		  { { "letter.conf", "fallback_language = \"es\";" },
		    OK_TEXT },
		  "l/letter.conf:1: fallback_language: the letter has no text "
		  "in \"es\"\n" },
		{ "the wrong reference",
		  { { "letter.conf", "reference = \"A/#\";" }, OK_TEXT },
		  "l/letter.conf:1: reference: \"DM-1276\" is not like "
		  "\"A/#\"\n" },
		{ "an annex that is not there",
		  { { "letter.conf", "annexes = [\"a.pdf\"];" }, OK_TEXT },
		  "l/letter.conf:1: annexes: there is neither a.en.pdf nor "
		  "a.pdf\n" },
		{ "an annex in one language alone",
		  { { "letter.conf", "" }, OK_TEXT, { "+a.fr.pdf", "x" } },
		  "l/letter.conf: annexes: there is neither a.en.pdf nor "
		  "a.pdf\nl/+a.fr.pdf: warning: nothing in the letter uses "
		  "this file\n" },
		{ "no subject", { { "letter.conf", "" },
				  { "en.md", "Dear all,\n" } },
		  "l/en.md:1: the text does not begin with its subject\n" },
		{ "an empty subject", { { "letter.conf", "" },
					{ "en.md", "Subject: \n\nx" } },
		  "l/en.md:1: the text has no subject\n" },
		{ "an empty file", { { "letter.conf", "" },
				     { "en.md", "" } },
		  "l/en.md:1: the text has no subject\n" },
		{ "no empty line", { { "letter.conf", "" },
				     { "en.md", "Subject: S\nDear all\n" } },
		  "l/en.md:2: an empty line must follow the subject\n" },
		{ "faults of all texts",
		  { { "letter.conf", "" },
		    { "en.md", "Subject: {{a\n\n{{b\n" },
		    { "fr.md", "Subject: S\n\n\nx {{#c}}\n" } },
		  "l/en.md:1:10: the tag is not closed\n"
		  "l/en.md:3:1: the tag is not closed\n"
		  "l/fr.md:4:3: the section \"c\" is not closed\n" },
		{ "unknown label",
		  { { "letter.conf", "labels: { en: { to = \"To\"; }; };" },
		    { "en.md", "Subject: S\n\nx {{labels.too}}\n" } },
		  "l/en.md:3:3: labels.too: no such label in this language\n" },
		{ "a partial in a subject",
		  { { "letter.conf", "" },
		    { "en.md", "Subject: {{> x}}\n\nx\n" } },
		  "l/en.md:1:10: {{> x}} may not stand here\n" },
		{ "a partial outside the folder",
		  { { "letter.conf", "" },
		    { "en.md", "Subject: S\n\n{{> ../x}}{{> /etc/passwd}}\n" } },
		  "l/en.md:3:1: {{> ../x}}: leads outside the letter's folder\n"
		  "l/en.md:3:11: {{> /etc/passwd}}: leads outside the letter's "
		  "folder\n" },
		{ "a partial that includes itself",
		  { { "letter.conf", "" },
		    { "en.md", "Subject: S\n\n{{> x}}\n" },
		    { "x.md", "\n{{> x}}\n" } },
		  "l/x.md:2:1: {{> x}} includes itself\n" },
		{ "a link that is none of ours",
		  { { "letter.conf", "" },
		    { "en.md", "Subject: S\n\nx\n\n{{#name}}\n"
			       "[y](javascript:z)\n{{/name}}\n" } },
		  "l/en.md:6: a link to \"javascript:z\"; only https:// and "
		  "mailto: may be linked\n" },
		{ "unknown field", { { "letter.conf", "" },
				     { "en.md", "Subject: {{nmae}}\n\nx\n" } },
		  "l/en.md:1:10: nmae: no such field for FRA\n" },
		{ "empty field", { { "letter.conf", "" },
				   { "en.md", "Subject: S\n\nDear "
					      "{{empty}},\n" } },
		  "l/en.md:3:6: empty: empty for FRA\n" },
		{ "a count where there is nothing to count",
		  { { "letter.conf", "" },
		    { "en.md", "Subject: S\n\nAnnexes: {{annexes}} "
			       "{{#annexes}}{{annexes}}{{/annexes}}\n" } },
		  "l/en.md:3:10: annexes: empty\n" },
		{ "a label without a text",
		  { { "letter.conf", "labels: { en: { to = \"\"; }; };" },
		    { "en.md", "Subject: S\n\n{{labels.to}}\n" } },
		  "l/en.md:3:1: labels.to: empty\n" },
		{ "a text by a field's name that is not there",
		  { { "letter.conf", "" },
		    { "long.md", "Long.\n" },
		    { "fr.md", "Subject: S\n\n{{>*kind}}\n" } },
		  "l/fr.md:3:1: kind: the letter has no text \"short\" for "
		  "FRA\n" },
		{ "a fault in a text that a field may name",
		  { { "letter.conf", "" },
		    { "long.md", "Long {{labels.x}}.\n" },
		    { "fr.md", "Subject: S\n\n{{>*kind}}\n" } },
		  "l/long.md:1:6: labels.x: no such label in this language\n" },
		{ "plural words that the language lacks",
		  { { "letter.conf", "" },
		    { "ru.md", "Subject: S\n\n{{count | plural: one=a, "
			       "other=b}}\n" } },
		  "l/ru.md:3:1: there is no \"few=\" for numbers such as 2 in "
		  "\"ru\"\n" },
		{ "a list printed",
		  { { "letter.conf", "" },
		    { "fr.md", "Subject: S\n\n{{capacities}}\n" } },
		  "l/fr.md:3:1: capacities: not one value but several for "
		  "FRA\n" },
		{ "a line break in the subject",
		  { { "letter.conf", "" },
		    { "en.md", "Subject: {{two}}\n\nx\n" } },
		  "l/en.md:1: a line break or control character in the subject "
		  "for FRA\n" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(100000);

		merge(rows[i].files, &plain_options, france, &out);
		if (strcmp(ch_str_cstr(&out), rows[i].expected) != 0)
			print_error("row \"%s\"\n", rows[i].name);
		assert_string_equal(ch_str_cstr(&out), rows[i].expected);
	}
}

/* Missing for all, so said once and before the first addressee. */
static void no_deadline(void **state)
{
	static const struct file files[] = {
		{ "letter.conf", "" },
		{ "en.md", "Subject: by {{deadline}}\n\n"
			   "{{#deadline}}by {{deadline | date}}{{/deadline}}\n"
			   "{{^deadline}}soon{{/deadline}}\n"
			   "{{#name}}by {{deadline}}{{/name}}\n"
			   "by {{deadline | date}}\n" },
		{ NULL, NULL },
	};
	struct ch_letter_options options = plain_options;
	CH_AUTO(ch_bundle) bundle = { 0 };
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_letter) letter = NULL;
	CH_AUTO(ch_str) out = CH_STR_INIT(10000);

	(void)state;
	options.deadline = NULL;
	make_bundle(files, &bundle);
	assert_int_equal(ch_letter_load(&bundle, &options, &letter, &problems),
			 -1);
	add_problems(&out, &problems);
	assert_string_equal(ch_str_cstr(&out),
			    "l/en.md:1:13: deadline: empty\n"
			    "l/en.md:6:4: deadline: empty\n");
	assert_string_equal(problems.items[0].hint,
			    "Give one, such as --deadline 2026-12-07, or put "
			    "the sentence inside a section on the field.");
}

/* A day that is over is said, where a reader meets it, and no more. */
static void past_deadline(void **state)
{
	static const struct file saying[] = {
		{ "letter.conf", "languages = [ \"fr\", \"en\" ];" },
		{ "en.md", "Subject: Hello\n\nby {{deadline | date}}\n" },
		{ "fr.md", "Subject: Bonjour\n\nBonjour\n"
			   "avant le {{deadline | date}}, {{deadline}}\n" },
		{ NULL, NULL },
	};
	static const struct file silent[] = {
		{ "letter.conf", "" },
		{ "en.md", "Subject: Hello\n\nHello\n" },
		{ NULL, NULL },
	};
	static const struct {
		const struct file *files;
		const char *deadline, *expected;
	} rows[] = {
		{ saying, "2026-11-24", "" }, /* the letter's own day */
		{ saying, "2026-11-23",
		  "l/fr.md:4:10: warning: deadline: 2026-11-23 is over: the "
		  "letter is of 2026-11-24\n" },
		{ silent, "2025-12-18",
		  "l/letter.conf: warning: deadline: 2025-12-18 is over: the "
		  "letter is of 2026-11-24\n" },
		{ silent, "2026-13-01",
		  "l/letter.conf: deadline: \"2026-13-01\" is no date such as "
		  "2026-12-07\n" },
		{ silent, NULL, "" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_letter_options options = plain_options;
		CH_AUTO(ch_bundle) bundle = { 0 };
		CH_AUTO(ch_problems) problems = { 0 };
		CH_AUTOPTR(ch_letter) letter = NULL;
		CH_AUTO(ch_str) out = CH_STR_INIT(10000);

		options.deadline = rows[i].deadline;
		make_bundle(rows[i].files, &bundle);
		(void)ch_letter_load(&bundle, &options, &letter, &problems);
		assert_int_equal(!letter, problems.errors > 0);
		add_problems(&out, &problems);
		assert_string_equal(ch_str_cstr(&out), rows[i].expected);
	}
}

/* What a list calls it, before anybody is known. */
static void subjects_for_lists(void **state)
{
	static const struct {
		const char *subject, *expected;
	} rows[] = {
		{ "First session", "First session" },
		{ "Reminder {{name}}", "Reminder [name]" },
		{ "{{reference}} to {{name}}, by {{deadline | date}}",
		  "DM-1276 to [name], by 1 December 2026" },
		{ "of {{date | date:short}}: {{day | date}}",
		  "of 24 Nov. 2026: [day]" },
		{ "A{{#name}}, {{name}} in {{post.city}}{{/name}}"
		  "{{^name}}, nobody{{/name}}", "A, [name] in [post.city]" },
		{ "{{#name}}{{.}}{{/name}} {{labels.hello}}", "[name] Hi" },
		{ "{{salutation}} <{{{name}}}> {{count | number}}",
		  "[salutation] <[name]> [count]" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOCHAR text = ch_xasprintf("Subject: %s\n\nHello\n",
						rows[i].subject);
		const struct file files[] = {
			{ "letter.conf",
			  "labels: { en: { hello = \"Hi\"; }; };" },
			{ "en.md", text },
			{ NULL, NULL },
		};
		CH_AUTO(ch_bundle) bundle = { 0 };
		CH_AUTO(ch_problems) problems = { 0 };
		CH_AUTOPTR(ch_letter) letter = NULL;
		CH_AUTO(ch_str) out = CH_STR_INIT(10000);

		make_bundle(files, &bundle);
		assert_int_equal(ch_letter_load(&bundle, &plain_options,
						&letter, &problems), 0);
		ch_letter_subject(letter, "en", &out);
		assert_string_equal(ch_str_cstr(&out), rows[i].expected);
	}
}

static void columns(void **state)
{
	static const struct file files[] = {
		{ "letter.conf", "" },
		{ "en.md", "Subject: {{a}}\n\n{{date}} {{b}}\n{{b}}\n" },
		{ NULL, NULL },
	};
	static const char *const names[] = { "key", "to", "a", "date" };
	static const char *const files_of[] = { "m.csv", "m.csv", "n.csv",
						"n.csv" };
	CH_AUTO(ch_bundle) bundle = { 0 };
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_letter) letter = NULL;
	CH_AUTO(ch_str) out = CH_STR_INIT(10000);

	(void)state;
	make_bundle(files, &bundle);
	assert_int_equal(ch_letter_load(&bundle, &plain_options, &letter,
					&problems), 0);
	assert_int_equal(ch_letter_check_columns(letter, names, files_of, 4,
						 &problems), -1);
	add_problems(&out, &problems);
	assert_string_equal(ch_str_cstr(&out),
			    "l/en.md:3:10: b: no such field\n"
			    "l/en.md:4:1: b: no such field\n"
			    "n.csv:1: date: a column may not be called like a "
			    "field that every letter has\n");
	assert_string_equal(problems.items[0].hint,
			    "m.csv has the columns key, to; n.csv has also a, "
			    "date.");
	assert_true(ch_letter_uses(letter, "a"));
	assert_false(ch_letter_uses(letter, "to"));
}

/* A list's columns are not missed inside a section on it. */
static void columns_of_lists(void **state)
{
	static const struct file files[] = {
		{ "letter.conf", "" },
		{ "en.md", "Subject: S\n\n{{#capacities}}{{role}}{{/capacities}}"
			   "{{role}} {{#seat}}{{body}}{{/seat}} {{seat.body}}\n"
			   "{{body}} {{seat.city}}\n" },
		{ NULL, NULL },
	};
	static const char *const names[] = { "key", "to", "seat.1.body",
					     "capacities", "seat.body" };
	static const char *const files_of[] = { "m.csv", "m.csv", "m.csv",
						"m.csv", "m.csv" };
	CH_AUTO(ch_bundle) bundle = { 0 };
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_letter) letter = NULL;
	CH_AUTO(ch_str) out = CH_STR_INIT(10000);

	(void)state;
	make_bundle(files, &bundle);
	assert_int_equal(ch_letter_load(&bundle, &plain_options, &letter,
					&problems), 0);
	assert_int_equal(ch_letter_check_columns(letter, names, files_of, 5,
						 &problems), -1);
	add_problems(&out, &problems);
	assert_string_equal(ch_str_cstr(&out),
			    "l/en.md:3:39: role: no such field\n"
			    "l/en.md:4:1: body: no such field\n"
			    "l/en.md:4:10: seat.city: no such field\n"
			    "m.csv:1: capacities: a column may not be called "
			    "like a field that every letter has\n");
	assert_true(ch_letter_uses(letter, "seat"));
	assert_true(ch_letter_uses(letter, "capacities"));
	assert_true(ch_letter_uses(letter, "seat.body"));
	assert_false(ch_letter_uses(letter, "seat.room"));
	assert_false(ch_letter_uses(letter, "sea"));
}

/* ---- messages --------------------------------------------------------- */

static void take_message(const struct ch_composed *composed,
			 struct ch_str *out)
{
	ch_str_clear(out);
	for (size_t i = 0; i < composed->pieces_len; i++)
		ch_str_add_mem(out, composed->pieces[i].iov_base,
			       composed->pieces[i].iov_len);
	assert_int_equal(out->len, composed->size_bytes);
}

static const struct file invitation[] = {
	{ "letter.conf", "sender = \"Office <o@s.example>\"; "
			 "reply_to = \"r@s.example\"; annexes = [\"a.pdf\"];" },
	{ "fr.md", "Subject: Objet {{name}}\n\nCher {{name}},\n\n**x** "
		   "{{star}}\n" },
	{ "a.fr.pdf", "%PDF-1.4 fr" },
	{ NULL, NULL },
};

static const struct ch_letter_identity identity = {
	"k7@chancery.example", INT64_C(1795478400000000)
};

static void compose_one(const struct ch_letter_options *options,
			struct ch_str *out)
{
	CH_AUTO(ch_bundle) bundle = { 0 };
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_letter) letter = NULL;
	CH_AUTO(ch_addressee) addressee = { 0 };
	CH_AUTO(ch_composed) composed;

	ch_composed_init(&composed, 1000000);
	make_bundle(invitation, &bundle);
	make_addressee(france, &addressee);
	assert_int_equal(ch_letter_load(&bundle, options, &letter, &problems),
			 0);
	if (ch_letter_compose(letter, &addressee, &identity, &composed,
			      &problems) == 0)
		take_message(&composed, out);
	add_problems(out, &problems);
}

static void messages(void **state)
{
	static const char *const lines[] = {
		"From: Office <o@s.example>\r\n",
		"Reply-To: r@s.example\r\n",
		"To: =?UTF-8?", "<m@fr.example>\r\n",
		"Cc: Mission <un@fr.example>, b@fr.example\r\n",
		"Subject: [DM-1276] Objet France\r\n",
		"Message-ID: <k7@chancery.example>\r\n",
		"Content-Language: fr\r\n",
		"Date: Tue, 24 Nov 2026 00:00:00 +0000\r\n",
		"a.fr.pdf",
		"*a* &lt;b&gt;", /* HTML in a value is escaped */
	};
	CH_AUTO(ch_str) out = CH_STR_INIT(1000000);
	CH_AUTO(ch_str) again = CH_STR_INIT(1000000);

	(void)state;
	compose_one(&plain_options, &out);
	for (size_t i = 0; i < CH_COUNT(lines); i++) {
		if (!strstr(ch_str_cstr(&out), lines[i]))
			print_error("%s not in:\n%s", lines[i],
				    ch_str_cstr(&out));
		assert_non_null(strstr(ch_str_cstr(&out), lines[i]));
	}
	/* A second time, from new: the same bytes. */
	compose_one(&plain_options, &again);
	assert_string_equal(ch_str_cstr(&out), ch_str_cstr(&again));
}

static void test_messages_go_elsewhere(void **state)
{
	struct ch_letter_options options = plain_options;
	CH_AUTO(ch_str) out = CH_STR_INIT(1000000);

	(void)state;
	options.test_to = "me@s.example";
	compose_one(&options, &out);
	assert_non_null(strstr(ch_str_cstr(&out), "To: me@s.example\r\n"));
	assert_null(strstr(ch_str_cstr(&out), "fr.example"));
	assert_null(strstr(ch_str_cstr(&out), "Cc:"));
}

static void too_large(void **state)
{
	struct ch_letter_options options = plain_options;
	CH_AUTO(ch_str) out = CH_STR_INIT(1000000);

	(void)state;
	options.max_message_bytes = 1500;
	compose_one(&options, &out);
	assert_non_null(strstr(ch_str_cstr(&out), "l/fr.md: "));
	assert_non_null(strstr(ch_str_cstr(&out), " may be"));
	assert_non_null(strstr(ch_str_cstr(&out), " for FRA\n"));
}

/* ---- folders ---------------------------------------------------------- */

static char folder[64];

static void put(const char *name, const char *text)
{
	CH_AUTOCHAR path = ch_xasprintf("%s/%s", folder, name);
	CH_AUTOFD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void drop(const char *name)
{
	CH_AUTOCHAR path = ch_xasprintf("%s/%s", folder, name);

	assert_int_equal(unlink(path), 0);
}

static void folders(void **state)
{
	CH_AUTO(ch_bundle) bundle = { 0 };
	CH_AUTO(ch_problems) problems = { 0 };

	(void)state;
	put("b.md", "b");
	put("a.md", "aa");
	put(".hidden", "x");
	put("a.md~", "x");
	assert_int_equal(ch_bundle_add_folder(&bundle, CH_ROLE_LETTER,
					      folder, "inv", &problems), 0);
	assert_int_equal(bundle.len, 2);
	assert_string_equal(bundle.files[0].name, "a.md");
	assert_string_equal(bundle.files[0].shown, "inv/a.md");
	assert_int_equal(bundle.files[0].bytes.len, 2);
	assert_string_equal(bundle.files[1].name, "b.md");
	drop("a.md");
	drop("b.md");
	drop(".hidden");
	drop("a.md~");
}

static void bad_folders(void **state)
{
	static const struct {
		const char *name, *target, *expected;
	} rows[] = {
		{ "up.pdf", "../x", "inv/up.pdf: leads outside its directory" },
		{ "abs.pdf", "/etc/passwd",
		  "inv/abs.pdf: leads outside its directory" },
		{ "dev", "/dev/zero", "inv/dev: leads outside its directory" },
		{ "none.pdf", "nothing",
		  "inv/none.pdf: No such file or directory" },
		{ "a\nb.pdf", NULL,
		  "inv/a\\x0Ab.pdf: control character U+000A in a file's "
		  "name" },
		{ "a\xE2\x80\xAE.pdf", NULL,
		  "inv/a\\u{202E}.pdf: text direction character U+202E in a "
		  "file's name" },
		{ "a\xFF.pdf", NULL,
		  "inv/a\\xFF.pdf: a file's name is not UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_bundle) bundle = { 0 };
		CH_AUTO(ch_problems) problems = { 0 };
		CH_AUTO(ch_str) out = CH_STR_INIT(1000);
		CH_AUTOCHAR path = ch_xasprintf("%s/%s", folder, rows[i].name);

		if (rows[i].target)
			assert_int_equal(symlink(rows[i].target, path), 0);
		else
			put(rows[i].name, "x");
		assert_int_equal(ch_bundle_add_folder(&bundle, CH_ROLE_LETTER,
						      folder, "inv",
						      &problems), -1);
		drop(rows[i].name);
		assert_int_equal(problems.len, 1);
		ch_problem_format(&problems.items[0], &out);
		assert_string_equal(ch_str_cstr(&out), rows[i].expected);
	}
}

static void fifos_and_large_files(void **state)
{
	CH_AUTO(ch_bundle) bundle = { 0 };
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);
	CH_AUTOCHAR fifo = ch_xasprintf("%s/fifo", folder);
	CH_AUTOCHAR large = ch_xasprintf("%s/large.pdf", folder);

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(ch_bundle_add_annex(&bundle, fifo, &problems), -1);
	put("large.pdf", "");
	assert_int_equal(truncate(large, CH_BUNDLE_FILE_MAX + 1), 0);
	assert_int_equal(ch_bundle_add_annex(&bundle, large, &problems), -1);
	assert_int_equal(ch_bundle_add_annex(&bundle, "/nonexistent/a.pdf",
					     &problems), -1);
	put("ok.pdf", "x");
	drop("large.pdf");
	drop("fifo");
	{
		CH_AUTOCHAR ok = ch_xasprintf("%s/ok.pdf", folder);

		assert_int_equal(ch_bundle_add_annex(&bundle, ok, &problems),
				 0);
		assert_int_equal(ch_bundle_add_annex(&bundle, ok, &problems),
				 -1);
	}
	drop("ok.pdf");
	assert_non_null(ch_bundle_find(&bundle, CH_ROLE_ANNEX, "ok.pdf"));
	assert_null(ch_bundle_find(&bundle, CH_ROLE_LETTER, "ok.pdf"));
	add_problems(&out, &problems);
	assert_non_null(strstr(ch_str_cstr(&out), "/fifo: not a regular "
						  "file\n"));
	assert_non_null(strstr(ch_str_cstr(&out), "/large.pdf: larger than "
						  "26214400 bytes\n"));
	assert_non_null(strstr(ch_str_cstr(&out), "/nonexistent/a.pdf: No such "
						  "file or directory\n"));
	assert_non_null(strstr(ch_str_cstr(&out), "ok.pdf: there are two files "
						  "of that name\n"));
}

static void objects(void **state)
{
	CH_AUTO(ch_bundle) bundle = { 0 };
	CH_AUTOFD fd = open(folder, O_RDONLY | O_DIRECTORY);
	struct ch_sha256 sum;
	struct ch_error err;
	char hex[CH_SHA256_HEX_SIZE];
	CH_AUTOCHAR path = NULL;

	(void)state;
	assert_int_equal(ch_object_add(fd, "abc", 3, &sum, &err), 0);
	assert_int_equal(ch_bundle_add_object(&bundle, fd, CH_ROLE_LETTER,
					      "en.md", &sum, &err), 0);
	assert_memory_equal(ch_str_cstr(&bundle.files[0].bytes), "abc", 3);
	/* Changed behind our back. */
	ch_sha256_hex(&sum, hex);
	path = ch_xasprintf("%.2s/%s", hex, hex + 2);
	put(path, "abd");
	assert_int_equal(ch_bundle_add_object(&bundle, fd, CH_ROLE_LETTER,
					      "fr.md", &sum, &err), -1);
	assert_int_equal(bundle.len, 1);
	drop(path);
	path[2] = '\0';
	assert_int_equal(unlinkat(fd, path, AT_REMOVEDIR), 0);
}

static void field_lists(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t len;
	} bad[] = {
		{ "no value", "a\0", 2 },       { "cut", "a\0b", 3 },
		{ "no name", "\0b\0", 3 },      { "twice", "a\0b\0a\0c\0", 8 },
	};
	CH_AUTO(ch_fields) fields = { 0 };
	CH_AUTO(ch_fields) back = { 0 };
	CH_AUTO(ch_str) bytes = CH_STR_INIT(1000);
	struct ch_error err;

	(void)state;
	ch_fields_set(&fields, "a", ch_slice_of("1"));
	ch_fields_set(&fields, "b", ch_slice_of(""));
	ch_fields_set(&fields, "a", ch_slice_of("22"));
	ch_fields_encode(&fields, &bytes);
	assert_int_equal(bytes.len, 8);
	assert_memory_equal(ch_str_cstr(&bytes), "a\0" "22\0b\0\0", 8);
	assert_int_equal(ch_fields_decode((struct ch_slice){
		ch_str_cstr(&bytes), bytes.len }, &back, &err), 0);
	assert_string_equal(ch_fields_get(&back, "a"), "22");
	assert_string_equal(ch_fields_get(&back, "b"), "");
	assert_null(ch_fields_get(&back, "c"));
	for (size_t i = 0; i < CH_COUNT(bad); i++) {
		struct ch_fields none = { 0 };

		assert_int_equal(ch_fields_decode((struct ch_slice){
			bad[i].bytes, bad[i].len }, &none, &err), -1);
	}
}

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/chancery-test-letter-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters),
		cmocka_unit_test(arabic_is_isolated),
		cmocka_unit_test(faults),
		cmocka_unit_test(no_deadline),
		cmocka_unit_test(past_deadline),
		cmocka_unit_test(subjects_for_lists),
		cmocka_unit_test(columns), cmocka_unit_test(columns_of_lists),
		cmocka_unit_test(messages),
		cmocka_unit_test(test_messages_go_elsewhere),
		cmocka_unit_test(too_large),
		cmocka_unit_test(folders),
		cmocka_unit_test(bad_folders),
		cmocka_unit_test(fifos_and_large_files),
		cmocka_unit_test(objects),
		cmocka_unit_test(field_lists),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
