# SPDX-License-Identifier: GPL-3.0-or-later

check_PROGRAMS += tests/unit/test-schedule
tests_unit_test_schedule_SOURCES = tests/unit/test-schedule.c \
	daemon/chanceryd/schedule.c daemon/chanceryd/schedule.h
tests_unit_test_schedule_LDADD = $(UNIT_LIBS)
TESTS += tests/unit/test-schedule

# What a password command may print; and where it is read.
check_PROGRAMS += tests/unit/test-password tests/fuzz/fuzz-password
tests_unit_test_password_SOURCES = tests/unit/test-password.c \
	daemon/chanceryd/password.c daemon/chanceryd/password.h
tests_unit_test_password_LDADD = $(UNIT_LIBS) $(CONFIG_LIBS)
TESTS += tests/unit/test-password
tests_fuzz_fuzz_password_SOURCES = tests/fuzz/fuzz-password.c $(FUZZ_MAIN) \
	daemon/chanceryd/password.c daemon/chanceryd/password.h
tests_fuzz_fuzz_password_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_password_LDADD = $(BASE_LIBS) $(CONFIG_LIBS)
EXTRA_DIST += tests/corpora/password
dist_check_SCRIPTS += tests/system/test-accounts.py \
	tests/system/test-alarms.py
TESTS += tests/system/test-accounts.py tests/system/test-alarms.py

check_PROGRAMS += tests/unit/test-domain-limit
tests_unit_test_domain_limit_SOURCES = tests/unit/test-domain-limit.c \
	daemon/chanceryd/domain-limit.c daemon/chanceryd/domain-limit.h
