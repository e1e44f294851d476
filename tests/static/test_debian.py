# SPDX-License-Identifier: MIT
"""packaging/debian says what the rest of the sources says. That the package works is tested in the suite
'packages'."""
import re

import tree
from test_install import FILES

DEBIAN = "packaging/debian"


def version():
    return re.search(r"^ *version: '([\d.]+)'", tree.read("meson.build"), re.MULTILINE)[1]


def test_the_changelog_is_about_this_version():
    """Its newest entry; the number after '-' counts packages of one version."""
    entry = tree.read(f"{DEBIAN}/changelog").splitlines()[0]
    assert re.fullmatch(rf"wslbridge \({re.escape(version())}-\d+\) \w+; urgency=\w+", entry), entry


def test_the_home_page_is_the_projects():
    page = tree.read("packaging/homepage").strip()
    assert f"\nHomepage: {page}\n" in tree.read(f"{DEBIAN}/control")
    assert f" {page}/" in tree.read(f"{DEBIAN}/watch")


def test_every_override_of_lintian_has_a_reason():
    files = [f for f in tree.FILES if f.startswith(DEBIAN) and f.endswith("lintian-overrides")]
    for path in files:
        lines = tree.read(path).splitlines()
        for before, line in zip(["", *lines], lines):
            assert line.startswith("#") or not line or before.startswith("#"), f"{path}: {line}"


def test_old_files_that_have_another_name_in_the_package_are_removed():
    """Those of './dev install' that Debian has elsewhere: man pages, which it compresses, and zsh's
    completion. Everything else is replaced."""
    named = set(re.findall(r"(?:man/man\d|zsh/[\w-]+)/[\w.-]+", tree.read(f"{DEBIAN}/preinst")))
    expected = {f for f in FILES if "/man/" in f or "/zsh/" in f}
    assert {f"usr/share/{n}" for n in named} == expected


def test_the_commit_time_is_filled_in_by_git():
    """In an unpacked archive it is a number."""
    assert re.fullmatch(r"\$Format:%ct\$|\d+", tree.read("packaging/commit-time").strip())
    assert tree.read(".gitattributes").strip() == "/packaging/commit-time export-subst"


def test_the_build_needs_what_meson_asks_for():
    """Every library of the agent has its package in Build-Depends."""
    control = tree.read(f"{DEBIAN}/control")
    packages = {"libnl-3.0": "libnl-3-dev", "inih": "libinih-dev"}
    for name in re.findall(r"dependency\('([\w.-]+)'", tree.read("agent/meson.build")):
        assert f"\n {packages.get(name, name if name.startswith('lib') else 'lib' + name)}" in control, name
