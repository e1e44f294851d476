# SPDX-License-Identifier: MIT
"""Comments and documents: which files they name, and the comment at the head of a source."""
import io
import os
import re
import tokenize

from sources import Problem

NAME = re.compile(r"(?<![\w./<>@*-])((?:[\w.-]+/)*[\w-][\w.-]*\.(?:c|h|py|sh|md|mc))"
                  r"(?![\w*(/-]|\.\w)")
SEE = re.compile(r"[,;.:]?\s*\b(?:see|as in|like)\s+[\w./-]+\.[ch]\b(?:\s+and\s+[\w./-]+\.[ch]\b)?",
                 re.IGNORECASE)
PURPOSE_WORDS_MIN = 4
# "X.c" or "fuzz-NAME.c" stands for many; documents are named in capitals.
PATTERN = re.compile(r"(?:^|[/_-])[A-Z]+(?:-\w+)?\.(?!md)")


def c_comments(text):
    """(line, text) of each comment."""
    for m in re.finditer(r'/\*(.*?)\*/|//([^\n]*)|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'',
                         text, re.DOTALL):
        if m[1] is not None or m[2] is not None:
            yield text.count("\n", 0, m.start()) + 1, m[1] or m[2] or ""


def python_comments(text):
    """Comments and the texts that stand alone: docstrings."""
    previous = None
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        alone = token.type == tokenize.STRING and previous in (
            None, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
        if token.type == tokenize.COMMENT or alone:
            yield token.start[0], token.string
        if token.type not in (tokenize.NL, tokenize.COMMENT):
            previous = token.type


def hash_comments(text):
    for number, line in enumerate(text.splitlines(), 1):
        comment = re.search(r"(?:^|\s)#(.*)", line)
        if comment:
            yield number, comment[1]


def prose_of(path, text):
    """(line, text) of all that is written for people, or [] for data."""
    base, ending = os.path.basename(path), os.path.splitext(path)[1]
    if ending in (".c", ".h"):
        return list(c_comments(text))
    if ending == ".py":
        return list(python_comments(text))
    if ending == ".md" or re.search(r"\.[1-9]$", base):
        return list(enumerate(text.replace("\\-", "-").splitlines(), 1))
    if ending in (".sh", ".ini", ".build", ".sample") or base in ("dev", ".clang-tidy"):
        return list(hash_comments(text))
    return []


def named_files(path, text):
    """(line, name) of each file that comments or prose name."""
    for first, prose in prose_of(path, text):
        for m in NAME.finditer(prose):
            if not PATTERN.search(m[1]):
                yield first + prose.count("\n", 0, m.start()), m[1]


def missing_files(path, text, files, foreign):
    """@foreign: names, or beginnings of paths that end in a slash, of other projects' files."""
    names = {os.path.basename(f) for f in files}
    problems = []
    for line, name in named_files(path, text):
        beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
        known = name in files or beside in files if "/" in name else name in names
        known = known or any(f.endswith("/" + name) for f in files)
        if not known and name not in foreign and \
                not any(f.endswith("/") and name.startswith(f) for f in foreign):
            problems.append(Problem(
                f"{path} names {name}", path, line, f"{name} does not exist",
                "name the file that has this now, by its path if the name is not unique; another "
                "project's file goes to FOREIGN in tests/static/test_comments.py"))
    return problems


def purpose(text):
    """The comment that begins a source, behind its licence and '#pragma once'; "" for none."""
    m = re.match(r"\s*/\* SPDX[^\n]*\*/\s*(?:#pragma once\s*)?/\*(.*?)\*/", text, re.DOTALL)
    return re.sub(r"\n\s*\*", "\n", m[1]).strip() if m else ""


def purposeless(path, text):
    said = SEE.sub("", purpose(text))
    if len(re.findall(r"\w+", said)) >= PURPOSE_WORDS_MIN:
        return []
    found = f"the comment at its head, '{' '.join(purpose(text).split())}', does not say what the " \
            "file is for" if purpose(text) else \
            "no comment after the licence (and '#pragma once') says what the file is for"
    return [Problem(f"{path} does not say what it is for", path, 2, found,
                    "begin with a comment of one or two sentences: its one responsibility")]
