# SPDX-License-Identifier: MIT
"""Nothing goes in a circle: not the table of docs/architecture.md, nor folders or headers by what they
include, nor units by what they call."""
import known
import layers
from test_layers import ROWS, SOURCES

KNOWN = {
    "circle: windows-helper/core/controller windows-helper/core/rules",
    "circle: windows-helper/core/controller/checks windows-helper/core/controller/connection "
    "windows-helper/core/controller/controller windows-helper/core/controller/identity "
    "windows-helper/core/controller/settle",
}


def test_no_circle():
    assert not (text := known.compare(layers.circle_problems(ROWS, SOURCES), KNOWN)), text


def test_enough_calls_are_seen():
    """Circles would go unseen with the calls."""
    callers = {"agent/network/netwatch.c": "netdump_new", "agent/channel/key.c": "session_wipe",
               "windows-helper/core/controller/settle.c": "reconcile"}
    for path, name in callers.items():
        assert name in SOURCES.calls(path)
    assert {n for _, n, _, _, _ in SOURCES.functions} >= set(callers.values())
