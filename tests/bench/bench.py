#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures what the design promises, and in the same run a baseline for each figure.

    bench.py [ROW…]     rows: watch result helper fairness outage idle drop-ins relay; default: all

Prints a table and writes build/bench.json. A missed target is reported but does not fail the run. A
wrong result does.
"""
import json
import os
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RELEASE = os.path.join(TOP, "build", "release")
AGENT = os.path.join(RELEASE, "agent", "wslbridge-agent")
TERMINAL = sys.stdout.isatty()
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))

import idle  # noqa: E402
import table  # noqa: E402
import topology  # noqa: E402
import windows_programs  # noqa: E402
import wine_prefix  # noqa: E402
from lone_agent import LoneAgent  # noqa: E402
from stage import PAGE_PORT, Stage, end  # noqa: E402

LISTEN = f"0.0.0.0/{PAGE_PORT}"
WEB = f"[service]\nlisten = 0.0.0.0:{PAGE_PORT}\n"
EVENTS, BURST = 300, 100000  # of the address watch
STORM_FACTOR, STORM_START = 1.2, 7  # a storm may pause on a busy machine; at its start dumps come early
RESULTS = {1: (50, 0.3), 100: (50, 1), 1000: (30, 5), 10000: (15, 50)}  # rules: changes, target ms
OUTAGE_CHANGES, OUTAGE_TARGET_MS = 40, 100
POLLING = {1: 12, 5: 8}  # period of a polling script in seconds: changes of address
HELPER_RULES, HELPER_TARGET_MS, HANDLES_MORE = 10000, 1000, 8
RELAY_FACTOR = 1.5
FAIR_ENDPOINTS, FAIR_FACTOR = 16384, 2
IDLE_SECONDS, HEARTBEAT_SECONDS = 60.5, 30
IDLE_TARGETS = {"wake-ups": 2, "pss": 1024, "rss": 4096}


def progress(text):
    if TERMINAL:
        print(f"\r\033[K  {text}", end="", flush=True)
    else:
        print(f"  .. {text}", flush=True)


def tool(name, *arguments):
    """Run one of the programs in tests/bench. Returns its lines of JSON, parsed."""
    done = subprocess.run([os.path.join(RELEASE, "tests", "bench", name), *map(str, arguments)],
                          check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def latency_row(what, latency, p50_factor=None, p99_factor=None):
    """@p50_factor, @p99_factor: how many times the floor's a percentile may be."""
    base_p50, base_p99 = latency.get("baseline_p50"), latency.get("baseline_p99")
    targets = [(p, factor, latency[p] <= factor * base) for p, factor, base in
               (("p50", p50_factor, base_p50), ("p99", p99_factor, base_p99)) if factor]
    return table.row(what, "µs", n=latency["events"],
                     target=", ".join(f"{p} <= {factor} x" for p, factor, _ in targets) or None,
                     met=all(met for _, _, met in targets) if targets else None,
                     baseline=latency.get("baseline"), baseline_p50=base_p50, baseline_p99=base_p99,
                     ratios_of_parts=[latency.get("ratio_low"), latency.get("ratio_high")],
                     **{k: latency[k] for k in ("p50", "p95", "p99", "max")})


def watch_rows():
    progress(f"address watch: the agent and the floor in turn, {EVENTS} events")
    added, replaced, *stages = tool("bench-agent", AGENT, EVENTS)
    yield latency_row("kernel address event -> STATE at the helper's socket", added, 1.25, 2)
    yield latency_row("address deleted and another added -> STATE with the new one", replaced, 1.5)
    for stage in stages:
        yield table.row(f"of the way from the event: {stage['stage']}", "µs", n=stage["events"],
                        baseline=added["baseline"], baseline_p50=added["baseline_p50"],
                        **{k: stage[k] for k in ("p50", "p95", "p99", "max")})
    progress(f"address watch: {BURST} events in a burst, twice")
    lines = tool("bench-netwatch", BURST)
    for storm in (line for line in lines if "dumps" in line):
        right = storm["final_state"] == "right"
        yield table.row(storm["name"], "dumps", max=storm["dumps"],
                        target=f"final state right, <= {STORM_FACTOR} a window and {STORM_START}",
                        met=right and storm["dumps"] <= STORM_FACTOR * storm["windows"] + STORM_START,
                        baseline=f"{storm['windows']} windows; final state "
                                 f"{storm['final_state']}", lost_episodes=storm["lost_episodes"])


