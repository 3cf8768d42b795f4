// SPDX-License-Identifier: GPL-3.0-or-later
/* merge.c - one addressee's letter.
 *
 * The Markdown is parsed once for each shape (how the sections unfold) and
 * kept; for an addressee values are gathered, checked and written out. A
 * letter has few shapes: one for each combination that the table really has.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "letter/letter-private.h"
#include "mail/header.h"

#define SHAPES_MAX 64
#define SHAPE_BYTES_MAX (CH_TEMPLATE_MAX + 4 * CH_BODY_SLOTS_MAX)

/* ---- shapes ----------------------------------------------------------- */

/* Put the place where the Markdown stands in front of what is wrong with it;
 * the compiler counts lines in the shape. */
static void fault_in_shape(const struct ch_letter_part *part,
			   const struct ch_error *err,
			   struct ch_problems *problems)
{
	const char *text = err->text;
	struct ch_place place;
	char *end;
	unsigned long line = 0;

	if (strncmp(text, "line ", 5) == 0) {
		line = strtoul(text + 5, &end, 10);
		if (strncmp(end, ": ", 2) == 0)
			text = end + 2;
	}
	place = ch_template_origin(part->tpl, &part->filled,
				   (unsigned int)line);
	ch_problems_add(problems, CH_PROBLEM_ERROR, place, NULL, "%s", text);
}

static struct ch_body *compile(const struct ch_letter_language *language,
			       struct ch_problems *problems)
{
	const struct ch_letter_part *part = &language->body;
	CH_AUTO(ch_str) shape = CH_STR_INIT(SHAPE_BYTES_MAX);
	struct ch_body *body = NULL;
	struct ch_error err;

	if (ch_template_shape(part->tpl, &part->filled, &shape, problems) < 0)
		return NULL;
	if (ch_body_compile((struct ch_slice){ ch_str_cstr(&shape),
					       shape.len },
			    language->code, part->filled.slots_len,
			    &body, &err) < 0) {
		fault_in_shape(part, &err, problems);
		return NULL;
	}
	return body;
}

/* A place for one more: the oldest makes room. */
static struct ch_letter_shape *new_shape(struct ch_letter_language *language)
{
	struct ch_letter_shape *shape;

	if (!language->shapes)
		language->shapes = ch_xcalloc(SHAPES_MAX,
					      sizeof(*language->shapes));
	if (language->shapes_len < SHAPES_MAX)
		return &language->shapes[language->shapes_len++];
	shape = &language->shapes[language->shapes_next++ % SHAPES_MAX];
	free(shape->trace);
	ch_body_free(shape->body);
	return shape;
}

/* The body for what was decided; NULL with a problem. */
static const struct ch_body *body_of(struct ch_letter_language *language,
				     struct ch_problems *problems)
{
	const struct ch_str *trace = &language->body.filled.trace;
	struct ch_letter_shape *shape;
	struct ch_body *body;

	for (size_t i = 0; i < language->shapes_len; i++) {
		shape = &language->shapes[i];
		if (shape->trace_len == trace->len &&
		    memcmp(shape->trace, ch_str_cstr(trace), trace->len) == 0)
			return shape->body;
	}
	body = compile(language, problems);
	if (!body)
		return NULL;
	shape = new_shape(language);
	shape->trace = ch_xmemdup(ch_str_cstr(trace), trace->len + 1);
	shape->trace_len = trace->len;
	shape->body = body;
	return body;
}

void ch_letter_try_bodies(struct ch_letter_language *language,
			  struct ch_problems *problems)
{
	struct ch_letter_part *part = &language->body;

	/* If one fails, the other would say the same again. */
	if (ch_template_pretend(part->tpl, true, &part->filled, problems) < 0 ||
	    !body_of(language, problems))
		return;
	if (ch_template_pretend(part->tpl, false, &part->filled, problems) == 0)
		body_of(language, problems);
}

/* ---- faults ----------------------------------------------------------- */

void ch_letter_fault(const struct ch_letter_language *language,
		     const struct ch_addressee *addressee, unsigned int line,
		     const char *hint, const char *text,
		     struct ch_problems *problems)
{
	struct ch_place place = { language->file->shown, line, 0, NULL };

