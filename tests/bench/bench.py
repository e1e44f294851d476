#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures what the design promises, and in the same run what each figure is compared with.

    bench.py [ROW…]     rows: watch result idle drop-ins helper fairness outage relay loopback; default: all

Prints a table, ratios first, and writes it to build/bench.json and beside that, for docs/benchmarks.md,
in Markdown. What was measured before stays in them, unless the code is another one now. A missed
target is reported but does not fail the run. A wrong result does.
"""
import datetime
import hashlib
import json
import os
import subprocess
import sys
import time

from common import TERMINAL, TOP

sys.path.insert(0, os.path.join(TOP, "tests", "lib"))

import rows_guest  # noqa: E402
import rows_helper  # noqa: E402
import rows_loopback  # noqa: E402
import rows_relay  # noqa: E402
import table  # noqa: E402

JSON, MARKDOWN = os.path.join(TOP, "build", "bench.json"), os.path.join(TOP, "build", "bench.md")
ROWS = {"watch": rows_guest.watch_rows, "result": rows_guest.result_rows,
        "idle": rows_guest.idle_rows, "drop-ins": rows_guest.drop_in_rows,
        "helper": rows_helper.helper_rows, "fairness": rows_helper.fairness_rows,
        "outage": rows_helper.outage_rows, "relay": rows_relay.relay_rows,
        "loopback": rows_loopback.loopback_rows}


# What the figures depend on. Other folders may change, and older rows stay.
CODE = ("agent", "common", "protocol", "windows-helper", "meson.build", "meson_options.txt", "tools",
        "tests/bench", "tests/host", "tests/lib", "tests/netns", "tests/windows")


def code():
    """What tells whether figures are of this code: the programs as they are checked out, with their changes."""
    def git(*arguments):
        return subprocess.run(["git", "-C", TOP, *arguments], check=True, capture_output=True,
                              text=True).stdout

    try:
        stash = git("stash", "create").strip()  # a commit of the changes, which belongs to nobody
        return hashlib.sha256(git("ls-tree", stash or "HEAD", "--", *CODE).encode()).hexdigest()
    except (OSError, subprocess.CalledProcessError):
        return f"unknown, {time.time()}"


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        models = [line.partition(":")[2].strip() for line in f if line.startswith("model name")]
    with open("/etc/os-release", encoding="utf-8") as f:
        system = next(line.partition("=")[2].strip().strip('"') for line in f
                      if line.startswith("PRETTY_NAME="))
    return f"{len(models)} processors ({models[0]}), {system}, kernel {os.uname().release}"


def older(tree, names):
    """{name: rows} of an earlier run of the same code, for the rows that are not measured now."""
    try:
        with open(JSON, encoding="utf-8") as f:
            before = json.load(f)
        rows = before["rows"] if before["code"] == tree else []
        return {name: [r for r in rows if r["group"] == name] for name in set(ROWS) - set(names)}
    except (OSError, ValueError, KeyError):
        return {}


def main():
    names = sys.argv[1:] or list(ROWS)
    if set(names) - set(ROWS):
        sys.exit(__doc__)
    tree, seconds = code(), {}
    found = older(tree, names)
    for name in names:
        begin = time.monotonic()
        found[name] = [{**row, "group": name} for row in ROWS[name]()]
        seconds[name] = round(time.monotonic() - begin)
    rows = [row for name in ROWS for row in found.get(name, [])]
    loads = [row["load"] for row in rows]
    about = (f"{machine()}; load {min(loads)} to {max(loads)}; "
             f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}")
    if TERMINAL:
        print("\r\033[K", end="")
    print(f"{about}\n\n{table.render(rows)}")
    table.write_json(JSON, rows, seconds=seconds, machine=about, code=tree)
    with open(MARKDOWN, "w", encoding="utf-8") as f:
        f.write(f"{about}.\n\n{table.markdown(rows)}")
    print(f"\nwritten to build/bench.json and build/bench.md; it took {sum(seconds.values())} s: "
          + ", ".join(f"{name} {n}" for name, n in seconds.items()))


if __name__ == "__main__":
    main()
