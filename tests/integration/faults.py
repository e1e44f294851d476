# SPDX-License-Identifier: MIT
"""One call of a program fails, during a life that touches much. tests/faults has the library that lets it fail.

    walk = AgentWalk(tree, folder, "0/1")
    walk.walk()         each life has one more failure, at a place where none was before, until there is none left

faults_agent.py, faults_control.py and faults_loopback.py have the lives of our three programs.
"""
import os
import re
import subprocess

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ASAN = "verify_asan_link_order=0:exitcode=99"
LSAN = f"suppressions={TESTS}/faults/leaks.supp:print_suppressions=0"


class Lost(AssertionError):
    """The program did not do what it has to after a failure."""


def source_line(line, program):
    """A line of the stack with its place in the source, where that is ours."""
    module, offset = re.match(r"at (.*) \+(0x[0-9a-f]+)", line).groups()
    if module != "program":
        return f"{os.path.basename(module)} {offset}"
    done = subprocess.run(["addr2line", "-f", "-s", "-e", program, hex(int(offset, 16) - 1)],
                          capture_output=True, text=True)
    return " ".join(done.stdout.split())


class Place:
    """Where the calls of a program fail, and what has failed."""

    def __init__(self, tree, folder, program, share, repeat=1, key=None, calls=()):
        """@calls: only functions with these names; all without it."""
        folder = str(folder)
        self.program, self.path, self.key = program, os.path.join(folder, "faults"), key
        self.seen = os.path.join(folder, "seen")
        self.environment = {
            "LD_PRELOAD": os.path.join(tree, "tests", "faults", "libwslbridge-faults.so"),
            "FAULT_PROGRAM": os.path.basename(program), "FAULT_LOG": self.path,
            "FAULT_SEEN": self.seen, "FAULT_SHARE": share,
            "FAULT_REPEAT": str(repeat), "ASAN_OPTIONS": ASAN, "LSAN_OPTIONS": LSAN,
        }
        if key:
            self.environment["FAULT_KEY"] = key
        if calls:
            self.environment["FAULT_CALLS"] = " ".join(calls)

    def forget(self):
        if os.path.exists(self.path):
            os.unlink(self.path)

    def _lines(self):
        try:
            with open(self.path, encoding="utf-8") as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    def failed(self):
        """The lines about the call that failed: "failed KEY NAME KIND", and the stack."""
        lines = self._lines()
        return [line for line in lines if not line.startswith("calls ")] \
            if any(line.startswith("failed ") for line in lines) else []

    def n_left(self):
        """How many places the last life has passed at which no call has failed yet."""
        found = re.findall(r"new places (\d+)", "\n".join(self._lines()))
        return max(int(found[-1]) - 1, 0) if found else 0

    def failure(self):
        """The same for people."""
        lines = self.failed()
        return "\n".join(lines[:1] + ["    " + source_line(line, self.program) for line in lines[1:]])


class Walk:
    """One program. @lives: by their names, functions without arguments that end in an AssertionError when
    something is not right."""

    def __init__(self, place, lives):
        self.place, self.kinds = place, lives
        self.kind = None
        self.lives = 0

    def walk(self, tell=None):
        """Fail at each place. @tell(lost) is called after each life with a failure; without it the first loss is
        the end. @lost: None, or the Lost."""
        for self.kind in self.kinds:
            more = True
            while more:
                lost = None
                try:
                    more = self.life(self.kind)
                except Lost as e:
                    if not tell or not self.place.failed():
                        raise
                    lost = e
                if more and tell:
                    tell(lost)
                if self.place.key:
                    break
            if more:
                break  # it was the one that has the key
        return self

    def life(self, kind):
        """Return: whether a call has failed in it."""
        self.place.forget()
        self.place.environment["FAULT_LIFE"] = str(list(self.kinds).index(kind))
        self._begin()
        try:
            self.kinds[kind]()
        except (AssertionError, ValueError, subprocess.TimeoutExpired) as e:  # ValueError: JSON that is none
            self._clean_up()
            raise Lost(f"{kind}: {e}\n{self.place.failure()}\nthe log:\n{self._log()}") from e
        finally:
            self._end()
        failed = bool(self.place.failed())
        self.lives += failed
        return failed

    def _begin(self):
        """Before each life."""

    def _end(self):
        """After each."""

    def _clean_up(self):
        """After one that went wrong, for the next."""

    def _log(self):
        return ""

    def close(self):
        pass
