#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Makes the root of a small Debian, for building the guest's package and for tests that install it.
#
#   debian-root.sh CACHE SUITE VARIANT     prints the root's folder below CACHE
#
# SUITE is bookworm (Debian 12) or trixie (Debian 13). VARIANT is one of:
#   minbase   what 'debootstrap --variant=minbase' makes. apt has an archive of what the guest's
#             package depends on, and lists of that, so it can install that package without a network.
#   systemd   the same, with systemd and D-Bus installed: it can be booted.
#   build     the same as minbase, with what packaging/debian/control needs for amd64 and arm64, and
#             lintian. The build and its checks need no network.
#   tests     the same as minbase, with all that './dev test' installs on a developer's machine, for
#             './dev test --release=SUITE' (tools/elsewhere.sh)
#
# Nobody may write into the folder, because it is shared. A test uses it by tests/lib/debian_root.py:
#
#   with DebianRoot("trixie", tmp_path / "guest") as root:     # an overlay of its own
#       root.run("apt-get", "install", "-y", "/tmp/wslbridge.deb")
#
# Making a root takes a minute (and 'build' two more, 'tests' three), needs a network, debootstrap, and root's rights.
# It is made again when its recipe changes; roots of older recipes are removed after a day.
set -euo pipefail
umask 022

HERE=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
CONTROL=$HERE/../packaging/debian/control
[ $# -eq 3 ] || { sed -n 's/^#   debian-root/usage: debian-root/p' "$0" >&2 && exit 2; }
CACHE=$1 SUITE=$2 VARIANT=$3

case $SUITE in
bookworm | trixie) ;;
*) echo "debian-root.sh: there is no suite '$SUITE'; suites: bookworm trixie" >&2 && exit 2 ;;
esac
case $VARIANT in
minbase | systemd | build | tests) ;;
*) echo "debian-root.sh: there is no variant '$VARIANT'; variants: minbase systemd build tests" >&2 && exit 2 ;;
esac

# What the guest's package depends on, and what a system needs to start it.
DEPENDS=(libnl-3-200 libinih1 libjansson4 libsodium23 libsystemd0)
SYSTEM=(systemd-sysv dbus iproute2 procps)

# What the suites need.
# shellcheck source=tools/packages.sh
. "$HERE/packages.sh"
read -ra TESTS <<<"$(packages_of agent build stage check servers system package | tr '\n' ' ')"
read -ra CLIENTS <<<"$(packages_of clients | tr '\n' ' ')" # not every release has all of them

# The mirror that this machine gets its own packages from.
mirror() {
    local uri=
    if command -v apt-get >/dev/null; then
        # shellcheck disable=SC2016 # apt's own variable
        uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' Origin=Debian |
            grep -v security | head -n 1)
    fi
    echo "${uri:-http://deb.debian.org/debian/}"
}

in_root() { # in_root ROOT COMMAND…: with /proc, in namespaces of its own; the network is this machine's
    local root=$1
    shift
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount --pid --fork --kill-child --uts --ipc bash -c '
        mount --make-rprivate / && mount -t proc proc "$1/proc" && root=$1 && shift &&
            exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
                LC_ALL=C.UTF-8 TMPDIR=/tmp chroot "$root" "$@"' bash "$root" "$@"
}

