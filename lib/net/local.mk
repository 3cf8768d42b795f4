# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += lib/net/libnet.a
lib_net_libnet_a_SOURCES = \
	lib/net/connection.c lib/net/connection.h \
	lib/net/smtp.c lib/net/smtp.h lib/net/smtp-private.h \
	lib/net/smtp-dialogue.c lib/net/smtp-login.c lib/net/smtp-reply.c
lib_net_libnet_a_CFLAGS = $(AM_CFLAGS) $(SSL_CFLAGS) $(ESMTP_CFLAGS)

# What a program that links libnet.a needs beside BASE_LIBS; and one that sends.
NET_LIBS = lib/net/libnet.a $(SSL_LIBS)
SMTP_LIBS = $(NET_LIBS) $(ESMTP_LIBS)

check_PROGRAMS += tests/tools/smtp-send
tests_tools_smtp_send_SOURCES = tests/tools/smtp-send.c
tests_tools_smtp_send_LDADD = $(SMTP_LIBS) $(BASE_LIBS)

check_PROGRAMS += tests/unit/test-smtp-reply
tests_unit_test_smtp_reply_SOURCES = tests/unit/test-smtp-reply.c
tests_unit_test_smtp_reply_LDADD = $(NET_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-smtp-reply

check_PROGRAMS += tests/fuzz/fuzz-smtp-reply
tests_fuzz_fuzz_smtp_reply_SOURCES = tests/fuzz/fuzz-smtp-reply.c $(FUZZ_MAIN)
tests_fuzz_fuzz_smtp_reply_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_smtp_reply_LDADD = $(NET_LIBS) $(BASE_LIBS)
EXTRA_DIST += tests/corpora/smtp-reply
