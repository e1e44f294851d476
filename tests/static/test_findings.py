# SPDX-License-Identifier: MIT
"""The ids of the doctors' findings: what the code can say is what docs/doctor.md lists, in the same order."""
import re

import pytest
import tree

GUEST = ("wslbridgectl", "agent/ctl/doctor/guest-checks.c", "agent/ctl/doctor/")
HOST = ("wslbridge-helper", "windows-helper/core/doctor/host-checks.c", "windows-helper/core/doctor/")
BOTH = pytest.mark.parametrize("program, source, folder", [GUEST, HOST])


def documented(program):
    section = re.search(rf"^### Ids of {program}\n(.*?)(?=^##|\Z)", tree.read("docs/doctor.md"),
                        re.M | re.S)[1]
    return re.findall(r"^\| `([a-z0-9-]+)` \|", section, re.M)


def listed(source):
    """The list that the findings are sorted by."""
    text = re.search(r"_finding_ids\[\] = \{(.*?)\};", tree.read(source), re.S)[1]
    return re.findall(r'"([^"]+)"', text)


def used(folder):
    """The ids with which findings are added."""
    found = set()
    for path in tree.matching("*.c"):
        if not path.startswith(folder):
            continue
        text = re.sub(r"_finding_ids\[\] = \{.*?\};", "", tree.read(path), flags=re.S)
        for one, two, three in re.findall(
                r'FINDING_[A-Z]+,\s*(?:true,\s*|false,\s*)?'
                r'(?:"([a-z0-9-]+)"|\w+\s*\? "([a-z-]+)"\s*: "([a-z-]+)")', text):
            found |= {one, two, three} - {""}
        found |= set(re.findall(r'\bid\[\] = "([a-z0-9-]+)"', text))
        found |= set(re.findall(r'\{"[a-z]+",\s*"(service-[a-z]+)"', text))
    return found


@BOTH
def test_ids_are_documented(program, source, folder):
    assert listed(source) == documented(program)


@BOTH
def test_ids_are_used(program, source, folder):
    assert used(folder) == set(listed(source))


def test_ranks_are_documented():
    names = re.search(r"finding_rank_name.*?\{(\"broken\".*?)\}", tree.read("common/finding.c"),
                      re.S)[1]
    section = re.search(r"^## A finding\n(.*?)^##", tree.read("docs/doctor.md"), re.M | re.S)[1]
    assert re.findall(r"^\| `(\w+)` \|", section, re.M) == re.findall(r'"(\w+)"', names)


def test_members_are_documented():
    text = tree.read("common/finding.c")
    members = re.findall(r'json_(?:number|string_member|bool|open)\(&w, "(\w+)"', text)
    section = re.search(r"^## JSON\n(.*?)^###", tree.read("docs/doctor.md"), re.M | re.S)[1]
    assert re.findall(r"^\| `(\w+)` \|", section, re.M) == members
    schema = re.search(r"FINDINGS_SCHEMA (\d+)", text)[1]
    assert f'"schema": {schema},' in section
