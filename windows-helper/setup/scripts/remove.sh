# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Takes the agent out of the distro. Arguments: "purge" to take the configuration and the key, too, or
# "keep"; and "look" to change nothing. Answers "result": none, would, done, files (there is no
# package, and files of an installation by hand), or failed (then the agent runs as before).

wslbridge_say() {
    printf 'wslbridge-setup: %s=%s\n' "$1" "$2"
}

wslbridge_status() {
    # shellcheck disable=SC2016 # dpkg's own variable
    dpkg-query -W -f '${db:Status-Status}\n' wslbridge </dev/null 2>/dev/null
}

wslbridge_remove() { # wslbridge_remove HOW
    systemctl disable --now wslbridge-agent </dev/null >&2
    case $1 in
    purge) DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 purge wslbridge ;;
    *) DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 remove wslbridge ;;
    esac </dev/null >&2
}

wslbridge_is() { # wslbridge_is enabled|active
    systemctl "is-$1" --quiet wslbridge-agent </dev/null 2>/dev/null && echo yes
}

wslbridge_take_back() {
    [ "$(wslbridge_status)" = installed ] || return 0
    [ -z "$wslbridge_enabled" ] || systemctl enable --quiet wslbridge-agent
    [ -z "$wslbridge_active" ] || systemctl start wslbridge-agent
} </dev/null >&2

wslbridge_main() {
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    wslbridge_before=$(wslbridge_status)
    case $wslbridge_before/$1 in
    '/'* | not-installed/* | config-files/keep)
        if command -v wslbridgectl >/dev/null; then
            wslbridge_say result files
        else
            wslbridge_say result none
        fi
        return 0
        ;;
    esac
    wslbridge_enabled=$(wslbridge_is enabled)
    wslbridge_active=$(wslbridge_is active)
    if [ "$2" = look ]; then
        wslbridge_say result would
    elif wslbridge_remove "$1"; then
        wslbridge_say result 'done'
    else
        wslbridge_take_back
        wslbridge_say result failed
        return 1
    fi
}