	if (addressee->file)
		ch_problems_add(problems, CH_PROBLEM_ERROR, place, hint,
				"%s for %s (%s:%u)", text, addressee->key,
				addressee->file, addressee->line);
	else
		ch_problems_add(problems, CH_PROBLEM_ERROR, place, hint,
				"%s for %s", text, addressee->key);
}

/* What is wrong with a row stands in the table, where there is one. */
static void fault_of_row(const struct ch_letter_language *language,
			 const struct ch_addressee *addressee,
			 const char *column, const char *text,
			 struct ch_problems *problems)
{
	struct ch_place place = { addressee->file, addressee->line, 0,
				  column };

	if (addressee->file)
		ch_problems_add(problems, CH_PROBLEM_ERROR, place, NULL, "%s",
				text);
	else
		ch_letter_fault(language, addressee, 0, NULL, text, problems);
}

/* ---- values ----------------------------------------------------------- */

/* What stands between two names in a list. */
static const char *divider_of(const char *language)
{
	return strcmp(language, "fr") == 0   ? "\u202F; "
	       : strcmp(language, "zh") == 0 ? "\uFF1B"
	       : strcmp(language, "ar") == 0 ? "\u061B "
					     : "; ";
}

/* "Name; a@b.example": those to whom a copy goes. */
static void write_copies(struct ch_letter_language *language,
			 const struct ch_addressee *addressee)
{
	struct ch_str *copies = &language->copies;

	ch_str_clear(copies);
	for (size_t i = 0; i < addressee->addresses_len; i++) {
		const struct ch_addressee_address *a =
			&addressee->addresses[i];

		if (a->role != CH_ROLE_CC)
			continue;
		if (copies->len > 0)
			ch_str_add(copies, divider_of(language->code));
		ch_str_add(copies, a->address.display[0] ? a->address.display
							 : a->address.spec);
	}
}

static void write_date(struct ch_letter *letter, int64_t date_us)
{
	char text[CH_RFC3339_SIZE];

	ch_clock_rfc3339(date_us, text);
	snprintf(letter->date, sizeof(letter->date), "%.10s", text);
}

/* A column's value. Addressees of one table have their fields in the same
 * order: most often it is where it was the last time. */
static void read_column(const struct ch_letter *letter,
			struct ch_letter_part *part, size_t root,
			const struct ch_addressee *addressee)
{
	const struct ch_fields *fields = &addressee->fields;
	const char *name = ch_template_root(part->tpl, root);
	struct ch_data *value = &part->values[root];
	size_t i = part->hints[root];

	ch_data_release(value);
	if (!part->plain[root] || letter->repeated) {
		ch_data_of_fields(fields, name, value);
		if (letter->repeated)
			ch_letter_translate(letter->repeated, value);
		return;
	}
	if (i >= fields->len || strcmp(fields->items[i].name, name) != 0) {
		for (i = 0; i < fields->len; i++) {
			if (strcmp(fields->items[i].name, name) == 0)
				break;
		}
	}
	if (i == fields->len) {
		/* A list, or what only has members, is not printed so: say
		 * which of them it is. */
		ch_data_of_fields(fields, name, value);
		return;
	}
	part->hints[root] = i;
	value->kind = CH_DATA_TEXT;
	value->text = ch_slice_of(fields->items[i].value);
}

/* A text has up to three of them, and what is wrong with one is wrong with the
 * others: it is told once. Subject and body share the memory: for the body it
 * is filled with what is there already, and stays where it is. */
static void read_salutation(const struct ch_letter *letter,
			    struct ch_letter_language *language,
			    struct ch_letter_part *part, size_t root,
			    const struct ch_addressee *addressee,
			    struct ch_problems *problems)
{
	enum ch_salutation_field field =
		part->sources[root] - CH_SOURCE_SALUTATION;
	struct ch_str *out = &language->salutation[field];
	const char *column;
	struct ch_error err;

	ch_str_clear(out);
	if (ch_salutation_write(letter->salutations, language->code,
				&addressee->fields, letter->repeated != NULL,
				field, out, &column, &err) < 0) {
		if (!language->salutation_told)
			fault_of_row(language, addressee, column, err.text,
				     problems);
		language->salutation_told = true;
		ch_str_add(out, "-"); /* or it would be told to be empty */
	}
	part->values[root].kind = CH_DATA_TEXT;
	part->values[root].text = (struct ch_slice){ ch_str_cstr(out),
						     out->len };
}

