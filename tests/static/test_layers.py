# SPDX-License-Identifier: MIT
"""The folders are the architecture: who may include whom.

protocol knows nobody; pure modules know protocol and each other; shells know pure modules; the two
ends do not know each other. Pure also means: no descriptor, clock, log or thread of the system.
"""
import os
import re

import pytest
import tree

# Modules of the agent that are plain functions of their arguments.
AGENT_PURE = ("agent/channel/backoff", "agent/config/ini", "agent/config/listen",
              "agent/config/merge", "agent/config/problem", "agent/config/service-file",
              "agent/config/values", "agent/ctl/client/outcome",
              "agent/ctl/client/service-request", "agent/ctl/doctor/guest-checks",
              "agent/ctl/doctor/guest-checks-private", "agent/ctl/doctor/guest-evidence",
              "agent/ctl/doctor/helper-checks", "agent/ctl/doctor/service-checks",
              "agent/ctl/doctor/system-checks",
              "agent/ctl/doctor/wslconfig", "agent/ctl/show/table", "agent/ctl/show/view",
              "agent/guest/wsl-words", "agent/network/port-map", "agent/network/snapshot",
              "agent/status/read")

SHELL_HEADERS = re.compile(
    r"<(sys/(socket|epoll|inotify|timerfd|signalfd|un)\.h|systemd/.*|netlink/.*|fcntl\.h|"
    r"unistd\.h|poll\.h|signal\.h|syslog\.h|pthread\.h|threads\.h|windows\.h|winsock2\.h|"
    r"winreg\.h|winsvc\.h)>")

INCLUDE = re.compile(r"^\s*#\s*include\s+([<\"][^>\"]+[>\"])", re.MULTILINE)


def layer(path):
    folder, name = os.path.split(path)
    stem = os.path.splitext(name)[0]
    if folder.split("/")[0] in ("common", "protocol"):
        return "protocol"
    if folder.startswith("windows-helper/core/"):
        return "helper core"
    if folder.startswith("windows-helper"):
        return "helper main" if stem in ("main", "wmain") else "helper shell"
    if folder.startswith("agent"):
        if os.path.splitext(path)[0] in AGENT_PURE:
            return "agent pure"
        return "agent main" if stem == "main" else "agent shell"
    return "tests" if folder.startswith("tests") else None


# layer: the layers whose headers it may include
ALLOWED = {
    "protocol": {"protocol"},
    "helper core": {"protocol", "helper core"},
    "helper shell": {"protocol", "helper core", "helper shell"},
    "helper main": {"protocol", "helper core", "helper shell", "helper main"},
    "agent pure": {"protocol", "agent pure"},
    "agent shell": {"protocol", "agent pure", "agent shell"},
    "agent main": {"protocol", "agent pure", "agent shell", "agent main"},
}
PURE = {"protocol", "helper core", "agent pure"}

# Helpers and types without a system's hands in them, open to all of the agent.
COMMON = {"agent/util/cleanup.h", "agent/config/config.h"}

SOURCES = [f for f in tree.matching("*.c", "*.h") if layer(f) in ALLOWED]


@pytest.mark.parametrize("path", SOURCES)
def test_includes_stay_within_the_layers(path):
    mine = layer(path)
    wrong = []
    for include in INCLUDE.findall(tree.read(path)):
        name = include[1:-1]
        if include[0] == '"':
            if not os.path.isfile(os.path.join(tree.TOP, name)):
                continue  # generated, beside the file in the build tree
            if layer(name) not in ALLOWED[mine] and not (name in COMMON and "agent" in mine):
                wrong.append(f'"{name}" belongs to {layer(name)}')
        elif mine in PURE and SHELL_HEADERS.fullmatch(include):
            wrong.append(f"{include} has hands, {mine} is pure")
    assert not wrong, f"{path} ({mine}): {'; '.join(wrong)}"


def test_every_source_has_a_layer():
    homeless = [f for f in tree.matching("*.c", "*.h") if layer(f) is None]
    assert not homeless, f"no layer is defined for {homeless}"


def test_headers_include_each_other_without_a_circle():
    edges = {f: {i[1:-1] for i in INCLUDE.findall(tree.read(f)) if i[0] == '"'}
             for f in tree.matching("*.h")}
    done = set()

    def visit(node, path):
        assert node not in path, " -> ".join(path + [node])
        if node not in done:
            for other in sorted(edges.get(node, ())):
                visit(other, path + [node])
            done.add(node)

    for header in edges:
        visit(header, [])


def test_the_rule_is_able_to_fail():
    assert layer("agent/network/netwatch.h") not in ALLOWED[layer("agent/network/snapshot.c")]
    assert layer("agent/config/config.h") not in ALLOWED[layer("windows-helper/core/controller/controller.c")]
    assert SHELL_HEADERS.fullmatch("<unistd.h>") and not SHELL_HEADERS.fullmatch("<string.h>")
