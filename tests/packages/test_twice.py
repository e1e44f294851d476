# SPDX-License-Identifier: MIT
"""The same sources give the same bytes: from a clone and from its unpacked archive, in another folder, at
another time."""
import os
import subprocess
import tarfile

import pytest


def read(path):
    with open(path, "rb") as f:
        return f.read()


@pytest.fixture(scope="module")
def archive(packages, version):
    return os.path.join(packages, f"wslbridge-{version}.tar.gz")


@pytest.fixture(scope="module")
def unpacked(archive, version, tmp_path_factory):
    """A tree without git, whose files are older than their archive."""
    folder = tmp_path_factory.mktemp("elsewhere")
    with tarfile.open(archive) as f:
        f.extractall(folder)
    top = folder / f"wslbridge-{version}"
    for path in top.rglob("*"):
        os.utime(path, (1e9, 1e9))
    return top


@pytest.fixture(scope="module")
def no_git(tmp_path_factory):
    """The PATH of a machine on which git is not installed. Whoever starts it all the same fails."""
    folder = tmp_path_factory.mktemp("bin")
    for name, text in (("git", "echo 'git is not installed' >&2; exit 99"),
                       ("dpkg-query", 'case " $* " in *" git "*) exit 1 ;; esac\n'
                                      'exec /usr/bin/dpkg-query "$@"')):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "WSLBRIDGE_NO_INSTALL": "1"}


def test_the_archive_packs_itself(unpacked, no_git, archive):
    done = subprocess.run([unpacked / "dev", "dist"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, umask=0o077, env=no_git)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "git is not installed" not in done.stdout + done.stderr
    assert read(unpacked / "build/dist" / os.path.basename(archive)) == read(archive)


def test_the_archive_has_all_that_its_tests_look_at(unpacked, no_git):
    """The tests that go through all sources, which a clone finds by git. './dev test' begins with them."""
    suite = [unpacked / "tests/static" / f"test_{name}.py"
             for name in ("tree", "layers", "circles", "comments", "documents", "promises", "facts")]
    done = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir",
                           unpacked / "tests", *suite], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, cwd=unpacked, env=no_git)
    assert done.returncode == 0 and " skipped" not in done.stdout, done.stdout + done.stderr


def test_the_guests_packages(top, packages, archive, version, tmp_path):
    """Built again by another path, years later, at another local time."""
    with tarfile.open(archive) as f:
        epoch = str(f.getmembers()[0].mtime)
    done = subprocess.run([os.path.join(top, "tools/build-deb.sh"), archive, tmp_path,
                           "/var/tmp/another/folder", "2031-02-03 04:05:06"],
                          env={**os.environ, "SOURCE_DATE_EPOCH": epoch}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    names = [n for n in os.listdir(packages) if n.endswith(".deb")]
    assert sorted(names) == [f"wslbridge_{version}-1_{a}.deb" for a in ("amd64", "arm64")]
    for name in names:
        assert read(tmp_path / name) == read(os.path.join(packages, name)), name
