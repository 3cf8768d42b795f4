# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += lib/letter/libletter.a
lib_letter_libletter_a_SOURCES = \
	lib/letter/csv.c lib/letter/csv.h \
	lib/letter/date.c lib/letter/date.h \
	lib/letter/decode.c lib/letter/decode.h \
	lib/letter/fields.c lib/letter/fields.h \
	lib/letter/seen.c lib/letter/seen.h \
	lib/letter/table.c lib/letter/table.h \
	lib/letter/template-parse.c lib/letter/template-private.h \
	lib/letter/template.c lib/letter/template.h
lib_letter_libletter_a_CFLAGS = $(AM_CFLAGS) $(CMARK_CFLAGS) $(ICU_CFLAGS)
