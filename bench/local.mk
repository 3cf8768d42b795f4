# SPDX-License-Identifier: GPL-3.0-or-later
check_PROGRAMS += bench/sink
bench_sink_SOURCES = bench/sink.c
bench_sink_LDADD = $(SSL_LIBS) $(BASE_LIBS)

check_PROGRAMS += bench/page-bench
bench_page_bench_SOURCES = bench/page-bench.c
bench_page_bench_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(BASE_LIBS) \
	$(CONFIG_LIBS)

check_PROGRAMS += bench/compose-bench
bench_compose_bench_SOURCES = bench/compose-bench.c
bench_compose_bench_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
bench_compose_bench_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(BASE_LIBS) \
	$(CONFIG_LIBS)

check_PROGRAMS += bench/returns-bench
bench_returns_bench_SOURCES = bench/returns-bench.c
bench_returns_bench_LDADD = $(CLASSIFY_LIBS) $(BASE_LIBS)
EXTRA_DIST += bench/returns-flufl.py bench/returns-sisimai.pl

EXTRA_DIST += bench/run.py bench/postfix.py bench/nodemailer.js bench/nodemailer-compose.js \
	bench/mailbox.py
BENCH += bench-run
bench-run: all $(check_PROGRAMS)
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		python3 $(srcdir)/bench/run.py
BENCH += bench-mailbox
bench-mailbox: all $(check_PROGRAMS)
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		python3 $(srcdir)/bench/mailbox.py
.PHONY: bench-run bench-mailbox
