// SPDX-License-Identifier: GPL-3.0-or-later
/* letter.c - load a letter: its configuration, its texts, its annexes.
 *
 * Everything that can be found wrong without an addressee is found here, and
 * all of it at once.
 */
#include "letter/letter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "letter/date.h"
#include "letter/letter-private.h"
#include "letter/shared.h"
#include "mail/header.h"

#define CONF_NAME "letter.conf"
#define DEFAULT_MAX_BYTES (25u * 1024 * 1024)
#define SUBJECT_MAX 900
#define COPIES_MAX 16384
#define SALUTATION_MAX (64 * 1024 + 16)

/* What loading needs beside the letter. */
struct load {
	struct ch_letter *letter;
	const struct ch_letter_options *options;
	struct ch_problems *problems;
	bool *used; /* owned; by the bundle's files */
};

#define FAULT(load, line, field, hint, ...)                               \
	ch_problems_add((load)->problems, CH_PROBLEM_ERROR,               \
			(struct ch_place){ (load)->letter->conf_shown,    \
					   (line), 0, (field) },          \
			hint, __VA_ARGS__)

/* ---- release ---------------------------------------------------------- */

static void part_release(struct ch_letter_part *part)
{
	if (!part->tpl)
		return;
	for (size_t i = 0; i < ch_template_roots(part->tpl); i++) {
		free(part->constants[i]);
		ch_data_release(&part->values[i]);
	}
	free(part->constants);
	free(part->sources);
	free(part->values);
	free(part->plain);
	free(part->hints);
	ch_filled_release(&part->filled);
	ch_template_free(part->tpl);
}

static void language_release(struct ch_letter_language *language)
{
	part_release(&language->subject);
	part_release(&language->body);
	for (size_t i = 0; i < language->shapes_len; i++) {
		free(language->shapes[i].trace);
		ch_body_free(language->shapes[i].body);
	}
	free(language->shapes);
	free(language->attachments);
	for (size_t i = 0; i < CH_SALUTATION_FIELDS; i++)
		ch_str_release(&language->salutation[i]);
	ch_str_release(&language->copies);
}

void ch_letter_free(struct ch_letter *letter)
{
	if (!letter)
		return;
	for (size_t i = 0; i < letter->languages_len; i++)
		language_release(&letter->languages[i]);
	free(letter->languages);
	free(letter->codes);
	for (size_t i = 0; letter->attachments && i < letter->bundle->len; i++)
		ch_attachment_free(letter->attachments[i]);
	free(letter->attachments);
	ch_letter_page_free(letter->page, letter->bundle->len);
	ch_attachment_free(letter->logo);
	ch_str_release(&letter->logo_source);
	ch_letter_conf_release(&letter->conf);
	free(letter->reference);
	free(letter->deadline);
	ch_countries_free(letter->countries);
	ch_salutations_free(letter->salutations);
	ch_str_release(&letter->subject);
	ch_str_release(&letter->text);
	ch_str_release(&letter->html);
	free(letter->to);
	free(letter->cc);
	free(letter->attached);
	free(letter);
}

/* ---- the configuration ------------------------------------------------ */

static const struct ch_bundle_file *use_file(struct load *load,
					     enum ch_file_role role,
					     const char *name)
{
	const struct ch_bundle *bundle = load->letter->bundle;
	const struct ch_bundle_file *file = ch_bundle_find(bundle, role, name);

	if (file)
		load->used[file - bundle->files] = true;
	return file;
}

static void read_conf(struct load *load, const char *folder)
{
	const struct ch_bundle_file *file =
		use_file(load, CH_ROLE_LETTER, CONF_NAME);
	struct ch_slice text;

	if (!file) {
		load->letter->conf_shown = folder;
		FAULT(load, 0, NULL, "It may be empty, but it says that this "
				     "folder is a letter.",
		      "there is no " CONF_NAME);
		return;
	}
	load->letter->conf_shown = file->shown;
	text = (struct ch_slice){ ch_str_cstr(&file->bytes), file->bytes.len };
	ch_letter_conf_parse(text, file->shown, &load->letter->conf,
			     load->problems);
}

/* An address of letter.conf, else the option's. Returns whether there is one.
 */
static bool read_address(struct load *load, const char *key,
			 const char *written, unsigned int line,
			 const char *option, struct ch_address *ret)
{
	struct ch_error err;
	const char *text = written && written[0] ? written : option;

	if (!text || !text[0])
		return false;
	if (ch_address_parse(text, strlen(text), ret, &err) < 0)
		FAULT(load, line, key, NULL, "%s", err.text);
	return true;
}

static void read_addresses(struct load *load)
{
	struct ch_letter *letter = load->letter;
	const struct ch_letter_conf *conf = &letter->conf;

	if (!read_address(load, "sender", conf->sender, conf->lines.sender,
			  load->options->from, &letter->from))
		FAULT(load, 0, "sender", "Write sender = \"Secretariat "
					 "<office@domain>\";",
		      "nothing says who sends the letter");
	letter->has_reply_to =
		read_address(load, "reply_to", conf->reply_to,
			     conf->lines.reply_to, load->options->reply_to,
			     &letter->reply_to);
	letter->has_test_to = read_address(load, "test-to", NULL, 0,
					   load->options->test_to,
					   &letter->test_to);
}

