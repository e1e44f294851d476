# SPDX-License-Identifier: MIT
"""Each rule of layers.py finds its violation in a small tree, at the right line, and says what to
do; the same tree without the violation has none."""
import architecture
import layers
import pytest
from sources import Sources, describe, strongly_connected

TABLE = """
| folder | what it is for | pure | may include |
|---|---|---|---|
| `agent` | the daemon's main() | | `agent/upper` |
| `agent/upper` | what decides | | `agent/lower` `core/*` |
| `agent/lower` | what is used | `plain` `types.h` | `core/*` |
| `core/sums` | adds | all | |
| `tests/` | what checks all this | | |
"""

GOOD = {
    "agent/main.c": '#include "agent/upper/upper.h"\n\nint main(void) {\n        upper();\n}\n',
    "agent/upper/upper.h": "int upper(void);\n",
    "agent/upper/upper.c": '#include "agent/upper/upper.h"\n#include "agent/lower/lower.h"\n\n'
                           '#include <unistd.h>\n\nint upper(void) {\n        return lower();\n}\n',
    "agent/lower/lower.h": "int lower(void);\n",
    "agent/lower/lower.c": '#include "agent/lower/lower.h"\n#include "core/sums/sums.h"\n\n'
                           "int lower(void) {\n        return sum(1, 2);\n}\n",
    "agent/lower/plain.c": '#include "agent/lower/types.h"\n\n#include <string.h>\n\n'
                           "int plain(void) {\n        return 1;\n}\n",
    "agent/lower/types.h": "typedef int Plain;\n",
    "core/sums/sums.h": "int sum(int a, int b);\n",
    "core/sums/sums.c": '#include "core/sums/sums.h"\n\nint sum(int a, int b) {\n'
                        "        return a + b;\n}\n",
    "tests/unit/test-x.c": '#include "agent/upper/upper.h"\n',
}


def problems(tmp_path, table=TABLE, **changes):
    files = {**GOOD, **changes.pop("files", {})}
    files = {path: text for path, text in files.items() if text is not None}
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    rows, sources = architecture.folders(table), Sources(str(tmp_path), files)
    return (layers.layer_problems(rows, sources, sorted(files)) +
            layers.circle_problems(rows, sources))


def test_a_good_tree_has_no_problem(tmp_path):
    assert problems(tmp_path) == []


@pytest.mark.parametrize("name, files, place, words", [
    ("an arrow upwards", {"agent/lower/lower.h": 'int lower(void);\n#include "agent/upper/upper.h"\n'},
     "agent/lower/lower.h:2", "agent/lower may not include agent/upper"),
    ("an include of a file that is not there", {"agent/main.c": '#include "agent/upper/uper.h"\n'},
     "agent/main.c:1", "does not exist"),
    ("an include without a folder", {"agent/main.c": '\n#include "upper.h"\n'},
     "agent/main.c:2", "may not include a file without its folder"),
    ("an include of a private header",
     {"agent/main.c": '#include "agent/upper/upper-private.h"\n',
      "agent/upper/upper-private.h": "\n"}, "agent/main.c:1", "private to its folder agent/upper"),
    ("an undocumented folder", {"agent/other/x.c": "int x;\n"}, "agent/other/x.c:1",
     "the folder agent/other has 1 C sources and no row"),
    ("a source directly in agent/", {"agent/log.c": "int x;\n"}, "agent/log.c:1",
     "directly in agent/"),
    ("a crowded folder", {f"agent/upper/x{n}.h": "\n" for n in range(25)}, "agent/upper/upper.c:1",
     "agent/upper has 27 sources"),
    ("a system header in a pure folder", {"core/sums/more.c": "/* <a.h> */\n#include <unistd.h>\n"},
     "core/sums/more.c:2", "is pure (its row in docs/architecture.md) and includes <unistd.h>"),
    ("a system header in a pure unit", {"agent/lower/plain.h": "#include <sys/socket.h>\n"},
     "agent/lower/plain.h:1", "includes <sys/socket.h>"),
    ("a pure unit that includes an impure one",
     {"agent/lower/plain.c": '#include "agent/lower/lower.h"\n'}, "agent/lower/plain.c:1",
     'is pure and includes "agent/lower/lower.h", which is not'),
    ("a pure source that prints", {"core/sums/more.c": "int x(void) {\n        printf(1);\n}\n"},
     "core/sums/more.c:2", "is pure and calls printf()"),
    ("two units that call each other",
     {"agent/upper/a.c": '#include "agent/upper/b.h"\nint a(void) {\n        return b();\n}\n',
      "agent/upper/a.h": "int a(void);\n", "agent/upper/b.h": "int b(void);\n",
      "agent/upper/b.c": '#include "agent/upper/a.h"\nint b(void) {\n        return a();\n}\n'},
     "agent/upper/a.c:3", "units call each other"),
    ("three units that do, one through a private header",
     {"agent/upper/a.c": "int a(void) {\n        return b();\n}\n",
      "agent/upper/b.c": "int b(void) {\n        return c();\n}\n",
      "agent/upper/c.c": "int c(void) {\n        return 0;\n}\n",
      "agent/upper/c-private.h": "static inline int d(void) {\n        return a();\n}\n"},
     "agent/upper/a.c:2", "agent/upper/a → agent/upper/b (b() at agent/upper/a.c:2)"),
    ("a header that declares what another unit defines, which uses it",
     {"agent/upper/a.c": "int a(void) {\n        return 0;\n}\n",
      "agent/upper/a.h": "int a(void);\nint b(void);\n",
      "agent/upper/b.c": "int b(void) {\n        return a();\n}\n"}, "agent/upper/a.h:2",
     "(or declare what the other defines)"),
    ("folders that include each other",
     {"agent/lower/lower.h": 'int lower(void);\n#include "agent/upper/upper.h"\n'},
     "agent/lower/lower.h:2", "folders include each other in a circle: agent/lower → agent/upper"),
    ("headers that include each other",
     {"agent/upper/upper.h": '#include "agent/upper/x.h"\n',
      "agent/upper/x.h": '#include "agent/upper/upper.h"\n'}, "agent/upper/upper.h:1",
     "headers include each other in a circle"),
])
def test_a_violation_is_found(tmp_path, name, files, place, words):
    text = describe(problems(tmp_path, files=files))
    assert any(line.startswith(place + ": ") and words in line for line in text.splitlines()), text
    assert all("mend: " in line for line in text.splitlines()[1::2])


