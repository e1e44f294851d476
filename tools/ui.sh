# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The output of ./dev: plain lines, and on a terminal the elapsed seconds of a running step.

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    BOLD=$'\e[1m' RED=$'\e[31m' GREEN=$'\e[32m' PLAIN=$'\e[0m'
else
    BOLD='' RED='' GREEN='' PLAIN=''
fi
TICKER=
ATTENDED=

say() { printf '%s\n' "$*"; }

die() {
    printf '%s%s%s\n' "$RED" "wslbridge: $*" "$PLAIN" >&2
    exit 1
}

# Waits for a command in such a way that a signal to us interrupts the wait at once. A background
# command of bash ignores Ctrl-C; the traps of run.sh end it.
attend() {
    local status=0
    "$@" &
    ATTENDED=$!
    wait "$ATTENDED" || status=$?
    ATTENDED=
    return "$status"
}

ticker_start() { # ticker_start TEXT
    TICKER=
    if [ ! -t 1 ]; then
        say "  .. $1"
        return
    fi
    (
        trap 'exit 0' TERM
        while :; do
            printf '\r\e[K  %s %s%d s%s' "$1" "$BOLD" "$SECONDS" "$PLAIN"
            sleep 1
        done
    ) &
    TICKER=$!
}

ticker_stop() {
    [ -n "$TICKER" ] || return 0
    kill "$TICKER" 2>/dev/null || true
    wait "$TICKER" 2>/dev/null || true
    TICKER=
    printf '\r\e[K'
}

# step TEXT LOG COMMAND…: runs a command with its output in a log, whose end is shown on failure.
step() {
    local text=$1 log=$2 begin=$SECONDS status=0
    shift 2
    mkdir -p "$(dirname "$log")"
    SECONDS=0
    ticker_start "$text"
    attend "$@" >"$log" 2>&1 || status=$?
    ticker_stop
    local took=$SECONDS
    SECONDS=$((begin + took))
    if [ "$status" -eq 0 ]; then
        say "  ${GREEN}ok${PLAIN} $text ($took s)"
        return 0
    fi
    say "  ${RED}FAILED${PLAIN} $text; the end of $log:"
    tail -n 40 "$log" | sed 's/^/    /'
    return "$status"
}