/* Whether the text is what the pattern says: "#" is one digit or more. */
static bool matches(const char *pattern, const char *text)
{
	for (; *pattern; pattern++) {
		if (*pattern != '#') {
			if (*pattern != *text++)
				return false;
			continue;
		}
		if (!isdigit((unsigned char)*text))
			return false;
		while (isdigit((unsigned char)*text))
			text++;
	}
	return *text == '\0';
}

static void check_reference(struct load *load)
{
	const struct ch_letter_conf *conf = &load->letter->conf;
	const char *reference = load->letter->reference;

	if (conf->reference && conf->reference[0] && reference[0] &&
	    !matches(conf->reference, reference))
		FAULT(load, conf->lines.reference, "reference",
		      "Is it the right letter for this reference?",
		      "\"%s\" is not like \"%s\"", reference,
		      conf->reference);
	if (!ch_header_text_ok(reference, strlen(reference)))
		FAULT(load, 0, "reference", NULL,
		      "a control character in the reference");
}

/* Whether there is one, and it is a day. */
static bool check_deadline(struct load *load)
{
	CH_AUTO(ch_str) words = CH_STR_INIT(200);
	struct ch_error err;

	if (!load->letter->deadline[0])
		return false;
	if (ch_date_words(ch_slice_of(load->letter->deadline), CH_DATE_LONG,
			  "en", &words, &err) == 0)
		return true;
	FAULT(load, 0, "deadline", NULL, "%s", err.text);
	return false;
}

/* ---- languages -------------------------------------------------------- */

struct ch_letter_language *
ch_letter_find_language(const struct ch_letter *letter, const char *code)
{
	for (size_t i = 0; i < letter->languages_len; i++) {
		if (strcmp(letter->languages[i].code, code) == 0)
			return &letter->languages[i];
	}
	return NULL;
}

static void add_language(struct load *load, const char *code, bool wanted)
{
	struct ch_letter *letter = load->letter;
	const struct ch_letter_conf *conf = &letter->conf;
	size_t number = ch_language_number(ch_slice_of(code));
	CH_AUTOCHAR name = ch_xasprintf("%s.md", code);
	const struct ch_bundle_file *file;

	if (number == CH_LANGUAGES) {
		FAULT(load, conf->lines.languages, "languages",
		      "They are en, fr, es, ru, zh and ar.",
		      "\"%s\" is none of the six", code);
		return;
	}
	if (ch_letter_find_language(letter, code)) {
		FAULT(load, conf->lines.languages, "languages", NULL,
		      "\"%s\" is there twice", code);
		return;
	}
	file = use_file(load, CH_ROLE_LETTER, name);
	if (!file) {
		if (wanted)
			FAULT(load, conf->lines.languages, "languages", NULL,
			      "there is no %s", name);
		return;
	}
	letter->languages[letter->languages_len++] =
		(struct ch_letter_language){
			.code = ch_languages[number],
			.file = file,
			.labels = &conf->labels[number],
			.isolate = strcmp(code, "ar") == 0,
			.copies = CH_STR_INIT(COPIES_MAX),
		};
}

static void find_languages(struct load *load)
{
	struct ch_letter *letter = load->letter;
	const struct ch_setting_strings *wanted = &letter->conf.languages;

	letter->languages = ch_xcalloc(CH_LANGUAGES,
				       sizeof(*letter->languages));
	letter->codes = ch_xcalloc(CH_LANGUAGES + 1, sizeof(*letter->codes));
	for (size_t i = 0; i < wanted->len; i++)
		add_language(load, wanted->items[i], true);
	for (size_t i = 0; i < CH_LANGUAGES && wanted->len == 0; i++)
		add_language(load, ch_languages[i], false);
	if (letter->languages_len == 0)
		FAULT(load, 0, NULL, "Write en.md, fr.md …",
		      "there is no text in any language");
	for (size_t i = 0; i < letter->languages_len; i++)
		letter->codes[i] = letter->languages[i].code;
}

/* What letter.conf says must be there; what chancery.conf says is taken if it
 * is, else English, else the first. */
static void find_fallback(struct load *load)
{
	struct ch_letter *letter = load->letter;
	const char *option = load->options->fallback_language;
	const char *written = letter->conf.fallback_language;

	if (written && written[0]) {
		letter->fallback = ch_letter_find_language(letter, written);
		if (!letter->fallback)
			FAULT(load, letter->conf.lines.fallback_language,
			      "fallback_language", NULL,
			      "the letter has no text in \"%s\"", written);
		return;
	}
	if (option && option[0])
		letter->fallback = ch_letter_find_language(letter, option);
	if (!letter->fallback)
		letter->fallback = ch_letter_find_language(letter, "en");
	if (!letter->fallback)
		letter->fallback = &letter->languages[0];
}

/* ---- texts ------------------------------------------------------------ */

/* Where in a language's file the subject and the body stand. */
struct front {
	struct ch_template_source subject;
	struct ch_template_source body;
};

/* Cut the next line off, without its line end. */
static bool take_line(struct ch_slice *rest, struct ch_slice *ret)
{
	const char *newline;

	if (rest->len == 0)
		return false;
	newline = memchr(rest->data, '\n', rest->len);
	*ret = (struct ch_slice){
		rest->data,
		newline ? (size_t)(newline - rest->data) : rest->len
	};
	rest->data += ret->len + (newline != NULL);
	rest->len -= ret->len + (newline != NULL);
	if (ret->len > 0 && ret->data[ret->len - 1] == '\r')
		ret->len--;
	return true;
}

