# SPDX-License-Identifier: GPL-3.0-or-later
pkglibexec_PROGRAMS += daemon/send/chancery-send
daemon_send_chancery_send_SOURCES = daemon/send/main.c \
	daemon/send/batches.c daemon/send/batches.h \
	daemon/send/line.c daemon/send/line.h \
	daemon/send/relay.c daemon/send/relay.h \
	daemon/send/signer.c daemon/send/signer.h
daemon_send_chancery_send_LDADD = $(WORKER_LIBS) lib/wire/libwire.a \
	$(LETTER_LIBS) $(MAIL_LIBS) $(SMTP_LIBS) $(BASE_LIBS) $(CONFIG_LIBS)

TESTS += tests/system/test-send.py tests/system/test-send-lines.py \
	tests/system/test-send-random.py tests/system/test-send-recall.py
EXTRA_DIST += tests/system/test-send.py tests/system/test-send-lines.py \
	tests/system/test-send-random.py tests/system/test-send-recall.py \
	tests/system/sender.py
