#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# enter.sh TREE COMMAND... - run COMMAND where only loopback exists and the
# servers of TREE lie over /usr: a network and a mount namespace of its own, as
# root or by an ordinary user (newuidmap). Nothing can leave the machine, and
# nothing here changes it. TREE "-" lays nothing. Exit 69 where namespaces may
# not be made.
set -eu
if [ "${CH_INSIDE:-}" != yes ]; then
	tree=${1:?usage: enter.sh TREE COMMAND...}
	if [ "$(id -u)" = 0 ] && unshare --net --mount true 2>/dev/null; then
		ns="unshare --net --mount"
	elif unshare --user --map-root-user --map-auto --net --mount true \
		2>/dev/null; then
		ns="unshare --user --map-root-user --map-auto --net --mount"
	else
		echo "no private namespace can be made here" >&2
		exit 69
	fi
	export CH_INSIDE=yes
	exec $ns -- sh "$0" "$@"
fi
tree=$1
shift
unset CH_INSIDE
ip link set lo up
if [ "$tree" != - ]; then
	mount -t overlay overlay -o "lowerdir=$tree/usr:/usr" /usr
	# Of this one's own: others may be inside at the same time.
	passwd=$(mktemp "$tree/passwd.XXXXXX")
	group=$(mktemp "$tree/group.XXXXXX")
	cat /etc/passwd >"$passwd"
	cat /etc/group >"$group"
	chmod 644 "$passwd" "$group"
	for user in postfix:60101 dovecot:60102 dovenull:60103 \
		Debian-exim:60105 opensmtpd:60106 opensmtpq:60107 \
		cyrus:60108; do
		name=${user%:*}
		id=${user#*:}
		grep -q "^$name:" "$passwd" || {
			echo "$name:x:$id:$id::/nonexistent:/usr/sbin/nologin" \
				>>"$passwd"
			echo "$name:x:$id:" >>"$group"
		}
	done
	grep -q '^postdrop:' "$group" ||
		echo 'postdrop:x:60104:' >>"$group"
	mount --bind "$passwd" /etc/passwd
	mount --bind "$group" /etc/group
	rm "$passwd" "$group"
fi
exec "$@"
