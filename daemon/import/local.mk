# SPDX-License-Identifier: GPL-3.0-or-later
IMPORT_SOURCES = daemon/import/import.c daemon/import/import.h
IMPORT_LIBS = $(LETTER_LIBS) $(MAIL_LIBS) lib/wire/libwire.a $(BASE_LIBS) \
	$(CONFIG_LIBS)

check_PROGRAMS += tests/unit/test-import
tests_unit_test_import_SOURCES = tests/unit/test-import.c $(IMPORT_SOURCES)
tests_unit_test_import_LDADD = $(IMPORT_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test-import
