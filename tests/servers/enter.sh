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
	cp /etc/passwd "$tree/passwd"
	cp /etc/group "$tree/group"
	for user in postfix:60101 dovecot:60102 dovenull:60103; do
		name=${user%:*}
		id=${user#*:}
		grep -q "^$name:" "$tree/passwd" || {
			echo "$name:x:$id:$id::/nonexistent:/usr/sbin/nologin" \
				>>"$tree/passwd"
			echo "$name:x:$id:" >>"$tree/group"
		}
	done
	grep -q '^postdrop:' "$tree/group" ||
		echo 'postdrop:x:60104:' >>"$tree/group"
	mount --bind "$tree/passwd" /etc/passwd
	mount --bind "$tree/group" /etc/group
fi
exec "$@"
