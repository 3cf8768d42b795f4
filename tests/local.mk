# SPDX-License-Identifier: GPL-3.0-or-later
EXTRA_DIST += tests/all.sh tests/fuzz/replay.c tests/fuzz/replay.py \
	tests/include-direction.py tests/promises.py tests/lsan.supp \
	tests/tarball.sh \
	tests/servers/enter.sh tests/servers/fetch.sh \
	tests/servers/mailhost.py tests/servers/scripted.py \
	tests/servers/relays.py tests/servers/opensmtpd-key.c \
	tests/corpora/settings tests/corpora/wire \
	demo/demo.py demo/run.sh
TESTS += tests/include-direction.py tests/promises.py tests/fuzz/replay.py

# What tests written in python share.
EXTRA_DIST += tests/system/harness.py tests/system/wire.py \
	tests/system/returned.py tests/corpora/returned

# The daemon whole: as a service, and around the final dot.
dist_check_SCRIPTS += tests/system/test-crash.py \
	tests/system/test-daemon.py tests/system/test-hours.py \
	tests/system/test-relay-choice.py \
	tests/system/test-right-ministry.py tests/system/test-sending.py \
	tests/system/test-transcript.py tests/system/test-verbs.py
TESTS += tests/system/test-crash.py tests/system/test-daemon.py \
	tests/system/test-hours.py tests/system/test-relay-choice.py \
	tests/system/test-right-ministry.py tests/system/test-sending.py \
	tests/system/test-transcript.py tests/system/test-verbs.py

# A disk that fails.
dist_check_SCRIPTS += tests/system/test-disk-faults.py
TESTS += tests/system/test-disk-faults.py

# What other houses send and take: relays as they are, and their faults.
dist_check_SCRIPTS += tests/system/test-acceptance-smtp.py \
	tests/system/test-source-address.py \
	tests/system/test-pitfalls.py tests/system/test-relays.py \
	tests/system/test-relays-random.py tests/system/test-smtp-sink.py
TESTS += tests/system/test-acceptance-smtp.py tests/system/test-pitfalls.py \
	tests/system/test-relays.py tests/system/test-source-address.py \
	tests/system/test-relays-random.py \
	tests/system/test-smtp-sink.py

# On which terms a batch goes, and to whom.
dist_check_SCRIPTS += tests/system/test-terms.py tests/system/test-domains.py \
	tests/system/test-split.py tests/system/test-smtputf8.py
TESTS += tests/system/test-terms.py tests/system/test-domains.py \
	tests/system/test-split.py tests/system/test-smtputf8.py

# Our own copies of letters, and what they prove.
dist_check_SCRIPTS += tests/system/test-journal.py \
	tests/system/test-journal-mail.py
TESTS += tests/system/test-journal.py tests/system/test-journal-mail.py

# make soak
SOAK += soak-kills
EXTRA_DIST += tests/soak.py tests/soak-tls.py \
	tests/soak-mailbox.py tests/peers/faulty_sink.py
soak-kills: all $(check_PROGRAMS)
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		python3 $(srcdir)/tests/soak.py
SOAK += soak-mailbox
soak-mailbox: all $(check_PROGRAMS)
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		python3 $(srcdir)/tests/soak-mailbox.py
SOAK += soak-tls
soak-tls: all $(check_PROGRAMS)
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		python3 $(srcdir)/tests/soak-tls.py
SOAK += soak-faults
soak-faults: all $(check_PROGRAMS)
	for test in test-store-faults test-disk-faults; do \
		top_srcdir='$(abs_top_srcdir)' \
		top_builddir='$(abs_top_builddir)' CHANCERY_ALL=yes \
		python3 $(srcdir)/tests/system/$$test.py || exit 1; \
	done
SOAK += soak-valgrind
EXTRA_DIST += tests/valgrind.sh tests/soak-valgrind.py
soak-valgrind:
	sh $(srcdir)/tests/valgrind.sh '$(abs_top_srcdir)' \
		'$(abs_top_builddir)/valgrind' || [ $$? = 77 ]
SOAK += soak-power
soak-power: all $(check_PROGRAMS)
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		python3 $(srcdir)/tests/system/test-power-cut.py --cuts 2000
.PHONY: soak-kills soak-mailbox soak-tls soak-faults soak-valgrind \
	soak-power

# How a fuzz target X comes in: its room adds, in its own local.mk,
#   check_PROGRAMS += tests/fuzz/fuzz-X
#   tests_fuzz_fuzz_X_SOURCES = tests/fuzz/fuzz-X.c $(FUZZ_MAIN)
#   tests_fuzz_fuzz_X_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
#   tests_fuzz_fuzz_X_LDADD = … $(BASE_LIBS)
# with a corpus in tests/corpora/X/; replay.py finds it by its name.

# The mail servers that tests/servers/fetch.sh unpacked for a test, and the build
# for valgrind.
distclean-local:
	rm -rf servers valgrind
.PHONY: distclean-local
