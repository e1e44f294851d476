# SPDX-License-Identifier: MIT
"""C sources as the checks of the architecture see them: text without comments, includes with their
lines, definitions and calls. Works on any folder, so that the checks can be tested on small ones."""
import collections
import functools
import json
import os
import re
import subprocess

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)
# A name before a parenthesis, but not a member's (h->send(…)); or freed by _cleanup_(x_freep).
CALL = re.compile(r"_cleanup_\((\w+)p\)|(?<![\w.>])([A-Za-z_]\w*)\s*\(")

# key: names the problem without line numbers, for lists of known ones.
Problem = collections.namedtuple("Problem", "key file line rule mend")


def describe(problems):
    return "\n".join(f"{p.file}:{p.line}: {p.rule}\n    mend: {p.mend}" for p in problems)


def strongly_connected(graph):
    """Groups of two or more nodes that all lead to each other, each sorted. @graph: node → nodes.

    Two depth-first walks (Kosaraju): the second one goes backwards, from what was left last."""
    order, seen = [], set()
    for root in sorted(graph):
        stack = [] if root in seen else [(root, iter(sorted(graph[root])))]
        seen.add(root)
        while stack:
            node, rest = stack[-1]
            step = next((n for n in rest if n not in seen), None)
            if step is None:
                order.append(node)
                stack.pop()
            else:
                seen.add(step)
                stack.append((step, iter(sorted(graph.get(step, ())))))
    backwards = collections.defaultdict(set)
    for node, others in graph.items():
        for other in others:
            backwards[other].add(node)
    groups, placed = [], set()
    for root in reversed(order):
        group, waiting = [], [root]
        while waiting:
            node = waiting.pop()
            if node not in placed:
                placed.add(node)
                group.append(node)
                waiting += backwards[node]
        if len(group) > 1:
            groups.append(sorted(group))
    return sorted(groups)


def unit_of(path):
    """A unit is X.c with X.h and X-private.h."""
    return re.sub(r"-private$", "", os.path.splitext(path)[0])


class Sources:
    """The .c and .h files among @files below @top."""

    def __init__(self, top, files):
        self.top = top
        self.files = sorted(f for f in files if f.endswith((".c", ".h")))

    @functools.lru_cache(maxsize=None)
    def text(self, path):
        with open(os.path.join(self.top, path), encoding="utf-8", errors="replace") as f:
            return f.read()

    @functools.lru_cache(maxsize=None)
    def code(self, path):
        """Without comments and texts; lines keep their numbers."""
        def blank(match):
            line = self.text(path)[:match.start()].rpartition("\n")[2]
            if match[0][0] == '"' and re.match(r"\s*#\s*include\s*$", line):
                return match[0]
            return "\n" * match[0].count("\n") or " "
        return COMMENT_OR_STRING.sub(blank, self.text(path))

    @functools.lru_cache(maxsize=None)
    def includes(self, path):
        """[(line, "<" or '"', name)]"""
        code = self.code(path)
        return [(code.count("\n", 0, m.start(1)) + 1, m[1], m[2]) for m in INCLUDE.finditer(code)]

    @functools.lru_cache(maxsize=None)
    def calls(self, path):
        """name → line of the first call, or of its declaration: a header that declares what another
        unit defines leads to that unit, too."""
        found = {}
        for number, line in enumerate(self.code(path).splitlines(), 1):
            if not line.lstrip().startswith("#"):
                for freed, name in CALL.findall(line):
                    found.setdefault(freed or name, number)
        return found

    @functools.cached_property
    def functions(self):
        """[(file, name, static, line, end)] of every function, from universal-ctags."""
        done = subprocess.run(["ctags", "--output-format=json", "--fields=+neF", "--kinds-C=f",
                               "--language-force=C", "-f", "-", "-L", "-"], cwd=self.top,
                              input="\n".join(self.files), capture_output=True, text=True,
                              check=True)
        tags = [json.loads(line) for line in done.stdout.splitlines()]
        return [(t["path"], t["name"], bool(t.get("file")), t["line"], t.get("end", t["line"]))
                for t in tags]
