# SPDX-License-Identifier: MIT
"""The keys of the configuration: the parser, the samples and the man page have the same ones. That
the samples are right is tested with the installed agent, in test_install.py."""
import re

import pytest
import tree

PARSERS = {"agent.conf": "agent/config/agent-file.c", "service.ini": "agent/config/service-file.c"}
SECTIONS = {"agent.conf": "agent", "service.ini": "service"}
HEADINGS = {"agent.conf": "AGENT.CONF", "service.ini": "SERVICE FILES"}


def keys_of_the_code(kind):
    keys = re.findall(r'\[\w+_KEY_\w+\] = \{\.name = "([a-z-]+)"', tree.read(PARSERS[kind]))
    assert len(keys) >= 3
    return keys


def sample(kind):
    return tree.read(f"systemd/{kind}.sample")


@pytest.mark.parametrize("kind", PARSERS)
def test_the_sample_has_every_key_in_the_order_of_the_code(kind):
    found = re.findall(r"^#([a-z-]+) = \S", sample(kind), re.MULTILINE)
    assert list(dict.fromkeys(found)) == keys_of_the_code(kind)
    assert f"\n[{SECTIONS[kind]}]\n" in sample(kind)


@pytest.mark.parametrize("kind", PARSERS)
def test_every_key_of_the_sample_is_explained_and_none_is_set(kind):
    head, body = sample(kind).split(f"\n[{SECTIONS[kind]}]\n")
    assert "wslbridge.conf(5)" in head and "/etc/wslbridge/" in head
    for block in body.strip().split("\n\n"):
        lines = block.splitlines()
        assert lines[0].startswith("# ") and re.match(r"#[a-z-]+ = ", lines[-1]), block
        assert all(line.startswith("#") for line in lines)


@pytest.mark.parametrize("kind", PARSERS)
def test_the_man_page_has_every_key(kind):
    page = tree.read("docs/wslbridge.conf.5").replace("\\-", "-")
    part = page.split(f"\n.SH {HEADINGS[kind]}\n")[1].split("\n.SH ")[0]
    assert re.findall(r"^\.BI ([a-z-]+)= ", part, re.MULTILINE) == keys_of_the_code(kind)


def test_the_samples_show_the_defaults():
    """Of the keys that have one, as the man page tells it."""
    page = re.sub(r"\n\.\w+ ", " ", tree.read("docs/wslbridge.conf.5")).replace("\\-", "-")
    for kind, key, value in [("agent.conf", "interface", "auto"),
                             ("agent.conf", "helper", "vsock:2:1465076802"),
                             ("agent.conf", "log-level", "info"),
                             ("service.ini", "firewall", "private, domain"),
                             ("service.ini", "remote", "LocalSubnet"),
                             ("service.ini", "enabled", "yes")]:
        assert f"\n#{key} = {value}\n" in sample(kind)
        assert value in page
