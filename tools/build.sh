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
#   coverage         the agent and the unit tests, counting what runs

setup_tree() { # setup_tree NAME TEXT MESON-OPTION…
    local name=$1 text=$2 tree=$BUILD/$1
    shift 2
    # Meson cannot continue with a setup that was interrupted, or whose machine file has moved.
    if [ ! -f "$tree/build.ninja" ] || [ "$(cat "$tree/setup-options" 2>/dev/null)" != "$*" ]; then
        rm -rf "$tree"
        step "configuring $text" "$BUILD/logs/$name-setup.log" meson setup "$tree" "$TOP" "$@"
        printf '%s\n' "$*" >"$tree/setup-options"
    fi
}

make_tree() { # make_tree NAME TEXT TARGET…: all of it without a target
    local name=$1 text=$2
    shift 2
    step "building $text" "$BUILD/logs/$name.log" ninja -C "$BUILD/$name" -j "$(nproc)" "$@"
}

build_tree() { # build_tree NAME TEXT MESON-OPTION…
    setup_tree "$@"
    make_tree "$1" "$2"
}

DEV_TREE=(dev 'the agent (sanitizers)' --native-file "$TOP/tools/build-dev.ini")

build_dev() {
    build_tree "${DEV_TREE[@]}"
}

# Only what the static suite starts, for './dev check'.
build_dev_programs() {
    setup_tree "${DEV_TREE[@]}"
    make_tree dev 'the agent (sanitizers)' agent/wslbridge-agent agent/wslbridge-loopback agent/wslbridgectl
}

RELEASE_TREE=(release 'the agent' --buildtype=release)

build_release() {
    build_tree "${RELEASE_TREE[@]}"
}

# Only the programs that ship, for './dev test'.
build_release_programs() {
    setup_tree "${RELEASE_TREE[@]}"
    make_tree release 'the agent' agent/wslbridge-agent agent/wslbridge-loopback agent/wslbridgectl
}

# For the booted guest of './dev test', after build_release_programs.
build_test_host() {
    make_tree release 'the test host' tests/host/wslbridge-test-host
}

# Several tests may want it at the same time.
build_install() {
    mkdir -p "$BUILD"
    (
        flock 9
        build_tree install 'the agent for installation' --buildtype=release -Dtests=disabled \
            --prefix=/usr --sysconfdir=/etc
    ) 9>"$BUILD/install.lock"
}

build_windows() {
    build_tree windows 'the Windows helper (test transport)' \
        --cross-file "$TOP/tools/mingw64.ini" -Dtest-transport=enabled -Dwerror=true
}

# Optimized for size: -O3 makes the exe a quarter larger, and what takes time is the registry.
build_windows_release() {
    build_tree windows-release 'the Windows helper' \
        --cross-file "$TOP/tools/mingw64.ini" --buildtype=release -Doptimization=s -Db_lto=true \
        -Dtests=disabled -Dwerror=true
}

build_fuzz() {
    CC=clang setup_tree fuzz 'the fuzz targets' -Dfuzz=enabled -Db_lundef=false \
        -Db_sanitize=address,undefined
    make_tree fuzz 'the fuzz targets' fuzz-targets
}

build_coverage() {
    build_tree coverage 'the agent, counting what runs' --buildtype=debug -Db_coverage=true
}
