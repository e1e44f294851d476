#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The rows 'helper' of bench.py: the real helper under Wine, driven by a client in Python.

    bench_helper.py RULES     prints JSON: one object for all measurements

A program of its own, because it moves into a network namespace for good.
"""
import json
import os
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TREE = os.path.join(TOP, "build", "windows")
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))

import janitor  # noqa: E402
import traffic  # noqa: E402
import vswitch  # noqa: E402
import wine  # noqa: E402
from wsb_client import Client, service  # noqa: E402

KEY = bytes(range(100, 132))
ROUNDS, UNCHANGED = 5, 20
HEARTBEATS_AN_HOUR, HEARTBEAT_MS = 120, 400
LIVES, STATES = 200, 5
ADDRESSES = [f"172.29.0.{n}/20" for n in range(2, 2 + ROUNDS)]


def rules(helper, registry, iphlpsvc, n):
    """@n rules written, moved, asked for again and withdrawn."""
    services = [service(f"s{i}", f"127.0.0.1:{10000 + i}", 80) for i in range(n)]
    written, moved = [], []
    with Client(helper.port, key=KEY) as client:
        client.handshake()
        for address in ADDRESSES:
            result = client.push(services, v4=address, timeout=120, settle=False)
            written.append(result.apply_usec / 1000)
            result = client.push(services, v4="172.29.1.1/20", timeout=120, settle=False)
            moved.append(result.apply_usec / 1000)
            assert set(registry.rules().values()) == {"172.29.1.1/80"}
            if address != ADDRESSES[-1]:
                client.push([], v4=address, timeout=120)
                assert registry.clean()
        iphlpsvc.settled(120)
        client.idle(2)
        stamps, told = registry.stamps(), iphlpsvc.told()
        for _ in range(UNCHANGED):
            client.push(services, v4="172.29.1.1/20", timeout=120, settle=False)
        client.idle(1)
        changed = sum(stamps[key] != stamp for key, stamp in registry.stamps().items())
        told = iphlpsvc.told() - told
        client.push([], v4="172.29.1.1/20", timeout=120)
    return {"written_ms": written, "moved_ms": moved, "unchanged_states": UNCHANGED,
            "keys_written": changed, "paramchanges": told}


def load(helper, prefix):
    tool = wine.Load(prefix, os.path.join(TREE, "tests", "windows"))
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


def main():
    vswitch.enter_host()
    with vswitch.VirtualSwitch():
        path = os.path.join(janitor.current_run(), "bench-helper")
        prefix = wine.Prefix(path)
        try:
            prefix.create()
            tools = os.path.join(TREE, "tests", "windows")
            registry = wine.Registry(prefix, tools)
            iphlpsvc = wine.FakeIphlpsvc(prefix, tools, registry)
            iphlpsvc.install()
            iphlpsvc.start()
            registry.set_key(f"{bytes(range(16)).hex()}/Debian", KEY)
            exe = os.path.join(TREE, "windows-helper", "wslbridge-helper.exe")
            helper = wine.Helper(prefix, exe, heartbeat=HEARTBEAT_MS)
            figures = load(helper, prefix)
            assert helper.stop() == 0
            helper = wine.Helper(prefix, exe)
            figures.update(rules(helper, registry, iphlpsvc, int(sys.argv[1])))
            assert helper.stop() == 0
            iphlpsvc.stop()
            registry.close()
        finally:
            prefix.stop()
            janitor.remove_tree(path)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
