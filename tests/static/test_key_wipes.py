# SPDX-License-Identifier: MIT
"""Keys are wiped after use: every variable that holds a key, as bytes or as digits, is wiped before its
function returns. The unit tests test-wipe.c and test-key-wipe.c look for keys in memory; this one
also finds the variables of the Windows half."""
import re

import pytest
import tree

HOLDS = re.compile(r"\b(\w+)\[[^\];]*(?:WIRE_KEY_SIZE|KEY_FILE_MAX)[^\];]*\]")
WIPES = r"(?:session_wipe|SecureZeroMemory)\("
NO_KEY = ("agent/ctl/pair.c", "await_host")  # a word of the host, in as much room
# Keys that outlive a function: where they are, and the functions that wipe them.
MEMBERS = {
    "agent/channel/channel.c": ["channel_free", "channel_configure"],
    "protocol/session/session-agent.c": ["forget_handshake"],
    "protocol/session/session-helper.c": ["forget_handshake"],
    "windows-helper/vm/pair-keys.c": ["pair_keys_done"],  # the old key
    "windows-helper/win/registry.c": ["registry_enum_done"],  # the data of any value
}
MEMBER_WIPED = re.compile(WIPES + r"\w+(?:->|\.)\w+, (?:sizeof\(\w+(?:->|\.)\w+\)|\w+->data_size)\)")


def programs():
    return [f for f in tree.matching("*.c")
            if f.startswith(("agent/", "protocol/", "windows-helper/"))]


def functions(text):
    """{name: body} of a file in our style: a body ends at the first brace in the first column."""
    return {m[1]: m[2] for m in re.finditer(r"^(?:\w[^\n;]*?)?\b(\w+)\([^;{}]*\) \{\n(.*?)^\}", text,
                                            re.MULTILINE | re.DOTALL)}


def mistakes(body):
    """What is wrong with the variables for keys in a function."""
    found = []
    for declared in HOLDS.finditer(body):
        name, used, wiped = declared[1], False, False
        if "const" in body[body.rfind("\n", 0, declared.start()):declared.start()]:
            continue
        rest = body[declared.end():]
        rest = rest[rest.index(";"):]
        for statement in re.split(r"[;{}]", rest):
            if re.search(WIPES + rf"{name}, sizeof\({name}\)\)", statement):
                wiped, used = True, False
            elif re.search(r"\breturn\b", statement) and used:
                found.append(f"a return before '{name}' is wiped")
            elif re.search(rf"\b{name}\b", statement):
                used = True
        if used or not wiped:
            found.append(f"'{name}' is not wiped")
    return found


def test_variables():
    found = [f"{path}: {name}(): {m}" for path in programs()
             for name, body in functions(tree.read(path)).items() for m in mistakes(body)
             if (path, name) != NO_KEY]
    assert not found
    n = sum(bool(HOLDS.search(body)) for path in programs()
            for body in functions(tree.read(path)).values())
    assert n >= 9, "the variables were not found"


def test_members():
    found = {}
    for path in programs():
        for name, body in functions(tree.read(path)).items():
            if MEMBER_WIPED.search(body):
                found.setdefault(path, []).append(name)
    assert {p: sorted(n) for p, n in found.items()} == {p: sorted(n) for p, n in MEMBERS.items()}


GOOD = """        uint8_t key[WIRE_KEY_SIZE];

        if (!may)
                return -1;
        r = fill(key);
        session_wipe(key, sizeof(key));
        return r;
"""


@pytest.mark.parametrize("old, new", [
    ("        session_wipe(key, sizeof(key));\n", ""),
    ("        session_wipe(key, sizeof(key));\n", "        session_wipe(key, 4);\n"),
    ("        session_wipe(", "        if (r < 0)\n                return r;\n        session_wipe("),
    ("        return r;", "        fill(key);\n        return r;")])
def test_what_is_found(old, new):
    assert mistakes(GOOD) == []
    assert old in GOOD and mistakes(GOOD.replace(old, new))
