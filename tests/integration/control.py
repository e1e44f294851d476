# SPDX-License-Identifier: MIT
"""Runs wslbridgectl beside the guest's agent, as a person or a program does."""
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

from guest import MAX_DELAY


class Control:
    def __init__(self, tree, guest):
        self.exe = os.path.join(tree, "agent", "wslbridgectl")
        self.guest = guest
        # A link into the agent's own folder, like the one that the unit and tmpfiles make.
        folder = os.path.join(guest.root, "run", "wslbridge")
        os.makedirs(folder, exist_ok=True)
        os.symlink(os.path.join(guest.state, "status.json"), os.path.join(folder, "status.json"))

    def command(self, *arguments):
        return ["ip", "netns", "exec", self.guest.namespace.name, self.exe,
                f"--root={self.guest.root}", *map(str, arguments)]

    def start(self, *arguments, env=None, **options):
        return subprocess.Popen(self.command(*arguments), text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                env={**os.environ, **(env or {})}, **options)

    def run(self, *arguments, stdin="", env=None, cwd=None):
        """(exit code, standard output and error)"""
        done = subprocess.run(self.command(*arguments), input=stdin, text=True, timeout=MAX_DELAY,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd,
                              env={**os.environ, **(env or {})})
        assert "Sanitizer" not in done.stdout and "runtime error" not in done.stdout, done.stdout
        return done.returncode, done.stdout

    def json(self, *arguments):
        """(exit code, parsed output of --json). Standard output must contain nothing else."""
        done = subprocess.run(self.command(*arguments, "--json"), text=True, timeout=MAX_DELAY,
                              stdin=subprocess.DEVNULL, capture_output=True)
        return done.returncode, json.loads(done.stdout) if done.stdout else None

    def on_terminal(self, *arguments, columns=80, env=None):
        """(exit code, output as the terminal received it)"""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = self._start_on(slave, arguments, env)
        os.close(slave)
        output = b""
        while select.select([master], [], [], MAX_DELAY)[0]:
            try:
                data = os.read(master, 4096)
            except OSError:  # the other end is closed
                break
            if not data:
                break
            output += data
        os.close(master)
        return process.wait(MAX_DELAY), output.decode()

    def typed_ahead(self, typed, *arguments):
        """Somebody has typed these lines before the command starts on the terminal, and types no more.
        Returns (exit code, the lines that it has not read)."""
        master, slave = pty.openpty()
        os.write(master, typed.encode())
        process = self._start_on(slave, arguments)
        end = time.monotonic() + MAX_DELAY
        while process.poll() is None and time.monotonic() < end:
            if select.select([master], [], [], 0.05)[0]:
                os.read(master, 4096)
        if process.poll() is None:
            process.kill()
            process.wait()
            raise AssertionError(f"'{arguments[0]}' waits for something")
        os.set_blocking(slave, False)
        left = b""
        try:
            while data := os.read(slave, 4096):
                left += data
        except BlockingIOError:
            pass
        os.close(slave)
        os.close(master)
        return process.returncode, left.decode()

    def _start_on(self, terminal, arguments, env=None):
        environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
        environment.update({"TERM": "xterm", "LC_ALL": "C.UTF-8", **(env or {})})
        return subprocess.Popen(self.command(*arguments), stdin=terminal, stdout=terminal,
                                stderr=terminal, env=environment)


def plain(text):
    """The text without colours, the steps of the spinner and the line ends of the terminal."""
    text = re.sub(r"\r\x1b\[K[^\r\n]*(?=\r\x1b)", "", text)
    return re.sub(r"\x1b\[[0-9;]*[mK]", "", text).replace("\r", "")
