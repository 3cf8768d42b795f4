# SPDX-License-Identifier: GPL-3.0-or-later
RECEIVE_SOURCES = daemon/receive/receive.c daemon/receive/receive.h \
	daemon/receive/group.c daemon/receive/filing.c \
	daemon/receive/receive-private.h \
	daemon/receive/report.c daemon/receive/report.h \
	daemon/receive/watch.c daemon/receive/watch.h
RECEIVE_LIBS = $(CLASSIFY_LIBS) $(TOKEN_LIBS) lib/wire/libwire.a $(IMAP_LIBS) \
	$(BASE_LIBS)

pkglibexec_PROGRAMS += daemon/receive/chancery-receive
daemon_receive_chancery_receive_SOURCES = daemon/receive/main.c $(RECEIVE_SOURCES)
daemon_receive_chancery_receive_LDADD = $(WORKER_LIBS) $(RECEIVE_LIBS)

TESTS += tests/system/test-imap.py tests/system/test-dovecot.py \
	tests/system/test-smtputf8-postfix.py \
	tests/system/test-cyrus.py tests/system/test-mailbox.py \
	tests/system/test-mail-in.py
EXTRA_DIST += tests/system/test-imap.py tests/system/test-dovecot.py \
	tests/system/test-smtputf8-postfix.py \
	tests/system/test-cyrus.py tests/system/test-mailbox.py \
	tests/system/test-mail-in.py \
	tests/servers/cyrushost.py \
	tests/system/receiver.py tests/peers/imap_peer.py

check_PROGRAMS += tests/unit/test-receive tests/fuzz/fuzz-dsn
tests_unit_test_receive_SOURCES = tests/unit/test-receive.c $(RECEIVE_SOURCES)
tests_unit_test_receive_LDADD = $(RECEIVE_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test-receive
tests_fuzz_fuzz_dsn_SOURCES = tests/fuzz/fuzz-dsn.c $(FUZZ_MAIN) \
	daemon/receive/report.c daemon/receive/report.h
tests_fuzz_fuzz_dsn_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_dsn_LDADD = $(CLASSIFY_LIBS) $(TOKEN_LIBS) lib/wire/libwire.a \
	$(BASE_LIBS)
EXTRA_DIST += tests/corpora/dsn
