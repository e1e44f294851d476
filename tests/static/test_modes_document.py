# SPDX-License-Identifier: MIT
"""The table of networking modes in docs/windows.md says what the code does: it is compared with the table
of tests/unit/windows-helper/controller/test-modes.c, which runs the code."""
import re

import tree

# The beginning of a row of the page, and the modes of the unit test that it is about.
ROWS = {
    "`nat`, and plain Hyper-V on the Default Switch": ["172.20.0.2", "unknown 172.20.0.2 via 172.20.0.1"],
    "plain Hyper-V on an external switch": ["unknown 192.168.1.7 via 192.168.1.1"],
    "plain Hyper-V on a network that the host is not on": ["unknown 10.7.7.7 via 10.7.0.1"],
    "`mirrored`": ["mirrored"],
    "`virtioproxy`": ["virtioproxy"],
    "`bridged`": ["bridged"],
    "`none`": ["none"],
}
OF_NO_MODE = {"", "127.0.0.1"}  # addresses that no guest can have
DOES = {(True, True): "a port forwarding and a firewall rule", (False, True): "the firewall rule only",
        (False, False): "nothing"}


def in_code():
    """{mode: (what the helper does, the service's state)} of the unit test."""
    code = tree.read("tests/unit/windows-helper/controller/test-modes.c")
    forwarded = re.search(r"#define FORWARDED(.*?)\n\n", code, re.DOTALL)[1].replace("\\", "")
    table = re.search(r"} modes\[\] = {(.*?)\n};", code, re.DOTALL)[1].replace("FORWARDED", forwarded)
    found = {}
    for mode, result, rules, firewall in re.findall(
            r'{"([^"]*)",\s+"web ([^"]*)",\s+"[^"]*",\s+"([^"]*)",\s+(?:\w+|(?:"[^"]*"(?: \w+ )?)+),\s+"([^"]*)"', table):
        state, *more = result.split()
        found[mode] = DOES[bool(rules), bool(firewall)], f"`{state}`" + (", direct" if "direct" in more else "")
    return found


def documented():
    """[(mode, what the helper does, a service's state)] of the page."""
    page = tree.read("docs/windows.md")
    table = re.search(r"\| mode \| what the helper does \|.*?\n\n", page, re.DOTALL)[0]
    return [tuple(line.strip("| ").split(" | ")) for line in table.strip().split("\n")[2:]]


def test_the_table_of_modes():
    code, page = in_code(), documented()
    assert len(page) == len(ROWS)
    for mode, does, state in page:
        for one in next(modes for begin, modes in ROWS.items() if mode.startswith(begin)):
            assert (re.split(r"[;,]", does)[0], state) == code[one], mode


def test_it_has_every_mode():
    assert set(in_code()) - OF_NO_MODE == {mode for modes in ROWS.values() for mode in modes}
    names = set(re.findall(r'case WIRE_MODE_\w+:\s+return "(\w+)"', tree.read("protocol/wire/names.c")))
    assert len(names) > 5
    for name in names - {"unknown"}:  # as which plain Hyper-V counts
        assert any(row.startswith(f"`{name}`") for row in ROWS), name
