# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Installs the package that follows as wb_payload. Arguments: its version, its SHA-256, and
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

wb_say() {
    printf 'wslbridge-setup: %s=%s\n' "$1" "$2"
}

wb_installed() {
    # shellcheck disable=SC2016 # dpkg's own variables
    dpkg-query -W -f '${db:Status-Status} ${Version}\n' "${1:-wslbridge}" </dev/null 2>/dev/null |
        sed -n 's/^installed //p'
}

wb_holder() { # the name of the process that has locked FILE
    wb_inode=$(stat -c %i "$1" 2>/dev/null) || return 0
    wb_pid=$(sed -n "s/^.* WRITE \\([0-9]*\\) [0-9a-f:]*:$wb_inode .*/\\1/p" /proc/locks |
        head -n 1)
    [ -z "$wb_pid" ] || cat "/proc/$wb_pid/comm" 2>/dev/null || echo "$wb_pid"
}

wb_locked_by() {
    wb_holder /var/lib/dpkg/lock-frontend
}

wb_lists_locked_by() {
    wb_holder /var/lib/apt/lists/lock
}

wb_little_space() { # whether a disk has less than 8 MiB
    df -Pk /usr /var "$1" </dev/null 2>/dev/null | awk 'NR > 1 && $4 < 8192 { exit 1 }' && return 1
    return 0
}

wb_missing() { # packages that FILE depends on and that are not installed, or are too old
    dpkg-deb -f "$1" Depends Pre-Depends </dev/null | sed 's/^[A-Za-z-]*://' | tr ',' '\n' |
        sed 's/|.*//; s/:any//; s/[()]/ /g' | while read -r wb_name wb_is wb_bound; do
        [ -n "$wb_name" ] || continue
        wb_has=$(wb_installed "$wb_name")
        [ -n "$wb_has" ] && { [ -z "$wb_bound" ] ||
            dpkg --compare-versions "$wb_has" "$wb_is" "$wb_bound"; } ||
            printf '%s ' "$wb_name"
    done
}

wb_apt() {
    # C, because what it says is shown beside our own text, and a file that apt's own user cannot
    # read is no reason for a warning.
    DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -y -o DPkg::Lock::Timeout=120 \
        -o APT::Sandbox::User=root -o Acquire::Retries=1 -o Acquire::http::Timeout=20 \
        -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold --no-install-recommends "$@" </dev/null
}

wb_is_same() { # whether what is installed is this build of FILE
    for wb_part in md5sums postinst prerm postrm; do
        [ "$(dpkg-deb -I "$1" "$wb_part" 2>/dev/null)" = \
            "$(dpkg-query --control-show wslbridge "$wb_part" 2>/dev/null)" ] || return 1
    done
} </dev/null

wb_put() { # install FILE; the answer is what came of it
    wb_apt install ${wb_again:+--reinstall} "$1" >&2 && return 0
    [ -z "$(wb_locked_by)" ] || return 1
    # A new distro has no lists of packages yet, or fetches them just now. Their lock has no time-out.
    wb_n=0
    while [ -n "$(wb_lists_locked_by)" ] && [ "$wb_n" -lt 60 ]; do
        sleep 2
        wb_n=$((wb_n + 1))
    done
    wb_apt update >&2
    wb_apt install ${wb_again:+--reinstall} "$1" >&2 && return 0
    [ -z "$(wb_missing "$1")" ] && DEBIAN_FRONTEND=noninteractive dpkg -i "$1" </dev/null >&2
}

wb_restart() { # an image of Docker has a policy-rc.d that lets no package restart its service
    case $(readlink "/proc/$(systemctl show -P MainPID wslbridge-agent)/exe") in
    *' (deleted)') systemctl try-restart wslbridge-agent ;;
    esac
} </dev/null >&2

wb_why() { # why FILE was not installed, with FOLDER of the package
    wb_by=$(wb_locked_by)$(wb_lists_locked_by)
    if [ -n "$wb_by" ]; then
        wb_say by "$wb_by"
        wb_say result locked
    elif wb_little_space "$2"; then
        wb_say result space
    elif [ -n "$(wb_missing "$1")" ]; then
        wb_say packages "$(wb_missing "$1")"
        wb_say result missing
    else
        wb_say result failed
    fi
}

# A first installation that failed half way is taken back. An update that failed is left to dpkg, which
# has kept the old files. What came with it is completed.
wb_take_back() {
    case $wb_before/$wb_known in
    /) dpkg --purge --force-remove-reinstreq wslbridge </dev/null ;;
    /*) dpkg --remove --force-remove-reinstreq wslbridge </dev/null ;;
    esac
    dpkg --configure -a </dev/null
}

wb_install() { # wb_install VERSION SHA256 FOLDER look|install
    if ! wb_payload | base64 -d >"$3/wslbridge.deb"; then
        wb_say result space
        return 1
    fi
    if ! echo "$2  $3/wslbridge.deb" | sha256sum -c >/dev/null 2>&1; then
        if wb_little_space "$3"; then
            wb_say result space
        else
            wb_say result damaged
        fi
        return 1
    fi
    if [ -n "$wb_again" ] && wb_is_same "$3/wslbridge.deb"; then
        [ "$4" = look ] || wb_restart # after an update by hand
        wb_say result same
        return 0
    fi
    if [ "$4" = look ]; then
        wb_say result would
        return 0
    fi
    if wb_put "$3/wslbridge.deb" && [ "$(wb_installed)" = "$1" ]; then
        wb_restart
        wb_say result 'done'
        return 0
    fi
    [ -n "$(wb_locked_by)" ] || wb_take_back >&2
    wb_why "$3/wslbridge.deb" "$3"
    return 1
}

wb_main() {
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    umask 022
    wb_before=$(wb_installed)
    # Not empty, too, when it was removed and its configuration was kept.
    wb_known=$(dpkg-query -W -f x wslbridge </dev/null 2>/dev/null)
    wb_say version "$wb_before"
    wb_again=
    [ "$wb_before" != "$1" ] || wb_again=yes
    if [ -n "$wb_before" ] && dpkg --compare-versions "$wb_before" gt "$1"; then
        wb_say result newer
    elif [ "$3" = look ] && [ -z "$wb_again" ]; then
        wb_say result would
    else
        wb_folder=$(mktemp -d /var/tmp/wslbridge.XXXXXX) || {
            wb_say result space
            return 1
        }
        trap 'rm -rf "$wb_folder"' EXIT
        trap 'exit 1' HUP INT TERM
        wb_install "$1" "$2" "$wb_folder" "$3"
    fi
}
