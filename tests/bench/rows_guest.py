# SPDX-License-Identifier: MIT
"""The rows of the benchmark about the agent."""
import os
import socket
import subprocess
import threading
import time

import idle
import table
from common import RELEASE, progress, tool
from lone_agent import LoneAgent
from pairs import percentile
from stage import end
from wsb_client import service, state

AGENT = os.path.join(RELEASE, "agent", "wslbridge-agent")
EVENTS, BURST = 200, 100000  # of the address watch
STATE_RATIO, STATE_RATIO_P99, REPLACED_RATIO = 1.25, 2, 1.5
STORM_FACTOR, STORM_START = 1.2, 7  # dumps for each window, and those that come early
RESULTS = {1: 50, 100: 50, 1000: 30, 10000: 12}  # rules: changes
RULE_USEC = 3  # for each rule above the first
DROP_INS_RATIO = 2.5
IDLE_SECONDS = 60.5
IDLE_TARGETS = {"wake-ups": 2, "private": 400}


def latency_row(what, latency, ratio, ratio_p99=None):
    """@ratio, @ratio_p99: how many times the floor's p50 and p99 it may be."""
    r = table.row(what, "µs", n=latency["events"], beside=latency["baseline"],
                  beside_p50=latency["baseline_p50"], beside_p99=latency["baseline_p99"],
                  ratio_p99=latency["p99"] / latency["baseline_p99"],
                  **{k: latency[k] for k in ("p50", "p95", "p99", "max", "ratio_low", "ratio_high")})
    r["target"] = f"ratio <= {ratio}" + (f", that of p99 <= {ratio_p99}" if ratio_p99 else "")
    r["met"] = r["ratio"] <= ratio and (not ratio_p99 or r["ratio_p99"] <= ratio_p99)
    return r


def watch_rows():
    progress(f"address watch: the agent and the floor in turn, {EVENTS} events")
    added, replaced, *stages = tool("bench-agent", AGENT, EVENTS)
    yield latency_row("kernel address event -> STATE at the helper's socket", added, STATE_RATIO,
                      STATE_RATIO_P99)
    yield latency_row("address deleted and another added -> STATE with the new one", replaced,
                      REPLACED_RATIO)
    for stage in stages:
        yield table.row(f"of the way from the event: {stage['stage']}", "µs", n=stage["events"],
                        beside=added["baseline"], beside_p50=added["baseline_p50"],
                        **{k: stage[k] for k in ("p50", "p95", "p99", "max")})
    progress(f"address watch: {BURST} events in a burst, twice")
    for storm in tool("bench-netwatch", BURST):
        right = storm["final_state"] == "right"
        yield table.row(storm["name"], "dumps", max=storm["dumps"],
                        target=f"final state right, <= {STORM_FACTOR} a window and {STORM_START}",
                        met=right and storm["dumps"] <= STORM_FACTOR * storm["windows"] + STORM_START,
                        beside=f"{storm['windows']} windows; final state {storm['final_state']}",
                        lost_episodes=storm["lost_episodes"])


class Copy:
    """Copies as many bytes as a STATE has through a socket: the least that a host could do with it."""

    def __init__(self, rules):
        self.data = state(1, [service(f"s{i:05}", f"0.0.0.0:{10000 + i}", 80) for i in range(rules)],
                          v4="172.28.0.10/20")
        self.ours, self.other = socket.socketpair()
        threading.Thread(target=self._echo, daemon=True).start()

    def _echo(self):
        while data := self.other.recv(1 << 20):
            self.other.sendall(data)

    def usec(self):
        begin, left = time.monotonic(), len(self.data)
        threading.Thread(target=self.ours.sendall, args=(self.data,), daemon=True).start()
        while left > 0:
            left -= len(self.ours.recv(1 << 20))
        return (time.monotonic() - begin) * 1e6


def result_rows():
    first = None
    for rules, changes in RESULTS.items():
        progress(f"event -> RESULT: {rules} rules, {changes} changes")
        ours, copies, copy = [], [], Copy(rules)
        with LoneAgent(RELEASE, rules) as agent:
            for _ in range(changes):
                ours.append(agent.change_address()[0] / 1000)
                copies.append(copy.usec() / 1000)
        p50 = percentile(ours, 50)
        first = first or p50
        most = first + RULE_USEC * (rules - 1) / 1000
        yield table.row(f"event -> RESULT, {rules} rule{'s' if rules > 1 else ''} (test host)",
                        "ms", ours, copies, beside="as many bytes through a socket and back",
                        target=f"p50 <= that of 1 + {RULE_USEC} µs a rule" if rules > 1 else None,
                        met=p50 <= most if rules > 1 else None)


def idle_rows():
    progress(f"idle: {IDLE_SECONDS} s")
    with LoneAgent(RELEASE, rules=1) as agent:
        monitor = agent.namespace.popen("ip", "monitor", stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL)
        try:
            # Until everything that happens only once is over. The heartbeats come 30 and 60 s after the
            # connection, so both are in the time that is watched, and the third one is not.
            time.sleep(2)
            seen = idle.watch([agent.process.pid, monitor.pid], IDLE_SECONDS)
        finally:
            end(monitor)
    ours, theirs = seen[agent.process.pid], seen[monitor.pid]
    for what, unit, key in (("wake-ups", "a minute", "wakeups_per_minute"),
                            ("private", "KiB", "private"), ("pss", "KiB", "pss"),
                            ("rss", "KiB", "rss")):
        most = IDLE_TARGETS.get(what)
        yield table.row(f"agent idle: {what}", unit, p50=ours[key], max=ours[key],
                        target=f"<= {most}" if most else None,
                        met=ours[key] <= most if most else None,
                        beside="ip monitor", beside_p50=theirs[key])


def drop_in_rows():
    progress("loading drop-ins")
    for r in tool("bench-config"):
        judged = r["n"] == 10000
        ratio = r["p50_usec"] / r["baseline_usec"]
        yield table.row(f"{r['n']} drop-ins loaded", "ms", p50=r["p50_usec"] / 1000,
                        max=r["max_usec"] / 1000,
                        target=f"ratio <= {DROP_INS_RATIO}" if judged else None,
                        met=ratio <= DROP_INS_RATIO if judged else None,
                        beside="open, read and close the files",
                        beside_p50=r["baseline_usec"] / 1000)
