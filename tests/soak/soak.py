#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Both halves for hours, with everything that goes wrong in a long life.

    soak.py SECONDS [SEED]        (by './dev soak', which builds first; needs root)

The helper and the relay are the real programs under Wine, the agent the one that ships, and the guest a network
namespace (tests/lib/stage.py). The guest gets a new address each second. In between, services are added, edited,
broken and removed; the agent, the helper and the relay are killed, in turns, so that each also has a long life;
each is held still for a while, as a host that sleeps does it; the guest's wall clock is set; and the guest's disk
is full now and then. Two services are there all the time, and only the relay can carry them: a name server on
UDP, and a page that learns who its client is. Two clients ask the name server, one so slowly that the relay has
forgotten it each time. Every few seconds everything rests, and then rules and status must become what they
should be, and the page must come.

Prints its figures. The last line is 'passed' or 'failed'.
"""
import argparse
import json
import os
import random
import signal
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))

import program_load  # noqa: E402
import stage as stage_module  # noqa: E402
import topology  # noqa: E402
from disturbed import Clock, Disk  # noqa: E402
from waiting import PATIENCE, wait_until  # noqa: E402

MORTAL = ("agent", "helper", "relay")  # in each period one of them is killed, once at least
PERIODS = 6
ROUND = 8  # changes of the address before everything rests
LIMIT = 10 * PATIENCE  # seconds until what should be is there
HELD_MAX = 4  # seconds for which a program is held still
SOON = 0.1    # seconds after a change within which a program is killed: the change is under way
FOREIGN = ("0.0.0.0/29000", "192.0.2.1/80")  # somebody else's rule, which nobody may touch
# What a program may have more at the end of its longest life than at the start. Wine keeps a few handles.
GROWTH = {"agent": {"KiB of its own": 128, "descriptors": 0},
          "helper": {"handles": 8, "blocks": 64, "bytes of its own code while nobody is connected": 64 * 1024},
          "relay": {"handles": 8, "KiB of its own and of Wine's heap": 1024}}
WARM_UP = 4  # rests of a life that do not count yet
LAST = 3     # rests at the end of which the least figures count: something may be under way in one
WRONG_MAX = 3  # then it ends
NEWS_SECONDS = 60
FIRST_PORT, LAST_PORT = 20000, 20030
DISASTERS = ("hold", "hold", "set clock", "fill disk", "kill", "kill")
# Services that the relay carries. The page learns its client from the PROXY protocol.
RELAYED = {"dns": f"listen = {stage_module.DNS_PORT}\nprotocol = udp\n",
           "who": f"listen = {stage_module.WHO_PORT}\nclient-address = proxy-v2\n"}
# Seconds between two questions of a client. The relay forgets a session that was idle for 180 s.
PAUSES = {"often": 2, "seldom": 190}


def anonymous_kib(pid):
    """Memory of its own. Pages of files would come and go with other programs that have them, too."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Anonymous:"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class RelayProcess:
    """The relay's process, which Wine's service manager has started. Like subprocess.Popen for whoever holds it."""

    EXE = "wslbridge-relay.exe"

    def __init__(self, stage):
        self.stage = stage

    @property
    def pid(self):
        """None while there is none."""
        for pid in self.stage.net.host.pids():
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    if self.EXE.encode() in f.read().split(b"\0")[0]:
                        return pid
            except OSError:
                continue  # it has just ended
        return None

    def send_signal(self, number):
        if self.pid:
            os.kill(self.pid, number)

    def kill(self):
        """As a crash would. After kill -9 Wine 8 may keep the relay's port (docs/windows-facts.md, 10.1.16)."""
        self.stage.prefix.run("taskkill", "/F", "/IM", self.EXE)