#define SUBJECT "Subject:"

/* front := *( name ":" text LF ) LF */
static int read_front(const struct ch_bundle_file *file, struct front *ret,
		      struct ch_problems *problems)
{
	struct ch_slice rest = { ch_str_cstr(&file->bytes), file->bytes.len };
	struct ch_place place = { file->shown, 0, 0, NULL };
	struct ch_slice line = CH_SLICE_EMPTY;
	size_t key = strlen(SUBJECT);

	*ret = (struct front){ 0 };
	if (rest.len >= 3 && memcmp(rest.data, "\xEF\xBB\xBF", 3) == 0) {
		rest.data += 3;
		rest.len -= 3;
	}
	while (take_line(&rest, &line) && line.len > 0) {
		size_t skip = key;

		place.line++;
		if (line.len < key || memcmp(line.data, SUBJECT, key) != 0 ||
		    ret->subject.file) {
			ch_problems_add(problems, CH_PROBLEM_ERROR, place,
					"A text begins with \"Subject: …\", "
					"then an empty line, then the letter.",
					ret->subject.file
						? "an empty line must follow "
						  "the subject"
						: "the text does not begin "
						  "with its subject");
			return -1;
		}
		while (skip < line.len && line.data[skip] == ' ')
			skip++;
		ret->subject = (struct ch_template_source){
			{ line.data + skip, line.len - skip }, file->shown,
			place.line, (unsigned int)skip + 1
		};
	}
	ret->body = (struct ch_template_source){ rest, file->shown,
						 place.line + 2, 1 };
	if (ret->subject.file && ret->subject.text.len > 0)
		return 0;
	place.line = 1;
	ch_problems_add(problems, CH_PROBLEM_ERROR, place,
			"A text begins with \"Subject: …\", then an empty "
			"line, then the letter.",
			"the text has no subject");
	return -1;
}

struct partials {
	struct load *load;
	const char *code;
	char name[256]; /* scratch */
};

/* {{> closing}} is closing.fr.md, or closing.md where all languages share it.
 */
static int find_partial(void *context, const char *name,
			struct ch_template_source *ret, struct ch_error *err)
{
	const struct partials *p = context;
	CH_AUTOCHAR own = ch_xasprintf("%s.%s.md", name, p->code);
	CH_AUTOCHAR shared = ch_xasprintf("%s.md", name);
	const struct ch_bundle_file *file;

	if (strchr(name, '/') || strchr(name, '\\') || name[0] == '.')
		return ch_error_set(err, CH_GIVE_UP,
				    "leads outside the letter's folder");
	file = use_file(p->load, CH_ROLE_LETTER, own);
	if (!file)
		file = use_file(p->load, CH_ROLE_LETTER, shared);
	if (!file)
		return ch_error_set(err, CH_GIVE_UP,
				    "the letter has neither %s nor %s", own,
				    shared);
	*ret = (struct ch_template_source){
		{ ch_str_cstr(&file->bytes), file->bytes.len }, file->shown, 1,
		1
	};
	return 0;
}

/* "closing.fr.md" and "closing.md" give "closing"; false for what no dynamic
 * name brings: the languages' own texts, a README, anything but Markdown. */
static bool partial_name(const struct ch_bundle_file *file, char *name,
			 size_t size)
{
	size_t len = strlen(file->name);

	if (file->role != CH_ROLE_LETTER || len < 4 || len - 3 >= size ||
	    strcmp(file->name + len - 3, ".md") != 0 ||
	    strncmp(file->name, "README", 6) == 0)
		return false;
	snprintf(name, size, "%.*s", (int)(len - 3), file->name);
	if (ch_language_number(ch_slice_of(name)) < CH_LANGUAGES)
		return false;
	len -= 3;
	if (len > 3 && name[len - 3] == '.' &&
	    ch_language_number(ch_slice_of(name + len - 2)) < CH_LANGUAGES)
		name[len - 3] = '\0';
	return true;
}

/* What {{>*field}} may bring: every text of the folder. */
static const char *list_partial(void *context, size_t i)
{
	struct partials *p = context;
	const struct ch_bundle *bundle = p->load->letter->bundle;

	for (size_t file = 0; file < bundle->len; file++) {
		if (partial_name(&bundle->files[file], p->name,
				 sizeof(p->name)) && i-- == 0)
			return p->name;
	}
	return NULL;
}

const char *ch_letter_label(const struct ch_letter_language *language,
			    const char *name)
{
	const struct ch_setting_map *labels = language->labels;

	for (size_t i = 0; i < labels->len; i++) {
		if (strcmp(labels->items[i].name, name) == 0)
			return labels->items[i].value;
	}
	return NULL;
}

/* "2", or nothing: so that a section on it stays closed. */
static char *count_text(size_t count)
{
	return count ? ch_xasprintf("%zu", count) : ch_xstrdup("");
}

#define LABELS "labels."

static void bind_labels(const struct ch_letter_language *language,
			struct ch_letter_part *part, size_t root,
			struct ch_problems *problems)
{
	const struct ch_setting_map *labels = language->labels;
	struct ch_data *value = &part->values[root];

