# SPDX-License-Identifier: MIT
"""Nothing goes in a circle: not the table of docs/architecture.md, nor folders or headers by what they
include, nor units by what they call."""
import layers
from sources import describe
from test_layers import ROWS, SOURCES


def test_no_circle():
    assert not (text := describe(layers.circle_problems(ROWS, SOURCES))), text


def test_enough_calls_are_seen():
    """If calls went unseen, circles would, too."""
    callers = {"agent/network/netwatch.c": "netdump_new", "agent/channel/key.c": "session_wipe",
               "windows-helper/core/controller/settle.c": "reconcile"}
    for path, name in callers.items():
        assert name in SOURCES.calls(path)
    assert {n for _, n, _, _, _ in SOURCES.functions} >= set(callers.values())
