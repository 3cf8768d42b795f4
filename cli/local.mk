# SPDX-License-Identifier: GPL-3.0-or-later
bin_PROGRAMS += chancery
chancery_SOURCES = \
	cli/args.c cli/args.h \
	cli/batch.c cli/batch.h \
	cli/cancel.c \
	cli/check.c \
	cli/choice.c cli/choice.h \
	cli/classify.c \
	cli/confirm.c \
	cli/cli.h \
	cli/decide.c cli/decide.h \
	cli/doubts.c cli/doubts.h \
	cli/enqueue.c cli/enqueue.h \
	cli/events.c \
	cli/grid.c cli/grid.h \
	cli/json.c cli/json.h \
	cli/letters.c \
	cli/mailing.c cli/mailing.h \
	cli/main.c \
	cli/outcome.c cli/outcome.h \
	cli/pause.c \
	cli/priority.c cli/priority.h \
	cli/preview.c \
	cli/readdress.c \
	cli/release.c \
	cli/remind.c \
	cli/report.c cli/report.h \
	cli/request.c cli/request.h \
	cli/reply.c \
	cli/resolve.c \
	cli/restored.c cli/restored.h \
	cli/retry.c \
	cli/returns.c \
	cli/show.c cli/show.h \
	cli/source.c cli/source.h \
	cli/status.c \
	cli/suppress.c \
	cli/target.c cli/target.h \
	cli/term.c cli/term.h \
	cli/upload.c cli/upload.h
chancery_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
chancery_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(JSON_CFLAGS)
chancery_LDADD = $(CLASSIFY_LIBS) $(TOKEN_LIBS) $(LETTER_LIBS) $(MAIL_LIBS) $(BASE_LIBS) $(CONFIG_LIBS) \
	$(CURL_LIBS) $(JSON_LIBS)

check_PROGRAMS += tests/unit/test-cli
tests_unit_test_cli_SOURCES = tests/unit/test-cli.c \
	cli/args.c cli/args.h cli/grid.c cli/grid.h cli/term.c cli/term.h
tests_unit_test_cli_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_test_cli_LDADD = $(UNIT_LIBS)
TESTS += tests/unit/test-cli tests/system/test-classify.py \
	tests/system/test-cli.py \
	tests/system/test-cli-room.py tests/system/test-interplay.py
dist_check_SCRIPTS += tests/system/test-classify.py \
	tests/system/test-cli.py \
	tests/system/test-cli-room.py tests/system/test-interplay.py
EXTRA_DIST += tests/peers/room.py
