# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The host's package: wslbridge-VERSION-x64.msi, and the manifests for winget, which name its sum.

package_host() { # package_host OUT
    build_windows_release
    step "the host's package" "$BUILD/logs/package-host.log" "$TOOLS/build-msi.sh" \
        "$BUILD/windows-release/windows-helper/wslbridge-helper.exe" "$1" "$1"
}
