# SPDX-License-Identifier: MIT
"""Each function that reads text or bytes from outside has a fuzz target: one calls it, or what calls it. And each
target has its line in meson.build, its file, and inputs with names."""
import os
import re

import tree

FOLDER = "tests/fuzz"
PARSER = re.compile(r"^[A-Za-z][\w *]*?\b((?:\w+_)?(?:parse|decode|read)(?:_\w+)?)\(", re.MULTILINE)
NAME = re.compile(r"[0-9a-f]{40}")  # of an input that libFuzzer has found

# Reached through another function, which a target calls.
THROUGH = {
    "config_parse_listen": "service_file_parse",
    "config_parse_ports": "service_file_parse",
    "config_parse_prefix": "service_file_parse",
    "config_parse_number": "service_file_parse",
    "firewall_prefix_read": "firewall_remote_read",
    "ini_read": "service_file_parse",
    "loopback_host_parse": "loopback_table_parse",
    "loopback_parse_number": "loopback_table_parse",
    "wire_reach_parse": "view_header",
}
# Parse nothing from outside, each for a reason.
NOT_FROM_OUTSIDE = {
    "root_option_parse": "the command line of whoever starts the program",
    "socket_parse": "an address from the kernel",
    "channel_read": "hands bytes to the session",
    "config_file_read": "hands bytes to the parsers of the configuration",
    "ctl_agent_has_read": "compares numbers",
    "ctl_agent_read": "hands bytes to report_parse()",
    "dump_socket_read": "asks the kernel",
    "flow_read": "carries bytes from socket to socket",
    "guest_ports_read": "asks the kernel",
    "netdump_read": "asks the kernel",
    "rule_view_read": "hands values to rule_table_add()",
    "small_file_read": "hands bytes on",
    "read_all": "hands bytes on",
    "read_until": "hands bytes on",
}


def parsers():
    """{name: header} of those in both halves that have no Windows in them."""
    return {name: f for f in tree.FILES if f.endswith(".h") and
            f.startswith(("agent/", "windows-helper/core/", "protocol/", "common/"))
            for name in PARSER.findall(tree.read(f))}


def targets():
    return set(re.findall(r"^        '([\w-]+)': \[files\('fuzz-", tree.read(f"{FOLDER}/meson.build"), re.MULTILINE))


def called():
    """All words of the targets, and of what recodes frames for them."""
    return set(re.findall(r"\w+", " ".join(tree.read(f) for f in tree.FILES if f.endswith(".c") and
                                           (f.startswith(FOLDER) or f == "tests/wire/recode.c"))))


def without_target(names, words):
    return sorted(n for n in names if n not in words and THROUGH.get(n) not in words and n not in NOT_FROM_OUTSIDE)


def test_each_parser_has_a_target():
    found = parsers()
    missing = {n: found[n] for n in without_target(found, called())}
    assert len(found) > 40 and not missing, \
        f"no target in {FOLDER} calls {missing}; write one, or say in {os.path.basename(__file__)} why none is needed"


def test_no_excuse_is_left_over():
    found, words = parsers(), called()
    left = [n for n in [*THROUGH, *NOT_FROM_OUTSIDE] if n not in found or n in words]
    assert not left, left
    assert [n for n in THROUGH.values() if n not in words] == []


def test_a_parser_without_a_target_is_seen():
    declared = "/* x */\nint new_thing_parse(const char *text);\nbool other(void);\nconst char *odd_read(int fd);\n"
    assert PARSER.findall(declared) == ["new_thing_parse", "odd_read"]
    assert without_target(["new_thing_parse", "ini_read", "odd_read"], {"odd_read"}) == ["ini_read", "new_thing_parse"]


def test_each_target_has_its_file_and_named_inputs():
    files = {f[len(FOLDER) + len("/fuzz-"):-len(".c")] for f in tree.FILES
             if f.startswith(f"{FOLDER}/fuzz-") and f.endswith(".c")}
    named = {f.split("/")[3] for f in tree.FILES
             if f.startswith(f"{FOLDER}/corpus/") and not NAME.fullmatch(f.split("/")[4])}
    assert targets() == files == named
