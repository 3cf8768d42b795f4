# SPDX-License-Identifier: GPL-3.0-or-later
# The status page is part of the daemon: as a string, so that a started daemon
# never looks for a file. Two question marks might be a trigraph: \? is one.
web/page.c: $(srcdir)/web/page.html $(srcdir)/web/local.mk
	$(AM_V_GEN)$(MKDIR_P) web && { \
	echo '#include "chanceryd/http-page.h"'; \
	echo 'const char ch_page[] ='; \
	$(SED) -e 's/[\\"?]/\\&/g' -e 's/.*/"&\\n"/' $(srcdir)/web/page.html; \
	echo ';'; \
	echo 'const size_t ch_page_len = sizeof(ch_page) - 1;'; \
	} > $@.tmp && mv $@.tmp $@
EXTRA_DIST += web/page.html
CLEANFILES += web/page.c
