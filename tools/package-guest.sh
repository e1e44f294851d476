# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The guest's packages: wslbridge_VERSION-1_amd64.deb and ..._arm64.deb.

package_guest() { # package_guest OUT
    say "the guest's package: not yet"
}
