#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Lets every call that can fail do so once, in the agent, wslbridge-loopback and wslbridgectl.

    walk.py [--again] [--jobs=N] FOLDER [CALL…]     (by './dev faults', which builds first; needs root)

CALL: only these functions. FOLDER keeps the places that are done, one a line, so a walk that was interrupted goes
on where it was. It begins anew when a program is another one than before, and with --again. A loss is no end;
FOLDER has its log. The last line is 'N places, N failed'.
"""
import argparse
import concurrent.futures
import hashlib
import os
import shutil
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", "lib"), os.path.join(TOP, "tests", "integration")]

import janitor  # noqa: E402
from faults_agent import AgentWalk  # noqa: E402
from faults_control import ControlWalk  # noqa: E402
from faults_loopback import LoopbackWalk  # noqa: E402

WALKS = AgentWalk, LoopbackWalk, ControlWalk
PROGRAMS = "wslbridge-agent", "wslbridge-loopback", "wslbridgectl"
TERMINAL = sys.stdout.isatty()
PAUSE = 60  # seconds between two lines where there is no terminal


def fingerprint(tree):
    """Another one when a place may be another one."""
    parts = [f"agent/{program}" for program in PROGRAMS] + ["tests/faults/libwslbridge-faults.so"]
    total = hashlib.sha256()
    for part in parts:
        with open(os.path.join(tree, part), "rb") as f:
            total.update(f.read())
    return total.hexdigest()


class Record:
    """The file with what is done: the fingerprint, and then "PROGRAM KEY ok" or "PROGRAM KEY lost" for each place.
    Each line is written when its life is over, so that nothing counts that was interrupted."""

    def __init__(self, folder, mark):
        self.path = os.path.join(folder, "places")
        self.places = {}
        self.anew = not self._read(mark)
        if self.anew:
            with open(self.path, "w", encoding="ascii") as f:
                f.write(mark + "\n")

    def _read(self, mark):
        """Return: whether the file is about these programs."""
        try:
            with open(self.path, encoding="ascii") as f:
                first, *lines = f.read().split("\n")[:-1]  # after the last one is nothing, or a part of a line
        except (FileNotFoundError, ValueError):
            return False
        self.places = {tuple(line.split()[:2]): line.split()[2] == "lost" for line in lines}
        if first == mark:  # without the part of a line
            with open(self.path, "w", encoding="ascii") as f:
                f.write("".join(f"{line}\n" for line in (first, *lines)))
            return True
        self.places = {}
        return False

    def add(self, program, key, lost):
        self.places[program, key] = lost
        with open(self.path, "a", encoding="ascii") as f:
            f.write(f"{program} {key} {'lost' if lost else 'ok'}\n")

    def write_seen(self, program, path):
        """For the library that lets calls fail: places at which none fails any more."""
        with open(path, "wb") as f:
            f.write(b"".join(int(key, 16).to_bytes(8, sys.byteorder) for name, key in self.places
                             if name == program))

    def lost(self):
        return sorted(place for place, lost in self.places.items() if lost)


class Everything:
    def __init__(self, folder, tree, jobs, calls):
        self.folder, self.tree, self.jobs, self.calls = folder, tree, jobs, calls
        self.record = Record(folder, fingerprint(tree))
        self.lock = threading.Lock()
        self.begin = self.told = time.monotonic()
        self.left = {}

    def walk(self, make, program, job):
        """The part of one job of one program's places."""
        folder = tempfile.mkdtemp(prefix="faults-", dir=janitor.current_run())
        walk = make(self.tree, folder, f"{job}/{self.jobs}", calls=self.calls)
        try:
            with self.lock:
                self.record.write_seen(program, walk.place.seen)
            walk.walk(lambda lost: self._tell(walk, program, job, lost))
        finally:
            walk.close()
            shutil.rmtree(folder, ignore_errors=True)

    def _tell(self, walk, program, job, lost):
        key = walk.place.failed()[0].split()[1]
        with self.lock:
            self.record.add(program, key, bool(lost))
            self.left[job] = walk.place.n_left()
            if lost:
                path = os.path.join(self.folder, f"{program}-{key}.log")
                with open(path, "w", encoding="utf-8") as f:
                    f.write(f"{lost}\n")
                print(f"{CLEAR}  lost: {program} {key}: {str(lost).splitlines()[0]} (the log: {path})", flush=True)
            now = time.monotonic()
            if TERMINAL or now - self.told > PAUSE:
                self.told = now
                print(f"{CLEAR}  {program}, {walk.kind}: {len(self.record.places)} places, {len(self.record.lost())} "
                      f"failed, at least {sum(self.left.values())} to go, {(now - self.begin) / 60:.0f} min",
                      end="" if TERMINAL else "\n", flush=True)

    def run(self):
        for make, program in zip(WALKS, PROGRAMS):
            self.left = {}
            with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
                for done in [pool.submit(self.walk, make, program, job) for job in range(self.jobs)]:
                    done.result()
            n = sum(name == program for name, _ in self.record.places)
            n_lost = sum(name == program for name, _ in self.record.lost())
            print(f"{CLEAR}{program}: {n} places, {n_lost} failed", flush=True)


CLEAR = "\r\033[K" if TERMINAL else ""


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("folder")
    parser.add_argument("calls", nargs="*")
    arguments = parser.parse_args()
    if arguments.again:
        shutil.rmtree(arguments.folder, ignore_errors=True)
    os.makedirs(arguments.folder, exist_ok=True)
    janitor.current_run()  # not first in two threads at once
    tree = os.environ.get("WSLBRIDGE_BUILD", os.path.join(TOP, "build", "dev"))
    everything = Everything(arguments.folder, tree, arguments.jobs, arguments.calls)
    if everything.record.places:
        print(f"{len(everything.record.places)} places are done already", flush=True)
    everything.run()
    lost = everything.record.lost()
    for program, key in lost:
        print(f"failed: {program} {key}; to repeat it: WSLBRIDGE_FAULT={key} python3 -m pytest "
              f"tests/integration/test_faults.py")
    print(f"{len(everything.record.places)} places, {len(lost)} failed")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
