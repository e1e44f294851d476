# SPDX-License-Identifier: MIT
"""The project's files, for tests that look at them."""
import fnmatch
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _list():
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", TOP, "ls-files", "--cached", "--others",
         "--exclude-standard", "-z"], capture_output=True, text=True)
    if done.returncode == 0:
        names = [n for n in done.stdout.split("\0") if n]
    else:  # an unpacked archive
        names = [os.path.relpath(os.path.join(folder, n), TOP)
                 for folder, _, found in os.walk(TOP) for n in found]
        names = [n for n in names if not n.startswith((".git/", "build"))]
    return sorted(n for n in names if os.path.isfile(os.path.join(TOP, n)))


FILES = _list()


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
