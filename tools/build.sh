# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The build trees, all of them below build/:
#   dev              the agent with ASan, UBSan and werror; unit tests and test host
#   release          the agent as it ships; benchmarks, demo
#   install          the agent as './dev install' puts it into the system
#   windows          the helper with the TCP transport for tests
#   windows-release  the helper as it ships
#   fuzz             libFuzzer targets, built by clang

build_tree() { # build_tree NAME TEXT MESON-OPTION…
    local name=$1 text=$2 tree=$BUILD/$1
    shift 2
    # Meson cannot continue with a setup that was interrupted, or whose machine file has moved.
    if [ ! -f "$tree/build.ninja" ] || [ "$(cat "$tree/setup-options" 2>/dev/null)" != "$*" ]; then
        rm -rf "$tree"
        step "configuring $text" "$BUILD/logs/$name-setup.log" meson setup "$tree" "$TOP" "$@"
        printf '%s\n' "$*" >"$tree/setup-options"
    fi
    step "building $text" "$BUILD/logs/$name.log" ninja -C "$tree" -j "$(nproc)"
}

build_dev() {
    build_tree dev 'the agent (sanitizers)' --native-file "$TOP/tools/build-dev.ini"
}

build_release() {
    build_tree release 'the agent' --buildtype=release
}

build_install() {
    build_tree install 'the agent for installation' --buildtype=release -Dtests=disabled \
        --prefix=/usr --sysconfdir=/etc
}

build_windows() {
    build_tree windows 'the Windows helper (test transport)' \
        --cross-file "$TOP/tools/mingw64.ini" -Dtest-transport=enabled -Dwerror=true
}

build_windows_release() {
    build_tree windows-release 'the Windows helper' \
        --cross-file "$TOP/tools/mingw64.ini" --buildtype=release -Dtests=disabled -Dwerror=true
}

build_fuzz() {
    CC=clang build_tree fuzz 'the fuzz targets' -Dfuzz=enabled -Db_lundef=false \
        -Db_sanitize=address,undefined
}
