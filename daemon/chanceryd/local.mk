# SPDX-License-Identifier: GPL-3.0-or-later

check_PROGRAMS += tests/unit/test-schedule
tests_unit_test_schedule_SOURCES = tests/unit/test-schedule.c \
	daemon/chanceryd/schedule.c daemon/chanceryd/schedule.h
tests_unit_test_schedule_LDADD = $(UNIT_LIBS)
TESTS += tests/unit/test-schedule

check_PROGRAMS += tests/unit/test-config
tests_unit_test_config_SOURCES = tests/unit/test-config.c \
	daemon/chanceryd/config.c daemon/chanceryd/config.h \
	daemon/chanceryd/config-private.h
tests_unit_test_config_LDADD = $(UNIT_LIBS) $(CONFIG_LIBS)
TESTS += tests/unit/test-config
