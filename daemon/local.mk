# SPDX-License-Identifier: GPL-3.0-or-later
# The common start of the workers; put WORKER_LIBS before lib/wire/libwire.a.
noinst_LIBRARIES += daemon/libworker.a
daemon_libworker_a_SOURCES = \
	daemon/worker.c daemon/worker.h \
	daemon/worker-filter.c daemon/worker-filter.h
daemon_libworker_a_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
WORKER_LIBS = daemon/libworker.a $(SECCOMP_LIBS)
