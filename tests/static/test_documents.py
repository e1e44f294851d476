# SPDX-License-Identifier: MIT
"""README, CONTRIBUTING and NEWS say what is there."""
import os
import re

import pytest
import tree

DOCUMENTS = tree.matching("*.md")
# Folders of the machine that made a file are of no use to its reader.
MACHINE_PATH = re.compile(r"/(work|farm)/|/tmp/team|/root/|/home/\w")


def test_readme_gives_the_two_commands():
    text = tree.read("README.md")
    for command in ("./dev demo", "./dev test"):
        assert command in text


@pytest.mark.parametrize("path", DOCUMENTS)
def test_links_lead_somewhere(path):
    text = re.sub(r"```.*?```", "", tree.read(path), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not target.startswith(("http:", "https:", "mailto:")):
            full = os.path.join(tree.TOP, os.path.dirname(path), target)
            assert os.path.exists(full), f"{path}: {target}"


@pytest.mark.parametrize("path", ["README.md", "CONTRIBUTING.md"])
def test_named_files_exist(path):
    """Paths in backticks that begin with one of our folders."""
    folders = {f.split("/")[0] for f in tree.FILES if "/" in f}
    for name in re.findall(r"`([\w.-]+/[\w./-]*)`", tree.read(path)):
        if name.split("/")[0] in folders:
            assert os.path.exists(os.path.join(tree.TOP, name)), f"{path}: {name}"


def test_no_file_names_a_place_on_the_machine_that_made_it():
    found = [f"{f}:{i}: {line.strip()[:80]}" for f in tree.FILES
             if f != "tests/static/test_documents.py"
             for i, line in enumerate(tree.read(f).splitlines(), 1) if MACHINE_PATH.search(line)]
    assert not found, "\n".join(found)


def test_news_tells_of_this_version():
    version = re.search(r"version: '([\d.]+)'", tree.read("meson.build"))[1]
    assert f"CHANGES WITH {version}" in tree.read("NEWS.md")


def test_readme_shows_the_scenes_of_the_demo():
    """The pasted output follows the program: every heading that the demo prints is in README."""
    headings = re.findall(r'scene\(\s*f?"([^"{]+)', tree.read("tools/demo/demo.py"))
    readme = tree.read("README.md")
    missing = [h for h in headings if h.strip() not in readme]
    assert headings and not missing, missing
