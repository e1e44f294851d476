# SPDX-License-Identifier: MIT
"""The source archive of './dev dist': what is committed, the same bytes each time, and a tree in which
this suite finds its files without git. tests/packages/test_twice.py packs an unpacked one again."""
import os
import shutil
import subprocess
import sys
import tarfile

import pytest
import tree

CLONE = tree._list_by_git(tree.TOP) is not None


@pytest.fixture
def top(tmp_path):
    """The tree to pack. In a clone without git, as in a container that has only the files, it is a copy
    that says when it was made, as an unpacked archive does."""
    if CLONE or not os.path.exists(os.path.join(tree.TOP, ".git")):
        return tree.TOP
    copy = tmp_path / "copy"
    for name in tree.FILES:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(os.path.join(tree.TOP, name), copy / name)
    (copy / "packaging/commit-time").write_text("1700000000\n")
    return str(copy)


def dist(top):
    """Without the variable by which './dev test' packs what is not committed yet."""
    environment = {k: v for k, v in os.environ.items() if k != "WSLBRIDGE_UNCOMMITTED"}
    return subprocess.run([os.path.join(top, "dev"), "dist"], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, env=environment)


def listed_without_git(top):
    """What tree.py finds in an unpacked archive, by a process that has no git in its PATH."""
    code = "import tree; print(*tree.FILES, sep='\\n')"
    done = subprocess.run([sys.executable, "-B", "-c", code], text=True, capture_output=True,
                          env={"PATH": "/nonexistent", "LC_ALL": "C.UTF-8"}, check=True,
                          cwd=os.path.join(top, "tests", "static"))
    return done.stdout.splitlines()


def committed():
    done = subprocess.run(["git", "-c", "safe.directory=*", "-C", tree.TOP, "ls-tree", "-r", "-z",
                           "--name-only", "HEAD"], capture_output=True, text=True, check=True)
    return sorted(n for n in done.stdout.split("\0") if n)


def the_archive(top):
    """(path, content) of what './dev dist' makes."""
    done = dist(top)
    assert done.returncode == 0, done.stdout + done.stderr
    path = os.path.join(top, done.stdout.split("archive: ")[1].split(",")[0])
    with open(path, "rb") as f:
        return path, f.read()


def test_the_archive(top, tmp_path):
    path, first = the_archive(top)
    assert the_archive(top) == (path, first)
    assert first[4:8] == b"\0\0\0\0"  # gzip's own time

    with tarfile.open(path) as archive:
        members = archive.getmembers()
        assert len({m.mtime for m in members}) == 1
        assert {(m.uid, m.gid) for m in members} == {(0, 0)}
        assert {oct(m.mode) for m in members} == {"0o644", "0o755"}
        name = members[0].name
        assert {m.name.split("/")[0] for m in members} == {name}
        archive.extractall(tmp_path)
        time = members[0].mtime
    assert name == os.path.basename(path)[:-len(".tar.gz")]
    assert listed_without_git(tmp_path / name) == (committed() if CLONE else tree.FILES)
    with open(tmp_path / name / "packaging/commit-time", encoding="ascii") as f:
        assert int(f.read()) == time
