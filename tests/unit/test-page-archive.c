// SPDX-License-Identifier: GPL-3.0-or-later
/* test-page-archive.c - a PDF made one for the archive, byte for byte but for
 * the profile and the metadata that the system test looks at; and what is no
 * PDF of cairo's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "letter/page-archive.h"

static const struct ch_page_facts facts = {
	.language = "ar",
	.title = "\u00C9<&>\U0001F600",
	.author = "",
	.subject = "DM-1",
	.date_us = INT64_C(1795478400000000), /* 2026-11-24 */
	.rtl = true,
};

/* The objects of a file, in their order; the last two are catalogue and
 * information. */
static const char *const objects[] = {
	"<< /Type /Page % 1\n   /Parent 9 0 R\n   /Group <<\n"
	"      /Type /Group\n      /S /Transparency\n   >>\n   /X 1\n>>\n",
	"<< /Type /Annot\n   /Subtype /Link\n>>\n",
	"<< /Length 4\n   /Subtype /Image\n   /Interpolate true\n>>\nstream\n"
	"/Interpolate true\nendstream\n",
	"<< /Length 4\n>>\nstream\n/Subtype /Image /Interpolate true "
	"/Group <<\nendstream\n",
	"<< /Type /Font\n   /Subtype /CIDFontType2\n>>\n",
	"<< /Type /Catalog\n   /Pages 9 0 R\n>>\n",
	"<< /Producer (x)\n>>\n",
};

static void make_pdf(struct ch_str *out)
{
	size_t offsets[CH_COUNT(objects)];
	size_t table;

	ch_str_add(out, "%PDF-1.5\n%\xB5\xED\xAE\xFB\n");
	for (size_t i = 0; i < CH_COUNT(objects); i++) {
		offsets[i] = out->len;
		ch_str_addf(out, "%zu 0 obj\n%sendobj\n", i + 1, objects[i]);
	}
	table = out->len;
	ch_str_addf(out, "xref\n0 %zu\n0000000000 65535 f \n",
		    CH_COUNT(objects) + 1);
	for (size_t i = 0; i < CH_COUNT(objects); i++)
		ch_str_addf(out, "%010zu 00000 n \n", offsets[i]);
	ch_str_addf(out,
		    "trailer\n<< /Size %zu\n   /Root %zu 0 R\n   /Info %zu 0 "
		    "R\n>>\nstartxref\n%zu\n%%%%EOF\n",
		    CH_COUNT(objects) + 1, CH_COUNT(objects) - 1,
		    CH_COUNT(objects), table);
}

static void has(const struct ch_str *out, const char *part)
{
	if (!memmem(out->data, out->len, part, strlen(part)))
		fail_msg("no \"%s\"", part);
}

/* Where the table says that an object is. */
static const char *object_at(const struct ch_str *out, size_t number)
{
	const char *start = memmem(out->data, out->len, "startxref\n", 10);
	size_t table = strtoul(start + 10, NULL, 10);
	const char *entry = out->data + table + strlen("xref\n0 10\n") +
			    20 * number;

	assert_memory_equal(out->data + table, "xref\n0 10\n", 10);
	assert_memory_equal(entry + 10, " 00000 n \n", 10);
	return out->data + strtoul(entry, NULL, 10);
}

