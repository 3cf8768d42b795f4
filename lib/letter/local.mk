# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += lib/letter/libletter.a
lib_letter_libletter_a_SOURCES = \
	lib/letter/addressee.c lib/letter/addressee-private.h \
	lib/letter/attach.c \
	lib/letter/body.c lib/letter/body.h lib/letter/body-private.h \
	lib/letter/body-flow.c lib/letter/body-html.c lib/letter/body-text.c \
	lib/letter/body-table.c lib/letter/body-table.h \
	lib/letter/bundle.c lib/letter/bundle.h \
	lib/letter/collate.c lib/letter/collate.h \
	lib/letter/conf.c lib/letter/conf.h \
	lib/letter/country.c lib/letter/country.h \
	lib/letter/courtesy.c \
	lib/letter/csv.c \
	lib/letter/data.c lib/letter/data.h \
	lib/letter/date.c lib/letter/date.h \
	lib/letter/decode.c lib/letter/decode.h \
	lib/letter/differing.c \
	lib/letter/fault.h \
	lib/letter/fields.c lib/letter/fields.h \
	lib/letter/filter.c lib/letter/filter.h \
	lib/letter/languages.c lib/letter/languages.h \
	lib/letter/letter.c lib/letter/letter.h \
	lib/letter/letter-page.c \
	lib/letter/letter-private.h lib/letter/logo.c \
	lib/letter/merge.c \
	lib/letter/number.c lib/letter/number.h \
	lib/letter/page.h lib/letter/page-sheet.h \
	lib/letter/page-form.c lib/letter/page-form.h \
	lib/letter/plural.c lib/letter/plural.h \
	lib/letter/recipients.c lib/letter/recipients.h \
	lib/letter/rows.c lib/letter/rows.h lib/letter/rows-private.h \
	lib/letter/salutation.c lib/letter/salutation.h \
	lib/letter/seen.c lib/letter/seen.h \
	lib/letter/shared.c lib/letter/shared.h \
	lib/letter/sheet.c lib/letter/sheet-private.h \
	lib/letter/sheet-value.c lib/letter/ods.c lib/letter/xlsx.c \
	lib/letter/sort.c lib/letter/sort.h \
	lib/letter/table.c lib/letter/table.h \
	lib/letter/template.c lib/letter/template.h \
	lib/letter/template-private.h lib/letter/template-inherit.c \
	lib/letter/template-name.c lib/letter/template-parse.c \
	lib/letter/template-render.c lib/letter/template-scan.c \
	lib/letter/template-section.c lib/letter/template-walk.c \
	lib/letter/tsv.c lib/letter/tsv.h
lib_letter_libletter_a_CFLAGS = $(AM_CFLAGS) $(CMARK_CFLAGS) $(ICU_CFLAGS) \
	$(EXPAT_CFLAGS) $(ZIP_CFLAGS) $(PAGE_CFLAGS)
lib_letter_libletter_a_CPPFLAGS = $(AM_CPPFLAGS) \
	-DCH_HYPHENDIR='"$(hyphendir)"'

# Setting a page, or saying that this build does not.
PAGE_SOURCES = lib/letter/page.c lib/letter/page-archive.c \
	lib/letter/page-archive.h lib/letter/page-block.c \
	lib/letter/page-box.c lib/letter/page-draw.c \
	lib/letter/page-font.c lib/letter/page-hyphen.c \
	lib/letter/page-image.c \
	lib/letter/page-private.h lib/letter/page-sheet.c \
	lib/letter/page-table.c \
	lib/letter/page-text.c \
	lib/letter/page-zone.c
if PAGE
lib_letter_libletter_a_SOURCES += $(PAGE_SOURCES)
EXTRA_DIST += lib/letter/page-none.c
else
lib_letter_libletter_a_SOURCES += lib/letter/page-none.c
EXTRA_DIST += $(PAGE_SOURCES)
endif

# What a program that merges letters needs: $(LETTER_LIBS) $(MAIL_LIBS)
# $(BASE_LIBS) $(CONFIG_LIBS), in this order.
LETTER_LIBS = lib/letter/libletter.a $(SAME_LIBS) $(CMARK_LIBS) $(ZIP_LIBS) $(EXPAT_LIBS) \
	$(PAGE_LIBS) -lm

check_PROGRAMS += tests/unit/test-template tests/unit/test-table
tests_unit_test_template_SOURCES = tests/unit/test-template.c
tests_unit_test_template_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(UNIT_LIBS)
tests_unit_test_table_SOURCES = tests/unit/test-table.c
tests_unit_test_table_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-template tests/unit/test-table

check_PROGRAMS += tests/unit/test-data
tests_unit_test_data_SOURCES = tests/unit/test-data.c
tests_unit_test_data_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-data

check_PROGRAMS += tests/unit/test-filter
tests_unit_test_filter_SOURCES = tests/unit/test-filter.c
tests_unit_test_filter_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-filter