@pytest.mark.parametrize("old, new, words", [
    ("| `core/sums` |", "| `core/gone` | is no more | all | |\n| `core/sums` |",
     "core/gone is documented, but nothing is in it"),
    ("| `tests/` |", "| `attic/` | old things of ours | | |\n| `tests/` |",
     "attic/ is documented, but nothing is in it"),
    ("`plain`", "`plane`", "agent/lower has no unit or header plane"),
    ("| `agent/upper` |\n", "| `agent/upper` `agent/uper` |\n",
     "may include agent/uper, which is not a folder of the table"),
    ("| adds | all | |", "| adds | all | `agent/lower` |", "the table allows a circle"),
])
def test_a_wrong_table_is_found(tmp_path, old, new, words):
    assert old in TABLE
    text = describe(problems(tmp_path, TABLE.replace(old, new)))
    assert words in text and "docs/architecture.md:" in text, text


def test_a_document_without_a_table_or_with_two_rows_is_an_error():
    with pytest.raises(AssertionError, match="no table"):
        architecture.folders("# Architecture\n")
    with pytest.raises(AssertionError, match="two rows"):
        architecture.folders(TABLE + "| `agent` | again | | |\n")


@pytest.mark.parametrize("code", [
    '/* #include "agent/upper/upper.h" and upper() */\n',
    'static int upper(void) {\n        return 0;\n}\nint y(void) {\n        return upper();\n}\n',
    'int y(void) {\n        return h->upper() + h.upper();\n}\n',
    'const char *y = "upper()";\n',
])
def test_what_only_looks_like_a_call_is_not_one(tmp_path, code):
    """Comments, a function of the unit's own, members and texts."""
    files = {"agent/upper/upper.c": "int upper(void) {\n        return lower();\n}\n",
             "agent/lower/lower.c": "int lower(void) {\n        return 0;\n}\n" + code}
    assert problems(tmp_path, files=files) == []


def test_circles_of_a_graph():
    assert strongly_connected({"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"d"}}) == \
        [["a", "b", "c"]]
    assert strongly_connected({"a": {"b"}, "b": set(), "x": {"y"}, "y": {"x"}}) == [["x", "y"]]
    chain = {n: {n + 1} for n in range(5000)}
    assert strongly_connected(chain) == []
    assert strongly_connected({**chain, 5000: {0}}) == [list(range(5001))]