	part->sources[root] = CH_SOURCE_CONSTANT;
	*value = (struct ch_data){
		.kind = CH_DATA_MAP,
		.items = ch_xcalloc(labels->len, sizeof(*value->items)),
		.names = ch_xcalloc(labels->len, sizeof(*value->names)),
		.len = labels->len,
	};
	for (size_t i = 0; i < labels->len; i++) {
		value->names[i] = ch_slice_of(labels->items[i].name);
		value->items[i].kind = CH_DATA_TEXT;
		value->items[i].text = ch_slice_of(labels->items[i].value);
	}
	for (size_t i = 0; i < ch_template_names(part->tpl); i++) {
		const char *name = ch_template_name(part->tpl, i);

		if (strncmp(name, LABELS, strlen(LABELS)) == 0 &&
		    !ch_data_member(value,
				    ch_slice_of(name + strlen(LABELS))))
			ch_template_refuse(part->tpl, i, NULL,
					   "Labels stand in letter.conf, under "
					   "labels and the language.",
					   "no such label in this language",
					   problems);
	}
}

/* What every letter of the batch has, or none: one that is not there is said
 * once, and not for each addressee. */
static void check_constant(const struct ch_letter_part *part, size_t name,
			   const char *constant, struct ch_problems *problems)
{
	static const struct {
		const char *name, *hint;
	} hints[] = {
		{ "deadline", "Give one, such as --deadline 2026-12-07, or put "
			      "the sentence inside a section on the field." },
		{ "reference", "Give one, such as --reference DM-1276." },
		{ "annexes", "The letter has none: put the sentence inside a "
			     "section on the field." },
		{ NULL, "Fill it in in letter.conf, or put the sentence inside "
			"a section on the field." },
	};
	size_t h = 0;

	while (hints[h].name &&
	       strcmp(hints[h].name, ch_template_name(part->tpl, name)) != 0)
		h++;
	ch_template_refuse_empty(part->tpl, name, ch_slice_of(constant),
				 hints[h].hint, problems);
}

static void check_constants(const struct ch_letter_part *part,
			    const struct ch_letter_language *language,
			    struct ch_problems *problems)
{
	for (size_t i = 0; i < ch_template_names(part->tpl); i++) {
		const char *name = ch_template_name(part->tpl, i);
		size_t root = ch_template_root_of(part->tpl, i);
		const char *label = NULL;

		if (root == ch_template_roots(part->tpl))
			continue;
		if (strncmp(name, LABELS, strlen(LABELS)) == 0)
			label = ch_letter_label(language,
						name + strlen(LABELS));
		else if (strcmp(name, ch_template_root(part->tpl, root)) == 0)
			label = part->constants[root];
		if (label)
			check_constant(part, i, label, problems);
	}
}

static char *constant_of(const struct load *load,
			 const struct ch_letter_language *language,
			 const char *name)
{
	if (strcmp(name, "reference") == 0)
		return ch_xstrdup(load->letter->reference);
	if (strcmp(name, "deadline") == 0)
		return ch_xstrdup(load->letter->deadline);
	if (strcmp(name, "language") == 0)
		return ch_xstrdup(language->code);
	if (strcmp(name, "annexes") == 0 && !load->letter->has_own_attachments)
		return count_text(language->attachments_len);
	return NULL;
}

/* A field of a salutation is bound, unless there is no table of them. */
static bool bind_salutation(const struct load *load,
			    struct ch_letter_language *language,
			    struct ch_letter_part *part, size_t root)
{
	enum ch_salutation_field field =
		ch_salutation_field_of(ch_template_root(part->tpl, root));

	if (field == CH_SALUTATION_FIELDS || !load->letter->salutations)
		return false;
	part->sources[root] = CH_SOURCE_SALUTATION + field;
	ch_str_init(&language->salutation[field], SALUTATION_MAX);
	language->salutes = true;
	return true;
}

/* Say where each field of a text comes from. */
static void bind(const struct load *load, struct ch_letter_language *language,
		 struct ch_letter_part *part, struct ch_problems *problems)
{
	for (size_t i = 0; i < ch_template_roots(part->tpl); i++) {
		const char *name = ch_template_root(part->tpl, i);
		char *constant = constant_of(load, language, name);

		part->plain[i] = ch_template_root_is_plain(part->tpl, i);
		if (strcmp(name, "labels") == 0) {
			bind_labels(language, part, i, problems);
			continue;
		}
		if (bind_salutation(load, language, part, i))
			continue;
		part->constants[i] = constant;
		if (constant) {
			part->values[i].kind = CH_DATA_TEXT;
			part->values[i].text = ch_slice_of(constant);
		}
		part->sources[i] =
			constant ? CH_SOURCE_CONSTANT
			: strcmp(name, "date") == 0 ? CH_SOURCE_DATE
			: strcmp(name, "annexes") == 0 ? CH_SOURCE_ANNEXES
			: strcmp(name, "copies") == 0 ? CH_SOURCE_COPIES
						      : CH_SOURCE_COLUMN;
	}
}

static void prepare_part(const struct load *load,
			 struct ch_letter_language *language,
			 struct ch_letter_part *part,
			 struct ch_problems *problems)
{
	size_t roots = ch_template_roots(part->tpl);

