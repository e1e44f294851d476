#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The rows 'relay' of bench.py: how much the relay carries, beside other forwarders on the same path.

    bench_relay.py [WAY…]      prints all measurements as one JSON object
                               ways: relay bare nginx socat haproxy nothing idle; default: all

The path is the stage's: client, host and guest are network namespaces. The relay and a bare copy loop
run under Wine, the others natively. They take turns, so that all of them meet the same machine, and
relay_traffic.py sends and receives. What it can do without a forwarder is measured as well.
"""
import json
import os
import resource
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TRAFFIC = os.path.join(TOP, "tests", "bench", "relay_traffic.py")
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))

import relay_process  # noqa: E402
import topology  # noqa: E402
import wine_prefix  # noqa: E402
from stage import Stage, end  # noqa: E402
from waiting import wait_until  # noqa: E402

ROUNDS, SECONDS = 3, 100  # at least so many, and for so long
STREAMS, BESIDE = 64, 8
IDLE_MOST, IDLE_SECONDS = 10000, 5
SESSIONS, FIRST_SESSIONS = 10000, 100  # of UDP
SPARE = 1000  # descriptors of a process beside those of its connections
GUEST = 9000
# The first of six ports on the host, which lead to those of relay_traffic.py.
PORTS = {"relay": 7000, "bare": 7100, "nginx": 7200, "socat": 7300, "haproxy": 7400}
TCP, UDP = range(4), (4, 5)
HAPROXY = """
global
    maxconn 2000
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
"""
NGINX = """
load_module modules/ngx_stream_module.so;
daemon off; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 2000; }}
stream {{
    {servers}
}}
"""


def write(stage, name, text):
    path = os.path.join(stage.folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def start_haproxy(stage, first, namespace=None, to=topology.GUEST_ADDRESS):
    config = write(stage, "haproxy.cfg", HAPROXY + "".join(
        f"listen to{i}\n    bind 0.0.0.0:{first + i}\n    server guest {to}:{GUEST + i}\n" for i in TCP))
    return [stage._spawn(namespace or stage.net.host, "haproxy", "/usr/sbin/haproxy", "-db", "-f", config)]


def start_nginx(stage, first, namespace=None, to=topology.GUEST_ADDRESS):
    servers = "".join(f"server {{ listen {first + i}{' udp' if i in UDP else ''}; tcp_nodelay on; "
                      f"proxy_pass {to}:{GUEST + i}; }}\n" for i in (*TCP, *UDP))
    config = write(stage, "nginx.conf", NGINX.format(folder=stage.folder, servers=servers))
    return [stage._spawn(namespace or stage.net.host, "nginx", "/usr/sbin/nginx", "-c", config, "-p",
                         "/usr/lib/nginx")]


def start_socat(stage, first, namespace=None, to=topology.GUEST_ADDRESS, to_first=GUEST):
    return [stage._spawn(namespace or stage.net.host, f"socat{first + i}", "socat", "-b131072",
                         f"TCP-LISTEN:{first + i},fork,reuseaddr,nodelay,backlog=256",
                         f"TCP:{to}:{to_first + i},nodelay") for i in TCP]


def start_bare(stage, first, to_first=GUEST):
    exe = os.path.join(os.path.dirname(stage.tools), "bench", "windows", "bare-loop.exe")
    return [stage._spawn(stage.net.host, f"bare{i}", wine_prefix.wine_program("wine64"), exe,
                         "udp" if i in UDP else "tcp", str(first + i), topology.GUEST_ADDRESS, str(to_first + i),
                         env=stage.prefix.env) for i in (*TCP, *UDP)]


def start_relay(stage, first):
    table = relay_process.Table(stage.registry)
    most = 2 * IDLE_MOST
    table.limit(connections=most, connections_per_guest=most, connections_per_endpoint=most,
                connections_per_client=most, udp_sessions=2 * SESSIONS, udp_sessions_per_guest=2 * SESSIONS,
                udp_sessions_per_client=2 * SESSIONS)
    for i in (*TCP, *UDP):
        table.set(f"0.0.0.0/{first + i}", f"{topology.GUEST_ADDRESS}/{GUEST + i}", "udp" if i in UDP else "tcp")
    exe = os.path.join(os.path.dirname(stage.helper_exe), "wslbridge-relay.exe")
    return relay_process.Relay(stage.prefix, exe, own_sockets=False)


PEERS = {"bare": start_bare, "nginx": start_nginx, "socat": start_socat, "haproxy": start_haproxy}


def traffic(stage, measure, address, *words):
    done = stage.net.client.run(sys.executable, TRAFFIC, measure, address, *map(str, words))
    return json.loads(done.stdout)


def measure_way(stage, way, address, seen, relay):
    """One round. The relay is one process for all that is measured, so it gets time to end what was before."""
    def add(key, value):
        seen.setdefault(key, []).append(value)
        if way == "relay" and key not in ("slowest", "lost", "arrived"):  # which are of the same measurement
            relay.wait_idle()

    add("one", traffic(stage, "streams", address, 1)[0])
    many = traffic(stage, "streams", address, STREAMS)
    add("many", sum(many))
    add("slowest", min(many) / (sum(many) / len(many)) if any(many) else 0)
    add("trip", traffic(stage, "trip", address))
    add("first", traffic(stage, "first_bytes", address))
    add("connections", traffic(stage, "connections", address))
    if way in ("relay", "bare", "nginx", "nothing"):
        add("letters", traffic(stage, "letters", address))
        for size in (64, 1400):
            answered, lost = traffic(stage, "mail", address, size)
            add(f"mail{size}", answered)
            add("lost", lost)
        sent, part = traffic(stage, "one_way", address)
        add("sent", sent)
        add("arrived", part)
    if way in ("relay", "bare", "nothing"):
        add("both", traffic(stage, "both_ways", address))
    if way == "relay":
        add("beside", traffic(stage, "beside_stalled", address, BESIDE))


def measure(stage, ways, relay):
    host = topology.HOST_ADDRESS
    addresses = {way: f"{topology.GUEST_ADDRESS}:{GUEST}" if way == "nothing" else f"{host}:{PORTS[way]}"
                 for way in ways}
    stage.net.host.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")  # for 'nothing'
    stage.net.client.ip(f"route replace {topology.GUEST_ADDRESS} via {host}\n")
    for way, address in addresses.items():
        wait_until(lambda: traffic(stage, "trip", address), 30, way)  # pylint: disable=cell-var-from-loop
    seen = {way: {} for way in ways}
    end, n = time.monotonic() + SECONDS, 0
    while n < ROUNDS or time.monotonic() < end:
        for way, address in addresses.items():
            measure_way(stage, way, address, seen[way], relay)
        n += 1
    return seen


def measure_sessions(stage, relay):
    """What SESSIONS sessions of UDP take. @relay is a new one: another would take memory again that it had before."""
    address = f"{topology.HOST_ADDRESS}:{PORTS['relay']}"
    traffic(stage, "sessions", address, FIRST_SESSIONS)
    relay.wait_idle()
    before = relay.memory()
    answered = traffic(stage, "sessions", address, SESSIONS)
    relay.wait_idle()
    return {"bytes": (relay.memory() - before) / SESSIONS, "n": SESSIONS, "answered": answered}


def measure_idle(stage, relay, n):
    """What @n connections take that say nothing any more."""
    before = relay.memory()
    holder = stage.net.client.popen(sys.executable, TRAFFIC, "hold",
                                    f"{topology.HOST_ADDRESS}:{PORTS['relay']}", str(n),
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert json.loads(holder.stdout.readline()) == n
        relay.wait_idle()
        wakeups = relay.own_wakeups()
        time.sleep(IDLE_SECONDS)
        return {"wakeups": relay.own_wakeups() - wakeups, "bytes": (relay.memory() - before) / n, "n": n,
                "seconds": IDLE_SECONDS}
    finally:
        holder.stdin.close()
        holder.wait()


def allow_descriptors():
    """As many as this machine allows, for this process and for Wine's server, which has both sockets of
    each connection. Returns for how many connections that is enough."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(IDLE_MOST, (hard - SPARE) // 2)


def main():
    ways = sys.argv[1:] or ["relay", "bare", "nginx", "socat", "haproxy", "nothing", "idle"]
    n_idle = allow_descriptors()
    with Stage() as stage:
        running = [stage._spawn(stage.net.guest, "serve", sys.executable, TRAFFIC, "serve", "0.0.0.0",
                                str(GUEST))]
        for way in ways:
            running += PEERS[way](stage, PORTS[way]) if way in PEERS else []
        relay = start_relay(stage, PORTS["relay"])
        try:
            seen = measure(stage, [way for way in ways if way != "idle"], relay)
            if "idle" in ways:
                seen["idle"] = measure_idle(stage, relay, n_idle)
                relay.kill()
                relay = start_relay(stage, PORTS["relay"])
                seen["sessions"] = measure_sessions(stage, relay)
            print(json.dumps({"load": os.getloadavg()[0], **seen}))
        finally:
            relay.kill()  # when it stops by itself, Wine looks through all operations for each that is cancelled
            for one in running:
                end(one)


if __name__ == "__main__":
    main()
