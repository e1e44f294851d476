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
ROUNDS, UNCHANGED, LISTENED = 5, 20, 500
# Of the 10,000 ports, the stand-in for iphlpsvc really listens on this many. After each change the
# helper asks who listens, and Wine takes milliseconds to find the process of each listener.
FEW, MANY = 10, 1024
HEARTBEATS_AN_HOUR, HEARTBEAT_MS = 120, 400
LIVES, STATES = 200, 5
ADDRESSES = [f"172.29.0.{n}/20" for n in range(2, 2 + ROUNDS)]


def change_all(client, registry, iphlpsvc, services, rounds):
    """Write all rules, then move them to another address. Returns the milliseconds of both, as the
    helper reports them."""
    written, moved = [], []
    for address in ADDRESSES[:rounds]:
        iphlpsvc.settled(120)  # Wine's server has one thread, so wait until the stand-in is done
        result = client.push(services, v4=address, timeout=120, settle=False)
        written.append(result.apply_usec / 1000)
        iphlpsvc.settled(120)
        result = client.push(services, v4="172.29.1.1/20", timeout=120, settle=False)
        moved.append(result.apply_usec / 1000)
        assert set(registry.rules().values()) == {"172.29.1.1/80"}
        client.push([], v4=address, timeout=120)
        assert registry.clean()
    return written, moved


def rules(helper, registry, iphlpsvc, n):
    """Write, move, request again and withdraw @n rules."""
    services = [service(f"s{i}", f"127.0.0.1:{10000 + i}", 80) for i in range(n)]
    changes = []
    with Client(helper.port, key=KEY) as client:
        client.handshake()
        for listeners, rounds in ((FEW, ROUNDS), (MANY, 2)):
            iphlpsvc.listen_for(listeners)
            written, moved = change_all(client, registry, iphlpsvc, services, rounds)
            changes.append({"listeners": listeners, "written_ms": written, "moved_ms": moved})
        iphlpsvc.listen_for(LISTENED)
        # No more rules than listeners, because iphlpsvc is notified again while one is missing.
        client.push(services[:LISTENED], v4=ADDRESSES[0], timeout=120)
        iphlpsvc.settled(120)
        client.idle(2)
        stamps, changes_before = registry.stamps(), iphlpsvc.changes()
        for _ in range(UNCHANGED):
            client.push(services[:LISTENED], v4=ADDRESSES[0], timeout=120)
        client.idle(1)
        changed = sum(stamps[key] != stamp for key, stamp in registry.stamps().items())
        paramchanges = iphlpsvc.changes() - changes_before
        client.push([], v4=ADDRESSES[0], timeout=120)
    return {"changes": changes, "unchanged_states": UNCHANGED,
            "keys_written": changed, "paramchanges": paramchanges}


def load(helper, prefix):
    tool = program_load.Load(prefix, os.path.join(TREE, "tests", "windows"))
    with Client(helper.port, key=KEY) as client:
        client.handshake()
        client.idle(HEARTBEATS_AN_HOUR * HEARTBEAT_MS / 1000)
    traffic.live(helper.port, {"key": KEY}, 20, STATES)
    time.sleep(2)
    before = tool.handles()
    lives, states = traffic.live(helper.port, {"key": KEY}, LIVES, STATES)
    time.sleep(2)
    return {"handles_before": before, "handles_after": tool.handles(), "lives": lives,
            "states": states, "heartbeats": HEARTBEATS_AN_HOUR,
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
