# SPDX-License-Identifier: MIT
"""The output of the demo: numbered scenes, plain sentences, quoted texts and checked claims."""
import os
import sys
import textwrap
import time

WIDTH = 92


class Narrator:
    def __init__(self):
        colours = (sys.stdout.isatty() and "NO_COLOR" not in os.environ
                   and os.environ.get("TERM", "dumb") != "dumb")
        self.bold, self.green, self.red, self.dim, self.plain = (
            ("\033[1m", "\033[32m", "\033[31m", "\033[2m", "\033[0m") if colours else ("",) * 5)
        self.number = 0
        self.begin = time.monotonic()
        self.checks = []

    def scene(self, title):
        self.number += 1
        print(f"\n{self.bold}{self.number}. {title}{self.plain}", flush=True)

    def tell(self, text):
        for line in textwrap.wrap(" ".join(text.split()), WIDTH - 3):
            print(f"   {line}", flush=True)

    def show(self, title, text):
        print(f"   {self.dim}{title}{self.plain}")
        for line in text.rstrip("\n").splitlines():
            for part in textwrap.wrap(line, WIDTH - 7, subsequent_indent="      ",
                                      drop_whitespace=len(line) > WIDTH - 7) or [""]:
                print(f"     | {part}", flush=True)

    def check(self, text, good):
        """Print a claim and whether it is true. The summary counts them."""
        self.checks.append(bool(good))
        mark = f"{self.green}ok{self.plain}" if good else f"{self.red}NOT SO{self.plain}"
        print(f"   {mark}  {text}", flush=True)

    def seconds(self):
        return time.monotonic() - self.begin
