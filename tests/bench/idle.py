# SPDX-License-Identifier: MIT
"""The wake-ups and the memory of a process while nothing happens, from /proc."""
import time


def _field(path, name):
    with open(path, encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(name + ":"))


def switches(pid):
    """How often the process gave up the processor by itself, which is once for each wake-up."""
    return _field(f"/proc/{pid}/status", "voluntary_ctxt_switches")


def memory_kib(pid):
    path = f"/proc/{pid}/smaps_rollup"
    return {"pss": _field(path, "Pss"), "rss": _field(path, "Rss"),
            "private": _field(path, "Private_Clean") + _field(path, "Private_Dirty")}


def watch(pids, seconds):
    """Measure {"wakeups_per_minute", "pss", "rss", "private"} of each process over the same time."""
    before = {pid: switches(pid) for pid in pids}
    begin = time.monotonic()
    time.sleep(seconds)
    minutes = (time.monotonic() - begin) / 60
    return {pid: {"wakeups_per_minute": (switches(pid) - before[pid]) / minutes,
                  **memory_kib(pid)} for pid in pids}
