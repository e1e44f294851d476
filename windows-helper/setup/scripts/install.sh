# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Installs the package that follows as wslbridge_payload. Arguments: its version, its SHA-256, and
# "look" to change nothing. Answers "result":
#   same, newer        nothing is to do; "version" is what is installed. Another build of the same
#                      version is not the same
#   would              with "look": it would be installed
#   done
#   space, damaged     it did not arrive; nothing was installed
#   locked             another program installs packages; "by" is its name
#   missing            packages that it needs are not installed and cannot be fetched: "packages"
#   failed             apt-get has said why
# After the last five, what was installed before is still installed.

wslbridge_say() {
    printf 'wslbridge-setup: %s=%s\n' "$1" "$2"
}

wslbridge_installed() {
    # shellcheck disable=SC2016 # dpkg's own variables
    dpkg-query -W -f '${db:Status-Status} ${Version}\n' "${1:-wslbridge}" </dev/null 2>/dev/null |
        sed -n 's/^installed //p'
}

wslbridge_holder() { # the name of the process that has locked FILE
    wslbridge_inode=$(stat -c %i "$1" 2>/dev/null) || return 0
    wslbridge_pid=$(sed -n "s/^.* WRITE \\([0-9]*\\) [0-9a-f:]*:$wslbridge_inode .*/\\1/p" /proc/locks |
        head -n 1)
    [ -z "$wslbridge_pid" ] || cat "/proc/$wslbridge_pid/comm" 2>/dev/null || echo "$wslbridge_pid"
}

wslbridge_locked_by() {
    wslbridge_holder /var/lib/dpkg/lock-frontend
}

wslbridge_lists_locked_by() {
    wslbridge_holder /var/lib/apt/lists/lock
}

wslbridge_little_space() { # whether a disk has less than 8 MiB
    df -Pk /usr /var "$1" </dev/null 2>/dev/null | awk 'NR > 1 && $4 < 8192 { exit 1 }' && return 1
    return 0
}

wslbridge_missing() { # packages that FILE depends on and that are not installed, or are too old
    dpkg-deb -f "$1" Depends Pre-Depends </dev/null | sed 's/^[A-Za-z-]*://' | tr ',' '\n' |
        sed 's/|.*//; s/:any//; s/[()]/ /g' | while read -r wslbridge_name wslbridge_is wslbridge_bound; do
        [ -n "$wslbridge_name" ] || continue
        wslbridge_has=$(wslbridge_installed "$wslbridge_name")
        [ -n "$wslbridge_has" ] && { [ -z "$wslbridge_bound" ] ||
            dpkg --compare-versions "$wslbridge_has" "$wslbridge_is" "$wslbridge_bound"; } ||
            printf '%s ' "$wslbridge_name"
    done
}

wslbridge_apt() {
    # C, because what it says is shown beside our own text, and a file that apt's own user cannot
    # read is no reason for a warning.
    DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -y -o DPkg::Lock::Timeout=120 \
        -o APT::Sandbox::User=root -o Acquire::Retries=1 -o Acquire::http::Timeout=20 \
        -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold --no-install-recommends "$@" </dev/null
}

wslbridge_is_same() { # whether what is installed is this build of FILE
    for wslbridge_part in md5sums postinst prerm postrm; do
        [ "$(dpkg-deb -I "$1" "$wslbridge_part" 2>/dev/null)" = \
            "$(dpkg-query --control-show wslbridge "$wslbridge_part" 2>/dev/null)" ] || return 1
    done
} </dev/null

wslbridge_put() { # install FILE; the answer is what came of it
    wslbridge_apt install ${wslbridge_again:+--reinstall} "$1" >&2 && return 0
    [ -z "$(wslbridge_locked_by)" ] || return 1
    # A new distro has no lists of packages yet, or fetches them just now. Their lock has no time-out.
    wslbridge_n=0
    while [ -n "$(wslbridge_lists_locked_by)" ] && [ "$wslbridge_n" -lt 60 ]; do
        sleep 2
        wslbridge_n=$((wslbridge_n + 1))
    done
    wslbridge_apt update >&2
    wslbridge_apt install ${wslbridge_again:+--reinstall} "$1" >&2 && return 0
    [ -z "$(wslbridge_missing "$1")" ] && DEBIAN_FRONTEND=noninteractive dpkg -i "$1" </dev/null >&2
}

wslbridge_why() { # why FILE was not installed, with FOLDER of the package
    wslbridge_by=$(wslbridge_locked_by)$(wslbridge_lists_locked_by)
    if [ -n "$wslbridge_by" ]; then
        wslbridge_say by "$wslbridge_by"
        wslbridge_say result locked
    elif wslbridge_little_space "$2"; then
        wslbridge_say result space
    elif [ -n "$(wslbridge_missing "$1")" ]; then
        wslbridge_say packages "$(wslbridge_missing "$1")"
        wslbridge_say result missing
    else
        wslbridge_say result failed
    fi
}

# A first installation that failed half way is taken back. An update that failed is left to dpkg, which
# has kept the old files. What came with it is completed.
wslbridge_take_back() {
    case $wslbridge_before/$wslbridge_known in
    /) dpkg --purge --force-remove-reinstreq wslbridge </dev/null ;;
    /*) dpkg --remove --force-remove-reinstreq wslbridge </dev/null ;;
    esac
    dpkg --configure -a </dev/null
}

wslbridge_install() { # wslbridge_install VERSION SHA256 FOLDER look|install
    if ! wslbridge_payload | base64 -d >"$3/wslbridge.deb"; then
        wslbridge_say result space
        return 1
    fi
    if ! echo "$2  $3/wslbridge.deb" | sha256sum -c >/dev/null 2>&1; then
        if wslbridge_little_space "$3"; then
            wslbridge_say result space
        else
            wslbridge_say result damaged
        fi
        return 1
    fi
    if [ -n "$wslbridge_again" ] && wslbridge_is_same "$3/wslbridge.deb"; then
        wslbridge_say result same
        return 0
    fi
    if [ "$4" = look ]; then
        wslbridge_say result would
        return 0
    fi
    if wslbridge_put "$3/wslbridge.deb" && [ "$(wslbridge_installed)" = "$1" ]; then
        wslbridge_say result 'done'
        return 0
    fi
    [ -n "$(wslbridge_locked_by)" ] || wslbridge_take_back >&2
    wslbridge_why "$3/wslbridge.deb" "$3"
    return 1
}

wslbridge_main() {
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    umask 022
    wslbridge_before=$(wslbridge_installed)
    # Not empty, too, when it was removed and its configuration was kept.
    wslbridge_known=$(dpkg-query -W -f x wslbridge </dev/null 2>/dev/null)
    wslbridge_say version "$wslbridge_before"
    wslbridge_again=
    [ "$wslbridge_before" != "$1" ] || wslbridge_again=yes
    if [ -n "$wslbridge_before" ] && dpkg --compare-versions "$wslbridge_before" gt "$1"; then
        wslbridge_say result newer
    elif [ "$3" = look ] && [ -z "$wslbridge_again" ]; then
        wslbridge_say result would
    else
        wslbridge_folder=$(mktemp -d /var/tmp/wslbridge.XXXXXX) || {
            wslbridge_say result space
            return 1
        }
        trap 'rm -rf "$wslbridge_folder"' EXIT
        trap 'exit 1' HUP INT TERM
        wslbridge_install "$1" "$2" "$wslbridge_folder" "$3"
    fi
}
