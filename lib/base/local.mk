# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += lib/base/libbase.a
lib_base_libbase_a_SOURCES = \
	lib/base/banned.h \
	lib/base/clock.c lib/base/clock.h \
	lib/base/compress.c lib/base/compress.h \
	lib/base/crash.c lib/base/crash.h \
	lib/base/error.c lib/base/error.h \
	lib/base/escape.c lib/base/escape.h \
	lib/base/fiber.c lib/base/fiber.h \
	lib/base/file.c lib/base/file.h lib/base/objects.c lib/base/objects.h \
	lib/base/hash.c lib/base/hash.h \
	lib/base/mem.c lib/base/mem.h \
	lib/base/near.c lib/base/near.h \
	lib/base/problem.c lib/base/problem.h \
	lib/base/settings.c lib/base/settings.h \
	lib/base/settings-private.h lib/base/settings-scan.c \
	lib/base/returned.c lib/base/returned.h \
	lib/base/spill.c lib/base/spill.h \
	lib/base/str.c lib/base/str.h \
	lib/base/sweep.c lib/base/sweep.h \
	lib/base/utf8.c lib/base/utf8.h
lib_base_libbase_a_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(ZSTD_CFLAGS) \
	$(CONFIG_CFLAGS)

# What a program that links libbase.a needs beside it.
BASE_LIBS = lib/base/libbase.a $(CRYPTO_LIBS) $(ZSTD_LIBS)

# A unit test: tests/unit/test-X.c, linked with the rooms it tests and cmocka.
UNIT_LIBS = $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test-base
tests_unit_test_base_SOURCES = tests/unit/test-base.c
tests_unit_test_base_LDADD = $(UNIT_LIBS)
TESTS += tests/unit/test-base

check_PROGRAMS += tests/unit/test-objects tests/fuzz/fuzz-compress
tests_unit_test_objects_SOURCES = tests/unit/test-objects.c
tests_unit_test_objects_LDADD = $(UNIT_LIBS)
TESTS += tests/unit/test-objects
tests_fuzz_fuzz_compress_SOURCES = tests/fuzz/fuzz-compress.c $(FUZZ_MAIN)
tests_fuzz_fuzz_compress_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_compress_LDADD = $(BASE_LIBS)
EXTRA_DIST += tests/corpora/compress

check_PROGRAMS += tests/unit/test-fiber
tests_unit_test_fiber_SOURCES = tests/unit/test-fiber.c
tests_unit_test_fiber_LDADD = $(UNIT_LIBS)
TESTS += tests/unit/test-fiber

check_PROGRAMS += tests/unit/test-settings
tests_unit_test_settings_SOURCES = tests/unit/test-settings.c
tests_unit_test_settings_LDADD = $(UNIT_LIBS) $(CONFIG_LIBS)
TESTS += tests/unit/test-settings

check_PROGRAMS += tests/fuzz/fuzz-settings
tests_fuzz_fuzz_settings_SOURCES = tests/fuzz/fuzz-settings.c $(FUZZ_MAIN)
tests_fuzz_fuzz_settings_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_settings_LDADD = $(BASE_LIBS) $(CONFIG_LIBS)