class Soak(stage_module.Stage):
    def __init__(self, seed, tree):
        super().__init__(tree, goodbye=5000, recovery=20000, heartbeat=2000)
        self.random = random.Random(seed)
        self.tree = tree
        self.services = {}  # name: port, of those that are in force
        self.broken = set()  # names whose file has a mistake; what it said before stays in force
        self.counts = dict.fromkeys(("changes", "edits", "edits that found no room",
                                     *(f"{one} kills" for one in MORTAL), *(f"{one} held" for one in MORTAL),
                                     "clock set", "disk full", "rests"), 0)
        self.wrong = []
        self.slowest = 0.0
        self.lives = {one: [[]] for one in MORTAL}  # figures of each life, from its first rest to its last
        self.relay_process = RelayProcess(self)

    def __enter__(self):
        super().__enter__()
        self.disk = Disk(self.root)
        self.stack.callback(self.disk.close)
        for folder in ("run/wslbridge", "etc/wslbridge/services.d", "var/lib/wslbridge"):
            os.makedirs(os.path.join(self.root, folder))
        self.clock = Clock(self.folder, self.tree)
        self.agent_environment = self.clock.environment
        self.load = program_load.Load(self.prefix, self.tools)
        return self

    def start(self, pair=True):
        self.add_forwarder()  # the helper looks for it when it starts
        self.registry.set_rule(*FOREIGN)
        super().start(pair)
        for name, text in RELAYED.items():
            self.add_drop_in(name, f"[service]\n{text}")
            self.wait_state(name, "active", LIMIT)
        client = os.path.join(TOP, "tests", "soak", "slow_client.py")
        for name, pause in PAUSES.items():
            self._spawn(self.net.client, name, sys.executable, client, topology.HOST_ADDRESS,
                        str(stage_module.DNS_PORT), str(pause), str(LIMIT), self._seen_path(name))

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

    def hold(self, one):
        """It stands still while its clock goes on, as when a host sleeps."""
        process = self.process(one)
        process.send_signal(signal.SIGSTOP)
        try:
            self.change_for(self.random.uniform(1, HELD_MAX))
        finally:
            process.send_signal(signal.SIGCONT)
        self.counts[f"{one} held"] += 1

    def fill_disk(self):
        self.disk.fill()
        self.edit()
        self.change_for(self.random.uniform(1, HELD_MAX))
        self.disk.free()
        self.counts["disk full"] += 1

    def set_clock(self):
        self.clock.set(self.random.randrange(-10**8, 10**8))
        self.counts["clock set"] += 1

    def kill(self, one):
        """In the middle of a change. The service manager starts it again, and the helper starts the relay."""
        self.edit()
        self.change()
        time.sleep(self.random.uniform(0, SOON))
        if one == "agent":
            self.stop_agent(kill=True)
            for name in self.broken:  # a new agent does not know what they said before
                self.services.pop(name, None)
            self.change()
            self.start_agent()
        elif one == "helper":
            self.stop_helper(kill=True)
            self.change()
            self.start_helper()
        else:
            self.relay_process.kill()
            self.change()
        self.lives[one].append([])
        self.counts[f"{one} kills"] += 1

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
        return {f"0.0.0.0/{port}": f"{address}/{port}" for port in self.services.values()} | dict([FOREIGN])

    def ledger_is_right(self):
        """An entry for each rule of ours, with no change left unfinished, and none beside them but those of the
        services that the relay carries."""
        ours = {name: data for name, data in self.expected().items() if name != FOREIGN[0]}
        ledger = {name: entry.split("|")[-2:] for name, entry in self.registry.ledger().items()
                  if not any(str(port) in name for port in (stage_module.DNS_PORT, stage_module.WHO_PORT))}
        return ledger == {name: [data, data] for name, data in ours.items()}

    def is_right(self):
        rules, status = self.rules(), self.status()
        if rules != self.expected() or not status.get("helper", {}).get("connected"):
            return False
        states = {s["name"]: s["state"] for s in status["services"]}
        return self.reported_address() == self.net.guest_address \
            and set(states) == {*self.services, *RELAYED} and set(states.values()) <= {"active"} \
            and bool(status["configuration"]["problems"]) == bool(self.broken) \
            and self.relay_process.pid is not None and self.ledger_is_right() and self.answers()

    def answers(self):
        """Whether both services that the relay carries answer from where the guest is now."""
        return self.lookup() == self.net.guest_address \
            and self.fetch(stage_module.WHO_PORT) == f"you are {topology.CLIENT_ADDRESS}\n"

    def rest(self):
        """Nothing happens until all is as it should be."""
        self.counts["rests"] += 1
        since = time.monotonic()
        try:
            wait_until(self.is_right, LIMIT, "the right state")
        except AssertionError:
            self.wrong.append(f"{self.counts}: rules {self.rules()}, expected {self.expected()}, "
                              f"ledger {self.registry.ledger()}, "
                              f"broken {self.broken}, status {self.status()}")
            return
        self.slowest = max(self.slowest, time.monotonic() - since)
        self.measure()

    def leaves_nothing(self):
        """When both halves have ended, nothing of ours is left, and what is not ours is still there."""
        self.stop_agent()
        self.stop_helper()
        return self.rules() == dict([FOREIGN]) and self.registry.ledger() == {}

    # --- figures

    def summary(self):
        return ", ".join(f"{n} {what}" for what, n in self.counts.items())

    def process(self, one):
        return {"agent": self.agent, "helper": self.helper and self.helper.process, "relay": self.relay_process}[one]

    def measure(self):
        agent, relay = self.agent.pid, self.relay_process.pid
        self.lives["agent"][-1].append((anonymous_kib(agent), descriptors(agent)))
        if self.helper.heap:
            self.lives["helper"][-1].append((self.load.handles(), *self.helper.heap))
        self.lives["relay"][-1].append((self.load.handles(RelayProcess.EXE), anonymous_kib(relay)))

    def longest(self, one):
        """(how many rests, figures at the start, figures at the end) of the longest life; None without any."""
        life = max(self.lives[one], key=len)
        start = life[min(len(life) // 4, WARM_UP):]
        return (len(life), start[0], tuple(map(min, zip(*start[-LAST:])))) if life else None

    def _seen_path(self, name):
        return os.path.join(self.folder, f"{name}.json")

    def slow_clients(self):
        """{name: what it has seen}."""
        seen = {}
        for name in PAUSES:
            with open(self._seen_path(name), encoding="utf-8") as f:
                seen[name] = json.load(f)
        return seen


def live(soak, seconds):
    begin, said, last = time.monotonic(), 0, -1
    while (now := time.monotonic() - begin) < seconds:
        period = int(now * PERIODS / seconds)
        mortal = MORTAL[period % len(MORTAL)]
        for _ in range(ROUND):
            if soak.random.random() < 0.5:
                soak.edit()
            soak.change()
            time.sleep(1)
        # Even in a short run each of them is killed.
        disaster = soak.random.choice(DISASTERS) if period == last else "kill"
        last = period
        {"hold": lambda: soak.hold(soak.random.choice(MORTAL)),
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
    for one, growth in GROWTH.items():
        found = soak.longest(one)
        if not found:
            wrong.append(f"there are no figures of the {one}: give it more time")
            continue
        n, first, last = found
        print(f"the {one}'s longest life ({n} rests): "
              + ", ".join(f"{before} -> {after} {what}" for what, before, after in zip(growth, first, last)))
        if any(after > before + more for before, after, more in zip(first, last, growth.values())):
            wrong.append(f"the {one} has grown")
    for name, seen in soak.slow_clients().items():
        print(f"the client that asks {name}: " + ", ".join(f"{n} {what}" for what, n in seen.items()))
        if seen["lost"] or seen["strange"]:
            wrong.append(f"the client that asks {name} has lost questions, or had strange answers")
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
        live(soak, arguments.seconds)
        wrong = report(soak, time.monotonic() - begin)
        if not soak.leaves_nothing():
            print(f"wrong: left at the end: rules {soak.rules()}, ledger {soak.registry.ledger()}")
            wrong.append("something is left")
    print("failed" if wrong else "passed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
