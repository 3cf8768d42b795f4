// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-page.c - a body with hostile values, set on pages from left to right, in
 * Chinese and from right to left: a PDF from its first line to its last, or an
 * error that says why.
 *
 * Input: the Markdown, a NUL, the value of all four slots. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "letter/body.h"
#include "letter/page.h"

#define VALUES 4
#define PDF_MAX (8 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Fonts are found once. NULL in a build without pages. */
static struct ch_page_setter *setter_of_all(void)
{
	static struct ch_page_setter *setter;
	static const struct ch_page_style style = {
		CH_PAPER_A4,
		false,
		18,
		20,
		25,
		25,
		"Noto Serif",
		"Noto Serif CJK SC",
		"WenQuanYi Micro Hei",
		"Amiri",
	};
	struct ch_error err;

	if (!setter && ch_page_available() &&
	    ch_page_setter_new(&style, &setter, &err) < 0)
		abort();
	return setter;
}

static void check_pdf(const struct ch_str *pdf)
{
	assert(pdf->len > 1000);
	assert(memcmp(pdf->data, "%PDF-1.", 7) == 0);
	assert(memcmp(pdf->data + pdf->len - 6, "%%EOF\n", 6) == 0);
}

static void set(struct ch_slice markdown, const struct ch_slice *values,
		const char *language)
{
	struct ch_page_letter letter = {
		.language = language,
		.title = "T",
		.author = "",
		.reference = "R",
	};
	CH_AUTOPTR(ch_body) body = NULL;
	CH_AUTO(ch_str) pdf = CH_STR_INIT(PDF_MAX);
	struct ch_error err;

	if (ch_body_compile(markdown, language, VALUES, &body, &err) < 0)
		return;
	if (ch_page_set(setter_of_all(), body, values, &letter, &pdf, &err) ==
	    0)
		check_pdf(&pdf);
	else
		assert(err.fate == CH_GIVE_UP && err.text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const languages[] = { "en", "zh", "ar" };
	const uint8_t *nul = size ? memchr(data, '\0', size) : NULL;
	size_t len = nul ? (size_t)(nul - data) : size;
	struct ch_slice value = CH_SLICE_EMPTY;
	struct ch_slice values[VALUES];

	if (!setter_of_all())
		return 0;
	if (nul)
		value = (struct ch_slice){ (const char *)nul + 1,
					   size - len - 1 };
	for (size_t i = 0; i < VALUES; i++)
		values[i] = value;
	for (size_t i = 0; i < CH_COUNT(languages); i++)
		set((struct ch_slice){ (const char *)data, len }, values,
		    languages[i]);
	return 0;
}
