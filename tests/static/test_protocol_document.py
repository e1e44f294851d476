# SPDX-License-Identifier: MIT
"""docs/protocol.md, the headers and the golden vectors say the same."""
import os
import re
import subprocess
import sys

import pytest
import tree

HEADERS = ("protocol/wire/wire-types.h", "protocol/session/session.h",
           "protocol/session/session-helper.h")
DOCUMENT = tree.read("docs/protocol.md")
CODE = "\n".join(re.sub(r"/\*.*?\*/", "", tree.read(h), flags=re.DOTALL) for h in HEADERS)

# Heading of a table of numbers: the enum it shows
ENUMS = {
    "Message types": "WIRE",
    "Refusal codes": "WIRE_REFUSAL",
    "Goodbye codes": "WIRE_BYE",
    "Networking modes": "WIRE_MODE",
    "Remotes": "WIRE_REMOTE",
    "Service states": "WIRE_SERVICE",
    "Reason codes": "WIRE_REASON",
    "Forwarders": "WIRE_FORWARDER",
    "Reasons for a forwarder": "WIRE_WHY",
}
ENUM_TYPES = {"WIRE": "WireType", "WIRE_REFUSAL": "WireRefusal", "WIRE_BYE": "WireBye",
              "WIRE_MODE": "WireMode", "WIRE_REMOTE": "WireRemote",
              "WIRE_SERVICE": "WireServiceState", "WIRE_REASON": "WireReason",
              "WIRE_FORWARDER": "WireForwarder", "WIRE_WHY": "WireForwarderReason"}

# Heading of a table of fields: the file and the table there that has the same
FIELDS = {
    "State fields": ("protocol/wire/state-fields.c", "state_fields"),
    "Service fields": ("protocol/wire/state-fields.c", "service_fields"),
    "Result fields": ("protocol/wire/result.c", "result_fields"),
    "Service result fields": ("protocol/wire/result.c", "service_fields"),
}


def section(heading):
    match = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", DOCUMENT,
                      re.MULTILINE | re.DOTALL)
    assert match, f"docs/protocol.md has no section '{heading}'"
    return match[1]


def rows(heading):
    """{number: name} of a table of codes."""
    found = re.findall(r"^\| (\d+) \| `([^`]+)` \|", section(heading), re.MULTILINE)
    assert found, heading
    assert len({number for number, _ in found}) == len(found), f"{heading}: a number twice"
    return {int(number): name for number, name in found}


def enum(prefix):
    """{number: name as the document writes it} of an enum of wire-types.h."""
    body = re.search(rf"typedef enum {ENUM_TYPES[prefix]} {{(.*?)}}", CODE, re.DOTALL)[1]
    values = {}
    for name, number in re.findall(rf"\b{prefix}_(\w+) = (\d+)", body):
        values[int(number)] = name if prefix == "WIRE" else name.lower().replace("_", "-")
    return values


def constants():
    """{name: value} of every numeric macro of the headers."""
    raw = dict(re.findall(r"^#define (WIRE_\w+)[ \t]+(\S.*)$", CODE.replace("\\\n", " "),
                          re.MULTILINE))

    def value(expression):
        text = re.sub(r"\b(0x[0-9a-fA-F]+|\d+)[uUlL]*\b", r"\1", expression)
        text = re.sub(r"\bWIRE_\w+", lambda m: str(value(raw[m[0]])), text)
        assert re.fullmatch(r"[\dxa-fA-F\s()+*-]+", text), expression
        return eval(text)  # pylint: disable=eval-used

    return {name: value(text) for name, text in raw.items() if "{" not in text}


@pytest.mark.parametrize("heading", ENUMS)
def test_codes(heading):
    assert rows(heading) == enum(ENUMS[heading])


@pytest.mark.parametrize("heading", FIELDS)
def test_fields(heading):
    """The same ids and names in the same order, and the same words of options."""
    path, table = FIELDS[heading]
    code = tree.read(path)
    body = re.search(rf"WireField {table}\[\] = {{(.*?)\n}};", code, re.DOTALL)[1]
    documented = re.findall(r"^\| (0x[0-9a-f]{4}) \| `([^`]+)` \| ([^|]*) \|", section(heading),
                            re.MULTILINE)
    rows_of_code = re.findall(r'{(0x[0-9a-f]{4}), "([^"]+)",[^}]*?(\w+)}', body)
    assert [row[:2] for row in documented] == [row[:2] for row in rows_of_code]
    for (_, name, value), (_, _, words) in zip(documented, rows_of_code):
        known = re.search(rf"\*const {words}\[\] = {{(.*?), NULL}}", code)
        if known:
            assert re.findall(r"\d `([^`]+)`", value) == re.findall(r'"([^"]+)"', known[1]), name


