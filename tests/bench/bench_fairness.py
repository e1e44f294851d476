#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The rows 'fairness' of bench.py: how long one guest's update takes beside another guest, with the
real helper under Wine.

    bench_fairness.py ENDPOINTS     prints all measurements as one JSON object

Two hosts run, each with a Wine of its own. On both, a guest moves its only rule to another address, in
turn. On one of them there is another guest, with ENDPOINTS endpoints. It is a program of its own, because
it moves into a network namespace for good.
"""
import contextlib
import json
import multiprocessing
import os
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TREE = os.path.join(TOP, "build", "windows")
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))

import janitor  # noqa: E402
import pairs  # noqa: E402
import vswitch  # noqa: E402
import fake_iphlpsvc  # noqa: E402
import helper_process  # noqa: E402
import wine_prefix  # noqa: E402
import wine_registry  # noqa: E402
from wsb_client import STATE, Client, frame, service, state  # noqa: E402

KEY = bytes(range(100, 132))
PAUSE, SECONDS, WARM = 0.1, 10, 5  # between two updates; for a row at most; updates before all
FLOODED = 1000  # services that the flood toggles
LISTENED = 10   # rules for which the stand-in for iphlpsvc listens; see bench_helper.py
SMALL, BIG, LOUD, DEAF = ({"distro": name} for name in ("Small", "Big", "Loud", "Deaf"))
BIG_ADDRESS = "172.29.0.2/20"
SETTLED = 600


def services(n):
    return [service(f"s{i}", f"127.0.0.1:{20000 + i}", 80) for i in range(n)]


class Host:
    """A Windows of its own, with one guest that has one rule."""

    def __init__(self, name, port, stack):
        path = os.path.join(janitor.current_run(), f"bench-fairness-{name}")
        stack.callback(janitor.remove_tree, path)
        prefix = wine_prefix.Prefix(path)
        stack.callback(prefix.stop)
        prefix.create()
        tools = os.path.join(TREE, "tests", "windows")
        self.registry = wine_registry.Registry(prefix, tools)
        stack.callback(self.registry.close)
        self.iphlpsvc = fake_iphlpsvc.FakeIphlpsvc(prefix, tools, self.registry)
        self.iphlpsvc.install()
        self.iphlpsvc.listen_for(LISTENED)
        self.iphlpsvc.start()
        self.registry.set(r"SOFTWARE\wslbridge\Policy", "MaxEndpointsPerAgent", 16384)
        for identity in (SMALL, BIG, LOUD, DEAF):
            self.registry.set_key(f"{bytes(range(16)).hex()}/{identity['distro']}", KEY)
        self.helper = helper_process.Helper(
            prefix, os.path.join(TREE, "windows-helper", "wslbridge-helper.exe"))
        stack.callback(self.helper.kill)
        # The stand-in reads this name first, and listens on it.
        self.rule, self.turn = service("one", f"127.0.0.1:{port}", 80), 0
        self.small = stack.enter_context(Client(self.helper.port, key=KEY, **SMALL))
        self.small.handshake()
        for _ in range(WARM):
            self.update()

    def update(self):
        """Move the small guest's rule. Returns the milliseconds that it took."""
        self.turn += 1
        begin = time.monotonic()
        self.small.push([self.rule], v4=f"172.29.0.{3 + self.turn % 2}/20", timeout=120)
        took = (time.monotonic() - begin) * 1000
        time.sleep(PAUSE)
        return took

    def helper_ms(self):
        """Milliseconds of processor time that the helper has used so far."""
        total = 0
        for task in os.listdir(f"/proc/{self.helper.process.pid}/task"):
            with open(f"/proc/{self.helper.process.pid}/task/{task}/schedstat", encoding="ascii") as stat:
                total += int(stat.read().split()[0])
        return total / 1e6


def flood(port, identity, reads, started):
    """Toggle FLOODED services as fast as the helper takes it, and read or do not read the answers,
    until this process is ended."""
    with Client(port, key=KEY, **identity) as client:
        client.handshake()
        made = services(FLOODED)
        some = made[::2]
        client.socket.setblocking(False)
        started.set()
        waiting = b""
        while True:
            if not waiting:
                client.sequence += 1
                waiting = frame(STATE, state(client.sequence, some if client.sequence % 2 else made,
                                             v4=BIG_ADDRESS))
            try:
                waiting = waiting[client.socket.send(waiting):]
            except BlockingIOError:
                time.sleep(0.001)
            except ConnectionError:
                if reads:
                    raise
                return flood(port, identity, reads, started)  # it was cut for not reading, and comes again
            try:
                while reads and client.socket.recv(1 << 20):
                    pass
            except BlockingIOError:
                pass


@contextlib.contextmanager
def flooded(port, identity, reads):
    started = multiprocessing.Event()
    other = multiprocessing.Process(target=flood, args=(port, identity, reads, started), daemon=True)
    other.start()
    try:
        assert started.wait(30)
        time.sleep(1)
        yield
    finally:
        other.kill()
        other.join()


def in_turn(beside, alone):
    """{"ms", "alone_ms", "cpu_ms", "alone_cpu_ms"}: of updates on both hosts, in turn."""
    before = [host.helper_ms() for host in (beside, alone)]
    ours, floor = pairs.repeat(lambda: (beside.update(), alone.update()), SECONDS)
    cpu = [(host.helper_ms() - b) / len(ours) for host, b in zip((beside, alone), before)]
    return {"ms": ours, "alone_ms": floor, "cpu_ms": cpu[0], "alone_cpu_ms": cpu[1]}


def measure(beside, alone, n):
    figures = {"endpoints": n, "flooded": FLOODED}
    with Client(beside.helper.port, key=KEY, **BIG) as big:
        big.handshake()
        big.push(services(n), v4=BIG_ADDRESS, timeout=SETTLED, settle=False)
        beside.iphlpsvc.settled(SETTLED)
        time.sleep(5)
        figures["beside"] = in_turn(beside, alone)
    time.sleep(1)
    figures["gone"] = in_turn(beside, alone)  # its rules are kept for three heartbeats
    with Client(beside.helper.port, key=KEY, **BIG) as big:
        big.handshake()
        big.push([], v4=BIG_ADDRESS, timeout=SETTLED)
    beside.iphlpsvc.settled(SETTLED)
    for name, identity, reads in (("flood", LOUD, True), ("deaf", DEAF, False)):
        with flooded(beside.helper.port, identity, reads):
            figures[name] = in_turn(beside, alone)
    return figures


def main():
    vswitch.enter_host()
    with vswitch.VirtualSwitch(), contextlib.ExitStack() as stack:
        beside, alone = Host("beside", 1080, stack), Host("alone", 1081, stack)
        figures = measure(beside, alone, int(sys.argv[1]))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
