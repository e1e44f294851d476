#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The rows 'loopback' of bench.py: how much wslbridge-loopback carries, beside other forwarders on the same path.

    bench_loopback.py      prints all measurements as one JSON object

The host is the client, and the servers listen on 127.0.0.1 of the guest. All forwarders are native programs in
the guest, and take turns. Then the client of the LAN comes, through a forwarder on the host (Wine) and one in the
guest.
"""
import json
import os
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))

import bench_relay  # noqa: E402
import topology  # noqa: E402
from bench_relay import GUEST, STREAMS, TCP, TRAFFIC  # noqa: E402
from stage import Stage, end  # noqa: E402
from waiting import wait_until  # noqa: E402

RELEASE = os.path.join(TOP, "build", "release")
ROUNDS, SECONDS = 3, 60  # at least so many, and for so long
IDLE, IDLE_SECONDS = 1000, 5  # one port has no more than 1536
# The first of six ports in the guest. Those of the loopback are also the servers'.
PORTS = {"loopback": GUEST, "bare": 9100, "nginx": 9200, "socat": 9300, "haproxy": 9400, "nothing": 9500}
BOTH_HOPS = {"loopback": GUEST, "socat": 7300, "bare": 7100}  # on the host


def start_bare(stage, first):
    exe = os.path.join(RELEASE, "tests", "bench", "bare-relay")
    return [stage._spawn(stage.net.guest, f"bare-relay{i}", exe, "0.0.0.0", str(first + i), "127.0.0.1",
                         str(GUEST + i)) for i in TCP]


def start_peers(stage):
    guest, to = stage.net.guest, "127.0.0.1"
    running = start_bare(stage, PORTS["bare"])
    for name, start in (("nginx", bench_relay.start_nginx), ("socat", bench_relay.start_socat),
                        ("haproxy", bench_relay.start_haproxy)):
        running += start(stage, PORTS[name], guest, to)
    running += bench_relay.start_socat(stage, BOTH_HOPS["socat"], to_first=PORTS["socat"])
    return running + bench_relay.start_bare(stage, BOTH_HOPS["bare"], to_first=PORTS["bare"])


def start_loopback(stage):
    """As systemd would start it."""
    folder = os.path.join(stage.folder, "loopback")
    os.makedirs(folder)
    stage.add_drop_in("streams", f"[service]\nlisten = {GUEST}-{GUEST + 3}\nconnect = loopback\n"
                                 "forwarder = relay\n")
    stage.add_drop_in("mail", f"[service]\nlisten = {GUEST + 4}-{GUEST + 5}\nconnect = loopback\nprotocol = udp\n")
    wait_until(lambda: os.path.exists(f"{stage.state_folder}/loopback.wanted"), what="the table")
    exe = os.path.join(RELEASE, "agent", "wslbridge-loopback")
    started = stage._spawn(stage.net.guest, "loopback", exe, f"--agent={stage.state_folder}",
                           env={**os.environ, "RUNTIME_DIRECTORY": folder})
    for name in ("streams", "mail"):
        stage.wait_state(name, "active")
    return started


def traffic(namespace, measure, address, *words):
    done = namespace.run(sys.executable, TRAFFIC, measure, address, *map(str, words))
    return json.loads(done.stdout)


def measure_way(stage, way, seen):
    """One round."""
    host, address = stage.net.host, f"{topology.GUEST_ADDRESS}:{PORTS[way]}"

    def add(key, value):
        seen.setdefault(key, []).append(value)

    add("one", traffic(host, "streams", address, 1)[0])
    many = traffic(host, "streams", address, STREAMS)
    add("many", sum(many))
    add("slowest", min(many) / (sum(many) / len(many)))
    add("both", traffic(host, "both_ways", address))
    add("first", traffic(host, "first_bytes", address))
    if way in ("loopback", "nginx", "nothing"):
        add("letters", traffic(host, "letters", address))
        sent, part = traffic(host, "one_way", address)
        add("sent", sent)
        add("arrived", part)
    if way in BOTH_HOPS:
        add("hops", traffic(stage.net.client, "streams", f"{topology.HOST_ADDRESS}:{BOTH_HOPS[way]}", 1)[0])


def memory(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        lines = dict(line.split(":", 1) for line in status)
    return int(lines["RssAnon"].split()[0]) * 1024, int(lines["voluntary_ctxt_switches"])


def measure_idle(stage, loopback):
    """What IDLE connections take that say nothing any more."""
    before, _ = memory(loopback)
    holder = stage.net.host.popen(sys.executable, TRAFFIC, "hold", f"{topology.GUEST_ADDRESS}:{GUEST}", str(IDLE),
                                  stdin=-1, stdout=-1)
    try:
        assert json.loads(holder.stdout.readline()) == IDLE
        time.sleep(1)
        held, wakeups = memory(loopback)
        time.sleep(IDLE_SECONDS)
        return {"bytes": (held - before) / IDLE, "wakeups": memory(loopback)[1] - wakeups, "n": IDLE,
                "seconds": IDLE_SECONDS}
    finally:
        holder.stdin.close()
        holder.wait()


def main():
    bench_relay.allow_descriptors()
    with Stage(RELEASE) as stage:
        stage.add_forwarder()
        stage.start()
        running = [stage._spawn(stage.net.guest, f"serve{first}", sys.executable, TRAFFIC, "serve", address, str(first))
                   for address, first in (("127.0.0.1", GUEST), ("0.0.0.0", PORTS["nothing"]))]
        loopback = start_loopback(stage)
        running += start_peers(stage)
        try:
            for port in PORTS.values():
                wait_until(lambda: traffic(stage.net.host, "trip",  # pylint: disable=cell-var-from-loop
                                           f"{topology.GUEST_ADDRESS}:{port}"), 30, port)
            idle = measure_idle(stage, loopback)
            seen, last = {way: {} for way in PORTS}, time.monotonic() + SECONDS
            while len(seen["nothing"].get("one", [])) < ROUNDS or time.monotonic() < last:
                for way in PORTS:
                    measure_way(stage, way, seen[way])
            print(json.dumps({"load": os.getloadavg()[0], "idle": idle, **seen}))
        finally:
            for one in running:
                end(one)


if __name__ == "__main__":
    main()