static void read_value(const struct ch_letter *letter,
		       const struct ch_letter_language *language,
		       struct ch_letter_part *part, size_t root,
		       const struct ch_addressee *addressee)
{
	struct ch_data *value = &part->values[root];

	switch (part->sources[root]) {
	case CH_SOURCE_CONSTANT:
		return;
	case CH_SOURCE_DATE:
		value->kind = CH_DATA_TEXT;
		value->text = ch_slice_of(letter->date);
		return;
	case CH_SOURCE_COPIES:
		value->kind = CH_DATA_TEXT;
		value->text = (struct ch_slice){
			ch_str_cstr(&language->copies), language->copies.len
		};
		return;
	case CH_SOURCE_ANNEXES:
		value->kind = CH_DATA_TEXT;
		value->text = ch_slice_of(letter->annexes);
		return;
	case CH_SOURCE_COLUMN:
		read_column(letter, part, root, addressee);
		return;
	case CH_SOURCE_SALUTATION: /* read_salutation() */
	case CH_SOURCE_SALUTATION_LINE:
	case CH_SOURCE_SALUTATION_CLOSING:
		return;
	}
}

static bool is_salutation(enum ch_source source)
{
	return source >= CH_SOURCE_SALUTATION &&
	       source <= CH_SOURCE_SALUTATION_CLOSING;
}

static void fill(const struct ch_letter *letter,
		 struct ch_letter_language *language,
		 struct ch_letter_part *part,
		 const struct ch_addressee *addressee,
		 struct ch_problems *problems)
{
	struct ch_template_whose whose = { addressee->key, addressee->file,
					   addressee->line };
	struct ch_filter_env env = { .language = language->code,
				     .countries = letter->countries };

	language->salutation_told = false;
	for (size_t i = 0; i < ch_template_roots(part->tpl); i++) {
		if (is_salutation(part->sources[i]))
			read_salutation(letter, language, part, i, addressee,
					problems);
		else
			read_value(letter, language, part, i, addressee);
	}
	ch_template_fill(part->tpl, part->values, &env, &whose, &part->filled,
			 problems);
}

/* ---- the subject ------------------------------------------------------ */

static void write_subject(struct ch_letter *letter,
			  const struct ch_letter_language *language,
			  const struct ch_addressee *addressee,
			  struct ch_problems *problems)
{
	struct ch_str *out = &letter->subject;

	ch_str_clear(out);
	if (letter->reference[0])
		ch_str_addf(out, "[%s] ", letter->reference);
	ch_template_text(language->subject.tpl, &language->subject.filled,
			 language->isolate, out);
	if (out->full)
		ch_letter_fault(language, addressee, 1, "Shorten it.",
				"the subject is too long", problems);
	else if (!ch_header_text_ok(ch_str_cstr(out), out->len))
		ch_letter_fault(language, addressee, 1,
				"A field of the subject is on one line.",
				"a line break or control character in the "
				"subject", problems);
}

void ch_letter_subject(const struct ch_letter *letter, const char *language,
		       struct ch_str *out)
{
	const struct ch_letter_language *l =
		ch_letter_find_language(letter, language);
	const struct ch_letter_part *part = &l->subject;
	struct ch_filter_env env = { .language = l->code,
				     .countries = letter->countries };
	size_t len = ch_template_roots(part->tpl);
	struct ch_data *known = ch_xcalloc(len, sizeof(*known));
	char today[CH_RFC3339_SIZE];

	ch_clock_rfc3339(letter->date_us, today);
	for (size_t i = 0; i < len; i++) {
		if (part->sources[i] == CH_SOURCE_CONSTANT)
			known[i] = part->values[i]; /* borrowed */
		else if (part->sources[i] == CH_SOURCE_DATE)
			known[i] = (struct ch_data){
				.kind = CH_DATA_TEXT,
				.text = { today, strlen("2026-12-07") },
			};
	}
	ch_template_outline(part->tpl, known, &env, out);
	free(known);
}

void ch_letter_subject_composed(const struct ch_letter *letter,
				struct ch_str *out)
{
	const struct ch_letter_part *part = &letter->composed->subject;

