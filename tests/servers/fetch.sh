#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# fetch.sh TREE - download Postfix and Dovecot as Debian packages and unpack
# them under TREE. Nothing is installed, configured or started. Exit 69 when
# they cannot be had.
set -eu
tree=${1:?usage: fetch.sh TREE}
[ -x "$tree/usr/lib/postfix/sbin/master" ] && [ -x "$tree/usr/sbin/dovecot" ] \
	&& exit 0
mkdir -p "$tree/.debs"
chmod 755 "$tree/.debs"
cd "$tree/.debs"
apt-get download -qq postfix dovecot-core dovecot-imapd libexttextcat-2.0-0 \
	libexttextcat-data liblua5.4-0 libwrap0 >fetch.log 2>&1 || {
	echo "the mail servers' packages cannot be downloaded:" >&2
	tail -n 3 fetch.log >&2
	exit 69
}
for package in *.deb; do
	dpkg -x "$package" ..
done
# /lib is a part of /usr where these will be laid
if [ -d ../lib ]; then
	cp -a ../lib/. ../usr/lib/
	rm -r ../lib
fi
rm -f -- *.deb
