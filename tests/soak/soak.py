#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Both halves for hours, with everything that goes wrong in a long life.

    soak.py SECONDS [SEED]        (by './dev soak', which builds first; needs root)

The helper is the real program under Wine, the agent the one that ships, and the guest a network namespace
(tests/lib/stage.py). The guest gets a new address each second. In between, services are added, edited, broken
and removed; the agent and the helper are killed, in turns, so that each also has a long life; either is held
still for a while, as a host that sleeps does it; the guest's wall clock is set; and the guest's disk is full
now and then. Every few seconds everything rests, and then rules and status must become what they should be.

Prints its figures. The last line is 'passed' or 'failed'.
"""
import argparse
import os
import random
import signal
import struct
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))

import stage as stage_module  # noqa: E402
from waiting import PATIENCE, wait_until  # noqa: E402

PERIODS = 6  # in the even ones the agent may be killed, in the others the helper
ROUND = 8  # changes of the address before everything rests
DISK = 2 * 1024 * 1024
LIMIT = 10 * PATIENCE  # seconds until what should be is there
HELD_MAX = 4  # seconds for which a half is held still
# What a half may have more at the end of a life than at its start.
AGENT_KIB, FDS, HELPER_BLOCKS, HELPER_BYTES = 128, 0, 64, 64 * 1024
WARM_UP = 4  # rests of a life that do not count yet
WRONG_MAX = 3  # then it ends
NEWS_SECONDS = 60
FIRST_PORT, LAST_PORT = 20000, 20030
DISASTERS = ("hold agent", "hold helper", "set clock", "fill disk", "kill")


class Clock:
    """The guest's wall clock."""

    def __init__(self, folder, tree):
        self.offset, self.set_path = os.path.join(folder, "offset"), os.path.join(folder, "set")
        with open(self.offset, "wb") as f:
            f.write(struct.pack("q", 0))
        os.mkfifo(self.set_path)
        self.fifo = os.open(self.set_path, os.O_RDWR | os.O_NONBLOCK)
        self.environment = {"LD_PRELOAD": os.path.join(tree, "tests", "soak", "libwslbridge-clock.so"),
                            "CLOCK_OFFSET": self.offset, "CLOCK_SET": self.set_path}

    def set(self, seconds):
        with open(self.offset, "r+b") as f:
            f.write(struct.pack("q", seconds))
        os.write(self.fifo, b"x")


class Disk:
    """The guest's disk: a small tmpfs on the guest's root."""

    def __init__(self, path):
        self.path, self.ballast = path, os.path.join(path, "ballast")
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", path], check=True)

    def fill(self):
        with open(self.ballast, "wb", buffering=0) as f:
            try:
                while f.write(b"x" * 4096):
                    pass
            except OSError:
                pass  # full

    def free(self):
        if os.path.exists(self.ballast):
            os.unlink(self.ballast)

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=False)


