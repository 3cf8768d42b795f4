# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += lib/wire/libwire.a
lib_wire_libwire_a_SOURCES = \
	lib/wire/frame.c lib/wire/frame.h \
	lib/wire/messages.c lib/wire/messages.h

check_PROGRAMS += tests/unit/test-wire
tests_unit_test_wire_SOURCES = tests/unit/test-wire.c
tests_unit_test_wire_LDADD = lib/wire/libwire.a $(UNIT_LIBS)
TESTS += tests/unit/test-wire

check_PROGRAMS += tests/fuzz/fuzz-wire
tests_fuzz_fuzz_wire_SOURCES = tests/fuzz/fuzz-wire.c $(FUZZ_MAIN)
tests_fuzz_fuzz_wire_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_wire_LDADD = lib/wire/libwire.a $(BASE_LIBS)
