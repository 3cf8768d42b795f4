# SPDX-License-Identifier: GPL-3.0-or-later
IMPORT_SOURCES = daemon/import/import.c daemon/import/import.h
IMPORT_LIBS = $(LETTER_LIBS) $(MAIL_LIBS) lib/wire/libwire.a $(BASE_LIBS) \
	$(CONFIG_LIBS)

pkglibexec_PROGRAMS += daemon/import/chancery-import
daemon_import_chancery_import_SOURCES = daemon/import/main.c $(IMPORT_SOURCES)
daemon_import_chancery_import_LDADD = $(WORKER_LIBS) $(IMPORT_LIBS)

check_PROGRAMS += tests/unit/test-import
tests_unit_test_import_SOURCES = tests/unit/test-import.c $(IMPORT_SOURCES)
tests_unit_test_import_LDADD = $(IMPORT_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test-import

TESTS += tests/system/test-import.py tests/system/test-import-faults.py \
	tests/system/test-tables.py tests/system/test-tables-sent.py \
	tests/system/test-fuzz-rows.py
EXTRA_DIST += tests/system/test-import.py \
	tests/system/test-import-faults.py tests/system/importer.py \
	tests/system/tables.py tests/system/test-tables.py \
	tests/system/test-tables-sent.py tests/system/test-fuzz-rows.py

# make soak
SOAK += soak-rows
soak-rows: all $(check_PROGRAMS)
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		python3 $(srcdir)/tests/system/test-fuzz-rows.py \
		--rows 10000000 --sent 100000
.PHONY: soak-rows
