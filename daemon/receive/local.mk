# SPDX-License-Identifier: GPL-3.0-or-later
RECEIVE_SOURCES = daemon/receive/receive.c daemon/receive/receive.h \
	daemon/receive/report.c daemon/receive/report.h
RECEIVE_LIBS = $(CLASSIFY_LIBS) $(TOKEN_LIBS) lib/wire/libwire.a $(IMAP_LIBS) \
	$(BASE_LIBS)

pkglibexec_PROGRAMS += daemon/receive/chancery-receive
daemon_receive_chancery_receive_SOURCES = daemon/receive/main.c $(RECEIVE_SOURCES)
daemon_receive_chancery_receive_LDADD = $(WORKER_LIBS) $(RECEIVE_LIBS)

TESTS += tests/system/test-imap.py
EXTRA_DIST += tests/system/test-imap.py tests/peers/imap_peer.py
