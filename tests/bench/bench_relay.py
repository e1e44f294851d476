#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The rows 'relay' of bench.py: how much the relay carries, beside other forwarders on the same path.

    bench_relay.py             prints all measurements as one JSON object

The path is the stage's: client, host and guest are network namespaces. The relay runs under Wine, the
others natively. They take turns, so that all of them meet the same machine. Programs of this file send
and receive; what they can do without a forwarder is the first figure.
"""
import json
import multiprocessing
import os
import socket
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))

import relay_process  # noqa: E402
import topology  # noqa: E402
from stage import Stage, end  # noqa: E402
from waiting import wait_until  # noqa: E402

SECONDS, ROUNDS = 3, 5
STREAMS = 64
ROUND_TRIPS = 2000
SINK, ECHO = 9000, 9001
PORTS = {"relay": 7000, "socat": 7100, "haproxy": 7200}  # and the next one for ECHO
PART = 1 << 18
HAPROXY = """
global
    maxconn 2000
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
"""


def serve(port, echo):
    listener = socket.create_server(("0.0.0.0", port), backlog=256)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=receive, args=(connection, echo), daemon=True).start()


def receive(connection, echo):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    buffer = bytearray(PART)
    try:
        while n := connection.recv_into(buffer):
            if echo:
                connection.sendall(memoryview(buffer)[:n])
    except OSError:
        pass
    connection.close()


def send(address, port, streams, seconds):
    """Mbit/s of each stream."""
    data, sent = bytes(PART), [0] * streams
    ends = [socket.create_connection((address, port), timeout=20) for _ in range(streams)]
    stop = time.monotonic() + seconds

    def work(i):
        while time.monotonic() < stop:
            sent[i] += ends[i].send(data)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in ends:
        one.close()
    return [n * 8 / seconds / 1e6 for n in sent]


def round_trips(address, port):
    """µs of each of many small round trips."""
    taken = []
    with socket.create_connection((address, port), timeout=20) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(ROUND_TRIPS):
            begin = time.monotonic()
            s.sendall(b"x" * 64)
            left = 64
            while left:
                left -= len(s.recv(64))
            taken.append((time.monotonic() - begin) * 1e6)
    return sorted(taken)[len(taken) // 2]


def run_here(words):
    """One of the above, in the namespace in which this program was started."""
    if words[0] == "serve":
        multiprocessing.Process(target=serve, args=(SINK, False), daemon=True).start()
        serve(ECHO, True)
    elif words[0] == "send":
        print(json.dumps(send(words[1], int(words[2]), int(words[3]), SECONDS)))
    else:
        print(json.dumps(round_trips(words[1], int(words[2]))))


def in_client(stage, *words):
    return json.loads(stage.net.client.run(sys.executable, __file__, *map(str, words)).stdout)


def start_peers(stage):
    """socat and HAProxy on the host, forwarding to the guest."""
    config = os.path.join(stage.folder, "haproxy.cfg")
    with open(config, "w", encoding="utf-8") as f:
        f.write(HAPROXY + "".join(
            f"listen to{port}\n    bind 0.0.0.0:{PORTS['haproxy'] + i}\n"
            f"    server guest {topology.GUEST_ADDRESS}:{port}\n" for i, port in enumerate((SINK, ECHO))))
    running = [stage._spawn(stage.net.host, "haproxy", "/usr/sbin/haproxy", "-db", "-f", config)]
    for i, port in enumerate((SINK, ECHO)):
        running.append(stage._spawn(
            stage.net.host, f"socat{i}", "socat", "-b131072",
            f"TCP-LISTEN:{PORTS['socat'] + i},fork,reuseaddr,nodelay,backlog=256",
            f"TCP:{topology.GUEST_ADDRESS}:{port},nodelay"))
    return running


def start_relay(stage):
    table = relay_process.Table(stage.registry)
    for i, port in enumerate((SINK, ECHO)):
        table.set(f"0.0.0.0/{PORTS['relay'] + i}", f"{topology.GUEST_ADDRESS}/{port}")
    exe = os.path.join(os.path.dirname(stage.helper_exe), "wslbridge-relay.exe")
    return relay_process.Relay(stage.prefix, exe, own_sockets=False)


def measure(stage):
    ways = {"nothing": (topology.GUEST_ADDRESS, SINK, ECHO),
            **{name: (topology.HOST_ADDRESS, port, port + 1) for name, port in PORTS.items()}}
    seen = {name: {"one": [], "many": [], "slowest": [], "trip": []} for name in ways}
    stage.net.host.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")  # for the first figure
    stage.net.client.ip(f"route replace {topology.GUEST_ADDRESS} via {topology.HOST_ADDRESS}\n")
    for name, (address, sink, echo) in ways.items():
        wait_until(lambda: in_client(stage, "trip", address, echo), 30, name)  # pylint: disable=cell-var-from-loop
    for _ in range(ROUNDS):
        for name, (address, sink, echo) in ways.items():
            one, = in_client(stage, "send", address, sink, 1)
            many = in_client(stage, "send", address, sink, STREAMS)
            seen[name]["one"].append(one)
            seen[name]["many"].append(sum(many))
            seen[name]["slowest"].append(min(many) / (sum(many) / len(many)))
            seen[name]["trip"].append(in_client(stage, "trip", address, echo))
    return seen


def main():
    with Stage() as stage:
        server = stage._spawn(stage.net.guest, "serve", sys.executable, __file__, "serve")
        peers, relay = start_peers(stage), start_relay(stage)
        try:
            print(json.dumps(measure(stage)))
        finally:
            relay.stop()
            for one in [server, *peers]:
                end(one)


if __name__ == "__main__":
    if sys.argv[1:]:
        run_here(sys.argv[1:])
    else:
        main()
