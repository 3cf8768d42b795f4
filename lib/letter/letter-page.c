// SPDX-License-Identifier: GPL-3.0-or-later
/* letter-page.c - a letter's page: its pictures and fonts from letter.conf, the
 * PDF of one addressee, and that PDF as the first thing attached to the mail.
 *
 * It is the letter itself and no annex: it is not counted as one. Fonts are
 * looked for when letter.conf asks for a page with every mail, or when somebody
 * wants to see one; a letter without a page never loads them.
 */
#include <stdlib.h>
#include <string.h>

#include "letter/letter-private.h"
#include "letter/page.h"

struct ch_letter_page {
	struct ch_page_setter *setter;    /* owned; NULL: not looked for yet */
	struct ch_page_image **pictures;  /* owned, and each; by the bundle's
					     files */
	struct ch_str pdf;                /* of the last merge */
	const struct ch_attachment **parts; /* owned array */
};

void ch_letter_page_free(struct ch_letter_page *page, size_t files)
{
	if (!page)
		return;
	for (size_t i = 0; page->pictures && i < files; i++)
		ch_page_image_free(page->pictures[i]);
	free(page->pictures);
	ch_page_setter_free(page->setter);
	ch_str_release(&page->pdf);
	free(page->parts);
	free(page);
}

/* ---- loading ---------------------------------------------------------- */

static void refuse(const struct ch_letter *letter, const char *key,
		   const char *hint, const char *text,
		   struct ch_problems *problems)
{
	struct ch_place place = { letter->conf_shown, letter->conf.lines.page,
				  0, key };

	ch_problems_add(problems, CH_PROBLEM_ERROR, place, hint, "%s", text);
}

static const struct ch_bundle_file *
find_picture(const struct ch_letter *letter, const char *name,
	     const char *code)
{
	return ch_letter_find_file(letter, CH_ROLE_LETTER, name, code);
}

static void read_picture(const struct ch_letter *letter,
			 const struct ch_bundle_file *file,
			 struct ch_problems *problems)
{
	struct ch_page_image **slot =
		&letter->page->pictures[file - letter->bundle->files];
	struct ch_place place = { file->shown, 0, 0, NULL };
	struct ch_error err;

	if (!*slot && ch_page_image_new((struct ch_slice){
						ch_str_cstr(&file->bytes),
						file->bytes.len },
					slot, &err) < 0)
		ch_problems_add(problems, CH_PROBLEM_ERROR, place, NULL, "%s",
				err.text);
}

static void read_pictures(const struct ch_letter *letter, const char *name,
			  struct ch_problems *problems)
{
	for (size_t i = 0; name[0] && i < letter->languages_len; i++) {
		const struct ch_bundle_file *file = find_picture(
			letter, name, letter->languages[i].code);

		if (file)
			read_picture(letter, file, problems);
	}
}

static const struct ch_page_image *picture_of(const struct ch_letter *letter,
					      const char *name,
					      const char *code)
{
	const struct ch_bundle_file *file =
		name[0] ? find_picture(letter, name, code) : NULL;

	return file ? letter->page->pictures[file - letter->bundle->files]
		    : NULL;
}

static void find_fonts(const struct ch_letter *letter,
		       struct ch_problems *problems)
{
	const struct ch_letter_page_conf *conf = &letter->conf.page;
	struct ch_page_style style = {
		.paper = (enum ch_paper)conf->paper,
		.top_mm = (int)conf->top,
		.bottom_mm = (int)conf->bottom,
		.left_mm = (int)conf->left,
		.right_mm = (int)conf->right,
		.font = conf->font,
		.font_zh = conf->font_zh,
		.font_zh_strong = conf->font_zh_strong,
		.font_ar = conf->font_ar,
	};
	struct ch_error err;

	if (ch_page_setter_new(&style, &letter->page->setter, &err) < 0)
		refuse(letter, "page",
		       ch_page_available()
			       ? "Install it, or name another in letter.conf; "
				 "fc-list tells what is there."
			       : "Build it with pango, librsvg and libhyphen, "
				 "or write attach = false;",
		       err.text, problems);
}

/* Once, when the first page is wanted. -1 with problems. */
static int prepare(const struct ch_letter *letter,
		   struct ch_problems *problems)
{
	struct ch_letter_page *page = letter->page;
	size_t errors = problems->errors;

	if (page->setter)
		return 0;
	if (!page->pictures)
		page->pictures = ch_xcalloc(letter->bundle->len,
					    sizeof(struct ch_page_image *));
	find_fonts(letter, problems);
	if (page->setter) {
		read_pictures(letter, letter->conf.page.letterhead, problems);
		read_pictures(letter, letter->conf.page.signature, problems);
	}
	return problems->errors > errors ? -1 : 0;
}

