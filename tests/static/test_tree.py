# SPDX-License-Identifier: MIT
"""The list of files that all tests of this suite look at: the same with git and without it."""
import subprocess

import tree


def test_walking_finds_what_git_does():
    by_git = tree._list_by_git(tree.TOP)  # None in an unpacked archive
    assert by_git is None or sorted(tree._list_by_walking(tree.TOP)) == tree.list_files(tree.TOP)
    assert len(tree.FILES) > 500 and "meson.build" in tree.FILES


def test_without_git(monkeypatch, tmp_path):
    """In an archive, unpacked inside a clone of something else; without git; with a broken clone."""
    names = ["dev", "agent/main.c", "build/dev/x.c", "build-2/x.c", "agent/__pycache__/x.pyc"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert tree.list_files(str(tmp_path)) == ["agent/main.c", "dev"]

    (tmp_path / ".git").write_text("gitdir: /nowhere\n")
    assert tree.list_files(str(tmp_path)) == ["agent/main.c", "dev"]

    def no_git(*arguments, **options):
        raise FileNotFoundError("git")
    monkeypatch.setattr(subprocess, "run", no_git)
    assert tree.list_files(str(tmp_path)) == ["agent/main.c", "dev"]
