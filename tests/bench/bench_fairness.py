#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The rows 'fairness' of bench.py: how long one guest's update takes beside another guest, with the
real helper under Wine.

    bench_fairness.py ENDPOINTS     prints all measurements as one JSON object

The update moves the guest's only rule to another address. The other guest has ENDPOINTS endpoints.
The stand-in for iphlpsvc reads all values after each update, whoever made them. What this alone costs
is measured with ENDPOINTS values that nobody's helper made, and no other guest. It is a program of
its own, because it moves into a network namespace for good.
"""
import json
import multiprocessing
import os
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TREE = os.path.join(TOP, "build", "windows")
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))

import janitor  # noqa: E402
import vswitch  # noqa: E402
import fake_iphlpsvc  # noqa: E402
import helper_process  # noqa: E402
import wine_prefix  # noqa: E402
import wine_registry  # noqa: E402
from wsb_client import STATE, Client, frame, service, state  # noqa: E402

KEY = bytes(range(100, 132))
UPDATES, PAUSE = 20, 0.2
FLOODED = 1000  # services that the flood toggles
LISTENED = 10   # rules for which the stand-in for iphlpsvc listens; see bench_helper.py
SMALL, BIG, LOUD, DEAF = ({"distro": name} for name in ("Small", "Big", "Loud", "Deaf"))
SMALL_RULE = service("one", "127.0.0.1:1080", 80)  # the stand-in reads this name first
BIG_ADDRESS = "172.29.0.2/20"
SETTLED = 600


def services(n):
    return [service(f"s{i}", f"127.0.0.1:{20000 + i}", 80) for i in range(n)]


def updates(client):
    """Move the small guest's rule back and forth. Returns the milliseconds of each update."""
    took = []
    for i in range(UPDATES):
        begin = time.monotonic()
        client.push([SMALL_RULE], v4=f"172.29.0.{3 + i % 2}/20", timeout=120)
        took.append((time.monotonic() - begin) * 1000)
        time.sleep(PAUSE)
    return took


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


def beside_flood(port, small, identity, reads):
    started = multiprocessing.Event()
    other = multiprocessing.Process(target=flood, args=(port, identity, reads, started), daemon=True)
    other.start()
    try:
        assert started.wait(30)
        time.sleep(1)
        return updates(small)
    finally:
        other.kill()
        other.join()


def helper_ms(helper):
    """Milliseconds of processor time that the helper has used so far."""
    total = 0
    for task in os.listdir(f"/proc/{helper.process.pid}/task"):
        with open(f"/proc/{helper.process.pid}/task/{task}/schedstat", encoding="ascii") as stat:
            total += int(stat.read().split()[0])
    return total / 1e6


def updates_with_cpu(helper, client):
    """Returns updates(), and the helper's processor time for one of them in milliseconds."""
    before = helper_ms(helper)
    took = updates(client)
    return took, (helper_ms(helper) - before) / UPDATES


def beside_foreign(helper, registry, small, n):
    names = [f"127.0.0.1/{20000 + i}" for i in range(n)]
    for name in names:
        registry.set_rule(name, "172.29.0.2/80")
    time.sleep(5)
    found = updates_with_cpu(helper, small)
    for name in names:
        registry.delete_rule(name)
    return found


def measure(helper, iphlpsvc, n):
    figures = {"endpoints": n, "flooded": FLOODED}
    with Client(helper.port, key=KEY, **SMALL) as small:
        small.handshake()
        small.push([SMALL_RULE], v4="172.29.0.4/20", timeout=60)
        updates(small)  # Wine and the caches are warm after this
        figures["alone_ms"], figures["alone_cpu_ms"] = updates_with_cpu(helper, small)
        figures["foreign_ms"], figures["foreign_cpu_ms"] = beside_foreign(
            helper, iphlpsvc.registry, small, n)
        updates(small)  # the stand-in and the helper have forgotten them after this
        with Client(helper.port, key=KEY, **BIG) as big:
            big.handshake()
            begin = time.monotonic()
            result = big.push(services(n), v4=BIG_ADDRESS, timeout=SETTLED, settle=False)
            figures["big_s"] = time.monotonic() - begin
            figures["big_states"] = {s: result.states().count(s) for s in set(result.states())}
            iphlpsvc.settled(SETTLED)
            time.sleep(5)
            figures["beside_ms"], figures["beside_cpu_ms"] = updates_with_cpu(helper, small)
        time.sleep(1)
        figures["gone_ms"] = updates(small)  # its rules are kept for three heartbeats
        with Client(helper.port, key=KEY, **BIG) as big:
            big.handshake()
            big.push([], v4=BIG_ADDRESS, timeout=SETTLED)
        iphlpsvc.settled(SETTLED)
        figures["flood_ms"] = beside_flood(helper.port, small, LOUD, reads=True)
        figures["deaf_ms"] = beside_flood(helper.port, small, DEAF, reads=False)
    return figures


def main():
    vswitch.enter_host()
    with vswitch.VirtualSwitch():
        path = os.path.join(janitor.current_run(), "bench-fairness")
        prefix = wine_prefix.Prefix(path)
        try:
            prefix.create()
            tools = os.path.join(TREE, "tests", "windows")
            registry = wine_registry.Registry(prefix, tools)
            iphlpsvc = fake_iphlpsvc.FakeIphlpsvc(prefix, tools, registry)
            iphlpsvc.install()
            iphlpsvc.listen_for(LISTENED)
            iphlpsvc.start()
            registry.set(r"SOFTWARE\wslbridge\Policy", "MaxEndpointsPerAgent", 16384)
            for name in (SMALL, BIG, LOUD, DEAF):
                registry.set_key(f"{bytes(range(16)).hex()}/{name['distro']}", KEY)
            exe = os.path.join(TREE, "windows-helper", "wslbridge-helper.exe")
            helper = helper_process.Helper(prefix, exe)
            figures = measure(helper, iphlpsvc, int(sys.argv[1]))
            helper.kill()
            iphlpsvc.stop()
            registry.close()
        finally:
            prefix.stop()
            janitor.remove_tree(path)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
