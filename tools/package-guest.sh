# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The guest's packages: wslbridge_VERSION-1_amd64.deb and ..._arm64.deb, from the source archive. The tests
# find them in build/packages, where './dev package' and './dev test packages' put them; see
# tests/lib/debian_root.py for a Debian to install them in.

package_guest() { # package_guest OUT
    local log=$BUILD/logs/package-guest.log
    step "the guest's packages (three minutes more for the first time)" "$log" \
        "$TOOLS/build-deb.sh" "$1/wslbridge-$VERSION.tar.gz" "$1"
    sed -n '/^=== lintian/,$ s/^=== //p' "$log"
    rm -rf "$1/source"
}
