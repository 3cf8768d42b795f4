// SPDX-License-Identifier: GPL-3.0-or-later
/* attach.c - what goes with the letter of one addressee alone. */
#include <stdlib.h>
#include <string.h>

#include "letter/addressee-private.h"
#include "letter/letter-private.h"

static void fault(const struct ch_addressee *addressee, const char *hint,
		  const char *name, const char *text,
		  struct ch_problems *problems)
{
	struct ch_place place = { addressee->file ? addressee->file : "",
				  addressee->line, 0, CH_FIELD_ATTACHMENTS };

	ch_problems_add(problems, CH_PROBLEM_ERROR, place, hint, "%s: %s",
			name, text);
}

static void add(struct ch_letter *letter,
		const struct ch_attachment *attachment)
{
	CH_GROW(letter->attached, letter->attached_len, letter->attached_cap);
	letter->attached[letter->attached_len++] = attachment;
}

static void add_named(struct ch_letter *letter,
		      const struct ch_letter_language *language,
		      const struct ch_addressee *addressee, const char *name,
		      struct ch_problems *problems)
{
	const struct ch_bundle_file *file = ch_letter_find_file(
		letter, CH_ROLE_ATTACHMENT, name, language->code);
	struct ch_attachment **slot;
	struct ch_error err;

	if (!file) {
		fault(addressee,
		      letter->has_own_attachments
			      ? CH_HINT_ATTACHMENTS
			      : "Name their folder: --annex-dir DIR.",
		      name, "there is no such file", problems);
		return;
	}
	slot = &letter->attachments[file - letter->bundle->files];
	if (!*slot && ch_attachment_new(file->name, NULL,
					ch_str_cstr(&file->bytes),
					file->bytes.len, slot, &err) < 0) {
		fault(addressee, NULL, name, err.text, problems);
		return;
	}
	for (size_t i = 0; i < letter->attached_len; i++) {
		if (letter->attached[i] == *slot) {
			fault(addressee, "Name each file once.", name,
			      "is there twice", problems);
			return;
		}
	}
	add(letter, *slot);
}

int ch_letter_attach(struct ch_letter *letter,
		     const struct ch_letter_language *language,
		     const struct ch_addressee *addressee,
		     struct ch_problems *problems)
{
	size_t errors = problems->errors;
	struct ch_slice rest = ch_slice_of(
		ch_fields_get(&addressee->fields, CH_FIELD_ATTACHMENTS));
	struct ch_slice name;

	letter->attached_len = 0;
	for (size_t i = 0; i < language->attachments_len; i++)
		add(letter, language->attachments[i]);
	while (ch_list_next(&rest, &name)) {
		CH_AUTOCHAR text = ch_slice_dup(name);

		add_named(letter, language, addressee, text, problems);
	}
	letter->annexes[0] = '\0';
	if (letter->attached_len)
		snprintf(letter->annexes, sizeof(letter->annexes), "%zu",
			 letter->attached_len);
	return problems->errors > errors ? -1 : 0;
}

size_t ch_letter_annexes_of(const struct ch_letter *letter,
			    const struct ch_addressee *addressee)
{
	size_t count = ch_letter_annexes(
		letter, ch_letter_language_of(letter, addressee));
	struct ch_slice rest = ch_slice_of(
		ch_fields_get(&addressee->fields, CH_FIELD_ATTACHMENTS));
	struct ch_slice name;

	while (ch_list_next(&rest, &name))
		count++;
	return count;
}

bool ch_letter_attached(const struct ch_letter *letter, size_t file)
{
	return letter->attachments[file] != NULL;
}
