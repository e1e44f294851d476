#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Changes one line of a decision at a time, and asks the unit tests whether they notice.

    tools/mutate.py [FILE…]     (by './dev mutate'; without FILE, the modules that decide)

Each change is compiled below build/mutate, and given to the unit tests of that part. A change that all
tests let pass is a survivor: a line that is not tested, or one that may just as well be otherwise.
tests/unit/survivors.txt lists the latter, each with its reason. Any other survivor is printed, and the
exit status is 1. For a first look, MUTATE_QUICK=1 leaves out the slow programs and the sanitizers.
"""
import collections
import concurrent.futures
import glob
import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.path.join(TOP, "build", "mutate")
JUSTIFIED = os.path.join(TOP, "tests", "unit", "survivors.txt")
LIBRARY = "libchanged.so"
SLOW = 0.5  # seconds of the processor: such programs come last
LIMIT, SLOW_LIMIT, SANITIZED_LIMIT = 2, 20, 20  # the same, for one program with a change
QUICK = os.environ.get("MUTATE_QUICK")

# Files, and the unit tests that have to notice a change in them: the nearest first.
MODULES = [
    ("agent/network/snapshot.c", ["test-agent-network-"]),
    ("agent/network/throttle.c", ["test-agent-network-"]),
    ("agent/network/doubt.c", ["test-agent-network-"]),
    ("agent/config/merge.c", ["test-agent-config-"]),
    ("windows-helper/core/controller/", ["test-helper-controller-", "test-helper-firewall-for-whom",
                                         "test-helper-ports-verify"]),
    ("windows-helper/core/firewall/", ["test-helper-firewall-", "test-helper-controller-"]),
    ("windows-helper/core/ports/", ["test-helper-ports-", "test-helper-controller-"]),
    ("windows-helper/core/rules/", ["test-helper-rules-", "test-helper-controller-"]),
    ("windows-helper/core/policy/", ["test-helper-policy-", "test-helper-controller-"]),
    ("windows-helper/core/vm/", ["test-helper-vm-", "test-helper-policy-hostnet",
                                 "test-helper-controller-"]),
    ("protocol/session/", ["test-protocol-", "test-helper-controller-"]),
]

SWAPS = [("==", "!="), ("!=", "=="), ("<=", "<"), (">=", ">"), ("<", "<="), (">", ">="),
         ("&&", "||"), ("||", "&&"), ("true", "false"), ("false", "true")]
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'|\w+|<<=?|>>=?|->|[-+*/%&|^=!<>]=|&&|\|\||\+\+|--|\S')
# Before a token that is left alone: the unit of a size, and the room for the NUL of the longest text.
UNIT = re.compile(r"sizeof\([\w.>-]+\[$|_MAX( \+)? $")
STATEMENT = re.compile(r"^\s+(?!return\b|goto\b|typedef\b|static\b|const\b|struct\b|\w+ \*?\w+( =|;|\[))"
                       r"[\w*(].*;\s*(/\*.*\*/)?$")


Change = collections.namedtuple("Change", "path line old new text")


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
    if re.match(r"^\s+(return|int r =) 0;$", code.rstrip()):  # callers ask whether it is below 0
        yield code.replace("0", "-1")
        return
    for found in TOKEN.finditer(code):
        if UNIT.search(code[:found.start()]):
            continue
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
                yield Change(path, number, line, changed,
                             "\n".join(lines[:number] + [changed] + lines[number + 1:]))


class Build:
    """One build of the tree. A change is compiled alone, to a library that the programs load in place of
    the original, so nothing is linked anew."""

    def __init__(self, sanitize):
        self.dir = os.path.join(WORK, "sanitized" if sanitize else "plain")
        # The sanitizers have a map of the memory, which counts as theirs.
        self.limits = ["prlimit", "--core=0"] + ([] if sanitize else [f"--as={1 << 32}"])
        if not os.path.exists(os.path.join(self.dir, "build.ninja")):
            shutil.rmtree(self.dir, ignore_errors=True)
            subprocess.run(["meson", "setup", self.dir, TOP, "-Doptimization=0", "-Ddebug=false",
                            *(["-Db_sanitize=address,undefined"] if sanitize else [])], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["ninja", "-C", self.dir, "-j", str(os.cpu_count() or 1)], check=True,
                       stdout=subprocess.DEVNULL)
        with open(os.path.join(self.dir, "compile_commands.json"), encoding="utf-8") as f:
            self.compile = {os.path.normpath(os.path.join(c["directory"], c["file"])): shlex.split(c["command"])
                            for c in json.load(f)}
        self.targets = [t.split(":")[0] for t in self.ninja("targets", "all")]

    def ninja(self, *tool):
        return subprocess.run(["ninja", "-C", self.dir, "-t", *tool], check=True, capture_output=True,
                              text=True).stdout.strip().split("\n")[tool[0] != "targets":]

    def folder(self, path):
        return self.dir + "-" + path.replace("/", "-")

    def library(self, path, text, target):
        """Compile a module, with the given text, as a library. False: it does not compile."""
        words = self.compile[os.path.join(TOP, path)]
        words = words[words[0].endswith("ccache"):words.index("-MD")]
        return subprocess.run([*words, "-w", "-shared", f"-Wl,-soname,{LIBRARY}", "-o", target, "-x", "c", "-"],
                              cwd=self.dir, input=text, text=True, stderr=subprocess.DEVNULL).returncode == 0

    def programs(self, path, prefixes, only=None):
        """The unit tests that contain the module, linked so that they load it as a library; the quickest go
        first: (seconds, name)."""
        folder = self.folder(path)
        library = os.path.join(folder, LIBRARY)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(os.path.join(folder, "empty"))
        with open(os.path.join(TOP, path), encoding="utf-8") as f:
            if not self.library(path, f.read(), library) or \
                    not self.library(path, "", os.path.join(folder, "empty", LIBRARY)):
                sys.exit(f"{path}: does not compile")
        found = []
        for name in self.targets:
            base = os.path.basename(name)
            if not name.startswith("tests/unit/") or "." in base or not base.startswith(tuple(prefixes)) or \
                    only and base not in only:
                continue
            program = os.path.join(folder, base)
            words = shlex.split(self.ninja("commands", name)[-1])
            if any(w.startswith("-Wl,--wrap") for w in words):
                continue  # it wraps calls of the module, which a library's are not
            words[words.index("-o") + 1] = program
            subprocess.run([words[0], "-Wl,--no-as-needed", library, *words[1:]], check=True, cwd=self.dir)
            if not self.passes(program, os.path.join(folder, "empty"), 60):  # it does not start: it needs the module
                found.append((self.time(program, folder), base))
        return sorted(found) or sys.exit(f"{path}: no unit test contains it")

    def time(self, program, folder):
        """How much of the processor the program takes; it must pass."""
        start = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        if not self.passes(program, folder, 60):
            sys.exit(f"{program} fails without a change")
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - start

    def passes(self, program, folder, limit):
        """Whether the program passes with the library in the folder. A change may make a loop endless, or
        one that allocates."""
        env = dict(os.environ, CK_FORK="no", LD_LIBRARY_PATH=folder,
                   ASAN_OPTIONS="verify_asan_link_order=0", UBSAN_OPTIONS="halt_on_error=1")
        try:
            return subprocess.run([*self.limits, f"--cpu={limit}", program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  timeout=10 * limit, cwd=TOP, env=env).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def notices(self, change, programs, limit):
        """None: the change does not compile; otherwise the program that notices it, or ""."""
        with tempfile.TemporaryDirectory(dir=WORK) as folder:
            if not self.library(change.path, change.text, os.path.join(folder, LIBRARY)):
                return None
            for name in programs:
                if not self.passes(os.path.join(self.folder(change.path), name), folder, limit):
                    return name
        return ""


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


def files(names):
    for prefix, tests in MODULES:
        pattern = prefix if prefix.endswith(".c") else prefix + "**/*.c"
        for path in sorted(glob.glob(pattern, root_dir=TOP, recursive=True)):
            if not names or any(path.startswith(n) for n in names):
                yield path, tests


class Run:
    """What has become of the changes so far."""

    def __init__(self, total):
        self.total, self.lock, self.excused, self.met = total, threading.Lock(), justified(), set()
        self.counts = {"noticed": 0, "do not compile": 0, "justified": 0, "survivors": 0}

    def one(self, stages, change):
        key, noticed = (change.path, change.old.strip(), change.new.strip()), ""
        for build, programs, limit in stages if key not in self.excused else []:
            noticed = build.notices(change, programs, limit)
            if noticed != "":
                break
        with self.lock:
            self.met.add(key)
            kind = ("justified" if key in self.excused else "do not compile" if noticed is None else
                    "noticed" if noticed else "survivors")
            self.counts[kind] += 1
            if kind == "survivors":
                print(f"{change.path}:{change.line + 1}\n- {key[1]}\n+ {key[2]}", flush=True)
            done = sum(self.counts.values())
            if sys.stderr.isatty() or done % 100 == 0:
                print(f"\r{done}/{self.total} ", end="" if sys.stderr.isatty() else "\n", file=sys.stderr,
                      flush=True)


def main():
    plain, sanitized = Build(False), None if QUICK else Build(True)
    work = [(path, prefixes, list(changes_of_file(path))) for path, prefixes in files(sys.argv[1:])]
    run = Run(sum(len(changes) for _, _, changes in work))
    for path, prefixes, changes in work:
        before, programs = dict(run.counts), plain.programs(path, prefixes)
        near = [name for seconds, name in programs if seconds < SLOW]
        stages = [(plain, near, LIMIT)]
        if not QUICK:
            sanitized.programs(path, prefixes, near)
            stages += [(sanitized, near, SANITIZED_LIMIT),
                       (plain, [name for _, name in programs if name not in near], SLOW_LIMIT)]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            list(pool.map(lambda change: run.one(stages, change), changes))
        print(f"{path}: {len(changes)} changes: " +
              ", ".join(f"{n - before[kind]} {kind}" for kind, n in run.counts.items()), flush=True)
    for path, old, new in sorted(run.excused - run.met):
        if path in [path for path, _, _ in work]:
            print(f"{JUSTIFIED}: {path} has no such change any more\n- {old}\n+ {new}")
    print(f"{run.total} changes: " + ", ".join(f"{n} {kind}" for kind, n in run.counts.items()))
    return 1 if run.counts["survivors"] else 0


if __name__ == "__main__":
    sys.exit(main())