def test_profiles():
    profiles = {value: name[len("WIRE_PROFILE_"):].lower() for name, value in constants().items()
                if name.startswith("WIRE_PROFILE_") and not name.endswith("_ALL")}
    assert rows("Profiles") == profiles


def test_constants():
    found = re.findall(r"^\| `(WIRE_\w+)` \| (\d+) \|", section("Limits and constants"),
                       re.MULTILINE)
    assert {name: int(value) for name, value in found} == constants()


def test_numbers_in_the_text():
    """The limits that sentences and field tables repeat."""
    values = constants()
    for name in ("WIRE_ENDPOINTS_MAX", "WIRE_STATE_PAYLOAD_MAX", "WIRE_RESULT_PAYLOAD_MAX",
                 "WIRE_SMALL_PAYLOAD_MAX", "WIRE_HEARTBEAT_MAX_MS"):
        assert f"{values[name]:,}" in DOCUMENT, name
    for field, name in (("distro", "WIRE_DISTRO_MAX"), ("software", "WIRE_SOFTWARE_MAX"),
                        ("name", "WIRE_SERVICE_NAME_MAX"), ("interface", "WIRE_INTERFACE_MAX"),
                        ("text", "WIRE_TEXT_MAX")):
        limits = set(re.findall(rf"^\| {field} \| string\(\d+…(\d+)\)", DOCUMENT, re.MULTILINE))
        assert limits == {str(values[name])}, field
    assert f"1 … {values['WIRE_LISTENS_MAX']} |" in DOCUMENT
    assert f"1 … {values['WIRE_REMOTES_MAX']} when remote is *list*" in DOCUMENT


def ranges(found):
    """Pairs (first, last) of hexadecimal numbers, sorted and joined where they touch."""
    joined = []
    for first, last in sorted((int(a, 16), int(b or a, 16)) for a, b in found):
        if joined and first <= joined[-1][1] + 1:
            joined[-1][1] = max(last, joined[-1][1])
        else:
            joined.append([first, last])
    return joined


def test_characters_that_may_not_be_shown():
    """Both ends refuse a text with another character than the document says."""
    listed = re.search(r"These may not:\n(.*?)\nA sender replaces", DOCUMENT, re.DOTALL)[1]
    table = re.search(r"\} hidden\[\] = \{(.*?)\n\};", tree.read("common/utf8.c"), re.DOTALL)[1]
    assert ranges(re.findall(r"U\+([0-9A-F]+)(?:–U\+([0-9A-F]+))?", listed)) == \
        ranges(re.findall(r"\{0x([0-9a-f]+), +0x([0-9a-f]+)\}", table))


def test_labels():
    labels = re.findall(r'#define SESSION_LABEL_\w+\s+"([^"]+)"', CODE)
    assert len(labels) == 2 and all(f'"{label}"' in DOCUMENT for label in labels)


def vectors(path):
    """{name: hex} of a file of golden vectors."""
    found, name = {}, None
    for line in tree.read(path).splitlines():
        if re.match(r"(good|bad|too-large|value|good-v2) ", line):
            name = line.split(" ")[1]
            found[name] = ""
        elif name and line and line[0] not in "=#":
            found[name] += line
    return found


@pytest.mark.parametrize("version", (1, 2))
def test_worked_session(version):
    blocks = {name: re.sub(r";.*|\s", "", text) for name, text in
              re.findall(r"^```hex (\S+)\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)}
    session = vectors("tests/wire/vectors/" + ("session.txt" if version == 1 else "session-v2.txt"))
    for name, label in (("key", "key"), ("helper-nonce", "helper's nonce")):
        assert re.search(rf"^    {label}\s+{session.pop(name)}$", DOCUMENT, re.MULTILINE), name
    if version == 1:
        blocks = {name: text for name, text in blocks.items() if not name.startswith("v2-")}
        assert list(blocks) == list(session), "in the order of the session"
    else:  # what is as in version 1 is shown once
        session = {f"v2-{name}": text for name, text in session.items() if text != blocks[name]}
        blocks = {name: text for name, text in blocks.items() if name.startswith("v2-")}
        assert list(blocks) == list(session), "in the order of the session"
    assert blocks == session


def test_vectors_are_what_the_reference_makes():
    program = os.path.join(tree.TOP, "tests", "wire", "make-vectors.py")
    done = subprocess.run([sys.executable, "-B", program, "--check"], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
