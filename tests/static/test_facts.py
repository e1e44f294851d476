# SPDX-License-Identifier: MIT
"""docs/windows-facts.md has each fact that a comment cites, and no fact without a reader.

A citation is the word "fact" or "facts" with numbers behind it: "fact 4.1.2", "facts 2.1.2 and
9.1.5". It may go on in the next line of a comment.
"""
import dataclasses
import re

import pytest
import tree

DOCUMENT = "docs/windows-facts.md"
HERE = "tests/static/test_facts.py"

LABELS = ("Source", "How sure", "If wrong", "Test")
KEPT = "Kept because"
SURE = ("confirmed", "documented", "seen in source code", "observed", "reported", "inferred",
        "unknown")

NUMBER = r"\d+(?:\.\d+)*"
GAP = r"(?:[ \t]+|[ \t]*\n[ \t]*(?:\*|#|//)?[ \t]*)"
CITATION = re.compile(rf"\bfacts?{GAP}({NUMBER}(?:(?:,|,?{GAP}(?:and|or)){GAP}{NUMBER})*)({GAP}to\b)?",
                      re.IGNORECASE)
SECTION = re.compile(rf"\bfacts?{GAP}[\d., ]*section\b", re.IGNORECASE)


@dataclasses.dataclass
class Fact:
    """One heading of the third level with what is below it."""
    number: str
    line: int
    group: str
    statement: str = ""
    labels: dict = dataclasses.field(default_factory=dict)

    def where(self):
        return f"{DOCUMENT}:{self.line} fact {self.number}"


def key(number):
    return [int(part) for part in number.split(".")]


def parse(text):
    """(facts, {group: its sentence}, problems) of the document."""
    facts, groups, problems = [], {}, []
    group = fact = label = None
    for i, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            fact = label = None
        if match := re.match(r"## (\d+\.\d+) \S", line):
            group = match[1]
            groups[group] = ""
        elif match := re.match(r"### (\d+\.\d+\.\d+) \S", line):
            fact = Fact(match[1], i, group)
            facts.append(fact)
        elif re.match(r"##", line):
            problems.append(f"{DOCUMENT}:{i} '{line}' is not a heading of this document: "
                            "write '## 1.2 Group' or '### 1.2.3 Fact'")
        elif line.startswith("#"):
            group = None
        elif fact and (match := re.match(r"- ([A-Z][a-z ]+):(.*)", line)):
            label = match[1]
            if label in fact.labels:
                problems.append(f"{fact.where()} has two lines '{label}:': make them one")
            fact.labels[label] = match[2].strip()
        elif label:
            fact.labels[label] += " " + line.strip()
        elif fact:
            fact.statement += line.strip()
        elif group:
            groups[group] += line.strip()
    return facts, groups, problems


def check_document(text):
    """Problems of the document itself."""
    facts, groups, problems = parse(text)
    before = None
    for fact in facts:
        if before and key(fact.number) == key(before):
            problems.append(f"{fact.where()} is there twice: give the second one the next free "
                            "number of its group")
        elif before and key(fact.number) < key(before):
            problems.append(f"{fact.where()} stands behind {before}: sort the facts by number")
        before = fact.number
        if fact.number.rsplit(".", 1)[0] != fact.group:
            problems.append(f"{fact.where()} stands in group {fact.group}: move it, or correct "
                            "the number")
        if not fact.statement:
            problems.append(f"{fact.where()} has no statement: write it below the heading")
        for label in LABELS:
            if label not in fact.labels:
                problems.append(f"{fact.where()} has no line '{label}:': add it")
        for label, value in fact.labels.items():
            if label not in LABELS + (KEPT,):
                problems.append(f"{fact.where()} has a line '{label}:', which is not known: "
                                f"{', '.join(LABELS)} and {KEPT} are")
            elif not value.strip():
                problems.append(f"{fact.where()} has nothing behind '{label}:': fill it in")
        if not fact.labels.get("How sure", SURE[0]).startswith(SURE):
            problems.append(f"{fact.where()} 'How sure:' begins with none of: {', '.join(SURE)}")
    problems += [f"{DOCUMENT} group {g} does not say what it is about: write a sentence below its "
                 "heading" for g, sentence in groups.items() if not sentence]
    return problems


