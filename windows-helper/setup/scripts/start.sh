# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Enables and starts the agent, and waits until it is connected to the host. Arguments: the seconds to
# wait; and "look" to start nothing. Answers "enabled" and "ran" (as it was before), "changed", "active"
# and "connected" (yes or no), and "address". After "active" it only waits.
#
#   0 back ENABLED RAN     takes back a start: the answers of that start

wslbridge_say() {
    printf 'wslbridge-setup: %s=%s\n' "$1" "$2"
}

wslbridge_connected() {
    grep -q '"connected": *true' /run/wslbridge/status.json 2>/dev/null
}

wslbridge_wait() { # wslbridge_wait SECONDS MODE
    wslbridge_end=$(($(cut -d. -f1 /proc/uptime) + $1))
    until wslbridge_connected; do
        # It is not paired, and tries again only much later.
        if [ "$2" = look ] && grep -q '"state": *"refused"' /run/wslbridge/status.json; then
            return 1
        fi
        [ "$(cut -d. -f1 /proc/uptime)" -lt "$wslbridge_end" ] || return 1
        sleep 0.2 || sleep 1
    done
}

wslbridge_is() { # wslbridge_is enabled|active
    if systemctl "is-$1" --quiet wslbridge-agent </dev/null; then
        echo yes
    else
        echo no
    fi
}

wslbridge_back() { # wslbridge_back ENABLED RAN
    if [ "$1" = no ]; then
        systemctl disable --quiet wslbridge-agent || return
    fi
    [ "$2" = yes ] || systemctl stop wslbridge-agent
} </dev/null >&2

wslbridge_main() {
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    if [ "$2" = back ]; then
        wslbridge_back "$3" "$4"
        return
    fi
    wslbridge_enabled=$(wslbridge_is enabled)
    wslbridge_ran=$(wslbridge_is active)
    wslbridge_say enabled "$wslbridge_enabled"
    wslbridge_say ran "$wslbridge_ran"
    if [ "$wslbridge_enabled" = yes ] && { [ "$2" = look ] || [ "$wslbridge_ran" = yes ]; }; then
        # With "look", systemd may be about to start it, because the distro has just been started.
        wslbridge_say changed no
    elif [ "$2" = look ]; then
        wslbridge_say active no
        wslbridge_say connected no
        return 0
    elif systemctl enable --now wslbridge-agent </dev/null >&2; then
        wslbridge_say changed yes
    else
        wslbridge_say connected no
        wslbridge_say active no
        journalctl -u wslbridge-agent -n 10 --no-pager -o cat </dev/null
        wslbridge_back "$wslbridge_enabled" "$wslbridge_ran"
        return 1
    fi
    wslbridge_say active yes
    if wslbridge_wait "$1" "$2"; then
        wslbridge_say connected yes
    else
        wslbridge_say connected no
        [ "$2" = look ] || wslbridgectl doctor </dev/null
    fi
    wslbridge_say address "$(sed -n '/"ipv4": *{/,/}/s/^ *"address": *"\([^"]*\)".*/\1/p' \
        /run/wslbridge/status.json | head -n 1)"
}
