# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# './dev package': everything that a release has, in build/packages. The parts are
#   dist.sh            wslbridge-VERSION.tar.gz, the sources
#   package-guest.sh   wslbridge_VERSION-1_ARCHITECTURE.deb, from these sources
#   package-host.sh    wslbridge-VERSION-x64.msi, which contains the guest's packages, and winget/
#   spdx.py            wslbridge-VERSION.spdx.json, what is inside and under which licence
# Each part is a function with the folder to write to. It finds VERSION and SOURCE_DATE_EPOCH in its
# environment, and in the folder what the parts before it have made. The same sources give the same
# bytes.

# shellcheck source=tools/package-guest.sh
. "$TOOLS/package-guest.sh"
# shellcheck source=tools/package-host.sh
. "$TOOLS/package-host.sh"

package_checksums() { # package_checksums OUT
    (cd "$1" && find . -type f ! -name SHA256SUMS -printf '%P\0' | LC_ALL=C sort -z |
        xargs -0r sha256sum) >"$1/SHA256SUMS"
}

# Makes the parts in a new folder, which then takes the place of the old one.
package_parts() { # package_parts PART…
    local part new=$BUILD/packages.new
    VERSION=$(project_version)
    SOURCE_DATE_EPOCH=$(source_time)
    export VERSION SOURCE_DATE_EPOCH
    rm -rf "$new"
    say_what_is_left_out
    pack_sources "$VERSION" "$new" >/dev/null
    for part in "$@"; do
        "package_$part" "$new"
    done
    rm -rf "$BUILD/packages"
    mv "$new" "$BUILD/packages"
}

package_spdx() { # package_spdx OUT
    "$PYTHON" "$TOOLS/spdx.py" "$1" "$VERSION" >"$BUILD/spdx.json"
    mv "$BUILD/spdx.json" "$1/wslbridge-$VERSION.spdx.json"
}

package_here() {
    package_parts guest host spdx checksums
    (cd "$BUILD/packages" && find . -type f -printf '%9s  %P\n' | LC_ALL=C sort -k 2)
    say 'packages: build/packages'
}
