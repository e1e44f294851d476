# SPDX-License-Identifier: MIT
"""The helper, or another program of ours, as a process under Wine, with its log lines."""

import contextlib
import os
import queue
import re
import signal
import subprocess
import threading
import time

import wine_prefix
from waiting import patient


# Wine's own messages: of a channel ("0024:err:module:…"), or of its loader.
WINE_LINE = re.compile(r"[0-9a-f]{4}:(err|warn|fixme|trace):|wine( client error|server)?: ")
# What a test build says of the memory that its own code holds while nobody is connected.
HEAP_LINE = re.compile(r"heap (-?\d+) (-?\d+)$")


class Program:
    """A running program of ours and its log lines."""

    def __init__(self, prefix, *command, env=None):
        self._prefix, self._command, self._env = prefix, command, env or {}
        self.lines, self.wine_lines = [], []  # of the program, and of Wine about it
        self._new_lines = queue.Queue()
        self._start()

    def _start(self):
        self.reached_main = False
        self.heap = None  # (blocks, bytes) that it held when nobody was connected last
        self.process = self._prefix.popen(*self._command, stdin=subprocess.DEVNULL,
                                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                          env={"WINEDEBUG": "fixme-all",
                                               "WSLBRIDGE_TEST_HEAP": "1", **self._env})
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()

    def _read(self, process):
        for raw in process.stderr:
            line = raw.decode(errors="replace").rstrip("\r\n")
            if WINE_LINE.match(line):
                self.wine_lines.append(line)
            elif line == wine_prefix.REACHED_MAIN:
                self.reached_main = True
            elif heap := HEAP_LINE.match(line):
                self.heap = int(heap[1]), int(heap[2])
            else:
                self.lines.append(line)
                self._new_lines.put(line)

    def wait_line(self, pattern, timeout=20):
        """Wait for a matching line after those seen before. Returns the match. @timeout: see wait_until()."""
        deadline = time.monotonic() + patient(timeout)
        while True:
            try:
                line = self._new_lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no line like '{pattern}' in\n" + "\n".join(self.lines)
                                     + f"\nprocess {self.process.pid}: {self._state()}\n"
                                     + "\n".join(self.wine_lines)) from None
            match = re.search(pattern, line)
            if match:
                return match

    def _state(self):
        """For the report of a failure: the exit code, or what each thread is waiting for."""
        if self.process.poll() is not None:
            return f"ended with {self.process.returncode}"
        folder = f"/proc/{self.process.pid}/task"
        state = []
        for task in os.listdir(folder):
            with open(f"{folder}/{task}/comm") as comm, open(f"{folder}/{task}/wchan") as wchan, \
                 open(f"{folder}/{task}/stat") as stat:
                ticks = stat.read().rpartition(")")[2].split()[11:13]
                state.append(f"{comm.read().strip()} in {wchan.read()}, ticks {'+'.join(ticks)}")
        return "runs: " + "; ".join(state)

    def wait_started(self, pattern, timeout=30):
        """Wait for the line that says that it has started. Returns the match."""
        # On a busy machine, about one start in a thousand under Wine 8 ended before main() was
        # reached. What Wine said about it is printed, and the start is tried again once, but not
        # twice in a row. A program that has reached main() is never started again.
        end = time.monotonic() + patient(timeout)
        while not self.reached_main and time.monotonic() < end:
            code = self.process.poll()
            if code is not None:
                self._reader.join(timeout=1)
                if not self.reached_main:
                    print(f"Wine ended the program before main() with {code}; started again",
                          *self.wine_lines, sep="\n")
                    self._start()
                break
            time.sleep(0.005)
        return self.wait_line(pattern, timeout)

    def wait_end(self, timeout=20):
        code = self.process.wait(patient(timeout))
        self._reader.join(timeout=1)  # the pipe may be shared with Wine's own processes
        return code

    def wakeups(self):
        """How often its threads have waited for something and gone on. A thread of Wine may end
        meanwhile."""
        total = 0
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError), \
                 open(f"/proc/{self.process.pid}/task/{task}/status", encoding="ascii") as status:
                total += next(int(line.split()[1]) for line in status
                              if line.startswith("voluntary_ctxt_switches"))
        return total

    @contextlib.contextmanager
    def stands_still(self):
        """Until the end of the block it gets no processor."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def pause(self, seconds):
        """Let it stand still, and then give it time to notice."""
        with self.stands_still():
            time.sleep(seconds)
        time.sleep(2)

    def stop(self, timeout=20):
        """Press Ctrl-C. Returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.wait_end(timeout)

    def kill(self):
        """Like kill -9: the program gets no chance to clean up."""
        if self.process.poll() is None:
            self.process.kill()
        return self.wait_end()


class Helper(Program):
    """A running 'wslbridge-helper.exe run' and its log lines. Options are in milliseconds, for
    example Helper(prefix, exe, heartbeat=200, goodbye=100)."""

    def __init__(self, prefix, exe, port=0, wait=True, transport="tcp", **options):
        arguments = ["run"]
        if transport:  # 'run' of a release build has no options
            arguments += ["--transport", f"tcp:127.0.0.1:{port}" if transport == "tcp" else transport]
        for name, value in options.items():
            arguments += [f"--{name}-ms", str(value)]
        super().__init__(prefix, exe, *arguments)
        self.port = None
        if wait:
            self.wait_listening()

    def wait_listening(self, timeout=30):
        self.port = int(self.wait_started(r"listening on 127\.0\.0\.1:(\d+)", timeout)[1])
