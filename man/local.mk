# SPDX-License-Identifier: GPL-3.0-or-later
dist_man_MANS += man/chancery.1 man/chancery.conf.5 man/chancery-letter.5 \
	man/chancery-status.7 man/chanceryd.8

dist_check_SCRIPTS += tests/man-lint.sh tests/option-docs.py \
	tests/event-docs.py
TESTS += tests/man-lint.sh tests/option-docs.py tests/event-docs.py

# What may stand in the two kinds of configuration, for option-docs.py.
check_PROGRAMS += tests/tools/settings-table
tests_tools_settings_table_SOURCES = tests/tools/settings-table.c \
	daemon/chanceryd/domain-limit.c daemon/chanceryd/domain-limit.h \
	daemon/chanceryd/config.c daemon/chanceryd/config.h \
	daemon/chanceryd/config-private.h \
	daemon/chanceryd/dkim.c daemon/chanceryd/dkim.h
tests_tools_settings_table_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) \
	$(HOURS_LIBS) $(STORE_LIBS) $(BASE_LIBS) $(CONFIG_LIBS)
