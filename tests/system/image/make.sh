#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Makes the disk of the tests' guest: a small Debian of this machine's release, with a kernel and a
# console for the tests. The disk does not contain wslbridge, so it is made again only when this
# recipe or one of its packages changes.
#
#   make.sh CACHE     prints the folder below CACHE that has disk, vmlinuz and initrd.img
#
# This takes about a minute and 600 MB. It needs root, for debootstrap.
set -euo pipefail

HERE=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
CACHE=$1
SIZE=1500M

# systemd-sysv is /sbin/init; the agent links libnl to libjansson; jq reads its status; socat is the
# relay; the tests look around with the rest.
PACKAGES=(systemd-sysv dbus udev kmod iproute2 procps libcap2-bin jq socat
    libnl-3-200 libnl-route-3-200 libinih1 libsodium23 libjansson4
    linux-image-cloud-amd64)

# shellcheck source=/dev/null
SUITE=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
case $SUITE in
bookworm | trixie) ;;
*)
    echo "the guest's image is made of packages of Debian 12 or 13; this is '${SUITE:-unknown}'" >&2
    exit 1
    ;;
esac

# The mirror that this machine gets its own packages from.
mirror() {
    # shellcheck disable=SC2016 # apt's own variable
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $SUITE" |
        awk 'NR == 1'
}

versions() {
    apt-cache policy systemd "${PACKAGES[@]}" | grep -E '^[a-z]|Candidate'
}

build() { # build FOLDER
    local root=$1/root
    debootstrap --variant=minbase --include="$(IFS=, && echo "${PACKAGES[*]}")" \
        "$SUITE" "$root" "$(mirror)"
    # No names and no network: the tests set up what they need.
    echo wslbridge-guest >"$root/etc/hostname"
    rm -f "$root"/var/cache/apt/archives/*.deb
    # Logs survive a reboot of the guest. The serial line is for the kernel.
    mkdir -p "$root/var/log/journal"
    ln -sf /dev/null "$root/etc/systemd/system/serial-getty@ttyS0.service"
    install -D -m 644 "$HERE/patience.conf" "$root/etc/systemd/system.conf.d/patience.conf"
    install -m 755 "$HERE/console.sh" "$root/usr/local/sbin/test-console"
    install -m 644 "$HERE/test-console.service" "$root/etc/systemd/system/test-console.service"
    ln -s ../test-console.service \
        "$root/etc/systemd/system/multi-user.target.wants/test-console.service"
    mv "$root"/boot/vmlinuz-* "$1/vmlinuz"
    mv "$root"/boot/initrd.img-* "$1/initrd.img"
    mke2fs -q -t ext4 -d "$root" "$1/disk" "$SIZE"
    rm -rf "$root"
}

[ -n "$(mirror)" ] || apt-get update >&2
key=$({ cat "$HERE"/*; versions; } | sha256sum | cut -c 1-16)
mkdir -p "$CACHE"
# One at a time. A second run of ./dev finds the disk of the first one.
exec 9>"$CACHE/lock-$SUITE"
flock 9
if [ ! -d "$CACHE/guest-$key" ]; then
    # Remains of an interrupted run, and disks of older recipes that no clone used for a day.
    rm -rf "$CACHE/new-$SUITE-guest".*
    find "$CACHE" -maxdepth 1 -name 'guest-*' -mmin +1440 -exec rm -rf {} +
    work=$(mktemp -d "$CACHE/new-$SUITE-guest.XXXXXX")
    build "$work" >&2
    mv "$work" "$CACHE/guest-$key"
fi
touch "$CACHE/guest-$key"
echo "$CACHE/guest-$key"
