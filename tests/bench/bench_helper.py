#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The rows 'helper' of bench.py: the real helper under Wine, driven by a client in Python.

    bench_helper.py RULES     prints all measurements as one JSON object

It is a program of its own, because it moves into a network namespace for good.
"""
import json
import os
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TREE = os.path.join(TOP, "build", "windows")
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))

import traffic  # noqa: E402
import vswitch  # noqa: E402
import helper_process  # noqa: E402
import program_load  # noqa: E402
import windows_host  # noqa: E402
from wsb_client import Client, service  # noqa: E402

KEY = bytes(range(100, 132))
ROUNDS, UNCHANGED, LISTENED = 3, 20, 500
# Of the 10,000 ports, the stand-in for iphlpsvc really listens on this many. When the helper asks who
# listens, Wine takes milliseconds to find the process of each listener.
FEW, MANY = 10, 1024
HEARTBEATS_HALF_AN_HOUR, HEARTBEAT_MS = 60, 200
LIVES, STATES = 200, 5
CAME, SOME = 16384, 100
GOODBYE_MS, KEPT_SECONDS = 100, 12  # a claim outlives its guest for so long; memory is given back then
ADDRESS, OTHER_ADDRESS = "172.29.0.2/20", "172.29.1.1/20"


def change_all(client, registry, iphlpsvc, services, listeners, check):
    """Write all rules, then move them to another address, while the stand-in listens on so many of
    them. Returns the milliseconds of both, as the helper reports them. @check: whether all of them are
    looked at, which takes a second."""
    iphlpsvc.listen_for(listeners)
    iphlpsvc.settled(120)  # Wine's server has one thread, so wait until the stand-in is done
    written = client.push(services, v4=ADDRESS, timeout=300, settle=False).apply_usec / 1000
    iphlpsvc.settled(120)
    moved = client.push(services, v4=OTHER_ADDRESS, timeout=300, settle=False).apply_usec / 1000
    if check:
        assert set(registry.rules().values()) == {f"{OTHER_ADDRESS.partition('/')[0]}/80"}
    client.push([], v4=ADDRESS, timeout=300)
    if check:
        assert registry.clean()
    return written, moved


def rules(helper, registry, iphlpsvc, n):
    """Write, move, request again and withdraw @n rules."""
    services = [service(f"s{i}", f"127.0.0.1:{10000 + i}", 80) for i in range(n)]
    changes = {listeners: [] for listeners in (FEW, MANY)}
    with Client(helper.port, key=KEY) as client:
        client.handshake()
        for i in range(ROUNDS):
            for listeners, times in changes.items():
                times.append(change_all(client, registry, iphlpsvc, services, listeners, i == 0))
        iphlpsvc.listen_for(LISTENED)
        # No more rules than listeners, because iphlpsvc is notified again while one is missing.
        client.push(services[:LISTENED], v4=ADDRESS, timeout=120)
        iphlpsvc.settled(120)
        client.idle(2)
        stamps, changes_before = registry.stamps(), iphlpsvc.changes()
        for _ in range(UNCHANGED):
            client.push(services[:LISTENED], v4=ADDRESS, timeout=120)
        client.idle(1)
        changed = sum(stamps[key] != stamp for key, stamp in registry.stamps().items())
        paramchanges = iphlpsvc.changes() - changes_before
        client.push([], v4=ADDRESS, timeout=120)
    return {"changes": [{"listeners": listeners, "written_ms": [w for w, _ in times],
                         "moved_ms": [m for _, m in times]} for listeners, times in changes.items()],
            "unchanged_states": UNCHANGED, "keys_written": changed, "paramchanges": paramchanges}


def come_and_go(helper, iphlpsvc, n):
    """@n endpoints come and go, and their guest with them. Returns (bytes that the helper's own code
    holds then, KiB that are resident)."""
    with Client(helper.port, key=KEY) as client:
        client.handshake()
        client.push([service(f"s{i}", f"127.0.0.1:{10000 + i}", 80) for i in range(n)], v4=ADDRESS,
                    timeout=300, settle=False)
        iphlpsvc.settled(120)
        client.idle(5)
        client.push([], v4=ADDRESS, timeout=300)
        client.bye()
    time.sleep(KEPT_SECONDS)
    return helper.heap[1], program_load.Load.resident_kib(helper.process.pid)


def memory(helper, registry, iphlpsvc):
    iphlpsvc.listen_for(FEW)
    registry.set(r"SOFTWARE\wslbridge\Policy", "MaxEndpointsPerAgent", CAME)
    (held, resident), (held_after, resident_after) = (come_and_go(helper, iphlpsvc, n)
                                                      for n in (SOME, CAME))
    return {"came": CAME, "some": SOME, "held_bytes": held, "held_bytes_after": held_after,
            "resident_kib": resident, "resident_kib_after": resident_after}


def load(helper, prefix):
    tool = program_load.Load(prefix, os.path.join(TREE, "tests", "windows"))
    with Client(helper.port, key=KEY) as client:
        client.handshake()
        client.idle(HEARTBEATS_HALF_AN_HOUR * HEARTBEAT_MS / 1000)
    traffic.live(helper.port, {"key": KEY}, 20, STATES)
    time.sleep(2)
    before = tool.handles()
    lives, states = traffic.live(helper.port, {"key": KEY}, LIVES, STATES)
    time.sleep(2)
    return {"handles_before": before, "handles_after": tool.handles(), "lives": lives,
            "states": states, "heartbeats": HEARTBEATS_HALF_AN_HOUR,
            "rss_kib": tool.resident_kib(helper.process.pid), "wine_kib": tool.baseline_kib()}


def measure(prefix, registry, iphlpsvc, n):
    registry.set(r"SOFTWARE\wslbridge\Policy", "MaxEndpointsPerAgent", n)
    registry.set_key(f"{bytes(range(16)).hex()}/Debian", KEY)
    exe = os.path.join(TREE, "windows-helper", "wslbridge-helper.exe")
    helper = helper_process.Helper(prefix, exe, heartbeat=HEARTBEAT_MS)
    figures = load(helper, prefix)
    assert helper.stop() == 0
    helper = helper_process.Helper(prefix, exe)
    figures.update(rules(helper, registry, iphlpsvc, n))
    assert helper.stop() == 0
    helper = helper_process.Helper(prefix, exe, goodbye=GOODBYE_MS)
    figures["memory"] = memory(helper, registry, iphlpsvc)
    assert helper.stop() == 0
    return figures


def main():
    vswitch.enter_host()
    tools = os.path.join(TREE, "tests", "windows")
    with vswitch.VirtualSwitch(), windows_host.prefix("bench-helper") as prefix, \
            windows_host.registry(prefix, tools) as registry, \
            windows_host.iphlpsvc(prefix, tools, registry) as iphlpsvc:
        figures = measure(prefix, registry, iphlpsvc, int(sys.argv[1]))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
