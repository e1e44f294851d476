# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The Debian or Ubuntu packages that are needed, what for, and their installation.

# Group; package, or alternatives of which the first is installed; reason. 'agent' builds the Linux
# half and is part of 'build', which builds everything.
PACKAGES='
agent;gcc;the compiler of the agent
agent;libc6-dev;C library headers
agent;meson;build system
agent;ninja-build;build system
agent;pkg-config|pkgconf;finds the libraries below
agent;libnl-3-dev;kernel address events
agent;libnl-route-3-dev;kernel address events
agent;libsystemd-dev;event loop, journal, readiness
agent;libinih-dev;reads the drop-ins
agent;libsodium-dev;the keyed handshake
agent;libjansson-dev;status.json
build;check;unit tests
build;gcc-mingw-w64-x86-64;the compiler of the Windows helper
build;python3;the test runner
stage;wine64;runs the Windows half
stage;wine;runs the Windows half
stage;iproute2;network namespaces for client, host and guest
stage;socat;connects the agent and the helper where there is no vsock
stage;python3-pytest;scenario tests
check;python3-pytest;runs the checks
check;clang-format;the format check
check;clang-tidy;looks for mistakes in C
check;shellcheck;checks the scripts
check;pyflakes3;checks the Python files
check;universal-ctags;measures functions
check;man-db;renders the man pages
check;groff;renders the man pages
check;systemd;systemd-analyze checks the unit
check;procps;the kill that the unit calls
check;zsh;reads its completion
check;fish;reads its completion
check;binutils;inspects the release executable
servers;nginx-light|nginx;reads the PROXY header behind the relay
servers;haproxy;the same
servers;libnginx-mod-stream;forwards beside the relay in the benchmark
clients;ngtcp2-client;HTTP/3 through the relay, in the suite e2e
clients;ngtcp2-server;the same
clients;mosh;a terminal over UDP
clients;wireguard-go;a tunnel through the relay, without a module of the kernel
clients;wireguard-tools;sets it up
clients;openssl;makes a key
clients;nginx-light|nginx;reads the PROXY header on the loopback of the guest
clients;haproxy;the same
system;qemu-system-x86|qemu-system-x86-64;boots the guest of the system tests
system;debootstrap;makes its image
system;e2fsprogs;the same
package;busybox-static|busybox;the shell of Alpine in the tests of setup
package;debootstrap;makes the roots for the package of the guest
package;util-linux;namespaces for these roots
package;iproute2;their loopback network
package;wixl;makes the package for Windows
package;msitools;completes and inspects it
package;osslsigncode;signs it
package;openssl;makes a key for the test that signs
package;python3-yaml;reads the manifests for winget
release;debootstrap;makes the root of another release
release;util-linux;namespaces for this root
arm64;qemu-user-static|qemu-user;runs programs for arm64
coverage;gcovr;counts lines and branches that ran
dist;git;packs what is committed
format;clang-format;formats the C sources
fuzz;clang;libFuzzer
fuzz;libclang-rt-dev|libclang-common-14-dev;libFuzzer and sanitizers at run time
fuzz;llvm;readable stack traces
'

# Prints the packages of the given groups, without looking at what is installed; of alternatives the first.
packages_of() { # packages_of GROUP…
    local group names why groups=" $* "
    while IFS=';' read -r group names why; do
        if [[ -n $group && $groups == *" $group "* ]]; then printf '%s\n' "${names%%|*}"; fi
    done <<<"$PACKAGES" | sort -u
}

package_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Prints "package;reason" for each missing package of the given groups.
missing_packages() {
    local group names why name found groups=" $* "
    groups=${groups/ build / build agent }
    while IFS=';' read -r group names why; do
        [[ -n $group && $groups == *" $group "* ]] || continue
        found=
        for name in ${names//|/ }; do
            if package_installed "$name"; then found=1; fi
        done
        # Not every release has all the programs of others; without one its test is skipped.
        [ "$group" != clients ] || apt-cache show "${names%%|*}" >/dev/null 2>&1 || continue
        [ -n "$found" ] || printf '%s;%s\n' "${names%%|*}" "$why"
    done <<<"$PACKAGES" | sort -u -t ';' -k 1,1
}

# Servers that the tests start themselves must not become services of this machine, on its port 80 for
# one. invoke-rc.d(8) and systemd's maintainer scripts ask this file; one that is there is the owner's.
NO_SERVICES=/usr/sbin/policy-rc.d

apt_install() {
    local ours='' status=0
    if [ ! -e "$NO_SERVICES" ]; then
        ours=1
        printf '#!/bin/sh\nexit 101\n' >"$NO_SERVICES"
        chmod 755 "$NO_SERVICES"
    fi
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -y \
        --no-install-recommends install "$@" || status=$?
    if [ -n "$ours" ]; then rm -f "$NO_SERVICES"; fi
    return "$status"
}

# First with the present package lists, which works without a network if the cache has all packages,
# then with fresh lists.
install_packages() {
    apt_install "$@" || { apt-get update && apt_install "$@"; }
}

ensure_packages() { # ensure_packages GROUP…
    local missing names
    if ! command -v dpkg-query >/dev/null; then
        say 'This is not Debian or Ubuntu: nothing is installed; the tools must be in PATH.'
        return 0
    fi
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    names=$(cut -d ';' -f 1 <<<"$missing" | tr '\n' ' ')
    say 'These packages are missing:'
    awk -F ';' '{ printf "  %s  (%s)\n", $1, $2 }' <<<"$missing"
    if [ -n "${WSLBRIDGE_NO_INSTALL:-}" ] || [ "$(id -u)" -ne 0 ]; then
        die "install them with: sudo apt-get install ${names% }"
    fi
    # shellcheck disable=SC2086 # a list of names
    step 'installing packages' "$BUILD/logs/packages.log" install_packages $names ||
        die "the packages could not be installed; try: apt-get install ${names% }"
}
