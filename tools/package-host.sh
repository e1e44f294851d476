# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The host's package: wslbridge-VERSION-x64.msi.

package_host() { # package_host OUT
    say "the host's package: not yet"
}
