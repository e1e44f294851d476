# SPDX-License-Identifier: MIT
"""The rules of the architecture, each a function from sources and the table of
docs/architecture.md to a list of problems. test_layers.py applies them to this tree,
test_layers_can_fail.py to small ones that break them."""
import collections
import os

import architecture
from sources import Problem, strongly_connected, unit_of

SOURCES_MAX = 26  # a folder with more has more than one responsibility

# What a pure source may include: plain C11 without anything that opens, waits or asks the time …
PURE_HEADERS = {f"{n}.h" for n in (
    "assert ctype errno inttypes limits stdalign stdarg stdbool stddef stdint stdio stdlib string "
    "strings wchar").split()}
# … and, on Linux, two parsers and the kernel's constants, which do neither.
PURE_HEADERS |= {"ini.h", "jansson.h", "linux/if_addr.h", "linux/rtnetlink.h"}

# Open to pure sources, though not pure: macros, and functions that they may not call.
OPEN_TO_PURE = {"agent/util/cleanup.h"}

# Functions of these headers that a pure source must not call.
IMPURE_CALLS = set(
    "closep now_usec clock clock_gettime time "
    "fopen freopen fdopen popen system getenv setenv putenv printf puts perror rand srand "
    "remove rename tmpfile exit abort ini_parse ini_parse_file json_load_file json_dump_file "
    "json_loadfd json_dumpfd json_loadf json_dumpf".split())

# Made by the build, beside the object file.
GENERATED = {"messages.h"}


def checked(rows, sources, path):
    """The row of a source that the rules apply to, else None."""
    row = architecture.row_of(rows, os.path.dirname(path))
    return row if row and not row.folder.endswith("/") else None


def is_pure(rows, sources, path):
    row = checked(rows, sources, path)
    if not row:
        return False
    name = os.path.basename(path)
    return "all" in row.pure or name in row.pure or os.path.basename(unit_of(path)) in row.pure


def undocumented_folders(rows, sources):
    missing = collections.defaultdict(list)
    for path in sources.files:
        if not architecture.row_of(rows, os.path.dirname(path)):
            missing[os.path.dirname(path)].append(path)
    return [Problem(f"{folder} has no row", files[0], 1,
                    f"the folder {folder or 'at the top'} has {len(files)} C sources and no row in "
                    f"{architecture.DOCUMENT}",
                    f"move them to a folder that has their responsibility, or add a row: `{folder}`"
                    ", one sentence, what is pure, what it may include")
            for folder, files in sorted(missing.items())]


def missing_folders(rows, sources, all_files):
    """@all_files: also those that are not C; a row may be for scripts or documents."""
    problems = []
    for row in rows.values():
        inside = [f for f in all_files if f.startswith(row.folder.rstrip("/") + "/")]
        if not row.folder.endswith("/"):
            inside = [f for f in sources.files if os.path.dirname(f) == row.folder]
        if not inside:
            problems.append(Problem(
                f"{row.folder} is not there", architecture.DOCUMENT, row.line,
                f"the folder {row.folder} is documented, but nothing is in it",
                "delete the row, and the folder from other rows, or correct its name"))
        units = {os.path.basename(f) for f in inside} | {os.path.basename(unit_of(f))
                                                         for f in inside}
        for name in sorted(row.pure - {"all"} - units):
            problems.append(Problem(
                f"{row.folder}/{name} is not there", architecture.DOCUMENT, row.line,
                f"{row.folder} has no unit or header {name}, which its row calls pure",
                "correct the name in the column 'pure', or delete it"))
    return problems


def unknown_arrows(rows):
    return [Problem(f"{row.folder} may include {pattern}", architecture.DOCUMENT, row.line,
                    f"{row.folder} may include {pattern}, which is not a folder of the table",
                    "correct the name in the column 'may include', or delete it")
            for row in rows.values() for pattern in row.may
            if not any(other != row.folder and
                       architecture.allows(row._replace(may=[pattern]), other) for other in rows)]


