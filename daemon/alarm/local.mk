# SPDX-License-Identifier: GPL-3.0-or-later
pkglibexec_PROGRAMS += daemon/alarm/chancery-alarm
daemon_alarm_chancery_alarm_SOURCES = daemon/alarm/main.c \
	daemon/send/relay.c daemon/send/relay.h
daemon_alarm_chancery_alarm_LDADD = $(WORKER_LIBS) lib/wire/libwire.a \
	$(MAIL_LIBS) $(SMTP_LIBS) $(BASE_LIBS)

dist_check_SCRIPTS += tests/system/test-alarm-mail.py
TESTS += tests/system/test-alarm-mail.py
