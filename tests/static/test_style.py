# SPDX-License-Identifier: MIT
"""Format, sizes and the head of every file."""
import collections
import json
import re
import subprocess

import pytest
import tree

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

FORMATTER = "clang-format-14"  # other versions break lines elsewhere

C_FILES = tree.matching("*.c", "*.h")
CODE = C_FILES + tree.matching("*.py", "*.sh") + ["dev"]


@pytest.fixture(scope="module")
def misformatted():
    """{path: what clang-format says}; one process for all files takes a quarter of the time."""
    done = subprocess.run([FORMATTER, "--dry-run", "--Werror", *C_FILES], cwd=tree.TOP,
                          capture_output=True, text=True)
    said = {}
    for part in re.split(r"^(?=\S+:\d+:\d+: )", done.stderr, flags=re.MULTILINE):
        said.setdefault(part.split(":")[0], []).append(part)
    assert (done.returncode == 0) == (not any(p in said for p in C_FILES)), done.stderr[:800]
    return {path: "".join(parts) for path, parts in said.items()}


@pytest.mark.needs_program(FORMATTER)
@pytest.mark.parametrize("path", C_FILES)
def test_clang_format_changes_nothing(misformatted, path):
    assert path not in misformatted, f"run './dev format'\n{misformatted[path][:800]}"


def test_no_file_knows_everything():
    long = {f: n for f in CODE if (n := tree.read(f).count("\n")) > FILE_LINES_MAX}
    assert not long, f"more than {FILE_LINES_MAX} lines: {long}"


def c_functions():
    """(file, name, lines between the braces' lines) of every C function, from ctags."""
    done = subprocess.run(["ctags", "--output-format=json", "--fields=+ne", "--kinds-C=f",
                           "--language-force=C", "-f", "-", *C_FILES], cwd=tree.TOP,
                          capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        tag = json.loads(line)
        if "end" in tag:
            yield tag["path"], tag["name"], tag["end"] - tag["line"]


def test_no_function_is_too_long():
    long = [f"{path}: {name} has {n} lines" for path, name, n in c_functions()
            if n > FUNCTION_LINES_MAX]
    assert not long, "\n".join(long)


@pytest.mark.parametrize("path", CODE)
def test_file_begins_with_its_licence(path):
    assert "SPDX-License-Identifier: MIT" in tree.read(path)[:200]


@pytest.mark.parametrize("path", [f for f in tree.FILES if "/data/" not in f and
                                  "/corpus/" not in f and "/vectors" not in f and
                                  not f.endswith(".xz")])
def test_text_is_tidy(path):
    """As .editorconfig says: LF, no tabs in C, no trailing space, a newline at the end."""
    text = tree.read(path)
    problems = []
    if "\r" in text:
        problems.append("carriage returns")
    if text and not text.endswith("\n"):
        problems.append("no newline at the end")
    if re.search(r"[ \t]+$", text, re.MULTILINE):
        problems.append("trailing white space")
    if path in C_FILES and "\t" in text:
        problems.append("tabs")
    assert not problems, f"{path}: {', '.join(problems)}"


def test_no_markers_left_behind():
    marker = re.compile(r"\b(TODO|FIXME|" + "X" * 3 + r"|HACK)\b")
    found = [f"{f}:{i}" for f in CODE for i, line in enumerate(tree.read(f).splitlines(), 1)
             if marker.search(line) and f != "tests/static/test_style.py"]
    assert not found, found


def test_headers_are_included_once():
    bare = [f for f in tree.matching("*.h") if "#pragma once" not in tree.read(f)]
    assert not bare, bare


def test_no_two_tests_share_a_name():
    """A second function of one name silently replaces the first."""
    for path in tree.matching("test_*.py"):
        names = re.findall(r"^def (test_\w+)", tree.read(path), re.MULTILINE)
        twice = [n for n, count in collections.Counter(names).items() if count > 1]
        assert not twice, f"{path}: {twice}"