make_minbase() { # make_minbase ROOT
    debootstrap --variant=minbase "$SUITE" "$1" "$(mirror)"
    # No service starts in a root that is not booted.
    printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
    chmod 755 "$1/usr/sbin/policy-rc.d"
    echo 'Acquire::Languages "none";' >"$1/etc/apt/apt.conf.d/90wslbridge-tests"
    echo 'APT::Install-Recommends "no";' >>"$1/etc/apt/apt.conf.d/90wslbridge-tests"
    rm -f "$1"/var/cache/apt/archives/*.deb
    in_root "$1" apt-get update
    in_root "$1" apt-get install -y --download-only "${DEPENDS[@]}"
    trim_lists "$1"
}

# apt reads its lists again after each change to the installed packages. All of a release are 50 MB, which
# takes it a second and more each time. Without a network, it can only install what is in its archive.
trim_lists() { # trim_lists ROOT: of apt's lists only what is installed or in the archive
    local list
    {
        # shellcheck disable=SC2016 # dpkg-query's own variable
        in_root "$1" dpkg-query --show --showformat='${Package}\n'
        find "$1/var/cache/apt/archives" -name '*.deb' -printf '%f\n' | sed 's/_.*//'
    } >"$1/tmp/keep"
    for list in "$1"/var/lib/apt/lists/*_Packages; do
        awk 'FNR == NR { keep[$1]; next } /^Package: / { wanted = $2 in keep } wanted' \
            "$1/tmp/keep" "$list" >"$list.new"
        mv "$list.new" "$list"
    done
    rm "$1/tmp/keep" "$1"/var/cache/apt/*.bin
    in_root "$1" apt-get check
}

from_minbase() { # from_minbase ROOT [ARCHITECTURE]: with all of apt's lists
    cp -a --reflink=auto "$("$0" "$CACHE" "$SUITE" minbase)/." "$1"
    rm -rf "$1"/var/lib/apt/lists/*
    [ -z "${2:-}" ] || in_root "$1" dpkg --add-architecture "$2"
    in_root "$1" apt-get update
}

make_systemd() { # make_systemd ROOT
    from_minbase "$1"
    in_root "$1" apt-get install -y "${SYSTEM[@]}"
    # Which of them a test starts, it decides.
    rm -f "$1/usr/sbin/policy-rc.d"
    rm -rf "$1"/etc/systemd/system/*.wants
    # The lists are newer than the archive if minbase is.
    in_root "$1" apt-get install -y --download-only "${DEPENDS[@]}"
    trim_lists "$1"
}

make_build() { # make_build ROOT
    from_minbase "$1" arm64
    mkdir -p "$1/tmp/wslbridge/debian"
    cp "$CONTROL" "$1/tmp/wslbridge/debian/control"
    in_root "$1" apt-get install -y build-essential crossbuild-essential-arm64 fakeroot lintian
    in_root "$1" apt-get build-dep -y /tmp/wslbridge
    in_root "$1" apt-get build-dep -y --host-architecture arm64 /tmp/wslbridge
    # For the tests: another time, and the package's own test.
    in_root "$1" apt-get install -y faketime autopkgtest iproute2 jq
    rm -rf "$1/tmp/wslbridge" "$1"/var/cache/apt/archives/*.deb
}

make_tests() { # make_tests ROOT
    local name clients=()
    from_minbase "$1"
    for name in "${CLIENTS[@]}"; do
        if in_root "$1" apt-cache show "$name" >/dev/null 2>&1; then clients+=("$name"); fi
    done
    in_root "$1" apt-get install -y "${TESTS[@]}" "${clients[@]}"
    # A test looks for what an uninstalled agent has left, by its name.
    mv "$1/etc/apt/apt.conf.d/90wslbridge-tests" "$1/etc/apt/apt.conf.d/90tests"
    rm -f "$1"/var/cache/apt/archives/*.deb
}

# What decides about the content of the root. The build root is made again when the package needs
# something else.
inputs() {
    mirror
    declare -p DEPENDS
    declare -f in_root make_minbase trim_lists
    [ "$VARIANT" = minbase ] || declare -f from_minbase
    case $VARIANT in
    systemd) declare -p SYSTEM && declare -f make_systemd ;;
    tests) declare -p TESTS CLIENTS && declare -f make_tests ;;
    build) declare -f make_build && sed -n '/^Build-Depends/,/^[A-Z]/p' "$CONTROL" ;;
    esac
}

key=$(inputs | sha256sum | cut -c 1-16)
name=debian-$SUITE-$VARIANT
mkdir -p "$CACHE"
# One at a time for each kind, as a second one waits for the first and then finds its root.
exec 9>"$CACHE/$name.lock"
flock 9
if [ ! -d "$CACHE/$name-$key" ]; then
    # Remains of an interrupted run, and roots of older recipes that nobody used for a day.
    rm -rf "$CACHE/new-$name".*
    find "$CACHE" -maxdepth 1 -name "$name-*" -mmin +1440 -exec rm -rf {} +
    work=$(mktemp -d "$CACHE/new-$name.XXXXXX")
    chmod 755 "$work"
    "make_$VARIANT" "$work" >&2 </dev/null 9>&-
    mv "$work" "$CACHE/$name-$key"
fi
touch "$CACHE/$name-$key"
echo "$CACHE/$name-$key"
