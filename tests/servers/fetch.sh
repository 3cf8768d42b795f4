#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# fetch.sh TREE - download Postfix, Exim, OpenSMTPD, Dovecot and Cyrus as Debian
# packages and unpack them under TREE. Nothing is installed, configured or
# started. Exit 69 when they cannot be had.
set -eu
tree=${1:?usage: fetch.sh TREE}
mkdir -p "$tree/.debs"
# Tests that run side by side share the tree.
[ "${CH_FETCHING:-}" = yes ] ||
	exec env CH_FETCHING=yes flock "$tree/.debs/lock" sh "$0" "$tree"
[ -x "$tree/usr/lib/postfix/sbin/master" ] && [ -x "$tree/usr/sbin/dovecot" ] \
	&& [ -x "$tree/usr/sbin/exim4" ] && [ -x "$tree/usr/sbin/smtpd" ] \
	&& [ -x "$tree/usr/lib/cyrus/bin/imapd" ] \
	&& exit 0
chmod 755 "$tree/.debs"
cd "$tree/.debs"
apt-get download -qq postfix dovecot-core dovecot-imapd libexttextcat-2.0-0 \
	libexttextcat-data liblua5.4-0 libwrap0 exim4-daemon-light libidn12 \
	libnsl2 libgnutls-dane0 libunbound8 libevent-2.1-7 opensmtpd \
	cyrus-common cyrus-imapd libical3 libxapian30 libpcre3 libpq5 \
	>fetch.log 2>&1 || {
	echo "the mail servers' packages cannot be downloaded:" >&2
	tail -n 3 fetch.log >&2
	exit 69
}
# In the order of their names: of two that bring one file (sendmail), Postfix's
# stays.
for package in *.deb; do
	dpkg -x "$package" ..
done
# /lib is a part of /usr where these will be laid
if [ -d ../lib ]; then
	cp -a ../lib/. ../usr/lib/
	rm -r ../lib
fi
rm -f -- *.deb