	ch_template_text(part->tpl, &part->filled, false, out);
}

/* ---- the whole -------------------------------------------------------- */

static void write_body(struct ch_letter *letter,
		       struct ch_letter_language *language,
		       struct ch_letter_language *second,
		       const struct ch_addressee *addressee, bool *ret_delsp,
		       struct ch_problems *problems)
{
	const struct ch_slice *values = language->body.filled.slots;
	const struct ch_body *body = body_of(language, problems);
	size_t errors = problems->errors;
	struct ch_body_frame frame = {
		.title = { ch_str_cstr(&letter->subject), letter->subject.len },
		.logo = ch_letter_logo(letter, language),
	};
	bool delsp;

	if (second) {
		frame.second = body_of(second, problems);
		frame.second_values = second->body.filled.slots;
		frame.second_label =
			ch_slice_of(ch_letter_courtesy_label(second));
	}
	if (!body || (second && !frame.second))
		return;
	delsp = ch_body_delsp(body) || (second && ch_body_delsp(frame.second));
	ch_str_clear(&letter->text);
	ch_str_clear(&letter->html);
	ch_body_text_among(body, values, delsp, &letter->text);
	if (second) {
		ch_body_text_divider(frame.second_label, &letter->text);
		ch_body_text_among(frame.second, frame.second_values, delsp,
				   &letter->text);
	}
	ch_body_html(body, values, &frame, &letter->html);
	*ret_delsp = delsp;
	if (letter->text.full || letter->html.full)
		ch_letter_fault(language, addressee, 0, NULL,
				"the letter is larger than a message may be",
				problems);
	if (letter->page_wanted && problems->errors == errors)
		ch_letter_page_write(letter, language, addressee, body, values,
				     problems);
}

/* The scratch of a letter changes with each merge; what callers see does not:
 * so they hold it const. */
static struct ch_letter *scratch_of(const struct ch_letter *letter)
{
	union {
		const struct ch_letter *seen;
		struct ch_letter *own;
	} both = { .seen = letter };

	return both.own;
}

static int merge(struct ch_letter *letter,
		 const struct ch_addressee *addressee, int64_t date_us,
		 struct ch_letter_language **ret_language, bool *ret_delsp,
		 struct ch_problems *problems)
{
	size_t errors = problems->errors;
	struct ch_letter_language *language = ch_letter_find_language(
		letter, ch_letter_language_of(letter, addressee));
	struct ch_letter_language *second =
		ch_letter_courtesy(letter, language, addressee);
	int differs;

	ch_letter_attach(letter, language, addressee, problems);
	differs = ch_letter_refuse_differing(language, addressee, false,
					     problems);
	if (second)
		differs |= ch_letter_refuse_differing(second, addressee, true,
						      problems);
	if (differs)
		return -1;
	snprintf(letter->content_language, sizeof(letter->content_language),
		 "%s%s%s", language->code, second ? ", " : "",
		 second ? second->code : "");
	write_copies(language, addressee);
	if (second)
		write_copies(second, addressee);
	write_date(letter, date_us);
	letter->page_date_us = date_us;
	fill(letter, language, &language->subject, addressee, problems);
	fill(letter, language, &language->body, addressee, problems);
	letter->repeated = second;
	if (second)
		fill(letter, second, &second->body, addressee, problems);
	letter->repeated = NULL;
	if (problems->errors == errors)
		write_subject(letter, language, addressee, problems);
	if (problems->errors == errors)
		write_body(letter, language, second, addressee, ret_delsp,
			   problems);
	letter->composed = language;
	*ret_language = language;
	return problems->errors > errors ? -1 : 0;
}

static void add_address(struct ch_address **list, size_t *len, size_t *cap,
			const struct ch_address *address)
{
	CH_GROW(*list, *len, *cap);
	(*list)[(*len)++] = *address;
}

static void collect_addresses(struct ch_letter *letter,
			      const struct ch_addressee *addressee)
{
	letter->to_len = 0;
	letter->cc_len = 0;
	if (letter->has_test_to) {
		add_address(&letter->to, &letter->to_len, &letter->to_cap,
			    &letter->test_to);
		return;
	}
	for (size_t i = 0; i < addressee->addresses_len; i++) {
		const struct ch_addressee_address *a =
			&addressee->addresses[i];

		if (a->role == CH_ROLE_TO)
			add_address(&letter->to, &letter->to_len,
				    &letter->to_cap, &a->address);
		else
			add_address(&letter->cc, &letter->cc_len,
				    &letter->cc_cap, &a->address);
	}
}

