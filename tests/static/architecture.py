# SPDX-License-Identifier: MIT
"""docs/architecture.md as data: its table of folders, and the functions and files that it names."""
import collections
import fnmatch
import re

DOCUMENT = "docs/architecture.md"

# folder; what it is for; 'all', or the names of its pure units and headers; folder patterns that
# it may include; line in the document. A folder with a slash at its end stands for all below it,
# and no rule is checked there.
Row = collections.namedtuple("Row", "folder purpose pure may line")

HEADING = ["folder", "what it is for", "pure", "may include"]


def _cells(line):
    return [c.strip() for c in line.strip().strip("|").split("|")]


def folders(text):
    """The rows of the table, by folder."""
    rows, inside = {}, False
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            inside = False
        elif _cells(line) == HEADING:
            inside = True
        elif inside and not set(line) <= set("|-: "):
            folder, purpose, pure, may = _cells(line)
            name = folder.strip("`")
            assert name not in rows, f"{DOCUMENT}:{number}: '{name}' has two rows; keep one"
            rows[name] = Row(name, purpose, {"all"} if pure == "all" else
                             set(re.findall(r"`([^`]+)`", pure)),
                             re.findall(r"`([^`]+)`", may), number)
    assert rows, f"{DOCUMENT} has no table with the heading | {' | '.join(HEADING)} |"
    return rows


def allows(row, folder):
    return folder == row.folder or any(fnmatch.fnmatch(folder, p) for p in row.may)


def row_of(rows, folder):
    """The row of a folder, or of one above it that ends in a slash. None: not documented."""
    if folder in rows:
        return rows[folder]
    parts = folder.split("/")
    for n in range(len(parts), 0, -1):
        above = rows.get("/".join(parts[:n]) + "/")
        if above:
            return above
    return None


def named_functions(text):
    """(line, function, files) for each `name()` in the document: a line that names functions names
    the file that defines them, too."""
    for number, line in enumerate(text.splitlines(), 1):
        names = re.findall(r"`(\w+)\(\)`", line)
        files = re.findall(r"`([\w./-]+\.c)`", line)
        for name in names:
            yield number, name, files


def named_files(text):
    """(line, path) for each `path/to/file` in the document; a bare name is not one."""
    for number, line in enumerate(text.splitlines(), 1):
        for path in re.findall(r"`([\w-][\w.-]*/[\w./-]*)`", line):
            yield number, path