def citations(path, text):
    """((number, line) of each citation, problems)."""
    found, problems = [], []
    for match in CITATION.finditer(text):
        for number in re.finditer(NUMBER, match[1]):
            line = text.count("\n", 0, match.start(1) + number.start()) + 1
            found.append((number[0], line))
            if number[0].count(".") != 2:
                problems.append(f"{path}:{line} cites fact {number[0]}, which is not one fact: a "
                                f"number has three parts; take the exact one from {DOCUMENT}")
        if match[2]:
            problems.append(f"{path}:{line} cites a range of facts: name each one that the "
                            "comment relies on")
    for match in SECTION.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        problems.append(f"{path}:{line} cites a section of facts: name the exact fact of "
                        f"{DOCUMENT}")
    return found, problems


def check_citations(files, document):
    """Problems between the files ({path: text}) and the document."""
    facts, problems = {f.number: f for f in parse(document)[0]}, []
    cited = {}
    for path, text in {**files, DOCUMENT: document}.items():
        found, wrong = citations(path, text)
        problems += wrong
        for number, line in found:
            if path != DOCUMENT:
                cited.setdefault(number, f"{path}:{line}")
            if number not in facts and number.count(".") == 2:
                problems.append(f"{path}:{line} cites fact {number}, which {DOCUMENT} does not "
                                "have: add the fact or correct the number")
    for fact in facts.values():
        if fact.number in cited and KEPT in fact.labels:
            problems.append(f"{fact.where()} is cited by {cited[fact.number]}: remove its line "
                            f"'{KEPT}:'")
        if fact.number not in cited and KEPT not in fact.labels:
            problems.append(f"{fact.where()} is cited nowhere: cite it where the code relies on "
                            f"it, say '{KEPT}:', or remove it")
    return problems


def has_test(path, text, name):
    if path.endswith(".py"):
        pattern = rf"^def {name}\("
    else:
        pattern = rf"START_TEST\({name}\)|^(?!return\b)[A-Za-z][\w *]*\b{name}\("
    return re.search(pattern, text, re.MULTILINE) is not None


def check_tests(document, read):
    """Problems of the lines 'Test:'. @read: path to text, None for a file that is not there."""
    problems = []
    for fact in parse(document)[0]:
        value = fact.labels.get("Test", "")
        named = re.findall(r"`([\w./-]+/[\w.-]+)(?:::(\w+))?`", value)
        if not named and not re.match(r"none: \S", value):
            problems.append(f"{fact.where()} names no test: write `path::name`, `path`, or "
                            "'none: ' and the reason")
        for path, name in named:
            text = read(path)
            if text is None:
                problems.append(f"{fact.where()} names the test {path}, which does not exist: "
                                "correct the path")
            elif name and not has_test(path, text, name):
                problems.append(f"{fact.where()} names the test {path}::{name}, but {path} has no "
                                f"{name}: correct the name")
    return problems


def tree_files():
    return {f: tree.read(f) for f in tree.FILES
            if f not in (DOCUMENT, HERE) and "/corpus/" not in f}


def test_the_document_is_well_formed():
    problems = check_document(tree.read(DOCUMENT))
    assert not problems, "\n".join(problems)


def test_every_citation_has_its_fact_and_every_fact_is_cited():
    problems = check_citations(tree_files(), tree.read(DOCUMENT))
    assert not problems, "\n".join(problems)


def test_the_tests_that_facts_name_exist():
    files = set(tree.FILES)
    problems = check_tests(tree.read(DOCUMENT), lambda p: tree.read(p) if p in files else None)
    assert not problems, "\n".join(problems)


# A small document and tree without a fault, and what must be said when one thing is changed.
GOOD_DOCUMENT = """# What we rely on
# 4 Forwarding
## 4.1 Storage
Where the values are.
### 4.1.1 One key
There is one key.
- Source: a page
- How sure: documented
- If wrong: nothing listens, and it is
  shown (fact 4.1.2)
- Test: `tests/a.py::test_key`, `tests/b.c::test_b`
### 4.1.2 Names
Names are pairs.
- Source: a page
- How sure: reported
- If wrong: nothing
- Test: none: there is no such machine
- Kept because: it explains the above
"""
GOOD_FILES = {"windows-helper/x.c": "/* One key (fact 4.1.1). */\n", "a.sh": "# in fact,\n"}
GOOD_TESTS = {"tests/a.py": "def test_key():\n", "tests/b.c": "START_TEST(test_b) {\n"}


