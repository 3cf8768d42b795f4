// SPDX-License-Identifier: GPL-3.0-or-later
/* merge.c - one addressee's letter.
 *
 * The Markdown is parsed once for each shape (which sections are open) and
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
#define SHAPE_BYTES_MAX (4 * CH_TEMPLATE_MAX + 4 * CH_BODY_SLOTS_MAX)

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

	ch_template_shape(part->tpl, &part->filled, &shape);
	if (ch_body_compile((struct ch_slice){ ch_str_cstr(&shape),
					       shape.len },
			    language->code, ch_template_slots(part->tpl),
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
	free(shape->open);
	ch_body_free(shape->body);
	return shape;
}

/* The body for what is open now; NULL with a problem. */
static const struct ch_body *body_of(struct ch_letter_language *language,
				     struct ch_problems *problems)
{
	const char *open = language->body.filled.open;
	struct ch_letter_shape *shape;
	struct ch_body *body;

	for (size_t i = 0; i < language->shapes_len; i++) {
		if (strcmp(language->shapes[i].open, open) == 0)
			return language->shapes[i].body;
	}
	body = compile(language, problems);
	if (!body)
		return NULL;
	shape = new_shape(language);
	shape->open = ch_xstrdup(open);
	shape->body = body;
	return body;
}

void ch_letter_try_bodies(struct ch_letter_language *language,
			  struct ch_problems *problems)
{
	char *open = language->body.filled.open;
	size_t errors = problems->errors;

	for (size_t i = 0; open[i]; i++) {
		if (ch_template_has_section(language->body.tpl, i))
			open[i] = '1';
	}
	body_of(language, problems);
	if (problems->errors > errors)
		return; /* the other would say the same again */
	for (size_t i = 0; open[i]; i++) {
		if (open[i] == '1')
			open[i] = '0';
	}
	body_of(language, problems);
}

/* ---- values ----------------------------------------------------------- */

/* "Name; a@b.example": those of whom a copy goes. */
static void write_copies(struct ch_letter *letter,
			 const struct ch_addressee *addressee)
{
	ch_str_clear(&letter->copies);
	for (size_t i = 0; i < addressee->addresses_len; i++) {
		const struct ch_addressee_address *a =
			&addressee->addresses[i];

		if (a->role != CH_ROLE_CC)
			continue;
		if (letter->copies.len > 0)
			ch_str_add(&letter->copies, "; ");
		ch_str_add(&letter->copies, a->address.display[0]
						    ? a->address.display
						    : a->address.spec);
	}
}

static void write_date(struct ch_letter *letter, int64_t date_us)
{
	char text[CH_RFC3339_SIZE];

	ch_clock_rfc3339(date_us, text);
	snprintf(letter->date, sizeof(letter->date), "%.10s", text);
}

static struct ch_slice value_of(const struct ch_letter *letter,
				const struct ch_letter_part *part, size_t name,
				const struct ch_addressee *addressee)
{
	const char *value = NULL;

	switch (part->sources[name]) {
	case CH_SOURCE_CONSTANT:
		value = part->constants[name];
		break;
	case CH_SOURCE_DATE:
		value = letter->date;
		break;
	case CH_SOURCE_COPIES:
		value = ch_str_cstr(&letter->copies);
		break;
	case CH_SOURCE_COLUMN:
		value = ch_letter_column(letter, addressee,
					 ch_template_name(part->tpl, name));
		break;
	}
	return (struct ch_slice){ value, value ? strlen(value) : 0 };
}

static void fill(const struct ch_letter *letter,
		 const struct ch_letter_language *language,
		 struct ch_letter_part *part,
		 const struct ch_addressee *addressee,
		 struct ch_problems *problems)
{
	struct ch_template_whose whose = { addressee->key, addressee->file,
					   addressee->line };

	for (size_t i = 0; i < ch_template_names(part->tpl); i++)
		part->values[i] = value_of(letter, part, i, addressee);
	ch_template_fill(part->tpl, part->values, language->code, &whose,
			 &part->filled, problems);
}

/* ---- the subject ------------------------------------------------------ */

static void fault_of(const struct ch_letter_language *language,
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
		fault_of(language, addressee, 1, "Shorten it.",
			 "the subject is too long", problems);
	else if (!ch_header_text_ok(ch_str_cstr(out), out->len))
		fault_of(language, addressee, 1,
			 "A field of the subject is on one line.",
			 "a line break or control character in the subject",
			 problems);
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
		fault_of(language, addressee, 0, NULL,
			 "the letter is larger than a message may be",
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
		letter, ch_letter_language(letter, addressee->language));
	struct ch_letter_language *second =
		ch_letter_courtesy(letter, language, addressee);

	snprintf(letter->content_language, sizeof(letter->content_language),
		 "%s%s%s", language->code, second ? ", " : "",
		 second ? second->code : "");
	write_copies(letter, addressee);
	write_date(letter, date_us);
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
		.attachments = language->attachments,
		.attachments_len = language->attachments_len,
	};

	if (ch_compose(&message, out, err) < 0)
		return -1;
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

	ch_letter_refer_to_logo(letter, identity->message_id);
	if (merge(letter, addressee, identity->date_us, &language, &delsp,
		  problems) < 0)
		return -1;
	collect_addresses(letter, addressee);
	if (compose(letter, language, delsp, identity, out, &err) < 0) {
		fault_of(language, addressee, 0, NULL, err.text, problems);
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
