# SPDX-License-Identifier: MIT
"""A comment or document that names a source names one that exists, and every .c and .h begins with
what it is for."""
import re

import comments
import pytest
import tree
from sources import describe

# Other projects' files, and folders of theirs: of Linux, WSL and systemd ("src/"), of Windows. What
# a source includes with <> needs no entry.
FOREIGN = {"sys/", "linux/", "net/vmw_vsock/", "net/9p/", "drivers/", "src/", "computecore.h", "guiddef.h",
           "hvsocket.h", "icftypes.h", "initguid.h", "ioapiset.h", "libloaderapi.h", "mswsock.h",
           "netfw.h", "nldef.h", "realtimeapiset.h", "winnt.h", "winreg.h", "winsvc.h", "ws2def.h"}
FOREIGN |= {name for path in tree.matching("*.c", "*.h")
            for name in re.findall(r"^#include <([^>]+)>", tree.read(path), re.MULTILINE)}

FILES = set(tree.FILES)


def test_named_files_exist():
    problems = [p for f in tree.FILES
                for p in comments.missing_files(f, tree.read(f), FILES, FOREIGN)]
    assert not (text := describe(problems)), text


def test_every_source_says_what_it_is_for():
    problems = [p for f in tree.matching("*.c", "*.h") for p in comments.purposeless(f, tree.read(f))]
    assert not (text := describe(problems)), text


def test_enough_files_are_checked():
    named = [n for f in tree.FILES for n in comments.named_files(f, tree.read(f))]
    assert len(named) > 100
    kinds = {f.rsplit(".", 1)[-1] for f in tree.FILES if list(comments.named_files(f, tree.read(f)))}
    assert kinds >= {"c", "h", "py", "md", "sh"}


@pytest.mark.parametrize("path, text, found", [
    ("agent/a.c", "/*\n * See old.h,\n * and agent/a.c. */\n", ["agent/a.c:2: old.h"]),
    ("agent/a.c", '// "old.h"\n#include "new.h"\nconst char *x = "old.c /* old.c */";\n',
     ["agent/a.c:1: old.h"]),
    ("agent/a.c", "/* X.c, fuzz-NAME.c, NAME-private.h, <b.h>, *.c, f.child, e.g. c.h.in */\n", []),
    ("agent/a.c", "/* net/vmw_vsock/af_vsock.c; linux/if.h; netfw.h */\n", []),
    ("agent/a.c", "/* in agent/sub/b.c or sub/b.c or b.c, not in agent/b.c */\n",
     ["agent/a.c:1: agent/b.c"]),
    ("t.py", '"""About old.c."""\nx = "older.c"\n\n\ndef f():\n    """And\n    old.h."""  # old.py\n',
     ["t.py:1: old.c", "t.py:7: old.h", "t.py:7: old.py"]),
    ("docs/x.md", "see `gone/old.c` and NEWS.md\n", ["docs/x.md:1: gone/old.c",
                                                   "docs/x.md:1: NEWS.md"]),
    ("docs/x.8", ".B agent\\-old.c\n", ["docs/x.8:1: agent-old.c"]),
    ("run.sh", "# as old.sh does\nold.py  # not a comment's\n", ["run.sh:1: old.sh"]),
    ("data.txt", "old.c\n", []),
])
def test_a_name_without_a_file_is_found(path, text, found):
    files = {"agent/a.c", "agent/sub/b.c"}
    assert [f"{p.file}:{p.line}: {p.rule.split()[0]}"
            for p in comments.missing_files(path, text, files, FOREIGN)] == found


SPDX = "/* SPDX-License-Identifier: MIT */\n"


@pytest.mark.parametrize("text, good", [
    (SPDX + "\n/* Reads the table of listening ports. */\n#include <x.h>\n", True),
    (SPDX + "#pragma once\n\n/*\n * Table: keeps what is\n * listened on.\n */\n", True),
    (SPDX + "\n/* Layout of tables, column by column; see table.h. */\n", True),
    (SPDX + "\n/* See table.h. */\n#include <x.h>\n", False),
    (SPDX + "\n/* Tables; see show/table.h. */\n", False),
    (SPDX + "#include <x.h>\n\n/* Reads the table of listening ports. */\n", False),
    (SPDX, False),
])
def test_a_source_without_a_purpose_is_found(text, good):
    problems = comments.purposeless("a.c", text)
    assert (problems == []) == good
    assert good or "begin with a comment" in describe(problems)