def circles_of_the_table(rows):
    graph = {row.folder: {o for o in rows if o != row.folder and architecture.allows(row, o)}
             for row in rows.values() if not row.folder.endswith("/")}
    return [Problem("circle: " + " ".join(group), architecture.DOCUMENT, rows[group[0]].line,
                    f"the table allows a circle: {', '.join(group)} may all reach each other",
                    "decide which one is below the others, and take its arrows to them away")
            for group in strongly_connected(graph)]


def wrong_includes(rows, sources):
    problems = []
    for path in sources.files:
        row = checked(rows, sources, path)
        for line, kind, name in sources.includes(path) if row else ():
            folder = os.path.dirname(name)
            if kind == "<" or name in GENERATED or architecture.allows(row, folder):
                if kind == '"' and name not in GENERATED and name not in sources.files:
                    problems.append(Problem(
                        f"{path} includes {name}", path, line, f'"{name}" does not exist',
                        "write the path from the top of the repository"))
                continue
            problems.append(Problem(
                f"{path} includes {name}", path, line,
                f"{row.folder} may not include {folder or 'a file without its folder'} "
                f'("{name}"); {architecture.DOCUMENT}:{row.line}',
                "move what is needed to a folder below both, or hand it over as a value or a "
                "callback; add an arrow to the table only if it points down"))
    return problems


def foreign_private_headers(rows, sources):
    return [Problem(f"{path} includes {name}", path, line,
                    f'"{name}" is private to its folder {os.path.dirname(name)}',
                    "use the folder's public headers, or declare what is needed in one of them")
            for path in sources.files if checked(rows, sources, path)
            for line, kind, name in sources.includes(path)
            if kind == '"' and name.endswith("-private.h") and
            os.path.dirname(name) != os.path.dirname(path)]


def impure_sources(rows, sources):
    problems = []
    for path in (f for f in sources.files if is_pure(rows, sources, f)):
        for line, kind, name in sources.includes(path):
            if kind == "<" and name not in PURE_HEADERS:
                problems.append(Problem(
                    f"{path} includes <{name}>", path, line,
                    f"{path} is pure (its row in {architecture.DOCUMENT}) and includes <{name}>",
                    "leave what touches the system to the caller; if the header has only types "
                    "and constants, add it to PURE_HEADERS in tests/static/layers.py"))
            if kind == '"' and name in sources.files and name not in OPEN_TO_PURE \
                    and not is_pure(rows, sources, name):
                problems.append(Problem(
                    f"{path} includes {name}", path, line,
                    f'{path} is pure and includes "{name}", which is not',
                    f"split {name}, so that what is needed is pure and has its name in the column "
                    "'pure', or take the value as an argument"))
        for name in sorted(IMPURE_CALLS & set(sources.calls(path))):
            problems.append(Problem(
                f"{path} calls {name}", path, sources.calls(path)[name],
                f"{path} is pure and calls {name}()",
                "return what to do, and let the caller do it"))
    return problems


def crowded_folders(rows, sources):
    count = collections.Counter(os.path.dirname(f) for f in sources.files)
    return [Problem(f"{folder} is crowded", next(f for f in sources.files
                                                 if os.path.dirname(f) == folder), 1,
                    f"{folder} has {n} sources and headers, more than {SOURCES_MAX}",
                    "find its two responsibilities, and give each a folder")
            for folder, n in sorted(count.items())
            if n > SOURCES_MAX and checked(rows, sources, folder + "/x.c")]


def agents_top(rows, sources):
    return [Problem(f"{f} is in agent/", f, 1, f"{f} is directly in agent/, which has only main.c",
                    "move it to the folder of agent/ that has its responsibility")
            for f in sources.files
            if os.path.dirname(f) == "agent" and f.endswith(".c") and f != "agent/main.c"]


