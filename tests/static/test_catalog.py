# SPDX-License-Identifier: MIT
"""Every MESSAGE_ID of the agent is used, and explained in the journal's catalog."""
import re
import subprocess

import tree

CATALOG = "systemd/wslbridge.catalog"


def ids_of_the_code():
    return dict(re.findall(r'^#define (MESSAGE_\w+)\s+"([0-9a-f]{32})"',
                           tree.read("agent/catalog-ids.h"), re.MULTILINE))


def test_each_id_is_used_and_explained_in_the_same_order():
    ids = ids_of_the_code()
    assert len(ids) > 5
    assert re.findall(r"^-- ([0-9a-f]{32})$", tree.read(CATALOG), re.MULTILINE) == list(ids.values())
    code = "".join(tree.read(f) for f in tree.matching("*.c") if f.startswith("agent/"))
    assert not [name for name in ids if not re.search(rf"\b{name}\b", code)]


def test_the_journal_accepts_the_catalog(tmp_path):
    source = tmp_path / "usr/lib/systemd/catalog/wslbridge.catalog"
    source.parent.mkdir(parents=True)
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    source.write_text(tree.read(CATALOG))
    done = subprocess.run(["journalctl", f"--root={tmp_path}", "--update-catalog"],
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
