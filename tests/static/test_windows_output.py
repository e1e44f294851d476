# SPDX-License-Identifier: MIT
"""All text of the helper goes through one writer (windows-helper/win/console.c), because bytes that
printf() writes look wrong in a console window, whose code page is not UTF-8. The writer also replaces
what may not be shown, so an output that went past it could show anything."""
import re

import sources
import tree

WRITER = "windows-helper/win/console.c"


def helper_sources():
    return {path: tree.read(path) for path in tree.matching("*.c") if path.startswith("windows-helper/")}


def test_only_the_writer_writes():
    calls = re.compile(r"(?<![\w.>])(printf|fprintf|vprintf|puts|fputs|putchar|fwrite|WriteConsole\w)"
                       r"\s*\(")
    found = {f"{path}: {call}" for path, text in helper_sources().items() if path != WRITER
             for call in calls.findall(sources.COMMENT_OR_STRING.sub("", text))}
    assert found == set()


def test_the_writer_replaces_what_may_not_be_shown():
    """Both streams, and the log. That it works is tested in tests/windows/test_pairing.py."""
    text = sources.COMMENT_OR_STRING.sub("", tree.read(WRITER))
    callers = re.findall(r"^\w[\w *]*?\b(\w+)\([^;{]*\) \{(?:(?!^\}).)*?\bconsole_put\(", text,
                         re.MULTILINE | re.DOTALL)
    assert callers == ["console_write"]
    assert "utf8_clean(" in tree.read("windows-helper/win/log.c")


def test_wide_text_is_not_formatted_as_bytes():
    """%ls of a byte format stops at the first letter that the C locale does not have."""
    found = {f"{path}: {m[0]}" for path, text in helper_sources().items()
             for m in sources.COMMENT_OR_STRING.finditer(text)
             if m[0].startswith('"') and text[m.start() - 1] != "L" and
             re.search(r"%[-\d.]*l[sc]", m[0])}
    assert found == set()


def test_errors_have_words_of_our_own():
    """Those of the C library are about other systems: core/base/error-text.h has ours."""
    assert [p for p, text in helper_sources().items() if re.search(r"\bstrerror\b", text)] == []
