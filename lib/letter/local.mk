# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += lib/letter/libletter.a
lib_letter_libletter_a_SOURCES = \
	lib/letter/addressee.c \
	lib/letter/body.c lib/letter/body.h lib/letter/body-private.h \
	lib/letter/body-flow.c lib/letter/body-html.c lib/letter/body-text.c \
	lib/letter/bundle.c lib/letter/bundle.h \
	lib/letter/conf.c lib/letter/conf.h \
	lib/letter/courtesy.c \
	lib/letter/csv.c lib/letter/csv.h \
	lib/letter/date.c lib/letter/date.h \
	lib/letter/decode.c lib/letter/decode.h \
	lib/letter/fault.h \
	lib/letter/fields.c lib/letter/fields.h \
	lib/letter/letter.c lib/letter/letter.h \
	lib/letter/letter-private.h lib/letter/logo.c \
	lib/letter/merge.c \
	lib/letter/seen.c lib/letter/seen.h \
	lib/letter/table.c lib/letter/table.h \
	lib/letter/template-parse.c lib/letter/template-private.h \
	lib/letter/template.c lib/letter/template.h
lib_letter_libletter_a_CFLAGS = $(AM_CFLAGS) $(CMARK_CFLAGS) $(ICU_CFLAGS)

# What a program that merges letters needs: $(LETTER_LIBS) $(MAIL_LIBS)
# $(BASE_LIBS) $(CONFIG_LIBS), in this order.
LETTER_LIBS = lib/letter/libletter.a $(CMARK_LIBS)

check_PROGRAMS += tests/unit/test-template tests/unit/test-table
tests_unit_test_template_SOURCES = tests/unit/test-template.c
tests_unit_test_template_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(UNIT_LIBS)
tests_unit_test_table_SOURCES = tests/unit/test-table.c
tests_unit_test_table_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-template tests/unit/test-table

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
EXTRA_DIST += tests/corpora/csv tests/corpora/template tests/corpora/bundle