	part->sources = ch_xcalloc(roots, sizeof(*part->sources));
	part->constants = ch_xcalloc(roots, sizeof(*part->constants));
	part->values = ch_xcalloc(roots, sizeof(*part->values));
	part->plain = ch_xcalloc(roots, sizeof(*part->plain));
	part->hints = ch_xcalloc(roots, sizeof(*part->hints));
	ch_filled_init(&part->filled);
	bind(load, language, part, problems);
	check_constants(part, language, problems);
}

static void read_text(struct load *load, struct ch_letter_language *language)
{
	struct partials context = { load, language->code, "" };
	const struct ch_template_partials partials = {
		find_partial, list_partial, &context
	};
	struct ch_template_options options = {
		.mode = CH_TEMPLATE_STRICT,
		.language = language->code,
	};
	struct front front;
	size_t errors = load->problems->errors;

	if (read_front(language->file, &front, load->problems) < 0)
		return;
	if (ch_template_parse(&front.subject, &options,
			      &language->subject.tpl, load->problems) == 0)
		prepare_part(load, language, &language->subject,
			     load->problems);
	options.partials = &partials;
	if (ch_template_parse(&front.body, &options, &language->body.tpl,
			      load->problems) == 0)
		prepare_part(load, language, &language->body, load->problems);
	if (load->problems->errors == errors)
		ch_letter_try_bodies(language, load->problems);
}

/* ---- annexes ---------------------------------------------------------- */

char *ch_letter_name_in(const char *name, const char *code)
{
	const char *dot = strrchr(name, '.');

	if (!dot || dot == name)
		return ch_xasprintf("%s.%s", name, code);
	return ch_xasprintf("%.*s.%s%s", (int)(dot - name), name, code, dot);
}

const struct ch_bundle_file *
ch_letter_find_file(const struct ch_letter *letter, enum ch_file_role role,
		    const char *name, const char *code)
{
	CH_AUTOCHAR own = ch_letter_name_in(name, code);
	const struct ch_bundle_file *file =
		ch_bundle_find(letter->bundle, role, own);

	return file ? file : ch_bundle_find(letter->bundle, role, name);
}

/* "annex-1.fr.pdf" gives "annex-1.pdf"; a name without a language itself. */
static char *name_without_language(const char *name)
{
	const char *dot = strrchr(name, '.');
	const char *before = dot ? memrchr(name, '.', (size_t)(dot - name))
				 : NULL;
	char code[3] = "";

	if (!before || dot - before != 3 || before == name)
		return ch_xstrdup(name);
	memcpy(code, before + 1, 2);
	if (ch_language_number(ch_slice_of(code)) == CH_LANGUAGES)
		return ch_xstrdup(name);
	return ch_xasprintf("%.*s%s", (int)(before - name), name, dot);
}

/* The file's encoded form, made at its first use. */
static const struct ch_attachment *attachment_of(struct load *load,
						 const struct ch_bundle_file *f)
{
	struct ch_letter *letter = load->letter;
	struct ch_attachment **slot =
		&letter->attachments[f - letter->bundle->files];
	struct ch_place place = { f->shown, 0, 0, NULL };
	struct ch_error err;

	if (!*slot && ch_attachment_new(f->name, NULL, ch_str_cstr(&f->bytes),
					f->bytes.len, slot, &err) < 0)
		ch_problems_add(load->problems, CH_PROBLEM_ERROR, place, NULL,
				"%s", err.text);
	return *slot;
}

static void attach(struct load *load, struct ch_letter_language *language,
		   enum ch_file_role role, const char *name)
{
	CH_AUTOCHAR own = ch_letter_name_in(name, language->code);
	const char *instead = load->letter->conf.annexes_fallback;
	CH_AUTOCHAR other = ch_letter_name_in(name, instead ? instead : "");
	const struct ch_bundle_file *file = use_file(load, role, own);
	const struct ch_attachment *attachment;

	if (!file)
		file = use_file(load, role, name);
	if (!file && instead && instead[0])
		file = use_file(load, role, other);
	if (!file) {
		FAULT(load,
		      role == CH_ROLE_LETTER ? load->letter->conf.lines.annexes
					     : 0,
		      "annexes", "Add it, or name in annexes_fallback the "
				 "language whose annexes serve instead.",
		      "there is neither %s nor %s", own, name);
		return;
	}
	attachment = attachment_of(load, file);
	if (attachment)
		language->attachments[language->attachments_len++] =
			attachment;
}

/* The annexes given beside the letter: each name once, without languages, in
 * the order of the files. */
static char **given_annexes(const struct ch_bundle *bundle, size_t *ret_len)
{
	char **names = ch_xcalloc(bundle->len, sizeof(*names));
	size_t len = 0;

	for (size_t i = 0; i < bundle->len; i++) {
		char *name;
		size_t at = 0;

		if (bundle->files[i].role != CH_ROLE_ANNEX)
			continue;
		name = name_without_language(bundle->files[i].name);
		while (at < len && strcmp(names[at], name) != 0)
			at++;
		if (at < len)
			free(name);
		else
			names[len++] = name;
	}
	*ret_len = len;
	return names;
}

/* A language that has no code of ours would never serve. */
static void check_annexes_fallback(struct load *load)
{
	const struct ch_letter_conf *conf = &load->letter->conf;
	const char *code = conf->annexes_fallback;

	if (code && code[0] && ch_language_number(ch_slice_of(code)) ==
					       CH_LANGUAGES)
		FAULT(load, conf->lines.annexes_fallback, "annexes_fallback",
		      "They are en, fr, es, ru, zh and ar.",
		      "\"%s\" is none of the six", code);
}

