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
	cli/output.c cli/output.h \
	cli/overview.c cli/overview.h \
	cli/overview-row.c cli/overview-row.h \
	cli/overview-text.c \
	cli/overview-csv.c \
	cli/overview-html.c \
	cli/overview-pdf.c \
	cli/pause.c \
	cli/priority.c cli/priority.h \
	cli/preview.c \
	cli/readdress.c \
	cli/release.c \
	cli/remind.c \
	cli/reread.c \
	cli/report.c cli/report.h \
	cli/report-verb.c \
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
	cli/upload.c cli/upload.h \
	cli/words.c cli/words.h

# Workbooks, or saying that this build writes none. The library's headers have
# macros with functions that are banned here: they are read before the ban.
if XLSX
noinst_LIBRARIES += cli/libxlsx.a
cli_libxlsx_a_SOURCES = cli/overview-xlsx.c
cli_libxlsx_a_CPPFLAGS = -include $(top_builddir)/config.h \
	-include xlsxwriter.h $(AM_CPPFLAGS) -I$(top_srcdir)
cli_libxlsx_a_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS) $(XLSX_CFLAGS) $(ZIP_CFLAGS)
XLSX_ROOM = cli/libxlsx.a
EXTRA_DIST += cli/overview-xlsx-none.c
else
XLSX_ROOM =
chancery_SOURCES += cli/overview-xlsx-none.c
EXTRA_DIST += cli/overview-xlsx.c
endif
chancery_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
chancery_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(JSON_CFLAGS)
chancery_LDADD = $(XLSX_ROOM) $(CLASSIFY_LIBS) $(TOKEN_LIBS) $(LETTER_LIBS) $(MAIL_LIBS) $(BASE_LIBS) $(CONFIG_LIBS) \
	$(CURL_LIBS) $(JSON_LIBS) $(XLSX_LIBS)

check_PROGRAMS += tests/unit/test-cli
tests_unit_test_cli_SOURCES = tests/unit/test-cli.c \
	cli/args.c cli/args.h cli/grid.c cli/grid.h cli/term.c cli/term.h
tests_unit_test_cli_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_test_cli_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test-overview
tests_unit_test_overview_SOURCES = tests/unit/test-overview.c \
	cli/args.c cli/args.h cli/choice.c cli/choice.h cli/json.c cli/json.h \
	cli/outcome.c cli/outcome.h cli/overview.h cli/overview-csv.c \
	cli/overview-row.c cli/overview-row.h cli/overview-text.c \
	cli/term.c cli/term.h cli/words.c cli/words.h
tests_unit_test_overview_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_test_overview_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_overview_LDADD = $(XLSX_ROOM) $(LETTER_LIBS) $(MAIL_LIBS) \
	$(UNIT_LIBS) $(JSON_LIBS) $(XLSX_LIBS)
if !XLSX
tests_unit_test_overview_SOURCES += cli/overview-xlsx-none.c
endif
TESTS += tests/unit/test-overview

TESTS += tests/unit/test-cli tests/system/test-classify.py \
	tests/system/test-cli.py \
	tests/system/test-cli-room.py tests/system/test-interplay.py \
	tests/system/test-report.py
dist_check_SCRIPTS += tests/system/test-classify.py \
	tests/system/test-cli.py \
	tests/system/test-cli-room.py tests/system/test-interplay.py \
	tests/system/test-report.py
EXTRA_DIST += tests/peers/room.py
