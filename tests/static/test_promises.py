# SPDX-License-Identifier: MIT
"""docs/promises.md: what the pages promise without exception still stands there, in the words of the
table, and the tests that would break it exist."""
import glob
import os
import re

import pytest
import tree

PAGE = "docs/promises.md"
# The facts are about Windows and WSL, and each names its own test.
NO_PAGES = (PAGE, "docs/windows-facts.md")
PAGES = [page for page in ["README.md", "SECURITY.md", *(
    os.path.relpath(path, tree.TOP) for path in sorted(glob.glob(os.path.join(tree.TOP, "docs/*.*"))))]
    if re.search(r"\.(md|[1-8])$", page) and page not in NO_PAGES]
WORDS = re.compile(r"\b(never|always|at once|nobody|nothing (?:else|more|but)|in any case|without exception)\b",
                   re.IGNORECASE)
# Where these words promise nothing of ours, as a part of the sentence.
NO_PROMISE = {
    "README.md": ["a distro that nobody uses", "if it does nothing else"],
    "SECURITY.md": ["nobody works on it full time"],
    "docs/architecture.md": ["a new address goes on from here at once", "when there is nothing else to do"],
    "docs/benchmarks.md": ["if the machine does nothing else", "both directions at once", "nothing else used these",
                           "a look that nobody waits for", "which does nothing but receive and send"],
    "docs/demo.md": ["only as long as nobody else"],
    "docs/doctor.md": ["nobody on the networks of the host gets in now"],
    "docs/protocol.md": ["a RESULT that nobody asked for", "never sent by an agent, which says it to its user only",
                         "never sent: the agent says it", "but nobody on the host's networks gets in now",
                         "without one nobody forwards UDP"],
    "docs/relay.md": ["Senders that always have more"],
    "docs/release.md": ["and nothing else: the packages for the guests are in it"],
    "docs/selftest.md": ["some of that nobody has published", "Nothing else is needed",
                         "An error is not always a problem", "can be bound again at once"],
    "docs/threat-model.md": ["can reach every port of the guest in any case", "fill it, or never read",
                             "so that nobody else there begins anything new", "can read it there in any case"],
    "docs/windows.md": ["and nobody has connected since", "nobody has tried it on Windows on ARM", "when nobody uses it",
                        "what nobody could verify"],
    "docs/wslbridge-agent.8": ["This option changes nothing else"],
    "docs/wslbridge-loopback.8": ["because nobody could go on with them", "are carried at once",
                                  "A connection that nobody reads"],
    "docs/wslbridge.conf.5": ["words in values may be in any case"],
    "docs/wslbridgectl.1": ["when nobody uses it"],
}


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


def unpromised(page, text):
    """The words around each WORDS that is neither in a row's words nor in NO_PROMISE."""
    known = [plain(words) for words, where in (row[:2] for row in rows()) if where == page]
    spans = [found.span() for words in known + NO_PROMISE.get(page, [])
             for found in re.finditer(re.escape(words), text)]
    return [text[max(0, found.start() - 80):found.end() + 80] for found in WORDS.finditer(text)
            if not any(start <= found.start() and found.end() <= end for start, end in spans)]


@pytest.mark.parametrize("page", PAGES)
def test_every_promise_has_a_row(page):
    assert not unpromised(page, plain(tree.read(page))), f"add a row to {PAGE}, or to NO_PROMISE"


@pytest.mark.parametrize("page,words", [(page, words) for page in NO_PROMISE for words in NO_PROMISE[page]])
def test_no_exception_is_left_over(page, words):
    assert WORDS.search(words) and words in plain(tree.read(page))


def test_a_promise_without_a_row_is_found():
    assert len(PAGES) > 15
    assert len(unpromised("README.md", "It never sleeps. Nobody\nwaits. a distro that nobody uses")) == 2


# (file, its words in this order, what they promise)
SOURCES = [
    ("windows-helper/elevated/serve.c", r"return CreateFileW\([^;]*SECURITY_SQOS_PRESENT \| SECURITY_IDENTIFICATION",
     "the other end of the pipe cannot act with our rights (fact 9.7.2)"),
    ("windows-helper/selftest/selftest.c", r"return CreateFileW\(exe, GENERIC_READ, FILE_SHARE_READ, ",
     "nobody can write to or delete the program while it runs as a service"),
]


@pytest.mark.parametrize("path,words,promise", SOURCES)
def test_the_source_does_what_wine_does_not_show(path, words, promise):
    assert re.search(words, tree.read(path)), promise
