# SPDX-License-Identifier: MIT
"""Says what the suites of tests/run.py are doing: on a terminal in one line that is rewritten every
second, elsewhere in a line for each program. Several suites may run at the same time."""
import os
import shutil
import sys
import threading
import time

TERMINAL = sys.stdout.isatty()
CLEAR = "\r\033[K" if TERMINAL else ""


class Progress:
    """One suite."""

    terminal = TERMINAL
    _lock = threading.Lock()
    _suites = []  # those that run now

    def __init__(self, suite):
        self.suite, self.current = suite, ""
        self.begin = time.monotonic()
        with self._lock:
            self._suites.append(self)
            first = len(self._suites) == 1
        if TERMINAL and first:
            threading.Thread(target=self._tick, daemon=True).start()

    @classmethod
    def _tick(cls):
        while True:
            with cls._lock:
                if not cls._suites:
                    return
                cls._show()
            time.sleep(1)

    @classmethod
    def _show(cls):
        """The lock is held. Each suite has the same share of the line."""
        share = (shutil.get_terminal_size().columns - 3) // len(cls._suites) - 2
        parts = [f"{p.suite} {p.seconds():.0f} s: {os.path.basename(p.current)}"[:share]
                 for p in cls._suites]
        print(f"{CLEAR}  {'  '.join(parts)}", end="", flush=True)

    def seconds(self):
        return time.monotonic() - self.begin

    def running(self, name):
        with self._lock:
            self.current = name
            if TERMINAL:
                self._show()

    def say(self, text):
        """A line that stays."""
        with self._lock:
            print(f"{CLEAR}{text}", flush=True)

    def finished(self, result):
        state = "FAILED" if result.failed else "skipped" if result.skipped else "ok"
        if TERMINAL and state == "ok":
            return self.running(result.name)
        return self.say(f"  {state:7} {self.suite}: {result.name} ({result.seconds:.1f} s)")

    def summary(self, passed, failed, skipped):
        with self._lock:
            self._suites.remove(self)
        more = f", {skipped} skipped" if skipped else ""
        self.say(f"{self.suite}: {passed} passed, {failed} failed{more} in {self.seconds():.0f} s")