def problems_of(document, files):
    return (check_document(document) + check_citations(files, document) +
            check_tests(document, GOOD_TESTS.get))


def test_a_good_document_has_no_problem():
    assert not problems_of(GOOD_DOCUMENT, GOOD_FILES)


@pytest.mark.parametrize("old,new,said", [
    ("### 4.1.1", "### 4.1.3", "docs/windows-facts.md:12 fact 4.1.2 stands behind 4.1.3: sort"),
    ("### 4.1.2", "### 4.1.1", "docs/windows-facts.md:12 fact 4.1.1 is there twice: give"),
    ("### 4.1.2", "### 4.2.2", "fact 4.2.2 stands in group 4.1: move it"),
    ("### 4.1.2 Names", "### Names", "docs/windows-facts.md:12 '### Names' is not a heading"),
    ("There is one key.\n", "", "docs/windows-facts.md:5 fact 4.1.1 has no statement: write"),
    ("Where the values are.\n", "", "docs/windows-facts.md group 4.1 does not say"),
    ("- Source: a page\n- How sure: reported", "- How sure: reported",
     "fact 4.1.2 has no line 'Source:': add it"),
    ("- If wrong: nothing\n", "- If wrong:\n", "fact 4.1.2 has nothing behind 'If wrong:': fill"),
    ("- If wrong: nothing\n", "- If wrong: nothing\n- If wrong: more\n", "has two lines 'If wrong"),
    ("- Kept because:", "- Why:", "fact 4.1.2 has a line 'Why:', which is not known"),
    ("reported", "perhaps", "fact 4.1.2 'How sure:' begins with none of: confirmed, "),
    ("- Kept because: it explains the above\n", "", "fact 4.1.2 is cited nowhere: cite it"),
    ("(fact 4.1.2)", "(fact 4.1.7)", "docs/windows-facts.md:10 cites fact 4.1.7, which"),
    ("a.py::test_key", "c.py::test_key", "names the test tests/c.py, which does not exist"),
    ("a.py::test_key", "a.py::test_k", "tests/a.py::test_k, but tests/a.py has no test_k"),
    ("b.c::test_b", "b.c::b", "tests/b.c::b, but tests/b.c has no b: correct the name"),
    ("none: there is no such machine", "none", "fact 4.1.2 names no test: write `path::name`"),
])
def test_a_fault_of_the_document_is_named(old, new, said):
    assert GOOD_DOCUMENT.count(old) == 1
    problems = problems_of(GOOD_DOCUMENT.replace(old, new), GOOD_FILES)
    assert any(said in p for p in problems), problems


@pytest.mark.parametrize("comment,said", [
    ("(fact 4.1.9)", "windows-helper/x.c:2 cites fact 4.1.9, which docs/windows-facts.md does not "
                     "have: add the fact or correct the number"),
    ("(fact 4.1)", "windows-helper/x.c:2 cites fact 4.1, which is not one fact"),
    ("(facts 4.1.1 and 9)", "windows-helper/x.c:2 cites fact 9, which is not one fact"),
    ("(fact\n * 4.1.9)", "windows-helper/x.c:3 cites fact 4.1.9, which"),
    ("(facts 4.1.1,\n * 4.1.1, and\n * 4.1.8)", "windows-helper/x.c:4 cites fact 4.1.8, which"),
    ("Facts 4.1.1 to 4.1.2", "windows-helper/x.c:2 cites a range of facts: name each one"),
    ("(facts section 7)", "windows-helper/x.c:2 cites a section of facts: name the exact"),
    ("(fact 6.2, section 7)", "windows-helper/x.c:2 cites a section of facts: name the exact"),
    ("fact 4.1.2", "fact 4.1.2 is cited by windows-helper/x.c:2: remove its line 'Kept because:'"),
])
def test_a_fault_of_a_citation_is_named(comment, said):
    files = {"windows-helper/x.c": f"/* One key (fact 4.1.1).\n * {comment} */\n"}
    problems = problems_of(GOOD_DOCUMENT, files)
    assert any(said in p for p in problems), problems
