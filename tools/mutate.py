#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Changes one line of a decision at a time, and asks the unit tests whether they notice.

    tools/mutate.py [FILE…]     (by './dev mutate'; without FILE, the modules that decide)

Each change is made in a copy of the tree below build/mutate, compiled, and given to the unit tests of
that part. A change that all tests let pass is a survivor: a line that is not tested, or one that may
just as well be otherwise. tests/unit/survivors.txt lists the latter, each with its reason. Any other
survivor is printed, and the exit status is 1.
"""
import concurrent.futures
import filecmp
import os
import re
import shutil
import subprocess
import sys
import threading

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.path.join(TOP, "build", "mutate")
JUSTIFIED = os.path.join(TOP, "tests", "unit", "survivors.txt")
TEST_LIMIT = 60  # seconds for one program; a change may make a loop endless

# Files, and the unit tests that have to notice a change in them: the nearest first.
MODULES = [
    ("agent/network/snapshot.c", ["test-agent-network-"]),
    ("windows-helper/core/rules/", ["test-helper-rules-", "test-helper-controller-"]),
    ("windows-helper/core/policy/", ["test-helper-policy-", "test-helper-controller-"]),
    ("windows-helper/core/vm/", ["test-helper-vm-", "test-helper-controller-"]),
    ("protocol/session/", ["test-protocol-", "test-helper-controller-"]),
]

SWAPS = [("==", "!="), ("!=", "=="), ("<=", "<"), (">=", ">"), ("<", "<="), (">", ">="),
         ("&&", "||"), ("||", "&&"), ("true", "false"), ("false", "true")]
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'|\w+|<<=?|>>=?|->|[-+*/%&|^=!<>]=|&&|\|\||\+\+|--|\S')
STATEMENT = re.compile(r"^\s+(?!return\b|goto\b|typedef\b|static\b|const\b|struct\b|\w+ \*?\w+( =|;|\[))"
                       r"[\w*(].*;\s*(/\*.*\*/)?$")


def code_lines(text):
    """(number, line) of lines inside functions, without comments."""
    inside, comment = False, False
    for number, line in enumerate(text.split("\n")):
        if comment:
            comment = "*/" not in line
            continue
        if line.lstrip().startswith("/*"):
            comment = "*/" not in line
            continue
        if line.startswith("}"):
            inside = False
        elif inside and not line.lstrip().startswith("#"):
            yield number, line
        elif re.match(r"^[\w].*\) \{$", line) or re.match(r"^\s+.*\) \{$", line) and not inside:
            inside = True


def changes_of_line(line):
    """Every changed version of a line."""
    code = line.split("/*")[0]
    for found in TOKEN.finditer(code):
        for old, new in SWAPS:
            if found[0] == old:
                yield line[:found.start()] + new + line[found.end():]
        if found[0] in ("0", "1"):
            yield line[:found.start()] + ("1" if found[0] == "0" else "0") + line[found.end():]
        if found[0] in ("+", "-") and code[found.end():found.end() + 2].strip()[:1].isdigit():
            yield line[:found.start()] + ("-" if found[0] == "+" else "+") + line[found.end():]
    condition = re.match(r"^(\s+(?:\} else )?if \()(.*)(\)(?: \{)?)$", code.rstrip())
    if condition and condition[2].count("(") == condition[2].count(")"):
        yield f"{condition[1]}!({condition[2]}){condition[3]}"
    if re.match(r"^\s+(continue|break);$", code) or STATEMENT.match(line):
        yield re.match(r"^\s*", line)[0] + ";"


def changes_of_file(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        text = f.read()
    lines = text.split("\n")
    for number, line in code_lines(text):
        for changed in changes_of_line(line):
            if changed != line:
                yield path, number, line, "\n".join(lines[:number] + [changed] + lines[number + 1:]), changed


class Worker:
    """One copy of the tree with a build of its own."""

    def __init__(self, number):
        self.tree, self.build = os.path.join(WORK, f"tree{number}"), os.path.join(WORK, f"build{number}")
        self.copy()
        if not os.path.exists(os.path.join(self.build, "build.ninja")):
            shutil.rmtree(self.build, ignore_errors=True)
            subprocess.run(["meson", "setup", self.build, self.tree, "-Doptimization=0", "-Ddebug=false"],
                           check=True, stdout=subprocess.DEVNULL)

    def copy(self):
        """Bring the copy up to date. Files that are the same keep their times, so little is built."""
        for name in tracked():
            source, target = os.path.join(TOP, name), os.path.join(self.tree, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if os.path.isfile(source) and not (os.path.isfile(target) and
                                               filecmp.cmp(source, target, shallow=False)):
                shutil.copy(source, target)

    def ninja(self, targets):
        return subprocess.run(["ninja", "-C", self.build, "-j", "1", *targets],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def targets(self, prefixes):
        lines = subprocess.run(["ninja", "-C", self.build, "-t", "targets", "all"], check=True,
                               capture_output=True, text=True).stdout.split("\n")
        names = [line.split(":")[0] for line in lines]
        return [n for p in prefixes for n in names
                if os.path.basename(n).startswith(p) and n.startswith("tests/unit/") and "." not in
                os.path.basename(n)]

    def passes(self, program):
        try:
            return subprocess.run([os.path.join(self.build, program)], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, timeout=TEST_LIMIT, cwd=self.tree,
                                  env=dict(os.environ, CK_DEFAULT_TIMEOUT="20")).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def notices(self, path, changed_text, programs):
        """None: the change does not compile; otherwise whether a test notices it."""
        full = os.path.join(self.tree, path)
        with open(os.path.join(TOP, path), encoding="utf-8") as f:
            original = f.read()
        try:
            with open(full, "w", encoding="utf-8") as f:
                f.write(changed_text)
            if not self.ninja(programs[:1]):
                return None
            for program in programs:
                if not self.ninja([program]) or not self.passes(program):
                    return True
            return False
        finally:
            with open(full, "w", encoding="utf-8") as f:
                f.write(original)


def justified():
    """{(file, original, changed)}; lines are stripped. The file has 'file', '- old', '+ new' and a reason
    for each."""
    found, path, old = set(), None, None
    if os.path.exists(JUSTIFIED):
        with open(JUSTIFIED, encoding="utf-8") as f:
            for line in f.read().split("\n"):
                if line.startswith("- "):
                    old = line[2:].strip()
                elif line.startswith("+ "):
                    found.add((path, old, line[2:].strip()))
                elif line and not line[0].isspace() and not line.startswith("#"):
                    path = line.strip()
    return found


def tracked():
    return subprocess.run(["git", "-C", TOP, "ls-files"], check=True, capture_output=True,
                          text=True).stdout.splitlines()


def files(names):
    known = tracked()
    for prefix, tests in MODULES:
        for path in known:
            if path.endswith(".c") and path.startswith(prefix) and (not names or any(path.startswith(n) for n in names)):
                yield path, tests


def main():
    excused, lock = justified(), threading.Lock()
    workers = [Worker(n) for n in range(os.cpu_count() or 1)]
    for w in workers:
        w.ninja([])
    work = []
    for path, prefixes in files(sys.argv[1:]):
        programs = workers[0].targets(prefixes)
        work += [(change, programs) for change in changes_of_file(path)]
    counts, survivors, free = {"killed": 0, "not compiled": 0, "excused": 0}, [], list(workers)

    def one(item):
        (path, number, line, text, changed), programs = item
        with lock:
            worker = free.pop()
        try:
            noticed = worker.notices(path, text, programs)
        finally:
            with lock:
                free.append(worker)
        with lock:
            if noticed is None:
                counts["not compiled"] += 1
            elif noticed:
                counts["killed"] += 1
            elif (path, line.strip(), changed.strip()) in excused:
                counts["excused"] += 1
            else:
                survivors.append((path, number, line, changed))
                print(f"{path}:{number + 1}\n- {line.strip()}\n+ {changed.strip()}", flush=True)
            done = sum(counts.values()) + len(survivors)
            if sys.stderr.isatty() or done % 100 == 0:
                print(f"\r{done}/{len(work)} ", end="" if sys.stderr.isatty() else "\n", file=sys.stderr,
                      flush=True)

    with concurrent.futures.ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(one, work))
    print(f"{len(work)} changes: {counts['killed']} noticed, {counts['not compiled']} do not compile, "
          f"{counts['excused']} justified, {len(survivors)} survivors")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