static void use_pictures(const struct ch_letter *letter, const char *key,
			 const char *name, bool *used,
			 struct ch_problems *problems)
{
	for (size_t i = 0; name[0] && i < letter->languages_len; i++) {
		const char *code = letter->languages[i].code;
		const struct ch_bundle_file *file =
			find_picture(letter, name, code);
		CH_AUTOCHAR own = ch_letter_name_in(name, code);
		CH_AUTOCHAR text = NULL;

		if (file) {
			used[file - letter->bundle->files] = true;
			continue;
		}
		text = ch_xasprintf("there is neither %s nor %s", own, name);
		refuse(letter, key, NULL, text, problems);
	}
}

void ch_letter_page_load(struct ch_letter *letter, bool *used,
			 struct ch_problems *problems)
{
	const struct ch_letter_page_conf *conf = &letter->conf.page;

	letter->page = ch_xzalloc(sizeof(*letter->page));
	ch_str_init(&letter->page->pdf, letter->max_bytes);
	use_pictures(letter, "page.letterhead", conf->letterhead, used,
		     problems);
	use_pictures(letter, "page.signature", conf->signature, used,
		     problems);
	if (conf->attach)
		prepare(letter, problems);
}

/* ---- one addressee ---------------------------------------------------- */

/* The subject without "[DM-1276] ". */
static const char *title_of(const struct ch_letter *letter)
{
	const char *subject = ch_str_cstr(&letter->subject);
	size_t len = strlen(letter->reference);

	if (len > 0 && subject[0] == '[' &&
	    strncmp(subject + 1, letter->reference, len) == 0 &&
	    strncmp(subject + 1 + len, "] ", 2) == 0)
		return subject + len + 3;
	return subject;
}

void ch_letter_page_write(struct ch_letter *letter,
			  const struct ch_letter_language *language,
			  const struct ch_addressee *addressee,
			  const struct ch_body *body,
			  const struct ch_slice *values,
			  struct ch_problems *problems)
{
	const struct ch_letter_page_conf *conf = &letter->conf.page;
	struct ch_letter_page *page = letter->page;
	struct ch_page_letter facts = {
		.language = language->code,
		.title = title_of(letter),
		.author = letter->from.display,
		.reference = letter->reference,
		.date_us = letter->page_date_us,
	};
	struct ch_error err;

	if (prepare(letter, problems) < 0)
		return;
	facts.letterhead = picture_of(letter, conf->letterhead,
				      language->code);
	facts.signature = picture_of(letter, conf->signature, language->code);
	ch_str_clear(&page->pdf);
	if (ch_page_set(page->setter, body, values, &facts, &page->pdf,
			&err) < 0)
		ch_letter_fault(language, addressee, 0,
				"Fonts are named in letter.conf, under page.",
				err.text, problems);
}

struct ch_slice ch_letter_page_pdf(const struct ch_letter *letter)
{
	return (struct ch_slice){ ch_str_cstr(&letter->page->pdf),
				  letter->page->pdf.len };
}

/* "A/77/12" in French gives "A-77-12.fr.pdf". */
static char *name_of(const struct ch_letter *letter,
		     const struct ch_letter_language *language)
{
	const char *written = letter->conf.page.name;
	CH_AUTOCHAR name =
		written[0] ? ch_xstrdup(written)
			   : ch_xasprintf("%s.pdf", letter->reference[0]
							    ? letter->reference
							    : "letter");

	for (char *p = name; *p; p++) {
		if (*p == '/' || *p == '\\')
			*p = '-';
	}
	return ch_letter_name_in(name, language->code);
}

const struct ch_attachment *const *
ch_letter_page_parts(const struct ch_letter *letter,
		     const struct ch_letter_language *language,
		     size_t *ret_len, struct ch_attachment **ret_page,
		     struct ch_error *err)
{
	static const struct ch_attachment *const none[1];
	struct ch_letter_page *page = letter->page;
	CH_AUTOCHAR name = NULL;

	*ret_len = letter->attached_len;
	if (!letter->conf.page.attach)
		return letter->attached_len ? letter->attached : none;
	name = name_of(letter, language);
	if (ch_attachment_new(name, "application/pdf", ch_str_cstr(&page->pdf),
			      page->pdf.len, ret_page, err) < 0)
		return NULL;
	page->parts = ch_xreallocarray(page->parts,
				       letter->attached_len + 1,
				       sizeof(struct ch_attachment *));
	page->parts[0] = *ret_page;
	for (size_t i = 0; i < letter->attached_len; i++)
		page->parts[i + 1] = letter->attached[i];
	*ret_len = letter->attached_len + 1;
	return page->parts;
}