static int compose(const struct ch_letter *letter,
		   const struct ch_letter_language *language, bool delsp,
		   const struct ch_letter_identity *identity,
		   struct ch_composed *out, struct ch_error *err)
{
	struct ch_compose message = {
		.from = &letter->from,
		.reply_to = letter->has_reply_to ? &letter->reply_to : NULL,
		.to = letter->to,
		.to_len = letter->to_len,
		.cc = letter->cc,
		.cc_len = letter->cc_len,
		.subject = ch_str_cstr(&letter->subject),
		.message_id = identity->message_id,
		.date_us = identity->date_us,
		.language = letter->content_language,
		.text = { ch_str_cstr(&letter->text), letter->text.len },
		.text_delsp = delsp,
		.html = { ch_str_cstr(&letter->html), letter->html.len },
		.logo = letter->logo,
	};
	CH_AUTOPTR(ch_attachment) page = NULL;

	message.attachments = ch_letter_page_parts(
		letter, language, &message.attachments_len, &page, err);
	if (!message.attachments)
		return -1;
	if (ch_compose(&message, out, err) < 0)
		return -1;
	/* Others are composed while this one is on its way. */
	ch_composed_keep(out, CH_TAKE(page));
	if (out->size_bytes > letter->max_bytes)
		return ch_error_set(err, CH_GIVE_UP,
				    "the message has %llu bytes, %llu may be,",
				    (unsigned long long)out->size_bytes,
				    (unsigned long long)letter->max_bytes);
	return 0;
}

int ch_letter_compose(const struct ch_letter *seen,
		      const struct ch_addressee *addressee,
		      const struct ch_letter_identity *identity,
		      struct ch_composed *out, struct ch_problems *problems)
{
	struct ch_letter *letter = scratch_of(seen);
	struct ch_letter_language *language;
	struct ch_error err;
	bool delsp = false;

	letter->page_wanted = letter->conf.page.attach;
	ch_letter_refer_to_logo(letter, identity->message_id);
	if (merge(letter, addressee, identity->date_us, &language, &delsp,
		  problems) < 0)
		return -1;
	collect_addresses(letter, addressee);
	if (compose(letter, language, delsp, identity, out, &err) < 0) {
		ch_letter_fault(language, addressee, 0, NULL, err.text,
				problems);
		return -1;
	}
	return 0;
}

int ch_letter_merge(const struct ch_letter *seen,
		    const struct ch_addressee *addressee,
		    struct ch_str *ret_subject, struct ch_str *ret_text,
		    struct ch_str *ret_html, struct ch_problems *problems)
{
	struct ch_letter *letter = scratch_of(seen);
	struct ch_letter_language *language;
	bool delsp = false;

	letter->page_wanted = false;
	if (ret_html)
		ch_letter_embed_logo(letter);
	if (merge(letter, addressee, letter->date_us, &language, &delsp,
		  problems) < 0)
		return -1;
	if (ret_subject)
		ch_str_add_mem(ret_subject, ch_str_cstr(&letter->subject),
			       letter->subject.len);
	if (ret_text)
		ch_str_add_mem(ret_text, ch_str_cstr(&letter->text),
			       letter->text.len);
	if (ret_html)
		ch_str_add_mem(ret_html, ch_str_cstr(&letter->html),
			       letter->html.len);
	return 0;
}

int ch_letter_page(const struct ch_letter *seen,
		   const struct ch_addressee *addressee,
		   struct ch_str *ret_pdf, struct ch_problems *problems)
{
	struct ch_letter *letter = scratch_of(seen);
	struct ch_letter_language *language;
	struct ch_slice pdf;
	bool delsp = false;

	letter->page_wanted = true;
	if (merge(letter, addressee, letter->date_us, &language, &delsp,
		  problems) < 0)
		return -1;
	pdf = ch_letter_page_pdf(letter);
	ch_str_add_mem(ret_pdf, pdf.data, pdf.len);
	return 0;
}
