# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += lib/store/libstore.a
lib_store_libstore_a_SOURCES = \
	lib/store/attempts.c \
	lib/store/batches.c \
	lib/store/decide.c \
	lib/store/elsewhere.c \
	lib/store/epoch.c lib/store/epoch.h \
	lib/store/redo.c lib/store/redo.h \
	lib/store/events.c \
	lib/store/known.c \
	lib/store/letters.c \
	lib/store/mails.c \
	lib/store/older.c \
	lib/store/names.c \
	lib/store/place.c \
	lib/store/query.c \
	lib/store/recall.c \
	lib/store/relations.c \
	lib/store/returns.c \
	lib/store/schema/sqlite.h \
	lib/store/signatures.c \
	lib/store/suppress.c \
	lib/store/transcripts.c \
	lib/store/sqlite.c \
	lib/store/store-private.h lib/store/store.h \
	lib/store/tally.c \
	lib/store/terms.c
nodist_lib_store_libstore_a_SOURCES = lib/store/schema/sqlite.c
lib_store_libstore_a_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)

# The schema as a string of C.
lib/store/schema/sqlite.c: $(srcdir)/lib/store/schema/sqlite.sql
	$(AM_V_GEN)$(MKDIR_P) lib/store/schema && { \
	echo '#include "store/schema/sqlite.h"'; \
	echo 'const char ch_schema_sqlite[] ='; \
	$(SED) -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' \
		$(srcdir)/lib/store/schema/sqlite.sql; \
	echo ';'; } > $@.tmp && mv $@.tmp $@
EXTRA_DIST += lib/store/schema/sqlite.sql
CLEANFILES += lib/store/schema/sqlite.c

# What a program that links libstore.a needs beside it.
STORE_LIBS = lib/store/libstore.a $(SQLITE_LIBS)

check_PROGRAMS += bench/store-bench
bench_store_bench_SOURCES = bench/store-bench.c
bench_store_bench_LDADD = $(STORE_LIBS) $(BASE_LIBS)

check_PROGRAMS += tests/unit/test-store
tests_unit_test_store_SOURCES = tests/unit/test-store.c
tests_unit_test_store_LDADD = $(STORE_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-store

# A life of letters that is failed and killed at each of its system calls.
check_PROGRAMS += tests/system/store-life
tests_system_store_life_SOURCES = tests/system/store-life.c \
	tests/system/power-vfs.c tests/system/power-vfs.h
tests_system_store_life_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_system_store_life_LDADD = $(STORE_LIBS) $(BASE_LIBS)
TESTS += tests/system/test-store-faults.py tests/system/test-store-damage.py \
	tests/system/test-power-cut.py
EXTRA_DIST += tests/system/test-store-faults.py \
	tests/system/test-store-damage.py tests/system/test-power-cut.py
