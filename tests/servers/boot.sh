#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# boot.sh WORK DESTDIR COMMAND... - run COMMAND as root under a systemd of its
# own: over a throw-away copy of /, with the files of DESTDIR laid in it, in
# namespaces of its own (processes, mounts, network, cgroups). Nothing outside
# is changed; what COMMAND leaves in WORK/result stays, and so does its exit
# status, in WORK/result/status. SHOW names folders to show at their own paths,
# read-only. Exit 77 where that cannot be had.
set -eu
if [ "${CH_BOOTING:-}" != yes ]; then
	[ "$(id -u)" = 0 ] && [ -x /lib/systemd/systemd ] &&
		unshare --mount --net --pid --cgroup --fork true 2>/dev/null ||
		exit 77
	cgroups=$(findmnt -n -o TARGET -t cgroup2 | head -n 1)
	[ -n "$cgroups" ] && [ -w "$cgroups/cgroup.procs" ] || exit 77
	group=$cgroups/chancery-boot-$$
	mkdir "$group" 2>/dev/null || exit 77
	export CH_BOOTING=yes
	status=0
	sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" \
		unshare --mount --net --uts --ipc --pid --cgroup --fork \
		--kill-child -- sh "$0" "$@" || status=$?
	find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || :
	# A systemd that is PID 1 ends by a signal; the rest is a failure of
	# ours, before it ran.
	[ "$status" != 77 ] || exit 77
	exit 0
fi
work=$1
destdir=$2
shift 2
mkdir -p "$work/result" "$work/boot"
mount -t tmpfs -o mode=755 tmpfs "$work/boot"
mkdir "$work/boot/upper" "$work/boot/work" "$work/boot/root"
root=$work/boot/root
mount -t overlay overlay -o \
	"lowerdir=/,upperdir=$work/boot/upper,workdir=$work/boot/work" "$root" ||
	exit 77
cp -a "$destdir/." "$root/"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
for folder in $SHOW; do
	mkdir -p "$root/$folder"
	mount --bind "$folder" "$root/$folder"
	mount -o remount,bind,ro "$root/$folder"
done
mkdir -p "$root/result"
mount --bind "$work/result" "$root/result"
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
for device in null:3 zero:5 full:7 random:8 urandom:9; do
	mknod -m 666 "$root/dev/${device%:*}" c 1 "${device#*:}"
done
mknod -m 666 "$root/dev/tty" c 5 0

# Of this machine's own services none runs but the journal.
units=$root/etc/systemd/system
rm -rf "$units"
mkdir -p "$units"
for unit in "$root"/lib/systemd/system/*.target.wants/*; do
	name=${unit##*/}
	case $name in
	systemd-journald* | systemd-tmpfiles-setup.service) ;;
	*) ln -sf /dev/null "$units/$name" ;;
	esac
done
cat >"$units/command.service" <<EOF
[Unit]
DefaultDependencies=no
Wants=systemd-journald.service
After=systemd-journald.service
[Service]
Type=oneshot
ExecStart=/bin/sh /run/command
ExecStopPost=/bin/systemctl poweroff --force --force
TimeoutStartSec=300
EOF
printf '%s\n' '[Unit]' 'DefaultDependencies=no' 'Wants=command.service' \
	>"$units/command.target"
ln -s command.target "$units/default.target"
{
	echo 'exec >/result/output 2>&1'
	printf "'%s' " "$@"
	echo
	echo 'echo $? >/result/status'
} >"$root/run/command"

ip link set lo up
cd "$root"
mkdir -p old
pivot_root . old
umount -l /old
mount --make-rshared /
exec env -i container=chancery-test PATH="$PATH" /lib/systemd/systemd \
	--system --log-target=journal --show-status=no </dev/null >/dev/null 2>&1
