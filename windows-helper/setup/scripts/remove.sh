# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Takes the agent out of the distro. Arguments: "purge" to take the configuration and the key, too, or
# "keep"; and "look" to change nothing. Answers "result": none, would, done, files (there is no
# package, and files of an installation by hand), or failed (then the agent runs as before).

wb_say() {
    printf 'wslbridge-setup: %s=%s\n' "$1" "$2"
}

wb_status() {
    # shellcheck disable=SC2016 # dpkg's own variable
    dpkg-query -W -f '${db:Status-Status}\n' wslbridge </dev/null 2>/dev/null
}

wb_remove() { # wb_remove HOW
    systemctl disable --now wslbridge-agent </dev/null >&2
    case $1 in
    purge) DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 purge wslbridge ;;
    *) DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 remove wslbridge ;;
    esac </dev/null >&2
}

wb_is() { # wb_is enabled|active
    systemctl "is-$1" --quiet wslbridge-agent </dev/null 2>/dev/null && echo yes
}

wb_take_back() {
    [ "$(wb_status)" = installed ] || return 0
    [ -z "$wb_enabled" ] || systemctl enable --quiet wslbridge-agent
    [ -z "$wb_active" ] || systemctl start wslbridge-agent
} </dev/null >&2

wb_main() {
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    wb_before=$(wb_status)
    case $wb_before/$1 in
    '/'* | not-installed/* | config-files/keep)
        if command -v wslbridgectl >/dev/null; then
            wb_say result files
        else
            wb_say result none
        fi
        return 0
        ;;
    esac
    wb_enabled=$(wb_is enabled)
    wb_active=$(wb_is active)
    if [ "$2" = look ]; then
        wb_say result would
    elif wb_remove "$1"; then
        wb_say result 'done'
    else
        wb_take_back
        wb_say result failed
        return 1
    fi
}
