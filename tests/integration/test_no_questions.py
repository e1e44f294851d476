# SPDX-License-Identifier: MIT
"""wslbridgectl never asks a question. If it did, it would read what was typed before."""
import re

from guest import wait_until

KEY = "5a" * 32
TYPED = "n\nsomething else\n"
# In this order, and each at least once. 'pair' reads one line, the key, and no more.
RUNS = (("list",), ("status",), ("check",), ("doctor",), ("reload",), ("expose", "9000"),
        ("expose", "9001", "--name=port-9000"),  # replaces a file
        ("expose", "9000", "--name=web"),        # would replace one that was made by hand
        ("expose", "9002", "--name=web", "--force"),
        ("wait",), ("wait", "nobody", "--timeout=0.1"), ("unexpose", "port-9000"), ("unexpose", "nobody"),
        ("unexpose", "web"), ("setup",), ("pair",))


def test_every_command_is_run_here(control):
    known = re.findall(r"^  ([a-z]+)(?: .*)?  +[A-Z]", control.run("--help")[1], re.MULTILINE)
    assert len(known) > 8 and set(known) == {run[0] for run in RUNS}


def test_no_command_asks(up):
    """On a terminal, where a program would ask if it ever did."""
    guest, host, control = up
    guest.service("web", "listen = 8080")
    guest.wait_state("web", "active")
    for run in RUNS:
        typed = KEY + "\n" + TYPED if run[0] == "pair" else TYPED
        assert control.typed_ahead(typed, *run)[1] == TYPED, run
    wait_until(lambda: guest.status()["helper"]["error"], "the new key")  # 'pair' has done its work