static void read_annexes(struct load *load)
{
	struct ch_letter *letter = load->letter;
	const struct ch_setting_strings *listed = &letter->conf.annexes;
	size_t given_len;
	char **given = given_annexes(letter->bundle, &given_len);

	check_annexes_fallback(load);
	letter->attachments = ch_xcalloc(letter->bundle->len,
					 sizeof(*letter->attachments));
	for (size_t i = 0; i < letter->bundle->len; i++)
		letter->has_own_attachments |= letter->bundle->files[i].role ==
					       CH_ROLE_ATTACHMENT;
	for (size_t i = 0; i < letter->languages_len; i++) {
		struct ch_letter_language *language = &letter->languages[i];

		language->attachments =
			ch_xcalloc(listed->len + given_len,
				   sizeof(*language->attachments));
		for (size_t j = 0; j < listed->len; j++)
			attach(load, language, CH_ROLE_LETTER,
			       listed->items[j]);
		for (size_t j = 0; j < given_len; j++)
			attach(load, language, CH_ROLE_ANNEX, given[j]);
	}
	for (size_t i = 0; i < given_len; i++)
		free(given[i]);
	free(given);
}

static void read_logo(struct load *load)
{
	struct ch_letter *letter = load->letter;
	const char *name = letter->conf.logo;
	const struct ch_bundle_file *file;
	struct ch_error err;

	if (!name[0])
		return;
	file = use_file(load, CH_ROLE_LETTER, name);
	if (!file)
		FAULT(load, letter->conf.lines.logo, "logo", NULL,
		      "there is no %s", name);
	else if (ch_letter_load_logo(letter, file, &err) < 0)
		FAULT(load, letter->conf.lines.logo, "logo", NULL, "%s: %s",
		      name, err.text);
}

static void check_courtesy(struct load *load)
{
	struct ch_error err;

	if (ch_letter_check_courtesy(load->letter, &err) < 0)
		FAULT(load, load->letter->conf.lines.courtesy_translation,
		      "courtesy_translation",
		      "Name a language of the letter, or \"second\".", "%s",
		      err.text);
}

/* A file that nothing names: forgotten, or misspelt. */
static void warn_of_unused(struct load *load)
{
	const struct ch_bundle *bundle = load->letter->bundle;

	for (size_t i = 0; i < bundle->len; i++) {
		const struct ch_bundle_file *file = &bundle->files[i];
		struct ch_place place = { file->shown, 0, 0, NULL };

		if (load->used[i] || file->role == CH_ROLE_ATTACHMENT ||
		    strncmp(file->name, "README", 6) == 0 ||
		    strncmp(file->name, "letterhead.", 11) == 0 ||
		    ch_shared_is_one(file->name))
			continue;
		ch_problems_add(load->problems, CH_PROBLEM_WARNING, place,
				"Annexes are named in letter.conf.",
				"nothing in the letter uses this file");
	}
}

/* Where a reader meets the deadline: in the first language that says it. It is
 * given with the batch, so that no line of letter.conf is to blame. */
static struct ch_place place_of_deadline(const struct ch_letter *letter)
{
	struct ch_place place = { letter->conf_shown, 0, 0, "deadline" };

	for (size_t i = 0; i < letter->languages_len; i++) {
		const struct ch_letter_language *l = &letter->languages[i];

		if ((l->subject.tpl && ch_template_first_place(
					       l->subject.tpl, "deadline",
					       &place)) ||
		    (l->body.tpl &&
		     ch_template_first_place(l->body.tpl, "deadline", &place)))
			break;
	}
	return place;
}

/* Not refused: a letter that is dated back, or sent again for the record, may
 * well name a day that is over. */
static void warn_of_past(struct load *load)
{
	const struct ch_letter *letter = load->letter;
	char today[CH_RFC3339_SIZE];

	ch_clock_rfc3339(letter->date_us, today);
	today[strlen("2026-12-07")] = '\0';
	if (strcmp(letter->deadline, today) < 0)
		ch_problems_add(load->problems, CH_PROBLEM_WARNING,
				place_of_deadline(letter),
				"Is the year right? Who does not answer at "
				"once is overdue.",
				"%s is over: the letter is of %s",
				letter->deadline, today);
}

/* ---- names ------------------------------------------------------------ */

static struct ch_slice text_of(const struct ch_bundle_file *file)
{
	return (struct ch_slice){ ch_str_cstr(&file->bytes), file->bytes.len };
}

/* The tables of shared.h. Without that of salutations they are columns. */
static void read_names(struct load *load)
{
	struct ch_letter *letter = load->letter;
	const struct ch_bundle_file *countries =
		use_file(load, CH_ROLE_LETTER, CH_COUNTRIES_FILE);
	const struct ch_bundle_file *salutations =
		use_file(load, CH_ROLE_LETTER, CH_SALUTATIONS_FILE);

	if (countries)
		ch_countries_parse(text_of(countries), countries->shown,
				   &letter->countries, load->problems);
	else if (ch_shared_is_used(letter->bundle, CH_COUNTRIES_FILE))
		FAULT(load, 0, NULL,
		      "chancery adds it; whoever uploads by other means does "
		      "it too.",
		      "the letter prints names of States and has no "
		      CH_COUNTRIES_FILE);
	if (salutations)
		ch_salutations_parse(text_of(salutations), salutations->shown,
				     &letter->salutations, load->problems);
}