def circles(graph, reasons, rule, places, mend):
    """A problem for each circle, at the arrow that the fewest lines make. @reasons: for each arrow
    the (path, line, name) that make it; @places: a function that puts those into words."""
    problems = []
    for group in strongly_connected(graph):
        arrows = [(a, b) for a in group for b in group if (a, b) in reasons]
        path, line, _ = min((reasons[arrow] for arrow in arrows), key=len)[0]
        problems.append(Problem("circle: " + " ".join(group), path, line, f"{rule}: " + "; ".join(
            f"{a} → {b} ({places(reasons[a, b])})" for a, b in arrows), mend))
    return problems


def circles_of_folders(rows, sources):
    graph, reasons = collections.defaultdict(set), collections.defaultdict(list)
    for path in sources.files:
        mine = os.path.dirname(path)
        for line, kind, name in sources.includes(path) if checked(rows, sources, path) else ():
            other = os.path.dirname(name)
            if kind == '"' and name in sources.files and other != mine:
                graph[mine].add(other)
                reasons[mine, other].append((path, line, name))

    def places(found):
        path, line, _ = found[0]
        return f"{path}:{line}" + (f" and {len(found) - 1} more" if len(found) > 1 else "")

    return circles(graph, reasons, "folders include each other in a circle", places,
                   "cut the arrow with the fewest includes: move what they need to the folder below")


def circles_of_headers(rows, sources):
    graph = {f: {n for _, kind, n in sources.includes(f) if kind == '"' and n.endswith(".h")}
             for f in sources.files if f.endswith(".h")}
    return [Problem("circle: " + " ".join(group), group[0], 1,
                    "headers include each other in a circle: " + ", ".join(group),
                    "declare the type in one of them (typedef struct X X;) instead of including it")
            for group in strongly_connected(graph)]


def circles_of_units(rows, sources):
    """By what they call. Two programs may define one name: the callee is looked for in the unit
    itself, then in its folder, then in what its files include, then in its part of the tree."""
    owners = collections.defaultdict(set)
    own = collections.defaultdict(set)
    for path, name, static, _, _ in sources.functions:
        if not checked(rows, sources, path):
            continue
        own[unit_of(path)].add(name)
        if not static:
            owners[name].add(unit_of(path))
    graph, reasons = collections.defaultdict(set), {}
    for path in sources.files:
        if not checked(rows, sources, path):
            continue
        mine = unit_of(path)
        included = {unit_of(n) for _, kind, n in sources.includes(path) if kind == '"'}
        for name, line in sources.calls(path).items():
            if name in own[mine]:
                continue
            near = owners[name]
            for fits in (lambda u: os.path.dirname(u) == os.path.dirname(mine),
                         lambda u: u in included,
                         lambda u: u.split("/")[0] == mine.split("/")[0]):
                if len(near) > 1 and any(map(fits, near)):
                    near = set(filter(fits, near))
            for other in near:
                graph[mine].add(other)
                reasons.setdefault((mine, other), []).append((path, line, name))

    def places(found):
        named = ", ".join(f"{name}() at {path}:{line}" for path, line, name in found[:3])
        return named + (", …" if len(found) > 3 else "")

    return circles(graph, reasons,
                   "units call each other (or declare what the other defines) in a circle", places,
                   "move what both need to a third unit below them, declare it in that unit's header, "
                   "or hand a callback down")


def layer_problems(rows, sources, all_files):
    return (undocumented_folders(rows, sources) + missing_folders(rows, sources, all_files) +
            unknown_arrows(rows) + wrong_includes(rows, sources) +
            foreign_private_headers(rows, sources) + impure_sources(rows, sources) +
            crowded_folders(rows, sources) + agents_top(rows, sources))


def circle_problems(rows, sources):
    return (circles_of_the_table(rows) + circles_of_folders(rows, sources) +
            circles_of_headers(rows, sources) + circles_of_units(rows, sources))
