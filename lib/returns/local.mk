# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += lib/returns/libclassify.a
lib_returns_libclassify_a_SOURCES = \
	lib/returns/autoreply.c \
	lib/returns/away.c lib/returns/away.h \
	lib/returns/away-date.c lib/returns/away-private.h \
	lib/returns/away-rules.c \
	lib/returns/classify.c lib/returns/classify.h \
	lib/returns/dsn.c \
	lib/returns/fold.c \
	lib/returns/keys.c lib/returns/keys.h \
	lib/returns/match.c \
	lib/returns/notice.c \
	lib/returns/original.c \
	lib/returns/reason.c \
	lib/returns/recipients.c \
	lib/returns/reply-says.c \
	lib/returns/reply-text.c \
	lib/returns/returns-private.h \
	lib/returns/rules.c lib/returns/rules.h \
	lib/returns/sender.c \
	lib/returns/words.c

CLASSIFY_LIBS = lib/returns/libclassify.a $(READ_LIBS)

check_PROGRAMS += tests/tools/classify-files
tests_tools_classify_files_SOURCES = tests/tools/classify-files.c
tests_tools_classify_files_LDADD = $(CLASSIFY_LIBS) $(BASE_LIBS)

check_PROGRAMS += tests/unit/test-classify
tests_unit_test_classify_SOURCES = tests/unit/test-classify.c
tests_unit_test_classify_LDADD = $(CLASSIFY_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test-classify-words
tests_unit_test_classify_words_SOURCES = tests/unit/test-classify-words.c
tests_unit_test_classify_words_LDADD = $(CLASSIFY_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test-reply-text
tests_unit_test_reply_text_SOURCES = tests/unit/test-reply-text.c
tests_unit_test_reply_text_LDADD = $(CLASSIFY_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test-away
tests_unit_test_away_SOURCES = tests/unit/test-away.c
tests_unit_test_away_LDADD = $(CLASSIFY_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/fuzz/fuzz-away
tests_fuzz_fuzz_away_SOURCES = tests/fuzz/fuzz-away.c $(FUZZ_MAIN)
tests_fuzz_fuzz_away_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_away_LDADD = $(CLASSIFY_LIBS) $(BASE_LIBS)
EXTRA_DIST += tests/corpora/away
TESTS += tests/unit/test-away tests/unit/test-classify tests/unit/test-classify-words \
	tests/unit/test-reply-text

# Apart from what reads mail, so that chanceryd needs no MIME library.
noinst_LIBRARIES += lib/returns/libtoken.a
lib_returns_libtoken_a_SOURCES = lib/returns/token.c lib/returns/token.h
TOKEN_LIBS = lib/returns/libtoken.a

check_PROGRAMS += tests/unit/test-token tests/fuzz/fuzz-token
tests_unit_test_token_SOURCES = tests/unit/test-token.c
tests_unit_test_token_LDADD = $(TOKEN_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-token
tests_fuzz_fuzz_token_SOURCES = tests/fuzz/fuzz-token.c $(FUZZ_MAIN)
tests_fuzz_fuzz_token_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_token_LDADD = $(TOKEN_LIBS) $(BASE_LIBS)
EXTRA_DIST += tests/corpora/token