/* ---- all of it -------------------------------------------------------- */

static void load_all(struct load *load)
{
	struct ch_letter *letter = load->letter;
	size_t errors = load->problems->errors;
	bool has_deadline;

	read_conf(load, letter->bundle->len ? letter->bundle->files[0].shown
					    : "the letter");
	if (load->problems->errors > errors)
		return;
	read_addresses(load);
	check_reference(load);
	has_deadline = check_deadline(load);
	find_languages(load);
	if (letter->languages_len == 0)
		return;
	find_fallback(load);
	check_courtesy(load);
	read_annexes(load);
	read_names(load);
	ch_letter_page_load(letter, load->used, load->problems);
	read_logo(load);
	for (size_t i = 0; i < letter->languages_len; i++)
		read_text(load, &letter->languages[i]);
	if (has_deadline)
		warn_of_past(load);
	warn_of_unused(load);
}

int ch_letter_load(const struct ch_bundle *bundle,
		   const struct ch_letter_options *options,
		   struct ch_letter **ret, struct ch_problems *problems)
{
	CH_AUTOPTR(ch_letter) letter = ch_xzalloc(sizeof(*letter));
	struct load load = { letter, options, problems, NULL };
	size_t errors = problems->errors;

	letter->bundle = bundle;
	letter->reference = ch_xstrdup(options->reference ? options->reference
							  : "");
	letter->deadline = ch_xstrdup(options->deadline ? options->deadline
							: "");
	letter->date_us = options->date_us;
	letter->max_bytes = options->max_message_bytes
				    ? options->max_message_bytes
				    : DEFAULT_MAX_BYTES;
	ch_str_init(&letter->subject, SUBJECT_MAX);
	ch_str_init(&letter->text, letter->max_bytes);
	ch_str_init(&letter->html, letter->max_bytes);
	load.used = ch_xcalloc(bundle->len, sizeof(*load.used));
	load_all(&load);
	free(load.used);
	if (problems->errors > errors)
		return -1;
	*ret = CH_TAKE(letter);
	return 0;
}

const struct ch_address *ch_letter_test_to(const struct ch_letter *letter)
{
	return letter->has_test_to ? &letter->test_to : NULL;
}

const char *const *ch_letter_languages(const struct ch_letter *letter)
{
	return letter->codes;
}

const char *ch_letter_language(const struct ch_letter *letter,
			       const char *wanted)
{
	const struct ch_letter_language *language =
		ch_letter_find_language(letter, wanted);

	return language ? language->code : letter->fallback->code;
}

const char *ch_letter_language_of(const struct ch_letter *letter,
				  const struct ch_addressee *addressee)
{
	const struct ch_letter_language *second =
		ch_letter_find_language(letter, addressee->second_language);

	if (second && !ch_letter_find_language(letter, addressee->language))
		return second->code;
	return ch_letter_language(letter, addressee->language);
}

size_t ch_letter_annexes(const struct ch_letter *letter, const char *language)
{
	const struct ch_letter_language *found =
		ch_letter_find_language(letter, language);

	return found ? found->attachments_len : 0;
}

/* ---- columns ---------------------------------------------------------- */

/* Whether `name` is the field, or a member of it: "post.city" of "post". */
static bool is_below(const char *name, const char *field)
{
	size_t len = strlen(field);

	return strncmp(name, field, len) == 0 &&
	       (name[len] == '\0' || name[len] == '.');
}

/* Whether the field is a member that a section on what it belongs to prints:
 * "post.city" where the text has {{#post}}{{city}}{{/post}}. */
static bool is_member_in(const struct ch_letter_part *part, size_t name,
			 const char *field)
{
	const char *group = ch_template_name(part->tpl, name);
	size_t root = ch_template_root_of(part->tpl, name);

	return strcmp(field, group) != 0 && is_below(field, group) &&
	       root < ch_template_roots(part->tpl) && !part->plain[root] &&
	       ch_letter_part_uses(part, field + strlen(group) + 1);
}

bool ch_letter_name_uses(const struct ch_letter_part *part, size_t name,
			 const char *field)
{
	return is_below(ch_template_name(part->tpl, name), field) ||
	       is_member_in(part, name, field);
}

bool ch_letter_part_uses(const struct ch_letter_part *part, const char *field)
{
	for (size_t i = 0; i < ch_template_names(part->tpl); i++) {
		if (ch_letter_name_uses(part, i, field))
			return true;
	}
	return false;
}

/* Columns that a salutation is made of are used where one is printed. */
static bool salutation_uses(const struct ch_letter_language *language,
			    const char *field)
{
	return language->salutes &&
	       (strcmp(field, CH_COLUMN_OFFICE) == 0 ||
		strcmp(field, CH_COLUMN_GENDER) == 0 ||
		ch_salutation_field_of(field) == CH_SALUTATION);
}

bool ch_letter_uses(const struct ch_letter *letter, const char *field)
{
	if (ch_letter_courtesy_uses(letter, field))
		return true;
	for (size_t i = 0; i < letter->languages_len; i++) {
		if (salutation_uses(&letter->languages[i], field))
			return true;
		if (ch_letter_part_uses(&letter->languages[i].subject,
					field) ||
		    ch_letter_part_uses(&letter->languages[i].body, field))
			return true;
	}
	return false;
}

