# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# One run of ./dev: a folder of its own for everything temporary, named by the process so that a
# later run can tell what a dead one left. Whatever is started below inherits WSLBRIDGE_RUN in its
# environment; that is how tests/lib/janitor.py finds it again, Wine's servers included.

RUN_OWNER=

begin_run() {
    local start
    # The 22nd field of stat is the start time: a process id alone comes back one day.
    start=$(sed 's/^.*) //' "/proc/$$/stat" | cut -d ' ' -f 20)
    export WSLBRIDGE_RUN=$BUILD/run/$$-$start
    mkdir -p "$WSLBRIDGE_RUN"
    RUN_OWNER=$$
    trap end_run EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    "$PYTHON" "$TOP/tests/lib/janitor.py" stale "$BUILD/run"
}

end_run() {
    local status=$?
    trap '' INT TERM HUP
    trap - EXIT
    ticker_stop
    [ "$RUN_OWNER" = "$BASHPID" ] || exit "$status"
    # The program in front first: it would only complain while its own processes go.
    [ -z "$ATTENDED" ] || { kill -KILL "$ATTENDED" && wait "$ATTENDED"; } 2>/dev/null || true
    "$PYTHON" "$TOP/tests/lib/janitor.py" end "$WSLBRIDGE_RUN" || true
    # Built under sudo: what stays belongs to the person who typed it.
    if [ -n "${SUDO_UID:-}" ] && [ "$(id -u)" -eq 0 ] && [ -d "$BUILD" ]; then
        chown -hR "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$BUILD" || true
    fi
    exit "$status"
}
