# SPDX-License-Identifier: MIT
"""clang-tidy has nothing to say about the two programs: .clang-tidy lists what it looks for, and why
some checks are left out. The first run takes two minutes; results are kept in build/tidy."""
import os
import re

import pytest
import tree
from sources import Sources
from tidy import PROGRAM, Tidy, jobs_of

CACHE = os.path.join(tree.TOP, "build", "tidy")
NATIVE = ("agent/", "common/", "protocol/", "windows-helper/core/")
SETTINGS = [".clang-tidy", "agent/.clang-tidy"]


pytestmark = pytest.mark.tidy


def is_native(path):
    return path.startswith(NATIVE)


def is_windows(path):
    return path.startswith("windows-helper/") and not is_native(path)


FILES = [f for f in tree.matching("*.c") if is_native(f) or is_windows(f)]


@pytest.fixture(scope="module")
def said(dev_tree, windows_tree):
    jobs = {**jobs_of(tree.TOP, dev_tree, is_native), **jobs_of(tree.TOP, windows_tree, is_windows)}
    return Tidy(Sources(tree.TOP, tree.FILES), CACHE).run(jobs)


@pytest.mark.needs_program(PROGRAM)
@pytest.mark.parametrize("path", FILES)
def test_clang_tidy_has_nothing_to_say(said, path):
    assert path in said, f"{path} is in no compile_commands.json: is it in its meson.build?"
    assert not said[path], (
        f"{said[path]}\nmend: correct it; if it is right as it is, write NOLINTNEXTLINE(CHECK) with "
        "the reason, or leave the check out in .clang-tidy, with the reason")


@pytest.mark.parametrize("path", SETTINGS)
def test_every_check_that_is_left_out_has_a_reason(path):
    comments, checks = tree.read(path).split("Checks:")
    left_out = re.findall(r"^ +-([a-z][\w.-]+)", checks, re.MULTILINE)
    assert left_out
    assert re.findall(r"^# ([a-z]+-[\w.-]+): \S", comments, re.MULTILINE) == left_out


BAD = """#include "bad.h"
#include <stdlib.h>
#include <string.h>

int bad(const char *text, int *p) {
        char *lost = malloc(8);

        if (strlen(text) > 3);
        if (!p)
                *p = atoi(text);
        return lost ? 1 : 2;
}
"""


def bad_tree(folder, program=PROGRAM):
    for name, text in {"bad.c": BAD, "bad.h": "int bad(const char *text, int *p);\n",
                       ".clang-tidy": tree.read(".clang-tidy"),
                       "build/compile_commands.json": '[{"directory": "%s/build", "file": '
                       '"../bad.c", "command": "cc -c ../bad.c -I.."}]' % folder}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    tidy = Tidy(Sources(str(folder), ["bad.c", "bad.h"]), str(folder / "cache"), program)
    return tidy, tidy.run(jobs_of(str(folder), str(folder / "build"), lambda path: True))


@pytest.mark.needs_program(PROGRAM)
def test_what_is_bad_is_found_with_its_line(tmp_path):
    text = bad_tree(tmp_path)[1]["bad.c"]
    for line, check in [(8, "bugprone-suspicious-semicolon"), (10, "cert-err34-c"),
                        (10, "clang-analyzer-core.NullDereference"),
                        (11, "clang-analyzer-unix.Malloc")]:
        assert re.search(rf"^bad\.c:{line}:\d+: error: .*\[{re.escape(check)},-warnings-as-errors\]",
                         text, re.MULTILINE), check + "\n" + text


def test_only_what_changed_is_looked_at_again(tmp_path):
    """A stand-in counts; results come back with the same words."""
    program = tmp_path / "stand-in"
    program.write_text("#!/bin/sh\necho \"$@\"\n[ \"$1\" = --version ]\n")
    program.chmod(0o755)
    first, said = bad_tree(tmp_path, str(program))
    assert first.n_run == 1 and "bad.c" in said["bad.c"]
    again, same = bad_tree(tmp_path, str(program))
    assert again.n_run == 0 and same == said

    changes = {"bad.h": "int bad(const char *text, int *p);\nint worse;\n",
               ".clang-tidy": "Checks: '-*,cert-*'\n"}
    for name, text in changes.items():
        (tmp_path / name).write_text(text)
        tidy = Tidy(Sources(str(tmp_path), ["bad.c", "bad.h"]), str(tmp_path / "cache"),
                    str(program))
        jobs = jobs_of(str(tmp_path), str(tmp_path / "build"), lambda path: True)
        tidy.run(jobs)
        assert tidy.n_run == 1, name
        tidy.run({path: (command + " -DX", build) for path, (command, build) in jobs.items()})
        assert tidy.n_run == 2

    for entry in os.listdir(tmp_path / "cache"):
        os.utime(tmp_path / "cache" / entry, (0, 0))
    first.forget_the_old()
    assert os.listdir(tmp_path / "cache") == []
