# SPDX-License-Identifier: GPL-3.0-or-later
check_PROGRAMS += bench/sink
bench_sink_SOURCES = bench/sink.c
bench_sink_LDADD = $(BASE_LIBS)
