#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Makes the package for Windows. The same input gives the same bytes, unless it is signed: see sign.sh
# for how that is ordered.
#
#     tools/build-msi.sh FOLDER-WITH-PROGRAMS FOLDER-WITH-DEBS OUT
#
# The environment has VERSION, and SOURCE_DATE_EPOCH for all times in the package. Prints the package's
# path.
set -euo pipefail

TOP=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
SOURCES=$TOP/packaging/msi
PRODUCTS=69b7a9e4-4d3f-4ae5-9a0a-6d3a1f5a7c11 # the name space of our product codes, a random GUID
UPGRADE=27DEB19C-32AD-4DCE-A3C3-6F6E8C7D31D2

die() {
    printf 'build-msi.sh: %s\n' "$*" >&2
    exit 1
}

# A GUID of its own for each input.
guid() { # guid TEXT
    python3 -c 'import sys, uuid; print(str(uuid.uuid5(uuid.UUID(sys.argv[1]), sys.argv[2])).upper())' \
        "$PRODUCTS" "$1"
}

one_package() { # one_package FOLDER ARCHITECTURE: the name of the guest's package
    local found=("$1"/wslbridge_*_"$2".deb)
    if [ ${#found[@]} -ne 1 ] || [ ! -f "${found[0]}" ]; then
        die "$1 needs one guest package for $2"
    fi
    basename "${found[0]}"
}

# The files of our programs, from their table.
programs() {
    sed -n 's/^ .*L"\(wslbridge-[a-z]*\.exe\)".*/\1/p' "$TOP/windows-helper/core/install/programs.c"
}

sign() { # sign DESCRIPTION FILE
    [ -z "${WSLBRIDGE_SIGN:-}" ] || "$TOP/tools/sign.sh" "$@"
}

# What goes into the package, with names and times that do not depend on where it was built.
collect() { # collect PROGRAMS DEBS FILES
    local file
    mkdir -p "$3/guest" "$3/admx/en-US"
    for file in $(programs) wslbridge-announce.dll; do
        x86_64-w64-mingw32-strip -o "$3/$file" "$1/$file"
        sign wslbridge "$3/$file"
    done
    sed 's/$/\r/' "$TOP/LICENSE" >"$3/LICENSE.txt"
    cp "$2"/wslbridge_*.deb "$3/guest"
    (cd "$3/guest" && LC_ALL=C sha256sum ./*.deb | sed 's| \./| |' >SHA256SUMS)
    cp "$TOP/windows-helper/admx/wslbridge.admx" "$3/admx"
    cp "$TOP/windows-helper/admx/en-US/wslbridge.adml" "$3/admx/en-US"
    find "$3" -type f -exec chmod 644 {} + -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
}

# The statements of actions.sql, one a line.
statements() { # statements AMD64 ARM64
    sed -e '/^--/d' -e "s/VERSION/$VERSION/g" -e "s/'UPGRADE'/'{$UPGRADE}'/g" \
        -e "s/AMD64NAME/$1/" -e "s/ARM64NAME/$2/" "$SOURCES/actions.sql" |
        sed -z -e 's/\n  *//g' -e 's/;\n/\n/g' -e 's/\n\n*/\n/g'
}

build() { # build FILES PRODUCT PACKAGE MSI
    local amd64 arm64 statement
    amd64=$(one_package "$1/guest" amd64)
    arm64=$(one_package "$1/guest" arm64)
    # It finds the files in the folder where it runs.
    (cd "$1" && wixl --arch x64 -D Version="$VERSION" -D Product="$2" -D Amd64="$amd64" -D Arm64="$arm64" \
        -D Homepage="$(cat "$TOP/packaging/homepage")" -o "$4" "$SOURCES/wslbridge.wxs")
    while read -r statement; do
        [ -n "$statement" ] || continue
        msibuild "$4" -q "$statement"
    done < <(statements "$amd64" "$arm64")
    msibuild "$4" -s "wslbridge $VERSION" 'The wslbridge project' 'x64;1033' "{$3}"
    python3 "$TOP/tools/msi-times.py" "$4" "$SOURCE_DATE_EPOCH"
}

main() {
    if [ $# -ne 3 ] || [ -z "${VERSION:-}" ] || [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
        die 'usage: VERSION=1.2.3 SOURCE_DATE_EPOCH=0 build-msi.sh FOLDER-WITH-PROGRAMS FOLDER-WITH-DEBS OUT'
    fi
    local out work content
    mkdir -p "$3"
    out=$(cd "$3" && pwd)/wslbridge-$VERSION-x64.msi
    work=$(mktemp -d)
    # shellcheck disable=SC2064 # the folder of now
    trap "rm -rf '$work'" EXIT
    collect "$1" "$2" "$work/files"
    content=$(cd "$work/files" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
        sha256sum <"$SOURCES/wslbridge.wxs"
        sha256sum <"$SOURCES/actions.sql")
    build "$work/files" "$(guid "product $VERSION $content")" \
        "$(guid "package $VERSION $SOURCE_DATE_EPOCH $content")" "$work/new.msi"
    sign "wslbridge $VERSION" "$work/new.msi"
    mv "$work/new.msi" "$out"
    printf '%s\n' "$out"
}

main "$@"