static void all_of_it(void **state)
{
	static const char *const expected[] = {
		"1 0 obj\n<< /Type /Page % 1\n   /Parent 9 0 R\n   \n   /X 1\n"
		">>\nendobj\n",
		"2 0 obj\n<< /Type /Annot\n   /F 4 /Subtype /Link\n>>\nendobj\n",
		"3 0 obj\n<< /Length 4\n   /Subtype /Image\n   /Interpolate "
		"false\n>>\nstream\n/Interpolate true\nendstream\nendobj\n",
		"4 0 obj\n<< /Length 4\n>>\nstream\n/Subtype /Image "
		"/Interpolate true /Group <<\nendstream\nendobj\n",
		"5 0 obj\n<< /Type /Font\n   /CIDToGIDMap /Identity /Subtype "
		"/CIDFontType2\n>>\nendobj\n",
		"6 0 obj\n<< /Type /Catalog\n   /Pages 9 0 R\n   /Lang (ar)\n"
		"   /ViewerPreferences << /DisplayDocTitle true /Direction /R2L "
		">>\n   /Metadata 8 0 R\n   /OutputIntents [ << /Type "
		"/OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB) "
		"/Info (sRGB IEC61966-2.1) /DestOutputProfile 9 0 R >> ]\n"
		">>\nendobj\n",
		"7 0 obj\n<< /Title <FEFF00C9003C0026003ED83DDE00>\n"
		"   /Subject <FEFF0044004D002D0031>\n"
		"   /Creator (Chancery " PACKAGE_VERSION ")\n"
		"   /Producer (Chancery " PACKAGE_VERSION ")\n"
		"   /CreationDate (D:20261124000000Z)\n"
		"   /ModDate (D:20261124000000Z)\n>>\nendobj\n",
		"8 0 obj\n<< /Type /Metadata /Subtype /XML /Length ",
		"9 0 obj\n<< /N 3 /Length 496 >>\nstream\n",
	};
	CH_AUTO(ch_str) pdf = CH_STR_INIT(10000);
	CH_AUTO(ch_str) out = CH_STR_INIT(20000);
	struct ch_error err;

	(void)state;
	make_pdf(&pdf);
	assert_int_equal(
		ch_page_archive((struct ch_slice){ pdf.data, pdf.len },
				&facts, &out, &err), 0);
	for (size_t i = 0; i < CH_COUNT(expected); i++)
		assert_memory_equal(object_at(&out, i + 1), expected[i],
				    strlen(expected[i]));
	has(&out, "<dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">\u00C9"
		  "&lt;&amp;&gt;\U0001F600</rdf:li></rdf:Alt></dc:title>");
	has(&out, "<xmp:CreateDate>2026-11-24T00:00:00Z</xmp:CreateDate>");
	has(&out, "mntrRGB XYZ ");
	has(&out, "/Size 10\n   /Root 6 0 R\n   /Info 7 0 R\n   /ID [ <");
}

static void what_is_none(void **state)
{
	static const char *const cut[] = { "startxref", "trailer", "/Root",
					   "xref\n0 8", "0 8\n" };
	CH_AUTO(ch_str) pdf = CH_STR_INIT(10000);
	struct ch_error err;

	(void)state;
	make_pdf(&pdf);
	for (size_t i = 0; i < CH_COUNT(cut); i++) {
		CH_AUTO(ch_str) bad = CH_STR_INIT(10000);
		CH_AUTO(ch_str) out = CH_STR_INIT(20000);
		char *at;

		ch_str_add_mem(&bad, pdf.data, pdf.len);
		at = memmem(bad.data, bad.len, cut[i], strlen(cut[i]));
		assert_non_null(at);
		*at = 'X';
		if (ch_page_archive((struct ch_slice){ bad.data, bad.len },
				    &facts, &out, &err) == 0)
			fail_msg("taken without %s", cut[i]);
		assert_int_equal(err.fate, CH_GIVE_UP);
		assert_true(strncmp(err.text, "the page: ", 10) == 0);
	}
	for (size_t len = 0; len < pdf.len; len++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(20000);
		CH_AUTOCHAR part = ch_xmalloc(len + 1);

		memcpy(part, pdf.data, len); /* for ASan to see its end */
		part[len] = '\0';
		ch_page_archive((struct ch_slice){ part, len }, &facts, &out,
				&err);
	}
}

static void it_has_a_largest_size(void **state)
{
	CH_AUTO(ch_str) pdf = CH_STR_INIT(10000);
	CH_AUTO(ch_str) out = CH_STR_INIT(1500);
	struct ch_error err;

	(void)state;
	make_pdf(&pdf);
	assert_int_equal(
		ch_page_archive((struct ch_slice){ pdf.data, pdf.len },
				&facts, &out, &err), -1);
	assert_string_equal(err.text, "the page: a PDF larger than a message "
				      "may be");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it),
		cmocka_unit_test(what_is_none),
		cmocka_unit_test(it_has_a_largest_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
