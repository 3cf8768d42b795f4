# SPDX-License-Identifier: GPL-3.0-or-later

check_PROGRAMS += tests/unit/test-schedule
tests_unit_test_schedule_SOURCES = tests/unit/test-schedule.c \
	daemon/chanceryd/schedule.c daemon/chanceryd/schedule.h
tests_unit_test_schedule_LDADD = $(UNIT_LIBS)
TESTS += tests/unit/test-schedule

# The contract of the configuration; config.c comes with its room.
EXTRA_DIST += daemon/chanceryd/config.h