/* What the tables together give an addressee who stands in several. */
#define CAPACITIES "capacities"

static bool has_column(const char *const *columns, size_t len,
		       const char *name)
{
	for (size_t i = 0; i < len; i++) {
		if (is_below(columns[i], name))
			return true;
	}
	return false;
}

/* For each name, whether it is a list or has members. */
static bool *find_groups(const struct ch_template *tpl,
			 const char *const *columns, size_t len)
{
	bool *groups = ch_xcalloc(ch_template_names(tpl), sizeof(*groups));

	for (size_t i = 0; i < ch_template_names(tpl); i++) {
		const char *name = ch_template_name(tpl, i);

		groups[i] = strcmp(name, CAPACITIES) == 0;
		for (size_t c = 0; c < len; c++)
			groups[i] |= is_below(columns[c], name) &&
				     strcmp(columns[c], name) != 0;
	}
	return groups;
}

/* What a salutation can be made of: nothing but its column, or the office. */
static bool has_salutation(const char *const *columns, size_t len,
			   const char *name)
{
	return has_column(columns, len, name) ||
	       has_column(columns, len, CH_COLUMN_OFFICE) ||
	       has_column(columns, len,
			  ch_salutation_field_name(CH_SALUTATION));
}

static bool salutes(const struct ch_letter_part *part, size_t root)
{
	return part->sources[root] >= CH_SOURCE_SALUTATION &&
	       part->sources[root] <= CH_SOURCE_SALUTATION_CLOSING;
}

/* Whether the table gives that field something to come from. */
static bool has_source(const struct ch_letter_part *part, size_t root,
		       const char *name, const char *const *columns, size_t len)
{
	enum ch_source source = part->sources[root];

	if (salutes(part, root))
		return has_salutation(columns, len, name);
	return source != CH_SOURCE_COLUMN || has_column(columns, len, name);
}

static void check_part(const struct ch_letter_part *part,
		       const char *const *columns, size_t len,
		       const char *hint, struct ch_problems *problems)
{
	const struct ch_template *tpl = part->tpl;
	bool *groups = find_groups(tpl, columns, len);

	for (size_t i = 0; i < ch_template_names(tpl); i++) {
		size_t root = ch_template_root_of(tpl, i);

		if (root < ch_template_roots(tpl) &&
		    strcmp(ch_template_root(tpl, root), CAPACITIES) != 0 &&
		    !has_source(part, root, ch_template_name(tpl, i), columns,
				len))
			ch_template_refuse(
				tpl, i, groups,
				salutes(part, root)
					? "It comes from the columns "
					  "\"office_code\" and \"gender\", or "
					  "from \"salutation\"."
					: hint,
				"no such field", problems);
	}
	free(groups);
}

/* Columns that would hide a field of the letter's own. */
static void check_hiding(const char *const *columns,
			 const char *const *files, size_t len,
			 struct ch_problems *problems)
{
	static const char *const own[] = { "reference", "date", "deadline",
					   "annexes", "copies", "labels",
					   CAPACITIES };

	for (size_t i = 0; i < len; i++) {
		struct ch_place place = { files[i], 1, 0, columns[i] };
		bool hides = strncmp(columns[i], LABELS, strlen(LABELS)) == 0;

		for (size_t j = 0; j < CH_COUNT(own); j++)
			hides |= strcmp(columns[i], own[j]) == 0;
		if (hides)
			ch_problems_add(problems, CH_PROBLEM_ERROR, place,
					"Give the column another name.",
					"a column may not be called like a "
					"field that every letter has");
	}
}

/* "a.csv has the columns key, to, name; b.csv has also seat." */
static void write_columns(const char *const *columns,
			  const char *const *files, size_t len,
			  struct ch_str *out)
{
	for (size_t i = 0; i < len; i++) {
		if (i == 0)
			ch_str_addf(out, "%s has the columns ", files[i]);
		else if (strcmp(files[i], files[i - 1]) != 0)
			ch_str_addf(out, "; %s has also ", files[i]);
		else
			ch_str_add(out, ", ");
		ch_str_add(out, columns[i]);
	}
	ch_str_add(out, ".");
}

int ch_letter_check_columns(const struct ch_letter *letter,
			    const char *const *columns,
			    const char *const *files, size_t len,
			    struct ch_problems *problems)
{
	CH_AUTO(ch_str) hint = CH_STR_INIT(4096);
	size_t errors = problems->errors;

	write_columns(columns, files, len, &hint);
	for (size_t i = 0; i < letter->languages_len; i++) {
		const struct ch_letter_language *l = &letter->languages[i];

		check_part(&l->subject, columns, len, ch_str_cstr(&hint),
			   problems);
		check_part(&l->body, columns, len, ch_str_cstr(&hint),
			   problems);
	}
	check_hiding(columns, files, len, problems);
	return problems->errors > errors ? -1 : 0;
}

char *ch_letter_message_id(const char *domain)
{
	unsigned char random[10];
	char text[CH_BASE32_SIZE(sizeof(random)) + 1] = "";

	ch_random(random, sizeof(random));
	ch_base32(random, sizeof(random), text);
	return ch_xasprintf("%s@%s", text, domain);
}
