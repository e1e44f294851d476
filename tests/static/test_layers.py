# SPDX-License-Identifier: MIT
"""The folders are the architecture: docs/architecture.md says which there are, which files are pure,
and who may include whom. layers.py has the rules."""
import architecture
import layers
import tree
from sources import Sources, describe

ROWS = architecture.folders(tree.read(architecture.DOCUMENT))
SOURCES = Sources(tree.TOP, tree.FILES)


def test_the_tree_is_as_documented():
    problems = layers.layer_problems(ROWS, SOURCES, tree.FILES)
    assert not (text := describe(problems)), text


def test_enough_sources_are_checked():
    checked = [f for f in SOURCES.files if layers.checked(ROWS, SOURCES, f)]
    assert len(checked) > 200
    assert sum(layers.is_pure(ROWS, SOURCES, f) for f in checked) > 80
    assert sum(len(SOURCES.includes(f)) for f in checked) > 1000


def test_every_row_has_its_sentence():
    assert not [f for f, row in ROWS.items() if len(row.purpose.split()) < 4]