def result_rows():
    for rules, (changes, target) in RESULTS.items():
        progress(f"event -> RESULT: {rules} rules, {changes} changes")
        with LoneAgent(RELEASE, rules) as agent:
            values = [agent.change_address() for _ in range(changes)]
            replaced = [agent.change_address(replace=True)[0] / 1000
                        for _ in range(changes if rules == 1 else 0)]
        yield table.row(f"event -> RESULT, {rules} rule{'s' if rules > 1 else ''} (test host)",
                        "ms", [total / 1000 for total, _ in values], target=f"p50 <= {target}",
                        met=table.percentile([t for t, _ in values], 50) <= target * 1000,
                        host_p50_ms=table.percentile([h for _, h in values], 50) / 1000)
        if rules == 1:
            yield table.row("the same, old address deleted before the new one comes", "ms",
                            replaced)


def wslbridge_outages(stage):
    stage.start()
    stage.add_drop_in("web", WEB)
    stage.wait_state("web", "active")
    stage.wait_page(PAGE_PORT)
    outages = []
    with stage.probe(PAGE_PORT) as probe:
        probe.wait_for(stage.net.guest_address, 0)
        for i in range(OUTAGE_CHANGES):
            progress(f"outage of the client: change {i + 1} of {OUTAGE_CHANGES}")
            _, seen, outage = stage.change_address(probe)
            if not seen:
                sys.exit("wslbridge: the client did not see its page again")
            outages.append(outage * 1000)
            time.sleep(0.2)
    return outages


