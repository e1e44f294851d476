#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
#     boot-system.sh FOLDER INSTALLED PROJECT BELOW TARGET
#
# Boots a systemd in namespaces, in the way in which WSL boots a distro: as PID 1 with private mounts,
# and with container=wsl as its only environment. Its root is an overlay of BELOW ('/' for this machine's
# root) with the files of INSTALLED. What it writes goes to a tmpfs on FOLDER and is
# gone with the namespace. It has its own network and its own units; none of this machine's start.
# PROJECT is mounted as /project, without anything built. TARGET is the unit that is the aim of the boot.
set -euo pipefail
# shellcheck source=tests/lib/make-dev.sh
. "$(dirname "${BASH_SOURCE[0]}")/make-dev.sh"
FOLDER=$1 INSTALLED=$2 PROJECT=$3 BELOW=$4 TARGET=$5 ROOT=$1/root

overlay() { # overlay NAME BELOW WHERE
    mkdir -p "$FOLDER/$1-upper" "$FOLDER/$1-work" "$3"
    mount -t overlay -o "lowerdir=$2,upperdir=$FOLDER/$1-upper,workdir=$FOLDER/$1-work" overlay "$3"
}

make_root() {
    mount --make-rprivate /
    mount -t tmpfs tmpfs "$FOLDER"
    overlay root "$BELOW" "$ROOT"
    overlay project "$PROJECT" "$ROOT/project"
    mkdir -p "$ROOT/project/build"
    mount -t tmpfs tmpfs "$ROOT/project/build"
    rm -rf "$ROOT/etc/wslbridge" "$ROOT"/etc/systemd/system/*.wants
    cp -a "$INSTALLED/." "$ROOT/"
    chmod 755 "$ROOT"
    : >"$ROOT/etc/fstab"
    echo 0123456789abcdef0123456789abcdef >"$ROOT/etc/machine-id"
    # Each reload of systemd starts a dozen generators, for disks, consoles and init scripts that are not here.
    mount -t tmpfs tmpfs "$ROOT/usr/lib/systemd/system-generators"
}

make_mounts() {
    mount -t proc proc "$ROOT/proc"
    # This systemd must not change what exists only once in the kernel: no sysctl, no udev.
    mount --bind "$ROOT/proc/sys" "$ROOT/proc/sys"
    mount -o remount,bind,ro "$ROOT/proc/sys"
    mount -t sysfs -o ro sysfs "$ROOT/sys"
    mount -t tmpfs -o mode=755 tmpfs "$ROOT/run"
    mount -t tmpfs -o mode=1777 tmpfs "$ROOT/tmp"
    make_dev "$ROOT"
    mount -t tmpfs tmpfs "$ROOT/sys/fs/cgroup"
    mount -t cgroup2 cgroup2 "$ROOT/sys/fs/cgroup"
}

make_network() {
    ip link set lo up
    ip link add eth0 type veth peer name peer0
    ip link set peer0 up
    ip link set eth0 up
    ip addr add 10.9.0.2/24 dev eth0
    ip route add default via 10.9.0.1
}

make_root
make_mounts
make_network
mkdir "$ROOT/before"
cd "$ROOT"
pivot_root . before
umount -l /before
# Nor may it load modules or set the clock.
exec env -i container=wsl PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    setpriv --bounding-set -sys_module,-sys_time,-sys_rawio,-syslog \
    /lib/systemd/systemd --unit="$TARGET" --log-target=journal --show-status=0 </dev/null