def anonymous_kib(pid):
    """Memory of its own. Pages of files would come and go with other programs that have them, too."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Anonymous:"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Soak(stage_module.Stage):
    def __init__(self, seed, tree):
        super().__init__(tree, goodbye=5000, recovery=20000, heartbeat=2000)
        self.random = random.Random(seed)
        self.tree = tree
        self.services = {}  # name: port, of those that are in force
        self.broken = set()  # names whose file has a mistake; what it said before stays in force
        self.counts = dict.fromkeys(("changes", "edits", "edits that found no room", "agent kills",
                                     "helper kills", "agent held", "helper held", "clock set", "disk full",
                                     "rests"), 0)
        self.wrong = []
        self.slowest = 0.0
        self.lives = {"agent": [], "helper": []}  # figures of each life, from its first rest to its last

    def __enter__(self):
        super().__enter__()
        self.disk = Disk(self.root)
        self.stack.callback(self.disk.close)
        for folder in ("run/wslbridge", "etc/wslbridge/services.d", "var/lib/wslbridge"):
            os.makedirs(os.path.join(self.root, folder))
        self.clock = Clock(self.folder, self.tree)
        self.agent_environment = self.clock.environment
        return self

    # --- what happens

    def edit(self):
        """Add, change, break, mend or remove a service, as far as there is room on the disk."""
        name = f"s{self.random.randrange(10)}"
        what = self.random.choice(("write", "write", "break", "remove"))
        try:
            if what == "remove" and (name in self.services or name in self.broken):
                self.remove_drop_in(name)
                self.services.pop(name, None)
                self.broken.discard(name)
            elif what == "break" and name in self.services:
                self.add_drop_in(name, "[service]\nlisten = nowhere\n")
                self.broken.add(name)
            else:
                free = [p for p in range(FIRST_PORT, LAST_PORT) if p not in self.services.values()]
                port = self.random.choice(free)
                self.add_drop_in(name, f"[service]\nlisten = {port}\n")
                self.services[name] = port
                self.broken.discard(name)
            self.counts["edits"] += 1
        except OSError:
            self.counts["edits that found no room"] += 1

    def hold(self, half):
        """It stands still while its clock goes on, as when a host sleeps."""
        process = self.process(half)
        process.send_signal(signal.SIGSTOP)
        try:
            self.change_for(self.random.uniform(1, HELD_MAX))
        finally:
            process.send_signal(signal.SIGCONT)
        self.counts[f"{half} held"] += 1

    def fill_disk(self):
        self.disk.fill()
        self.edit()
        self.change_for(self.random.uniform(1, HELD_MAX))
        self.disk.free()
        self.counts["disk full"] += 1

    def set_clock(self):
        self.clock.set(self.random.randrange(-10**8, 10**8))
        self.counts["clock set"] += 1

    def kill(self, half):
        """The service manager starts it again."""
        if half == "agent":
            self.stop_agent(kill=True)
            for name in self.broken:  # a new agent does not know what they said before
                self.services.pop(name, None)
            self.change()
            self.start_agent()
        else:
            self.stop_helper(kill=True)
            self.change()
            self.start_helper()
        self.lives[half].append([])
        self.counts[f"{half} kills"] += 1

    def change(self):
        self.net.change_guest_address(self._next_address())
        self.counts["changes"] += 1

    def change_for(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.change()
            time.sleep(min(1.0, max(0.0, end - time.monotonic())))

    def _next_address(self):
        """One of 200, so that the network never ends."""
        self.number = getattr(self, "number", 0) % 200 + 1
        return f"172.28.65.{self.number}"

    # --- what should be

    def expected(self):
        address = self.net.guest_address
        return {f"0.0.0.0/{port}": f"{address}/{port}" for port in self.services.values()}

    def is_right(self):
        rules, status = self.rules(), self.status()
        if rules != self.expected() or not status.get("helper", {}).get("connected"):
            return False
        states = {s["name"]: s["state"] for s in status["services"]}
        return self.reported_address() == self.net.guest_address \
            and set(states) == set(self.services) and set(states.values()) <= {"active"} \
            and bool(status["configuration"]["problems"]) == bool(self.broken)

    def rest(self):
        """Nothing happens until all is as it should be."""
        self.counts["rests"] += 1
        since = time.monotonic()
        try:
            wait_until(self.is_right, LIMIT, "the right state")
        except AssertionError:
            self.wrong.append(f"{self.counts}: rules {self.rules()}, expected {self.expected()}, "
                              f"broken {self.broken}, status {self.status()}")
            return
        self.slowest = max(self.slowest, time.monotonic() - since)
        self.measure()

    # --- figures

    def summary(self):
        return ", ".join(f"{n} {what}" for what, n in self.counts.items())

    def process(self, half):
        return self.agent if half == "agent" else self.helper.process

    def measure(self):
        agent = self.agent.pid
        self.lives["agent"][-1].append((anonymous_kib(agent), descriptors(agent)))
        if self.helper.heap:
            self.lives["helper"][-1].append(self.helper.heap)

    def longest(self, half):
        """The first and the last figures of the longest life."""
        life = max(self.lives[half], key=len)
        skip = min(len(life) // 4, WARM_UP)
        return (life[skip], life[-1], len(life)) if life else None


def live(soak, seconds):
    begin, said = time.monotonic(), 0
    while (now := time.monotonic() - begin) < seconds:
        mortal = "agent" if int(now * PERIODS / seconds) % 2 == 0 else "helper"
        for _ in range(ROUND):
            if soak.random.random() < 0.5:
                soak.edit()
            soak.change()
            time.sleep(1)
        disaster = soak.random.choice(DISASTERS)
        {"hold agent": lambda: soak.hold("agent"), "hold helper": lambda: soak.hold("helper"),
         "set clock": soak.set_clock, "fill disk": soak.fill_disk,
         "kill": lambda: soak.kill(mortal)}[disaster]()
        soak.rest()
        if now >= said + NEWS_SECONDS:
            said = now
            print(f"  {now:.0f} s: {soak.summary()}", flush=True)
        if len(soak.wrong) >= WRONG_MAX:
            break


def report(soak, seconds):
    """Print the figures. Return: what is wrong."""
    wrong = list(soak.wrong)
    print(f"{seconds:.0f} s: {soak.summary()}")
    print(f"the right state was there after {soak.slowest:.1f} s at the latest; "
          f"{len(soak.wrong)} wrong states")
    agent, helper = soak.longest("agent"), soak.longest("helper")
    if agent:
        (kib, fds), (kib_last, fds_last), n = agent
        print(f"the agent's longest life ({n} rests): {kib} -> {kib_last} KiB of its own, "
              f"{fds} -> {fds_last} descriptors")
        if kib_last > kib + AGENT_KIB or fds_last > fds + FDS:
            wrong.append("the agent has grown")
    if helper:
        (blocks, held), (blocks_last, held_last), n = helper
        print(f"the helper's longest life ({n} rests): {blocks} -> {blocks_last} blocks, "
              f"{held} -> {held_last} bytes of its own code, measured while nobody is connected")
        if blocks_last > blocks + HELPER_BLOCKS or held_last > held + HELPER_BYTES:
            wrong.append("the helper has grown")
    if not agent or not helper:
        wrong.append("there are no figures of both halves: give it more time")
    for one in wrong:
        print(f"wrong: {one}")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=float)
    parser.add_argument("seed", type=int, nargs="?", default=int(time.time()))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    begin = time.monotonic()
    with Soak(arguments.seed, os.path.join(TOP, "build", "release")) as soak:
        soak.start()
        soak.lives["agent"].append([])
        soak.lives["helper"].append([])
        live(soak, arguments.seconds)
        wrong = report(soak, time.monotonic() - begin)
    print("failed" if wrong else "passed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