def polling_outages(stage, period, changes):
    """The outages of the same changes with a polling script instead of wslbridge."""
    apply_rule = os.path.join(os.path.dirname(stage.tools), "bench", "windows", "apply-rule.exe")
    script = subprocess.Popen(
        [os.path.join(TOP, "tests", "bench", "poll.sh"), str(period), stage.net.guest.name,
         str(PAGE_PORT), *stage.net.host.command(wine_prefix.wine_program("wine64"), apply_rule)],
        env=stage.prefix.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    outages = []
    try:
        stage.wait_rule(LISTEN, f"{stage.net.guest_address}/{PAGE_PORT}")
        stage.wait_page(PAGE_PORT)
        with stage.probe(PAGE_PORT, interval_ms=20) as probe:
            probe.wait_for(stage.net.guest_address, 0)
            for i in range(changes):
                progress(f"baseline, polling every {period} s: change {i + 1} of {changes}")
                # The changes are spread evenly over the period of the script.
                time.sleep(period * (i + 0.5) / changes)
                outages.append(stage.change_address(probe)[2] * 1000)
    finally:
        end(script)
    return outages


def outage_rows():
    progress("setting the stage")
    with Stage(RELEASE, goodbye=100) as stage:
        ours = wslbridge_outages(stage)
        stage.stop_agent()
        stage.wait_rule(LISTEN, None)
        baselines = {period: polling_outages(stage, period, changes)
                     for period, changes in POLLING.items()}
    for period, values in baselines.items():
        yield table.row("client outage at an address change, end to end (Wine)", "ms", ours,
                        target=f"p95 <= {OUTAGE_TARGET_MS}",
                        met=table.percentile(ours, 95) <= OUTAGE_TARGET_MS,
                        baseline=f"polling script, {period} s (simulated)",
                        baseline_p50=table.percentile(values, 50),
                        baseline_p95=table.percentile(values, 95), baseline_max=max(values))


def idle_rows():
    progress(f"idle: a heartbeat, then {IDLE_SECONDS} s")
    with LoneAgent(RELEASE, rules=1) as agent:
        monitor = agent.namespace.popen("ip", "monitor", stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL)
        try:
            time.sleep(2)  # until everything that happens only once is over
            seen = idle.watch([agent.process.pid, monitor.pid], IDLE_SECONDS,
                              HEARTBEAT_SECONDS + 2)
        finally:
            end(monitor)
    ours, theirs = seen[agent.process.pid], seen[monitor.pid]
    for what, unit, key in (("wake-ups", "a minute", "wakeups_per_minute"),
                            ("pss", "KiB", "pss"), ("rss", "KiB", "rss")):
        target = IDLE_TARGETS[what]
        yield table.row(f"agent idle: {what}", unit, p50=ours[key], max=ours[key],
                        target=f"<= {target}", met=ours[key] <= target,
                        baseline="ip monitor", baseline_p50=theirs[key])


def drop_in_rows():
    progress("loading drop-ins")
    for r in tool("bench-config"):
        target = 250 if r["n"] == 10000 else None
        yield table.row(f"{r['n']} drop-ins loaded", "ms", p50=r["p50_usec"] / 1000,
                        max=r["max_usec"] / 1000, target=f"<= {target}" if target else None,
                        met=r["p50_usec"] / 1000 <= target if target else None,
                        baseline="open, read and close the files",
                        baseline_p50=r["baseline_usec"] / 1000)


def helper_rows():
    progress(f"helper under Wine: {HELPER_RULES} rules, an hour's traffic")
    done = subprocess.run([sys.executable, os.path.join(TOP, "tests", "bench", "bench_helper.py"),
                           str(HELPER_RULES)], check=True, stdout=subprocess.PIPE, text=True)
    seen = json.loads(done.stdout.splitlines()[-1])
    for change in seen["changes"]:
        for what, key in (("written", "written_ms"), ("moved to another address", "moved_ms")):
            yield table.row(f"{HELPER_RULES} rules {what} (Wine), iphlpsvc's stand-in listens on "
                            f"{change['listeners']}", "ms", change[key],
                            target=f"p50 <= {HELPER_TARGET_MS}",
                            met=table.percentile(change[key], 50) <= HELPER_TARGET_MS)
    for what, key in (("registry keys written", "keys_written"),
                      ("PARAMCHANGEs", "paramchanges")):
        yield table.row(f"{what} by {seen['unchanged_states']} unchanged STATEs", "-", p50=seen[key],
                        max=seen[key], target="0", met=seen[key] == 0)
    more = seen["handles_after"] - seen["handles_before"]
    yield table.row(f"handles after {seen['lives']} connections, {seen['states']} STATEs", "-",
                    p50=seen["handles_after"], max=seen["handles_after"],
                    target=f"flat (+{HANDLES_MORE})", met=more <= HANDLES_MORE,
                    baseline="before them", baseline_p50=seen["handles_before"])
    ours = seen["rss_kib"] - seen["wine_kib"]
    yield table.row("working set of the helper after that, without Wine's", "KiB", p50=ours,
                    max=ours, target="<= 8192", met=ours <= 8192,
                    baseline="Wine with the same DLLs", baseline_p50=seen["wine_kib"])
    yield table.row("the same, with all of Wine's", "KiB", p50=seen["rss_kib"], max=seen["rss_kib"],
                    baseline="Wine with the same DLLs", baseline_p50=seen["wine_kib"])
    progress("size of the programs for Windows")
    for name, most in windows_programs.SIZES.items():
        exe = os.path.join(TOP, "build", "windows-release", "windows-helper", name)
        stripped = os.path.join(os.environ["WSLBRIDGE_RUN"], "stripped.exe")
        subprocess.run(["x86_64-w64-mingw32-strip", "-o", stripped, exe], check=True)
        size = os.path.getsize(stripped) / 1024
        yield table.row(f"{name}, stripped", "KiB", p50=size, max=size,
                        target=f"<= {most}", met=size <= most)


def fairness_rows():
    progress(f"helper under Wine: one guest's update beside {FAIR_ENDPOINTS} endpoints of another")
    done = subprocess.run([sys.executable, os.path.join(TOP, "tests", "bench", "bench_fairness.py"),
                           str(FAIR_ENDPOINTS)], check=True, stdout=subprocess.PIPE, text=True)
    seen = json.loads(done.stdout.splitlines()[-1])
    alone = table.percentile(seen["alone_ms"], 50)
    for beside, key in ((f"holds {seen['endpoints']} endpoints", "beside_ms"),
                        ("has gone and they are kept", "gone_ms"),
                        (f"toggles {seen['flooded']} services without a pause", "flood_ms"),
                        ("does the same and reads no answer", "deaf_ms")):
        yield table.row(f"one guest's update while another {beside} (Wine)", "ms", seen[key],
                        target=f"p50 <= {FAIR_FACTOR} x alone",
                        met=table.percentile(seen[key], 50) <= FAIR_FACTOR * alone,
                        baseline="alone", baseline_p50=alone,
                        baseline_max=max(seen["alone_ms"]))
    yield table.row(f"of this, the host's part: the same beside {seen['endpoints']} foreign rules",
                    "ms", seen["foreign_ms"], baseline="alone", baseline_p50=alone,
                    baseline_max=max(seen["alone_ms"]))
    for beside, key in (("another's endpoints", "beside_cpu_ms"), ("foreign rules", "foreign_cpu_ms")):
        yield table.row(f"processor time of the helper for each update beside {beside}", "ms",
                        p50=seen[key], max=seen[key], baseline="alone",
                        baseline_p50=seen["alone_cpu_ms"])


def relay_rows():
    progress("the relay under Wine, socat and HAProxy in turn")
    done = subprocess.run([sys.executable, os.path.join(TOP, "tests", "bench", "bench_relay.py")],
                          check=True, stdout=subprocess.PIPE, text=True)
    seen = json.loads(done.stdout.splitlines()[-1])
    middle = {name: {key: table.percentile(values, 50) for key, values in each.items()}
              for name, each in seen.items()}
    ours = middle["relay"]
    for name in ("socat", "haproxy", "nothing"):
        words = {"socat": "socat -b131072", "haproxy": "HAProxy", "nothing": "no forwarder"}[name]
        most = RELAY_FACTOR * middle[name]["one"] if name == "socat" else None
        yield table.row("one stream through the relay (Wine)", "Mbit/s", seen["relay"]["one"],
                        target=f">= {RELAY_FACTOR} x socat" if most else None,
                        met=ours["one"] >= most if most else None,
                        baseline=words, baseline_p50=middle[name]["one"])
        yield table.row("64 streams, all together (Wine)", "Mbit/s", seen["relay"]["many"],
                        target=">= one stream" if most else None,
                        met=ours["many"] >= ours["one"] if most else None,
                        baseline=words, baseline_p50=middle[name]["many"])
        yield table.row("a round trip of 64 bytes (Wine)", "µs", seen["relay"]["trip"],
                        baseline=words, baseline_p50=middle[name]["trip"])
    yield table.row("the slowest of 64 streams, as a part of the mean (Wine)", "-",
                    seen["relay"]["slowest"], target=">= 0.5", met=ours["slowest"] >= 0.5,
                    baseline="socat -b131072", baseline_p50=middle["socat"]["slowest"])


ROWS = {"watch": watch_rows, "result": result_rows, "helper": helper_rows,
        "fairness": fairness_rows, "outage": outage_rows, "idle": idle_rows,
        "drop-ins": drop_in_rows, "relay": relay_rows}


def main():
    names = sys.argv[1:] or list(ROWS)
    if set(names) - set(ROWS):
        sys.exit(__doc__)
    begin = time.monotonic()
    rows = [row for name in names for row in ROWS[name]()]
    if TERMINAL:
        print("\r\033[K", end="")
    print(table.render(rows))
    path = os.path.join(TOP, "build", "bench.json")
    table.write_json(path, rows, seconds=round(time.monotonic() - begin),
                     kernel=os.uname().release, processors=os.cpu_count(),
                     guest_address=topology.GUEST_ADDRESS)
    print(f"\nwritten to build/bench.json after {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
