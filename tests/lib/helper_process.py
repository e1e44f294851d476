# SPDX-License-Identifier: MIT
"""The helper as a process under Wine, with its log lines."""

import os
import queue
import re
import signal
import subprocess
import threading
import time


class Helper:
    """A running 'wslbridge-helper.exe run' and its log lines. Options are in milliseconds, for
    example Helper(prefix, exe, heartbeat=200, goodbye=100)."""

    def __init__(self, prefix, exe, port=0, wait=True, transport="tcp", **options):
        arguments = ["run"]
        if transport:  # 'run' of a release build has no options
            arguments += ["--transport", f"tcp:127.0.0.1:{port}" if transport == "tcp" else transport]
        for name, value in options.items():
            arguments += [f"--{name}-ms", str(value)]
        self._prefix, self._command = prefix, (exe, *arguments)
        self.lines = []
        self._new_lines = queue.Queue()
        self._start()
        self.port = None
        if wait:
            self.wait_listening()

    def _start(self):
        self.process = self._prefix.popen(*self._command, stdin=subprocess.DEVNULL,
                                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()

    def _read(self, process):
        for raw in process.stderr:
            line = raw.decode(errors="replace").rstrip("\r\n")
            self.lines.append(line)
            self._new_lines.put(line)

    def wait_line(self, pattern, timeout=20):
        """Wait for a matching line after those seen before. Returns the match."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = self._new_lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no line like '{pattern}' in\n" + "\n".join(self.lines)
                                     + f"\nprocess {self.process.pid}: {self._state()}") from None
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

    def wait_listening(self, timeout=30):
        # On a busy machine, about one start in a thousand under Wine 8 ends with exit code 1 and no
        # output. The program itself always says why it gives up. So such a failure is printed and
        # tried again once, but not twice in a row.
        end = time.monotonic() + timeout
        while not self.lines and time.monotonic() < end:
            if self.process.poll() == 1:
                self._reader.join(timeout=1)
                if not self.lines:
                    print("Wine ended the helper before its first line of output; started again")
                    self._start()
                break
            time.sleep(0.005)
        self.port = int(self.wait_line(r"listening on 127\.0\.0\.1:(\d+)", timeout)[1])

    def wait_end(self, timeout=20):
        code = self.process.wait(timeout)
        self._reader.join(timeout=1)  # the pipe may be shared with Wine's own processes
        return code

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