check_PROGRAMS += tests/unit/test-sheet tests/unit/test-sort
tests_unit_test_sheet_SOURCES = tests/unit/test-sheet.c
tests_unit_test_sheet_LDADD = $(LETTER_LIBS) $(UNIT_LIBS)
tests_unit_test_sort_SOURCES = tests/unit/test-sort.c
tests_unit_test_sort_LDADD = $(LETTER_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-sheet tests/unit/test-sort

check_PROGRAMS += tests/unit/test-collate
tests_unit_test_collate_SOURCES = tests/unit/test-collate.c
tests_unit_test_collate_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-collate

check_PROGRAMS += tests/unit/test-body
tests_unit_test_body_SOURCES = tests/unit/test-body.c
tests_unit_test_body_LDADD = $(LETTER_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-body

check_PROGRAMS += tests/unit/test-letter
tests_unit_test_letter_SOURCES = tests/unit/test-letter.c
tests_unit_test_letter_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(UNIT_LIBS) \
	$(CONFIG_LIBS)
TESTS += tests/unit/test-letter

check_PROGRAMS += tests/unit/test-courtesy
tests_unit_test_courtesy_SOURCES = tests/unit/test-courtesy.c
tests_unit_test_courtesy_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(UNIT_LIBS) \
	$(CONFIG_LIBS)
TESTS += tests/unit/test-courtesy

check_PROGRAMS += tests/fuzz/fuzz-markdown
tests_fuzz_fuzz_markdown_SOURCES = tests/fuzz/fuzz-markdown.c $(FUZZ_MAIN)
tests_fuzz_fuzz_markdown_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_markdown_LDADD = $(LETTER_LIBS) $(BASE_LIBS)
EXTRA_DIST += tests/corpora/markdown

check_PROGRAMS += tests/fuzz/fuzz-csv tests/fuzz/fuzz-template \
	tests/fuzz/fuzz-bundle
tests_fuzz_fuzz_csv_SOURCES = tests/fuzz/fuzz-csv.c tests/fuzz/memory-file.h \
	$(FUZZ_MAIN)
tests_fuzz_fuzz_csv_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_csv_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(BASE_LIBS)
tests_fuzz_fuzz_template_SOURCES = tests/fuzz/fuzz-template.c $(FUZZ_MAIN)
tests_fuzz_fuzz_template_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_template_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(BASE_LIBS)
tests_fuzz_fuzz_bundle_SOURCES = tests/fuzz/fuzz-bundle.c \
	tests/fuzz/memory-file.h $(FUZZ_MAIN)
tests_fuzz_fuzz_bundle_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_bundle_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(BASE_LIBS) \
	$(CONFIG_LIBS)
check_PROGRAMS += tests/tools/fuzz-rows
tests_tools_fuzz_rows_SOURCES = tests/tools/fuzz-rows.c \
	tests/fuzz/memory-file.h
tests_tools_fuzz_rows_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(BASE_LIBS) \
	$(CONFIG_LIBS)

check_PROGRAMS += tests/fuzz/fuzz-xlsx tests/fuzz/fuzz-ods
tests_fuzz_fuzz_xlsx_SOURCES = tests/fuzz/fuzz-xlsx.c \
	tests/fuzz/fuzz-sheet.h tests/fuzz/memory-file.h $(FUZZ_MAIN)
tests_fuzz_fuzz_xlsx_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_xlsx_CFLAGS = $(AM_CFLAGS) $(ZIP_CFLAGS)
tests_fuzz_fuzz_xlsx_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(BASE_LIBS)
tests_fuzz_fuzz_ods_SOURCES = tests/fuzz/fuzz-ods.c \
	tests/fuzz/fuzz-sheet.h tests/fuzz/memory-file.h $(FUZZ_MAIN)
tests_fuzz_fuzz_ods_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_ods_CFLAGS = $(AM_CFLAGS) $(ZIP_CFLAGS)
tests_fuzz_fuzz_ods_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(BASE_LIBS)
EXTRA_DIST += tests/corpora/ods tests/corpora/xlsx
EXTRA_DIST += tests/corpora/csv tests/corpora/template tests/corpora/bundle

# The merge language beside its specification.
check_PROGRAMS += tests/tools/render
tests_tools_render_SOURCES = tests/tools/render.c
tests_tools_render_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_tools_render_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(BASE_LIBS) \
	$(JSON_LIBS)
dist_check_SCRIPTS += tests/system/test-render.py
TESTS += tests/system/test-render.py

check_PROGRAMS += tests/unit/test-names
tests_unit_test_names_SOURCES = tests/unit/test-names.c
tests_unit_test_names_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-names

check_PROGRAMS += tests/unit/test-addressing
tests_unit_test_addressing_SOURCES = tests/unit/test-addressing.c
tests_unit_test_addressing_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) \
	$(UNIT_LIBS) $(CONFIG_LIBS)
TESTS += tests/unit/test-addressing

check_PROGRAMS += tests/fuzz/fuzz-countries tests/fuzz/fuzz-salutations
tests_fuzz_fuzz_countries_SOURCES = tests/fuzz/fuzz-countries.c $(FUZZ_MAIN)
tests_fuzz_fuzz_countries_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_countries_LDADD = $(LETTER_LIBS) $(BASE_LIBS)
tests_fuzz_fuzz_salutations_SOURCES = tests/fuzz/fuzz-salutations.c \
	$(FUZZ_MAIN)
tests_fuzz_fuzz_salutations_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_salutations_LDADD = $(LETTER_LIBS) $(BASE_LIBS)
EXTRA_DIST += tests/corpora/countries tests/corpora/salutations

TESTS += tests/system/test-page.py
EXTRA_DIST += tests/system/test-page.py

check_PROGRAMS += tests/unit/test-page tests/fuzz/fuzz-page
tests_unit_test_page_SOURCES = tests/unit/test-page.c
tests_unit_test_page_LDADD = $(LETTER_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-page
tests_fuzz_fuzz_page_SOURCES = tests/fuzz/fuzz-page.c $(FUZZ_MAIN)
tests_fuzz_fuzz_page_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_page_LDADD = $(LETTER_LIBS) $(BASE_LIBS)
EXTRA_DIST += tests/corpora/page

if PAGE
check_PROGRAMS += tests/unit/test-page-archive
tests_unit_test_page_archive_SOURCES = tests/unit/test-page-archive.c
tests_unit_test_page_archive_LDADD = $(LETTER_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-page-archive
endif
EXTRA_DIST += tests/unit/test-page-archive.c
