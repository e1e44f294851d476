# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# One run of ./dev has a folder for everything temporary. It is named after the process, so that a
# later run recognizes what a dead one has left. All processes inherit WSLBRIDGE_RUN in their
# environment, by which tests/lib/janitor.py finds them, Wine's servers included.

RUN_OWNER=
WITHIN=

begin_run() {
    local start
    WITHIN=${WSLBRIDGE_RUN:-} # the run that this one is a part of
    # The 22nd field of stat is the start time. A process id alone may be used again one day.
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
    # End the foreground program first: it would only complain while its processes end.
    [ -z "$ATTENDED" ] || { kill -KILL "$ATTENDED" && wait "$ATTENDED"; } 2>/dev/null || true
    "$PYTHON" "$TOP/tests/lib/janitor.py" end "$WSLBRIDGE_RUN" || true
    # After a build under sudo, the files belong to the user who ran it. Within another run they may be in
    # use: Wine wants to own its prefix.
    if [ -z "$WITHIN" ] && [ -n "${SUDO_UID:-}" ] && [ "$(id -u)" -eq 0 ] && [ -d "$BUILD" ]; then
        chown -hR "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$BUILD" || true
    fi
    exit "$status"
}
