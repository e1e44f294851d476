#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds the guest's half for arm64 with the options of its package, and runs its tests in an emulator:
#
#     arm64-inside.sh EMULATOR SUITE…
#
# './dev test --arch=arm64' starts this in the root in which the package is built; see tools/elsewhere.sh.
set -euo pipefail

EMULATOR=$1
shift
TOP=$PWD
BUILD=$TOP/build
export TOP BUILD PYTHONDONTWRITEBYTECODE=1
# shellcheck source=tools/ui.sh
. tools/ui.sh
# shellcheck source=tools/build.sh
. tools/build.sh

# As packaging/debian/rules has them.
flags() {
    DEB_HOST_ARCH=arm64 DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --get "$1"
}
CFLAGS="$(flags CPPFLAGS) $(flags CFLAGS)" LDFLAGS=$(flags LDFLAGS)
export CFLAGS LDFLAGS
build_tree dev 'the agent and its tests for arm64' --cross-file "$TOP/tools/arm64.ini" --buildtype=plain \
    -Dstatic-jansson=true
export WSLBRIDGE_RUN=$BUILD/run/arm64 WSLBRIDGE_EMULATOR=$EMULATOR
mkdir -p "$WSLBRIDGE_RUN"
exec python3 tests/run.py "$@"
