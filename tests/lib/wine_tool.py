# SPDX-License-Identifier: MIT
"""A program of the tests under Wine that answers line by line; see tests/windows/conversation.h."""

import json
import select
import subprocess
import threading

LIMIT = 120  # seconds for one answer


class WineTool:
    """One process for all calls. It is started by the first one, and again after a restart of Wine."""

    def __init__(self, prefix, exe):
        self.prefix, self.exe = prefix, exe
        self.lock = threading.Lock()
        self.process = None

    def call(self, *fields):
        """Returns what the program says, as a dictionary."""
        with self.lock:
            line = self._ask(fields)
            if not line:  # it ended with Wine, or before main() (see Prefix.run)
                self.close()
                line = self._ask(fields)
        assert line, f"{self.exe} ended without an answer to {fields[:3]}"
        return json.loads(line)

    def _ask(self, fields):
        """The answer, or nothing when the program has ended."""
        if not self.process or self.process.poll() is not None:
            self.process = self.prefix.popen(self.exe, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                             stderr=subprocess.DEVNULL)
        try:
            self.process.stdin.write("\t".join(map(str, fields)).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return b""
        if not select.select([self.process.stdout], [], [], LIMIT)[0]:
            self.process.kill()
            raise AssertionError(f"no answer to {fields[:3]}")
        return self.process.stdout.readline()

    def close(self):
        if self.process:
            with self.process.stdout:
                try:
                    self.process.stdin.close()
                except BrokenPipeError:
                    pass
                self.process.wait(timeout=LIMIT)
            self.process = None
