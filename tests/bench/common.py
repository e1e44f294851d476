# SPDX-License-Identifier: MIT
"""What all rows of the benchmark need: where the programs are, and how to run one that measures."""
import json
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RELEASE = os.path.join(TOP, "build", "release")
TERMINAL = sys.stdout.isatty()


def progress(text):
    if TERMINAL:
        print(f"\r\033[K  {text}", end="", flush=True)
    else:
        print(f"  .. {text}", flush=True)


def tool(name, *arguments):
    """Run one of the programs in tests/bench. Returns its lines of JSON, parsed."""
    done = subprocess.run([os.path.join(RELEASE, "tests", "bench", name), *map(str, arguments)],
                          check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def script(name, *arguments):
    """Run one of the scripts in tests/bench, which are programs of their own because each moves into a
    network namespace for good. Returns its JSON, parsed."""
    done = subprocess.run([sys.executable, os.path.join(TOP, "tests", "bench", name),
                           *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])
