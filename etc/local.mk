# SPDX-License-Identifier: GPL-3.0-or-later
# Paths are put in at build time: configure would leave ${prefix} in them.
EXTRA_DIST += etc/debian-packages etc/chancery.conf etc/chanceryd.service.in \
	etc/chanceryd-status.socket etc/chanceryd-control.socket \
	etc/sysusers.conf.in etc/tmpfiles.conf.in

confdir = $(sysconfdir)/chancery
statedir = $(localstatedir)/lib/chancery
FILL_IN = $(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) \
	-e 's|@sbindir[@]|$(sbindir)|g' \
	-e 's|@confdir[@]|$(confdir)|g' \
	-e 's|@statedir[@]|$(statedir)|g'

nodist_systemdsystemunit_DATA = etc/made/chanceryd.service
dist_systemdsystemunit_DATA = etc/chanceryd-status.socket \
	etc/chanceryd-control.socket
nodist_sysusers_DATA = etc/made/sysusers/chancery.conf
nodist_tmpfiles_DATA = etc/made/tmpfiles/chancery.conf
nodist_doc_DATA = etc/made/chancery.conf
dist_doc_DATA = README.md docs/ARCHITECTURE.md
CLEANFILES += $(nodist_systemdsystemunit_DATA) $(nodist_sysusers_DATA) \
	$(nodist_tmpfiles_DATA) $(nodist_doc_DATA)

etc/made/chanceryd.service: $(srcdir)/etc/chanceryd.service.in Makefile
	$(FILL_IN) $(srcdir)/etc/chanceryd.service.in >$@.tmp && mv $@.tmp $@
etc/made/sysusers/chancery.conf: $(srcdir)/etc/sysusers.conf.in Makefile
	$(FILL_IN) $(srcdir)/etc/sysusers.conf.in >$@.tmp && mv $@.tmp $@
etc/made/tmpfiles/chancery.conf: $(srcdir)/etc/tmpfiles.conf.in Makefile
	$(FILL_IN) $(srcdir)/etc/tmpfiles.conf.in >$@.tmp && mv $@.tmp $@
# The sample of the source tree names the usual places.
etc/made/chancery.conf: $(srcdir)/etc/chancery.conf Makefile
	$(FILL_IN) -e 's|/var/lib/chancery|$(statedir)|g' \
		-e 's|/etc/chancery|$(confdir)|g' \
		$(srcdir)/etc/chancery.conf >$@.tmp && mv $@.tmp $@

# A chancery.conf that is there is somebody's: neither install nor uninstall
# touches it, unless it is the sample as it came.
install-data-hook:
	$(MKDIR_P) '$(DESTDIR)$(confdir)'
	test -e '$(DESTDIR)$(confdir)/chancery.conf' || \
		$(INSTALL_DATA) etc/made/chancery.conf \
			'$(DESTDIR)$(confdir)/chancery.conf'
uninstall-hook: etc/made/chancery.conf
	if cmp -s etc/made/chancery.conf \
		'$(DESTDIR)$(confdir)/chancery.conf'; then \
		rm -f '$(DESTDIR)$(confdir)/chancery.conf'; \
	fi
	-rmdir '$(DESTDIR)$(confdir)' 2>/dev/null

dist_check_SCRIPTS += tests/system/test-install.py tests/system/test-units.py
TESTS += tests/system/test-install.py tests/system/test-units.py
EXTRA_DIST += tests/servers/boot.sh
