# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The tests elsewhere than on this machine, in a root that tools/debian-root.sh makes once:
#   ./dev test --release=NAME   with the compilers, the systemd, the Wine and the Python of another Debian
#   ./dev test --arch=arm64     the guest's half as the arm64 package has it, and its programs, in an
#                               emulated processor
#
# A run has mounts and processes of its own; the kernel and the network are this machine's. Inside
#   /              is the root, which nobody can write to; /etc is a copy of its own
#   $INSIDE        is a copy of the sources as an archive has them, so without git
#   $INSIDE/build  is build/NAME, and /tmp is build/NAME/tmp; so the next run builds only what has changed
INSIDE=/srv/wslbridge INSIDE_CACHE=/srv/cache

# Mounts, enters the root, and becomes the program that runs there.
# shellcheck disable=SC2016 # for the inner shell
ELSEWHERE_INIT='
set -euo pipefail
root=$1 build=$2 cache=$3 inside=$1$4 inside_cache=$1$5
shift 5
. tests/lib/make-dev.sh
mount --make-rprivate /
mount --bind "$root" "$root"
for folder in run root srv var/tmp; do mount -t tmpfs -o mode=755 tmpfs "$root/$folder"; done
mount -t tmpfs -o mode=755 tmpfs "$root/mnt"
cp -a "$root/etc/." "$root/mnt/"
[ -s "$root/mnt/machine-id" ] || tr -d - </proc/sys/kernel/random/uuid >"$root/mnt/machine-id" # as at a first boot
mount --move "$root/mnt" "$root/etc"
mkdir "$inside" "$inside_cache"
mount --bind "$build/sources" "$inside"
mount --bind "$build" "$inside/build"
mount --bind "$build/tmp" "$root/tmp"
mount --bind "$cache" "$inside_cache"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
chmod 1777 "$root/var/tmp"
make_dev "$root"
if [ -e /dev/net/tun ]; then
    mkdir "$root/dev/net"
    touch "$root/dev/net/tun"
    mount --bind /dev/net/tun "$root/dev/net/tun"
fi
mount -o remount,bind,ro "$root"
cd "$root"
pivot_root . mnt
umount -l mnt
cd "${inside#"$root"}"
exec env -i "$@"'

# The sources of this run. Their times stay as they are, so that ninja sees what has changed.
elsewhere_sources() { # elsewhere_sources BUILD
    rm -rf "$1/sources" "$1/tmp"
    mkdir "$1/sources" "$1/tmp"
    chmod 1777 "$1/tmp"
    WSLBRIDGE_UNCOMMITTED=1 copy_sources "$1/sources"
    mkdir "$1/sources/build"
}

# What a run has to know of the caller's environment.
elsewhere_environment() {
    local name
    printf '%s\n' PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 WSLBRIDGE_NO_INSTALL=1 \
        WSLBRIDGE_CACHE=$INSIDE_CACHE
    for name in TERM NO_COLOR SUDO_UID SUDO_GID WSLBRIDGE_STRICT WSLBRIDGE_LONG; do
        [ -z "${!name:-}" ] || printf '%s\n' "$name=${!name}"
    done
}

# Sets ROOT, and gives BUILD/NAME to this run until it ends.
elsewhere_root() { # elsewhere_root NAME SUITE VARIANT
    # shellcheck disable=SC2153 # BUILD is that of ./dev
    local cache=${WSLBRIDGE_CACHE:-/var/cache/wslbridge} log=$BUILD/logs/$1-root.log
    mkdir -p "$BUILD/$1" "$cache"
    exec 8>"$BUILD/$1/lock"
    flock -n 8 || die "another run uses build/$1 already; wait for its end"
    step "the root for the tests, Debian $2 (four minutes when it is new)" "$log" \
        "$TOOLS/debian-root.sh" "$cache" "$2" "$3" 8>&-
    ROOT=$(tail -n 1 "$log")
    elsewhere_sources "$BUILD/$1"
}

run_inside() { # run_inside NAME COMMAND…
    local build=$BUILD/$1 cache=${WSLBRIDGE_CACHE:-/var/cache/wslbridge} environment status=0
    shift
    mapfile -t environment < <(elsewhere_environment)
    say "There, $INSIDE is a copy of these sources, and $INSIDE/build is ${build#"$TOP/"}."
    attend unshare --mount --pid --fork --kill-child bash -c "$ELSEWHERE_INIT" elsewhere "$ROOT" "$build" \
        "$cache" "$INSIDE" "$INSIDE_CACHE" "${environment[@]}" "$@" || status=$?
    rm -rf "$build/tmp" "$build/sources"
    return "$status"
}

test_release() { # test_release NAME SUITE…
    local release=$1 name
    shift
    elsewhere_root "$release" "$release" tests
    # shellcheck source=/dev/null
    name=$(. "$ROOT/etc/os-release" && echo "$PRETTY_NAME")
    say "The tests run in a root of $name, which has:"
    # shellcheck disable=SC2016 # dpkg's own variables
    chroot "$ROOT" dpkg-query -W -f '  ${Package} ${Version}\n' gcc gcc-mingw-w64-x86-64 libc6 systemd \
        wine64 python3 clang-format clang-tidy qemu-system-x86
    say 'Every suite can run there.'
    run_inside "$release" ./dev test "$@"
}

# As for the tests on this machine, the package is made of the sources as they are now.
arm64_package() {
    WSLBRIDGE_UNCOMMITTED=1 BUILD=$BUILD/arm64 package_parts guest
}

test_arm64() { # test_arm64 SUITE…
    local emulator=/usr/bin/qemu-aarch64-static
    [ -x "$emulator" ] || emulator=/usr/bin/qemu-aarch64
    elsewhere_root arm64 bookworm build
    cp "$emulator" "$BUILD/arm64/qemu-aarch64"
    if [[ " $* " == *' programs '* ]]; then arm64_package; fi
    say "The tests run in the root in which the arm64 package is built, in $("$emulator" --version | head -n 1)."
    say "The other suites are left out: they need network namespaces, systemd or Wine, which only this machine has."
    run_inside arm64 bash tools/arm64-inside.sh "$INSIDE/build/qemu-aarch64" "$@"
}
