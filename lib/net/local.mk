# SPDX-License-Identifier: GPL-3.0-or-later
# Three archives: the SMTP one defines connect() and others of libc, which a
# program that only opens a connection must not be given.
noinst_LIBRARIES += lib/net/libnet.a lib/net/libsmtp.a lib/net/libimap.a
lib_net_libnet_a_SOURCES = \
	lib/net/connection.c lib/net/connection.h
lib_net_libnet_a_CFLAGS = $(AM_CFLAGS) $(SSL_CFLAGS)
lib_net_libsmtp_a_SOURCES = \
	lib/net/smtp.c lib/net/smtp.h lib/net/smtp-private.h \
	lib/net/smtp-dialogue.c lib/net/smtp-login.c lib/net/smtp-oauth.c \
	lib/net/oauth.c lib/net/oauth.h lib/net/smtp-reply.c lib/net/smtp-note.c lib/net/smtp-note.h
lib_net_libsmtp_a_CFLAGS = $(AM_CFLAGS) $(SSL_CFLAGS) $(ESMTP_CFLAGS)
lib_net_libimap_a_SOURCES = \
	lib/net/imap.c lib/net/imap.h lib/net/imap-private.h \
	lib/net/imap-fetch.c lib/net/imap-file.c \
	lib/net/imap-stream.c lib/net/imap-login.c \
	lib/net/imap-oauth.c lib/net/oauth.c lib/net/oauth.h \
	lib/net/imap-guard.c lib/net/imap-guard.h \
	lib/net/imap-folder.c lib/net/imap-folder.h
lib_net_libimap_a_CFLAGS = $(AM_CFLAGS) $(SSL_CFLAGS) $(ETPAN_CFLAGS)

# What a program needs beside BASE_LIBS that opens a connection, that sends,
# that receives.
NET_LIBS = lib/net/libnet.a $(SSL_LIBS)
SMTP_LIBS = lib/net/libsmtp.a $(NET_LIBS) $(ESMTP_LIBS)
IMAP_LIBS = lib/net/libimap.a $(NET_LIBS) $(ETPAN_LIBS)

check_PROGRAMS += tests/tools/smtp-send
tests_tools_smtp_send_SOURCES = tests/tools/smtp-send.c
tests_tools_smtp_send_LDADD = $(SMTP_LIBS) $(BASE_LIBS)
TESTS += tests/system/test-smtp.py tests/system/test-smtp-random.py \
	tests/system/test-smtp-chunks.py tests/system/test-smtp-journal.py
EXTRA_DIST += tests/system/test-smtp.py tests/system/test-smtp-random.py \
	tests/system/test-smtp-chunks.py tests/system/test-smtp-journal.py \
	tests/peers/smtp_peer.py tests/peers/smtp_bench.py \
	tests/peers/rude_relay.py

check_PROGRAMS += tests/unit/test-smtp-reply
tests_unit_test_smtp_reply_SOURCES = tests/unit/test-smtp-reply.c
tests_unit_test_smtp_reply_LDADD = lib/net/libsmtp.a $(NET_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-smtp-reply

check_PROGRAMS += tests/unit/test-connection tests/unit/test-smtp-dialogue
tests_unit_test_connection_SOURCES = tests/unit/test-connection.c
tests_unit_test_connection_LDADD = $(NET_LIBS) $(UNIT_LIBS)
tests_unit_test_smtp_dialogue_SOURCES = tests/unit/test-smtp-dialogue.c
tests_unit_test_smtp_dialogue_LDADD = $(SMTP_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-connection tests/unit/test-smtp-dialogue

check_PROGRAMS += tests/fuzz/fuzz-smtp-reply
# Not with the archive: libFuzzer reads and writes, with libc's own calls.
tests_fuzz_fuzz_smtp_reply_SOURCES = tests/fuzz/fuzz-smtp-reply.c \
	lib/net/smtp-reply.c $(FUZZ_MAIN)
tests_fuzz_fuzz_smtp_reply_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_smtp_reply_LDADD = $(BASE_LIBS)
EXTRA_DIST += tests/corpora/smtp-reply

check_PROGRAMS += tests/unit/test-imap tests/fuzz/fuzz-imap
tests_unit_test_imap_SOURCES = tests/unit/test-imap.c
tests_unit_test_imap_LDADD = lib/net/libimap.a $(UNIT_LIBS)
TESTS += tests/unit/test-imap
# With a connection of its own instead of libnet.a's.
tests_fuzz_fuzz_imap_SOURCES = tests/fuzz/fuzz-imap.c $(FUZZ_MAIN)
tests_fuzz_fuzz_imap_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_imap_LDADD = lib/net/libimap.a $(ETPAN_LIBS) $(SSL_LIBS) \
	$(BASE_LIBS)
EXTRA_DIST += tests/corpora/imap
