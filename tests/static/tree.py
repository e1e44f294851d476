# SPDX-License-Identifier: MIT
"""The project's files, for tests that look at them."""
import fnmatch
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# What tools leave in the tree. .gitignore has these names too, but is of no use without git.
NOT_OURS = ("__pycache__", ".git", ".cache", ".pytest_cache")


def _list_by_git(top):
    """What git has or would add; None where there is no git, or the folder is not a clone."""
    if not os.path.exists(os.path.join(top, ".git")):
        return None  # an archive unpacked inside another clone is not that clone's
    try:
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", top, "ls-files", "--cached", "--others",
             "--exclude-standard", "-z"], capture_output=True, text=True)
    except OSError:
        return None
    return [n for n in done.stdout.split("\0") if n] if done.returncode == 0 else None


def _list_by_walking(top):
    names = []
    for folder, below, found in os.walk(top):
        below[:] = [b for b in below if b not in NOT_OURS and
                    not (folder == top and b.startswith("build"))]
        names += [os.path.relpath(os.path.join(folder, n), top) for n in found]
    return [n for n in names if n != ".git"]  # a file in a worktree


def list_files(top):
    names = _list_by_git(top)
    if names is None:
        names = _list_by_walking(top)
    return sorted(n for n in names if os.path.isfile(os.path.join(top, n)))


FILES = list_files(TOP)


def matching(*patterns):
    """Paths (from the top) whose base name fits one of the patterns."""
    return [f for f in FILES
            if any(fnmatch.fnmatch(os.path.basename(f), p) for p in patterns)]


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def shell_scripts():
    return [f for f in FILES if f.endswith(".sh") or
            (not os.path.splitext(f)[1] and read(f).startswith(("#!/usr/bin/env bash",
                                                                "#!/bin/sh", "#!/bin/bash")))]
