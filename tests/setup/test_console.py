# SPDX-License-Identifier: MIT
"""What a person sees in a console window while setup works. Under Wine a terminal plays the window."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import termios
import threading

from waiting import wait_until
from wine_prefix import REACHED_MAIN

PARTS = ["distro", "service", "package", "pair", "start"]
ROWS, COLUMNS = 50, 120  # enough for all of it, so that nothing scrolls or wraps
CONTROL = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\r|\n|[^\r\n\x1b]+")


class Window:
    """A terminal with a program in it."""

    def __init__(self, prefix, *command):
        self.end, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.process = prefix.popen(*command, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self.bytes, self.over = b"", threading.Event()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.over.set()
        self.reader.join()
        os.close(self.end)

    def _read(self):
        """Until all of the other end is closed. In Wine 10 the desktop, which lives on, may keep it open."""
        with contextlib.suppress(OSError):
            while not self.over.is_set():
                if select.select([self.end], [], [], 0.1)[0]:
                    self.bytes += os.read(self.end, 65536)

    def lines(self):
        """What is on the screen, without empty lines. Wine's console needs few of a terminal's codes."""
        rows, row, column = [""] * ROWS, 0, 0
        for found in CONTROL.finditer(self.bytes.decode(errors="replace")):
            text, (numbers, code) = found[0], found.groups()
            if code == "K":
                rows[row] = rows[row][:column]
            elif code == "H":
                row, column = (int(n) - 1 for n in (numbers or "1;1").split(";"))
            elif code == "C":
                column += int(numbers or 1)
            elif text == "\r":
                column = 0
            elif text == "\n":
                row += 1
            elif not code:
                rows[row] = rows[row][:column].ljust(column) + text + rows[row][column + len(text):]
                column += len(text)
        return [line.rstrip() for line in rows if line.strip() not in ("", REACHED_MAIN)]

    def shows(self, end):
        """At the end of the screen. Wine's console draws it in a process of its own, a moment later."""
        wait_until(lambda: " ".join(["", *self.lines()]).endswith(" " + end), 30, f"'{end}' at the end of the screen")


def test_progress_in_a_window_and_elsewhere(serving, guest, wsl):
    """While a part works, its name is the last line; then its result is there in place of it. In a file
    there are the results only."""
    seen, wrong = [], []

    def look(part):
        try:
            window.shows(part)
            seen.append(part)
        except AssertionError as e:
            wrong.append((str(e), window.lines()))

    def on_script(script):
        look("package" if "wb_install()" in script else "distro" if not seen else "start")

    wsl.on_script = on_script
    wsl.on_input = lambda part: look("pair")
    with Window(serving.prefix, serving.program.exe, "setup", "Debian") as window:
        assert window.process.wait(600) == 0, window.lines()
        window.shows("you close its last terminal.")
        lines = window.lines()
    print("\n".join(lines))
    assert not wrong and sorted(set(seen), key=PARTS.index) == ["distro", "package", "pair", "start"]
    end = next(i for i, line in enumerate(lines) if line.startswith("Set up."))
    assert [re.match(r"(\w+) +(?:done|already so) +[^ ]", line)[1] for line in lines[:end]] == PARTS

    wsl.on_script = wsl.on_input = None
    again = serving.setup("Debian", "--text")
    assert again.code == 0 and "\r" not in again.output and "\x1b" not in again.output, again.output
    assert [line.split()[0] for line in again.output.splitlines()[:len(PARTS)]] == PARTS, again.output