tests_unit_test_domain_limit_LDADD = $(SAME_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-domain-limit

check_PROGRAMS += tests/unit/test-pace
tests_unit_test_pace_SOURCES = tests/unit/test-pace.c \
	daemon/chanceryd/pace.c daemon/chanceryd/pace.h
tests_unit_test_pace_LDADD = $(UNIT_LIBS)
TESTS += tests/unit/test-pace

# What chancery.conf says of hours: zone.c alone includes GLib.
noinst_LIBRARIES += daemon/libhours.a
daemon_libhours_a_SOURCES = \
	daemon/chanceryd/hours.c daemon/chanceryd/hours.h \
	daemon/chanceryd/zone.c daemon/chanceryd/zone.h
daemon_libhours_a_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
HOURS_LIBS = daemon/libhours.a $(GLIB_LIBS)
check_PROGRAMS += tests/unit/test-hours tests/fuzz/fuzz-hours
tests_unit_test_hours_SOURCES = tests/unit/test-hours.c
tests_unit_test_hours_LDADD = $(HOURS_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-hours
tests_fuzz_fuzz_hours_SOURCES = tests/fuzz/fuzz-hours.c $(FUZZ_MAIN)
tests_fuzz_fuzz_hours_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_hours_LDADD = $(HOURS_LIBS) $(BASE_LIBS)
EXTRA_DIST += tests/corpora/hours

check_PROGRAMS += tests/unit/test-config
tests_unit_test_config_SOURCES = tests/unit/test-config.c \
	daemon/chanceryd/domain-limit.c daemon/chanceryd/domain-limit.h \
	daemon/chanceryd/config.c daemon/chanceryd/config.h \
	daemon/chanceryd/config-private.h \
	daemon/chanceryd/dkim.c daemon/chanceryd/dkim.h
tests_unit_test_config_LDADD = lib/mail/libmail.a $(SAME_LIBS) $(HOURS_LIBS) \
	$(STORE_LIBS) $(UNIT_LIBS) $(CONFIG_LIBS)
TESTS += tests/unit/test-config

# chanceryd: each part adds its files here.
CHANCERYD_SOURCES = \
	daemon/chanceryd/accounts.c daemon/chanceryd/accounts.h \
	daemon/chanceryd/alarms.c daemon/chanceryd/alarms.h \
	daemon/chanceryd/bell.c daemon/chanceryd/bell.h \
	daemon/chanceryd/bell-mail.c daemon/chanceryd/bell-mail.h \
	daemon/chanceryd/bell-operators.c \
	daemon/chanceryd/bell-operators.h \
	daemon/chanceryd/bell-queue.c daemon/chanceryd/bell-queue.h \
	daemon/chanceryd/chores.c daemon/chanceryd/chores.h \
	daemon/chanceryd/commands.c \
	daemon/chanceryd/config.c daemon/chanceryd/config.h \
	daemon/chanceryd/config-private.h \
	daemon/chanceryd/decisions.c daemon/chanceryd/decisions.h \
	daemon/chanceryd/detail.c daemon/chanceryd/detail.h \
	daemon/chanceryd/dkim.c daemon/chanceryd/dkim.h \
	daemon/chanceryd/dispatch.c daemon/chanceryd/dispatch.h \
	daemon/chanceryd/domain-limit.c daemon/chanceryd/domain-limit.h \
	daemon/chanceryd/domains.c daemon/chanceryd/domains.h \
	daemon/chanceryd/doors.c daemon/chanceryd/doors.h \
	daemon/chanceryd/gate.c daemon/chanceryd/gate.h \
	daemon/chanceryd/http.c daemon/chanceryd/http.h \
	daemon/chanceryd/http-client.c daemon/chanceryd/http-control.c \
	daemon/chanceryd/http-exchange.c \
	daemon/chanceryd/http-json.c daemon/chanceryd/http-json.h \
	daemon/chanceryd/http-metrics.c \
	daemon/chanceryd/http-page.h \
	daemon/chanceryd/http-private.h \
	daemon/chanceryd/http-read.c \
	daemon/chanceryd/http-request.c daemon/chanceryd/http-request.h \
	daemon/chanceryd/http-route.c \
	daemon/chanceryd/http-stream.c \
	daemon/chanceryd/http-upload.c daemon/chanceryd/http-wait.c \
	daemon/chanceryd/import-enqueue.c daemon/chanceryd/import-worker.c \
	daemon/chanceryd/imports.c daemon/chanceryd/imports.h \
	daemon/chanceryd/imports-private.h \
	daemon/chanceryd/journal.c daemon/chanceryd/journal.h \
	daemon/chanceryd/keys.c daemon/chanceryd/keys.h \
	daemon/chanceryd/log.c daemon/chanceryd/log.h \
	daemon/chanceryd/mailroom.c daemon/chanceryd/mailroom.h \
	daemon/chanceryd/opening.c daemon/chanceryd/opening.h \
	daemon/chanceryd/orphans.c daemon/chanceryd/orphans.h \
	daemon/chanceryd/pace.c daemon/chanceryd/pace.h \
	daemon/chanceryd/password.c daemon/chanceryd/password.h \
	daemon/chanceryd/peer.c \
	daemon/chanceryd/post.c \
	daemon/chanceryd/process.c daemon/chanceryd/process.h \
	daemon/chanceryd/program.c daemon/chanceryd/program.h \
	daemon/chanceryd/receive.c daemon/chanceryd/receive.h \
	daemon/chanceryd/relay-keep.c daemon/chanceryd/relay-keep.h \
	daemon/chanceryd/relays.c daemon/chanceryd/relays.h \
	daemon/chanceryd/restored.c daemon/chanceryd/restored.h \
	daemon/chanceryd/retention.c daemon/chanceryd/retention.h \
	daemon/chanceryd/returned.c daemon/chanceryd/returned.h \
	daemon/chanceryd/room.c daemon/chanceryd/room.h \
	daemon/chanceryd/routes.c daemon/chanceryd/routes.h \
	daemon/chanceryd/schedule.c daemon/chanceryd/schedule.h \
	daemon/chanceryd/sending.c daemon/chanceryd/sending.h \
	daemon/chanceryd/service.c daemon/chanceryd/service.h \
	daemon/chanceryd/spool.c daemon/chanceryd/spool.h \
	daemon/chanceryd/turn.c daemon/chanceryd/turn.h \
	daemon/chanceryd/workers.c daemon/chanceryd/workers.h

# All but main.c, for the daemon and for its tests.
noinst_LIBRARIES += daemon/libchanceryd.a
daemon_libchanceryd_a_SOURCES = $(CHANCERYD_SOURCES)
nodist_daemon_libchanceryd_a_SOURCES = web/page.c
daemon_libchanceryd_a_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS) \
	$(HTTP_CFLAGS) $(JSON_CFLAGS) $(CONFIG_CFLAGS)
CHANCERYD_LIBS = daemon/libchanceryd.a $(HOURS_LIBS) $(STORE_LIBS) \
	$(TOKEN_LIBS) \
	lib/wire/libwire.a lib/letter/libletter.a lib/mail/libmail.a \
	$(SAME_LIBS) \
	$(BASE_LIBS) \
	$(SYSTEMD_LIBS) $(HTTP_LIBS) $(JSON_LIBS) $(CONFIG_LIBS)

sbin_PROGRAMS += daemon/chanceryd/chanceryd
daemon_chanceryd_chanceryd_SOURCES = daemon/chanceryd/main.c
daemon_chanceryd_chanceryd_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
daemon_chanceryd_chanceryd_LDADD = $(CHANCERYD_LIBS)

# Parts that stand by themselves are tested by themselves.
check_PROGRAMS += tests/unit/test-keys tests/unit/test-spool
tests_unit_test_keys_SOURCES = tests/unit/test-keys.c \
	daemon/chanceryd/keys.c daemon/chanceryd/keys.h
tests_unit_test_keys_LDADD = $(TOKEN_LIBS) $(UNIT_LIBS)
tests_unit_test_spool_SOURCES = tests/unit/test-spool.c \
	daemon/chanceryd/spool.c daemon/chanceryd/spool.h
tests_unit_test_spool_LDADD = $(UNIT_LIBS)
TESTS += tests/unit/test-keys tests/unit/test-spool

check_PROGRAMS += tests/unit/test-commands
tests_unit_test_commands_SOURCES = tests/unit/test-commands.c \
	tests/unit/store-letter.h \
	daemon/chanceryd/commands.c daemon/chanceryd/decisions.c \
	daemon/chanceryd/detail.c
tests_unit_test_commands_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_commands_LDADD = $(STORE_LIBS) $(SAME_LIBS) $(UNIT_LIBS) \
	$(JSON_LIBS)
TESTS += tests/unit/test-commands

check_PROGRAMS += tests/unit/test-gate
tests_unit_test_gate_SOURCES = tests/unit/test-gate.c \
	tests/unit/store-letter.h \
	daemon/chanceryd/detail.c daemon/chanceryd/gate.c \
	daemon/chanceryd/pace.c daemon/chanceryd/relay-keep.c
tests_unit_test_gate_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_gate_LDADD = $(STORE_LIBS) $(UNIT_LIBS) $(JSON_LIBS)
TESTS += tests/unit/test-gate

check_PROGRAMS += tests/unit/test-returned
tests_unit_test_returned_SOURCES = tests/unit/test-returned.c \
	daemon/chanceryd/detail.c daemon/chanceryd/journal.c \
	daemon/chanceryd/keys.c daemon/chanceryd/returned.c
tests_unit_test_returned_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_returned_LDADD = $(STORE_LIBS) $(TOKEN_LIBS) $(SAME_LIBS) \
	$(UNIT_LIBS) $(JSON_LIBS)
TESTS += tests/unit/test-returned

check_PROGRAMS += tests/unit/test-mailboxes
tests_unit_test_mailboxes_SOURCES = tests/unit/test-mailboxes.c \
	daemon/chanceryd/journal.c daemon/chanceryd/keys.c \
	daemon/chanceryd/peer.c daemon/chanceryd/receive.c
tests_unit_test_mailboxes_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
tests_unit_test_mailboxes_LDADD = $(STORE_LIBS) $(TOKEN_LIBS) $(SAME_LIBS) \
	lib/wire/libwire.a $(UNIT_LIBS)
TESTS += tests/unit/test-mailboxes

# The doors alone, over a real store: for the tests of the sockets.
check_PROGRAMS += tests/tools/http-host
tests_tools_http_host_SOURCES = tests/tools/http-host.c
tests_tools_http_host_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
tests_tools_http_host_LDADD = $(CHANCERYD_LIBS)
TESTS += tests/system/test-sockets.py tests/system/test-sockets-limits.py \
	tests/system/test-sockets-upload.py
dist_check_SCRIPTS += tests/system/test-web.py
TESTS += tests/system/test-web.py
EXTRA_DIST += tests/system/doors.py tests/system/test-sockets.py \
	tests/system/test-sockets-limits.py \
	tests/system/test-sockets-upload.py

# What of a request our own code reads.
REQUEST_LIBS = daemon/libchanceryd.a lib/letter/libletter.a \
	lib/store/libstore.a
check_PROGRAMS += tests/unit/test-request tests/fuzz/fuzz-request
tests_unit_test_request_SOURCES = tests/unit/test-request.c
tests_unit_test_request_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS) $(JSON_CFLAGS)
tests_unit_test_request_LDADD = $(REQUEST_LIBS) $(SQLITE_LIBS) $(UNIT_LIBS) \
	$(JSON_LIBS)
TESTS += tests/unit/test-request
tests_fuzz_fuzz_request_SOURCES = tests/fuzz/fuzz-request.c $(FUZZ_MAIN)
tests_fuzz_fuzz_request_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_fuzz_fuzz_request_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_request_LDADD = $(REQUEST_LIBS) $(BASE_LIBS) $(JSON_LIBS)
EXTRA_DIST += tests/corpora/request

EXTRA_DIST += tests/system/test-enqueue.py tests/system/test-returns.py \
	tests/system/test-keep.py tests/system/test-returns-hostile.py \
	tests/system/test-decisions.py
TESTS += tests/system/test-enqueue.py tests/system/test-returns.py \
	tests/system/test-keep.py tests/system/test-returns-hostile.py \
	tests/system/test-decisions.py
