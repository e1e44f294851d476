# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Enables and starts the agent, and waits until it is connected to the host. Arguments: the seconds to
# wait; and "look" to start nothing. Answers "enabled" and "ran" (as it was before), "changed", "active"
# and "connected" (yes or no), and "address". After "active" it only waits.
#
#   0 back ENABLED RAN     takes back a start: the answers of that start

wb_say() {
    printf 'wslbridge-setup: %s=%s\n' "$1" "$2"
}

wb_connected() {
    grep -q '"connected": *true' /run/wslbridge/status.json 2>/dev/null
}

wb_wait() { # wb_wait SECONDS MODE
    wb_end=$(($(cut -d. -f1 /proc/uptime) + $1))
    until wb_connected; do
        # It is not paired, and tries again only much later.
        if [ "$2" = look ] && grep -q '"state": *"refused"' /run/wslbridge/status.json; then
            return 1
        fi
        [ "$(cut -d. -f1 /proc/uptime)" -lt "$wb_end" ] || return 1
        sleep 0.2 || sleep 1
    done
}

wb_is() { # wb_is enabled|active
    if systemctl "is-$1" --quiet wslbridge-agent </dev/null; then
        echo yes
    else
        echo no
    fi
}

wb_back() { # wb_back ENABLED RAN
    if [ "$1" = no ]; then
        systemctl disable --quiet wslbridge-agent || return
    fi
    [ "$2" = yes ] || systemctl stop wslbridge-agent
} </dev/null >&2

wb_main() {
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    if [ "$2" = back ]; then
        wb_back "$3" "$4"
        return
    fi
    wb_enabled=$(wb_is enabled)
    wb_ran=$(wb_is active)
    wb_say enabled "$wb_enabled"
    wb_say ran "$wb_ran"
    if [ "$wb_enabled" = yes ] && { [ "$2" = look ] || [ "$wb_ran" = yes ]; }; then
        # With "look", systemd may be about to start it, because the distro has just been started.
        wb_say changed no
    elif [ "$2" = look ]; then
        wb_say active no
        wb_say connected no
        return 0
    elif systemctl enable --now wslbridge-agent </dev/null >&2; then
        wb_say changed yes
    else
        wb_say connected no
        wb_say active no
        journalctl -u wslbridge-agent -n 10 --no-pager -o cat </dev/null
        wb_back "$wb_enabled" "$wb_ran"
        return 1
    fi
    wb_say active yes
    if wb_wait "$1" "$2"; then
        wb_say connected yes
    else
        wb_say connected no
        [ "$2" = look ] || wslbridgectl doctor </dev/null
    fi
    wb_say address "$(sed -n '/"ipv4": *{/,/}/s/^ *"address": *"\([^"]*\)".*/\1/p' \
        /run/wslbridge/status.json | head -n 1)"
}
