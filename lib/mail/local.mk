# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += lib/mail/libmail.a
lib_mail_libmail_a_SOURCES = \
	lib/mail/address.c lib/mail/address.h \
	lib/mail/compose.c lib/mail/compose.h \
	lib/mail/dkim.c lib/mail/dkim.h lib/mail/dkim-private.h \
	lib/mail/dkim-key.c lib/mail/dkim-key.h \
	lib/mail/dkim-relaxed.c \
	lib/mail/encode.c lib/mail/encode.h \
	lib/mail/header.c lib/mail/header.h \
	lib/mail/image.c lib/mail/image.h \
	lib/mail/signed.c lib/mail/signed.h \
	lib/mail/smime.c lib/mail/smime.h
lib_mail_libmail_a_CFLAGS = $(AM_CFLAGS) $(ICU_CFLAGS) $(CRYPTO_CFLAGS)

# What a program that writes mail needs; put it before $(BASE_LIBS).
MAIL_LIBS = lib/mail/libmail.a $(ICU_LIBS)

check_PROGRAMS += tests/unit/test-address tests/unit/test-header \
	tests/unit/test-compose tests/unit/test-image tests/unit/test-smime
tests_unit_test_address_SOURCES = tests/unit/test-address.c
tests_unit_test_address_LDADD = $(MAIL_LIBS) $(UNIT_LIBS)
tests_unit_test_header_SOURCES = tests/unit/test-header.c
tests_unit_test_header_LDADD = $(MAIL_LIBS) $(UNIT_LIBS)
tests_unit_test_compose_SOURCES = tests/unit/test-compose.c
tests_unit_test_compose_LDADD = $(MAIL_LIBS) $(UNIT_LIBS)
tests_unit_test_image_SOURCES = tests/unit/test-image.c
tests_unit_test_image_LDADD = $(MAIL_LIBS) $(UNIT_LIBS)
tests_unit_test_smime_SOURCES = tests/unit/test-smime.c tests/unit/pem.h
tests_unit_test_smime_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_smime_LDADD = $(MAIL_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-address tests/unit/test-header \
	tests/unit/test-compose tests/unit/test-image tests/unit/test-smime

check_PROGRAMS += tests/unit/test-dkim
tests_unit_test_dkim_SOURCES = tests/unit/test-dkim.c tests/unit/pem.h
tests_unit_test_dkim_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_dkim_LDADD = $(MAIL_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-dkim

check_PROGRAMS += tests/fuzz/fuzz-address
tests_fuzz_fuzz_address_SOURCES = tests/fuzz/fuzz-address.c $(FUZZ_MAIN)
tests_fuzz_fuzz_address_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_address_LDADD = $(MAIL_LIBS) $(BASE_LIBS)
EXTRA_DIST += tests/corpora/address

check_PROGRAMS += tests/fuzz/fuzz-header tests/fuzz/fuzz-image
tests_fuzz_fuzz_header_SOURCES = tests/fuzz/fuzz-header.c $(FUZZ_MAIN)
tests_fuzz_fuzz_header_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_header_LDADD = $(MAIL_LIBS) $(BASE_LIBS)
tests_fuzz_fuzz_image_SOURCES = tests/fuzz/fuzz-image.c $(FUZZ_MAIN)
tests_fuzz_fuzz_image_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_image_LDADD = $(MAIL_LIBS) $(BASE_LIBS)
EXTRA_DIST += tests/corpora/header tests/corpora/image

# Composes what test-compose.py tells it to, for python to read back.
check_PROGRAMS += tests/tools/compose-mail
tests_tools_compose_mail_SOURCES = tests/tools/compose-mail.c
tests_tools_compose_mail_LDADD = $(LETTER_LIBS) $(MAIL_LIBS) $(BASE_LIBS)
dist_check_SCRIPTS += tests/system/test-compose.py \
	tests/system/test-dkim.py tests/system/test-smime.py
TESTS += tests/system/test-compose.py tests/system/test-dkim.py \
	tests/system/test-smime.py

# Reading mail is a library of its own, with nothing of what writes it.
noinst_LIBRARIES += lib/mail/libread.a
lib_mail_libread_a_SOURCES = \
	lib/mail/alabel.c lib/mail/alabel.h \
	lib/mail/block.c lib/mail/block.h \
	lib/mail/html.c \
	lib/mail/message.c lib/mail/message.h lib/mail/message-private.h \
	lib/mail/mime.c lib/mail/mime-private.h \
	lib/mail/param.c \
	lib/mail/text.c \
	lib/mail/transfer.c \
	lib/mail/words.c

READ_LIBS = lib/mail/libread.a

# Comparing addresses, for programs of either kind: same.c alone includes GLib.
noinst_LIBRARIES += lib/mail/libsame.a
lib_mail_libsame_a_SOURCES = lib/mail/same.c lib/mail/same.h
lib_mail_libsame_a_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
SAME_LIBS = lib/mail/libsame.a lib/mail/libread.a $(GLIB_LIBS)

check_PROGRAMS += tests/unit/test-same tests/fuzz/fuzz-same
tests_unit_test_same_SOURCES = tests/unit/test-same.c
tests_unit_test_same_LDADD = $(SAME_LIBS) $(MAIL_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-same
tests_fuzz_fuzz_same_SOURCES = tests/fuzz/fuzz-same.c $(FUZZ_MAIN)
tests_fuzz_fuzz_same_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_same_LDADD = $(SAME_LIBS) $(MAIL_LIBS) $(BASE_LIBS)
EXTRA_DIST += tests/corpora/same

check_PROGRAMS += tests/unit/test-alabel
tests_unit_test_alabel_SOURCES = tests/unit/test-alabel.c
tests_unit_test_alabel_LDADD = lib/mail/libread.a $(UNIT_LIBS)
TESTS += tests/unit/test-alabel

check_PROGRAMS += tests/unit/test-message
tests_unit_test_message_SOURCES = tests/unit/test-message.c
tests_unit_test_message_LDADD = $(READ_LIBS) $(UNIT_LIBS)
TESTS += tests/unit/test-message
