# SPDX-License-Identifier: MIT
"""docs/promises.md: what the pages promise without exception still stands there, in the words of the
table, and the tests that would break it exist."""
import os
import re

import pytest
import tree

PAGE = "docs/promises.md"


def rows():
    """[(words, page, [test])] of all tables."""
    found = []
    for line in re.findall(r"^\| (.+) \|$", tree.read(PAGE), re.MULTILINE):
        cells = line.split(" | ")
        if cells[0] != "promise":
            found.append((cells[0], cells[1], re.findall(r"`([\w/.-]+::\w+)`", "".join(cells[2:]))))
    return found


def plain(text):
    """The words, without the marks of roff and Markdown and the ends of lines."""
    text = re.sub(r"\\f[A-Z]|\\|[`*\"]", "", text)
    text = re.sub(r"^\.(?:[A-Z]{1,2}\b ?|\\.*$)", "", text, flags=re.MULTILINE)
    return re.sub(r"\s+([,;.:])(?=\s|$)", r"\1", re.sub(r"\s+", " ", text))


@pytest.mark.parametrize("words,page", [row[:2] for row in rows()])
def test_the_words_stand_on_the_page(words, page):
    assert plain(words) in plain(tree.read(page)), f"{page}: mend {PAGE}, and look at the tests"


@pytest.mark.parametrize("words,page,tests", rows())
def test_the_tests_exist(words, page, tests):
    assert tests, f"'{words}' has no test"
    for path, name in (test.split("::") for test in tests):
        assert os.path.exists(os.path.join(tree.TOP, path)), path
        pattern = rf"^def {name}\(" if path.endswith(".py") else rf"\bSTART_TEST\({name}\)"
        assert re.search(pattern, tree.read(path), re.MULTILINE), f"{path} has no {name}"


def test_the_check_sees_a_promise_that_is_gone():
    assert len(rows()) > 50
    assert plain("Rules are withdrawn some day") not in plain(tree.read("README.md"))


def test_no_promise_stands_twice():
    keys = [row[:2] for row in rows()]
    assert len(keys) == len(set(keys))
