#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds the guest's packages from a source archive, in a clean Debian 12 that has no network, and lets
# lintian look at them.
#
#   build-deb.sh TARBALL OUT [FOLDER [DATE]]
#
# OUT gets wslbridge_VERSION-1_amd64.deb and ..._arm64.deb, and in OUT/source what makes them a Debian
# source package. SOURCE_DATE_EPOCH is the time in the packages. FOLDER is where the sources are unpacked in
# that Debian, and DATE the time there. Both must make no difference: a test builds a second time with other
# ones, without lintian.
set -euo pipefail
umask 022

HERE=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
TARBALL=$(readlink -f "$1") OUT=$2 FOLDER=${3:-/build} DATE=${4:-}
: "${SOURCE_DATE_EPOCH:?}"
ROOT=$("$HERE/debian-root.sh" "${WSLBRIDGE_CACHE:-/var/cache/wslbridge}" bookworm build)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
mkdir "$WORK/exchange" "$WORK/system"
cp "$TARBALL" "$WORK/exchange/"
cat >"$WORK/exchange/build.sh" <<'END'
set -euo pipefail
archive=$(basename /exchange/wslbridge-*.tar.gz) folder=$1 date=$2
name=${archive%.tar.gz} version=${archive#wslbridge-} && version=${version%.tar.gz}
mkdir -p "$folder"
cd "$folder"
cp "/exchange/$archive" "wslbridge_$version.orig.tar.gz"
tar -x -z -f "/exchange/$archive"
cp -r "$name/packaging/debian" "$name/debian"
chown -R nobody:nogroup "$folder"
# The build needs no root. The suites have tested these sources already.
build() {
    (cd "$name" && setpriv --reuid=nobody --regid=nogroup --clear-groups \
        env HOME=/nonexistent DEB_BUILD_OPTIONS="nocheck noautodbgsym parallel=$(nproc)" \
        ${date:+faketime "$date"} dpkg-buildpackage --no-sign "$@")
}
build --build=full
build --build=any --host-arch=arm64 --build-profiles=cross,nocheck
mkdir -p /exchange/source
cp -- *.deb /exchange/
cp -- *.dsc *.debian.tar.* /exchange/source/
[ -z "$date" ] || exit 0
echo '=== lintian'
lintian --allow-root --no-cfg --fail-on error,warning,info --display-info --pedantic -- *.changes
echo '=== lintian has nothing to say'
END

# shellcheck disable=SC2016 # for the inner shell
unshare --mount --pid --fork --kill-child --uts --ipc --net bash -euc '
    root=$1 work=$2 folder=$3 date=$4
    mount --make-rprivate /
    mount -t tmpfs tmpfs "$work/system"
    mkdir "$work"/system/{upper,work,root}
    mount -t overlay -o "lowerdir=$root,upperdir=$work/system/upper,workdir=$work/system/work" \
        overlay "$work/system/root"
    root=$work/system/root
    mkdir "$root/exchange"
    mount --bind "$work/exchange" "$root/exchange"
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TZ=UTC TMPDIR=/tmp \
        SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" \
        chroot "$root" bash /exchange/build.sh "$folder" "$date"
    ' bash "$ROOT" "$WORK" "$FOLDER" "$DATE"
mkdir -p "$OUT/source"
cp "$WORK"/exchange/*.deb "$OUT/"
cp "$WORK"/exchange/source/* "$OUT/source/"
