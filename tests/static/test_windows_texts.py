# SPDX-License-Identifier: MIT
"""What Windows shows in our name: Group Policy's forms and the Event Log's texts have exactly what
the code has, and the event ids mirror the agent's journal catalog."""
import re
import xml.etree.ElementTree as ET

import commands
import tree

NS = {"g": "http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions"}
# The same thing has another name at the other end.
MIRRORED = {"HELPER_UP": "AGENT_UP", "HELPER_DOWN": "AGENT_DOWN", "HELPER_REFUSED": "AGENT_REFUSED",
            "CONFIG_LOADED": "POLICY_LOADED", "CONFIG_PROBLEM": "POLICY_PROBLEM"}
ELEMENTS = {"POLICY_LIST": "multiText", "POLICY_TEXT": "enum", "POLICY_NUMBER": "decimal"}


def definitions():
    names = dict(re.findall(r'#define (POLICY_NAME_\w+)\s+"(\w+)"',
                            tree.read("windows-helper/core/policy/policy.h")))
    rows = re.findall(r"\{(POLICY_NAME_\w+), (POLICY_\w+),",
                      tree.read("windows-helper/core/policy/read.c"))
    assert len(rows) == len(names)
    return {names[name]: kind for name, kind in rows}


def test_group_policy_has_every_value():
    root = ET.fromstring(tree.read("windows-helper/admx/wslbridge.admx").encode())
    found = {}
    for policy in root.iter(f"{{{NS['g']}}}policy"):
        assert policy.get("key") == r"SOFTWARE\Policies\wslbridge"
        assert policy.get("class") == "Machine"
        elements = policy.find("g:elements", NS)
        if elements is None:
            assert policy.find("g:enabledValue/g:decimal", NS).get("value") == "1"
            assert policy.find("g:disabledValue/g:decimal", NS).get("value") == "0"
            found[policy.get("valueName")] = "POLICY_BOOLEAN"
        else:
            element = elements[0]
            kinds = {v: k for k, v in ELEMENTS.items()}
            found[element.get("valueName")] = kinds[element.tag.partition("}")[2]]
    assert found == definitions()


def test_group_policy_texts_are_complete():
    admx = tree.read("windows-helper/admx/wslbridge.admx")
    root = ET.fromstring(tree.read("windows-helper/admx/en-US/wslbridge.adml").encode())
    strings = {s.get("id") for s in root.iter(f"{{{NS['g']}}}string")}
    presentations = {p.get("id") for p in root.iter(f"{{{NS['g']}}}presentation")}
    assert set(re.findall(r"\$\(string\.(\w+)\)", admx)) == strings
    assert set(re.findall(r"\$\(presentation\.(\w+)\)", admx)) == presentations


def test_policy_values_are_documented():
    page = tree.read("docs/windows.md")
    for name in definitions():
        assert f"`{name}`" in page


def events():
    return {name: int(number) for name, number in
            re.findall(r"EVENT_([A-Z_]+) = (\d+)", tree.read("windows-helper/core/base/events.h"))
            if number != "0"}


def test_every_event_has_a_text():
    text = tree.read("windows-helper/service/messages.mc")
    ids = re.findall(r"^MessageId=(\d+)$.*?^SymbolicName=MESSAGE_(\w+)$", text,
                     re.MULTILINE | re.DOTALL)
    assert {name: int(number) for number, name in ids} == events()
    assert text.count("What to do: ") == len(ids)


def test_events_mirror_the_journal_catalog():
    catalog = re.findall(r"#define MESSAGE_(\w+)", tree.read("agent/util/catalog-ids.h"))
    mirrored = {number: name for name, number in events().items() if number < 32}
    assert [mirrored[i + 1] for i in range(len(mirrored))] == [MIRRORED.get(c, c) for c in catalog]


def test_events_are_documented():
    """With the words of the Event Log; only the quotes around commands differ."""
    page = tree.read("docs/windows.md").replace("`", "'")
    text = tree.read("windows-helper/service/messages.mc")
    parts = {int(p.partition("\n")[0]): p for p in text.split("\nMessageId=")[1:]}
    for name, number in events().items():
        means, advice = re.search(r"\n\n(.+)\nWhat to do: (.+?)\n\.", parts[number], re.S).groups()
        row = " ".join(f"| {number} | '{name}' | {means} | {advice} |".split())
        assert row in page, name


DEFINED = re.compile(r'(#define NAMES_EVENT_SOURCE +)"([^"]+)"')
OF_WINDOWS = {"Service Control Manager"}


def sources(text):
    """The sources of events that a text names."""
    name = r"\bsource\s+[`*']?(Service Control Manager|[\w-]+)"
    log = r"(?:\bEvent Log\W{0,2}|\blog\s+\*?)Application"
    return re.findall(rf"{log}\W{{0,4}}{name}", text) + re.findall(rf"{name}\W{{0,2}}in the {log}", text) + \
        re.findall(r"\bevent source\s+[`*']([\w-]+)", text)


def test_the_source_of_our_events_has_its_name_from_one_place(monkeypatch):
    """With another name in common/names.h, all texts of the programs would have that one."""
    read = tree.read
    monkeypatch.setattr(tree, "read", lambda path: DEFINED.sub(r'\1"elsewhere"', read(path)))
    found = [(where, name) for where, text in commands.c_texts() for name in sources(text)
             if name not in OF_WINDOWS]
    assert [f for f in found if f[1] != "elsewhere"] == []
    assert len(found) >= 5


def test_pages_and_packages_name_the_source_of_our_events():
    name = DEFINED.search(tree.read("common/names.h"))[2]
    found = [(path, source) for path in tree.matching("*.md", "*.[158]", "*.sql", "*.wxs", "*.mc", "*.adml")
             if not path.startswith("tests/") for source in sources(tree.read(path))
             if source not in OF_WINDOWS]
    assert [f for f in found if f[1] != name] == []
    assert {path for path, _ in found} >= {"docs/windows.md", "packaging/msi/actions.sql"}
