# SPDX-License-Identifier: MIT
"""Every MESSAGE_ID of the agent is used, and explained in the journal's catalog. That Windows'
message table has the same ones is in test_windows_texts.py."""
import re
import subprocess

import tree

CATALOG = "systemd/wslbridge.catalog"


def ids_of_the_code():
    return dict(re.findall(r'^#define (MESSAGE_\w+)\s+"([0-9a-f]{32})"',
                           tree.read("agent/util/catalog-ids.h"), re.MULTILINE))


def test_each_id_is_used_and_explained_in_the_same_order():
    ids = ids_of_the_code()
    assert len(ids) > 5
    assert re.findall(r"^-- ([0-9a-f]{32})$", tree.read(CATALOG), re.MULTILINE) == list(ids.values())
    code = "".join(tree.read(f) for f in tree.matching("*.c") if f.startswith("agent/"))
    assert not [name for name in ids if not re.search(rf"\b{name}\b", code)]


def entries():
    """{id: ({header: value}, body)}"""
    found = {}
    for part in re.split(r"^-- ", tree.read(CATALOG), flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n\n")
        number, *headers = head.split("\n")
        found[number] = (dict(h.split(": ", 1) for h in headers), body.strip())
    return found


def test_each_entry_has_a_subject_a_source_and_a_remedy():
    """A remedy names something to run or look at, or says that there is nothing to do."""
    for number, (headers, body) in entries().items():
        assert set(headers) == {"Subject", "Defined-By", "Documentation"}, number
        assert headers["Defined-By"] == "wslbridge"
        assert len(headers["Subject"]) < 80
        assert max(len(line) for line in body.splitlines()) <= 80
        assert re.search(r"'[.\\a-z-]+ [^']+'|No action is needed\.|Let DHCP", body), number


def test_fields_in_subjects_are_those_that_the_agent_sends():
    sent = set(re.findall(r'"(WSLBRIDGE_\w+)=%s"', tree.read("agent/util/journal.c")))
    named = set(re.findall(r"@(\w+)@", tree.read(CATALOG)))
    assert named and named <= sent


def test_files_in_the_catalog_exist():
    text = tree.read(CATALOG)
    header, key = tree.read("agent/status/file.h"), tree.read("agent/channel/key.h")
    for path in set(re.findall(r"(/(?:run|etc)/wslbridge/[\w.]*\w)", text)):
        folder, name = path.rsplit("/", 1)
        assert f'"{path}"' in key or (f'"{folder}"' in header and f'"{name}"' in header), path


def names(function, least):
    """The words that a function of the protocol returns."""
    body = tree.read("protocol/wire/names.c").split(f"{function}(")[1].split("\n}")[0]
    found = set(re.findall(r'return "([a-z-]+)"', body)) - {"unknown"}
    assert len(found) >= least, found
    return found


def test_reasons_of_a_refusal_and_states_of_a_service_are_all_explained():
    ids, text = ids_of_the_code(), entries()
    for word in names("wire_refusal_name", 5):
        assert re.search(rf"\b{word}\b", text[ids["MESSAGE_HELPER_REFUSED"]][1]), word
    for word in names("wire_service_state_name", 7) - {"active", "pending"}:
        assert f"{word}:" in text[ids["MESSAGE_SERVICE_PROBLEM"]][1], word


def test_the_journal_accepts_the_catalog(tmp_path):
    source = tmp_path / "usr/lib/systemd/catalog/wslbridge.catalog"
    source.parent.mkdir(parents=True)
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    source.write_text(tree.read(CATALOG))
    done = subprocess.run(["journalctl", f"--root={tmp_path}", "--update-catalog"],
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
