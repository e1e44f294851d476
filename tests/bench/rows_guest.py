# SPDX-License-Identifier: MIT
"""The rows of the benchmark about the agent."""
import contextlib
import os
import socket
import subprocess
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


def latency_row(what, times, most, most_p99=None):
    """@times: {who: µs of each event}, the floor first and the agent last. @most, @most_p99: how many times
    as long as the floor it may take."""
    (floor, theirs), *_, (_, ours) = times.items()
    p99 = percentile(ours, 99) / percentile(theirs, 99)
    return table.pair_row(what, "µs", ours, theirs, floor, most, not most_p99 or p99 <= most_p99, ratio_p99=p99,
                          target=f"ratio <= {most}" + (f", that of p99 <= {most_p99}" if most_p99 else ""))


def watch_rows():
    progress(f"address watch: the agent and the floor in turn, {EVENTS} events")
    added, replaced = (way["usec"] for way in tool("bench-agent", AGENT, EVENTS))
    yield latency_row("kernel address event -> STATE at the helper's socket", added, STATE_RATIO,
                      STATE_RATIO_P99)
    yield latency_row("address deleted and another added -> STATE with the new one", replaced,
                      REPLACED_RATIO)
    floor = next(iter(added))
    for stage, times in added.items():
        yield table.row(f"of the way from the event: {stage}", "µs", times, added[floor], floor)
    progress(f"address watch: {BURST} events in a burst, twice")
    for storm in tool("bench-netwatch", BURST):
        right = storm["final_state"] == "right"
        yield table.row(storm["name"], "dumps", max=storm["dumps"],
                        target=f"final state right, <= {STORM_FACTOR} a window and {STORM_START}",
                        met=right and storm["dumps"] <= STORM_FACTOR * storm["windows"] + STORM_START,
                        beside=f"{storm['windows']} windows; final state {storm['final_state']}",
                        lost_episodes=storm["lost_episodes"])


class Copy:
    """A process that reads as many bytes as a STATE has, and sends them back: the least that a host could do
    with it."""

    def __init__(self, rules):
        self.data = state(1, [service(f"s{i:05}", f"0.0.0.0:{10000 + i}", 80) for i in range(rules)],
                          v4="172.28.0.10/20")
        self.ours, other = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.ours.close()
                while self.receive(other):
                    other.sendall(self.data)
            finally:
                os._exit(0)
        other.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ours.close()
        os.waitpid(self.pid, 0)

    def receive(self, end):
        """Return: whether there was anything."""
        left = len(self.data)
        while left > 0 and (data := end.recv(1 << 20)):
            left -= len(data)
        return left == 0

    def usec(self):
        begin = time.monotonic()
        self.ours.sendall(self.data)
        assert self.receive(self.ours)
        return (time.monotonic() - begin) * 1e6


def measure_results():
    """{rules: (milliseconds, those of a copy)}. All agents run, and change their address in turn."""
    seen = {rules: ([], []) for rules in RESULTS}
    with contextlib.ExitStack() as stack:
        ends = {rules: (stack.enter_context(LoneAgent(RELEASE, rules)), stack.enter_context(Copy(rules)))
                for rules in RESULTS}
        for i in range(max(RESULTS.values())):
            progress(f"event -> RESULT: change {i + 1} of {max(RESULTS.values())}")
            for rules, (agent, copy) in ends.items():
                if i < RESULTS[rules]:
                    seen[rules][0].append(agent.change_address()[0] / 1000)
                    seen[rules][1].append(copy.usec() / 1000)
    return seen


def result_rows():
    seen = measure_results()
    first = percentile(seen[1][0], 50)
    for rules, (ours, copies) in seen.items():
        most = first + RULE_USEC * (rules - 1) / 1000
        yield table.row(f"event -> RESULT, {rules} rule{'s' if rules > 1 else ''} (test host)",
                        "ms", ours, copies, beside="as many bytes through a socket and back",
                        target=f"p50 <= that of 1 + {RULE_USEC} µs a rule" if rules > 1 else None,
                        met=percentile(ours, 50) <= most if rules > 1 else None)


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
        ours, floor = ([usec / 1000 for usec in r[key]] for key in ("usec", "baseline_usec"))
        yield table.pair_row(f"{r['n']} drop-ins loaded", "ms", ours, floor, "open, read and close the files",
                             DROP_INS_RATIO if r["n"] == 10000 else None)
