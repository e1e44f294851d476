# SPDX-License-Identifier: MIT
"""The rows of the benchmark about the helper, and about both halves together."""
import os
import subprocess

import outage
import table
import windows_programs
from common import RELEASE, TOP, progress, script
from pairs import percentile
from stage import Stage

RULES, RULES_MS, HANDLES_MORE, WORKING_SET_KIB, KEPT_KIB = 10000, 1000, 8, 8192, 1024
FAIR_ENDPOINTS, FAIR_RATIO = 16384, 2
OUTAGE_MS, OUTAGE_PART = 30, 1 / 20  # of the poller's


def helper_rows():
    progress(f"helper under Wine: {RULES} rules, half an hour's traffic")
    seen = script("bench_helper.py", RULES)
    few = seen["changes"][0]
    for change in seen["changes"]:
        for what, key in (("written", "written_ms"), ("moved to another address", "moved_ms")):
            beside = f"on {few['listeners']}" if change is not few else None
            yield table.row(f"{RULES} rules {what} (Wine), iphlpsvc's stand-in listens on "
                            f"{change['listeners']}", "ms", change[key],
                            few[key] if beside else None, beside, f"p50 <= {RULES_MS}",
                            percentile(change[key], 50) <= RULES_MS)
    for what, key in (("registry keys written", "keys_written"),
                      ("PARAMCHANGEs", "paramchanges")):
        yield table.row(f"{what} by {seen['unchanged_states']} unchanged STATEs", "-", p50=seen[key],
                        max=seen[key], target="0", met=seen[key] == 0)
    more = seen["handles_after"] - seen["handles_before"]
    yield table.row(f"handles after {seen['lives']} connections, {seen['states']} STATEs", "-",
                    p50=seen["handles_after"], max=seen["handles_after"],
                    target=f"flat (+{HANDLES_MORE})", met=more <= HANDLES_MORE,
                    beside="before them", beside_p50=seen["handles_before"])
    ours = seen["rss_kib"] - seen["wine_kib"]
    yield table.row("working set of the helper after that, without Wine's", "KiB", p50=ours,
                    max=ours, target=f"<= {WORKING_SET_KIB}", met=ours <= WORKING_SET_KIB,
                    beside="Wine with the same DLLs", beside_p50=seen["wine_kib"])
    yield from memory_rows(seen["memory"])
    progress("size of the programs for Windows")
    for name, most in windows_programs.SIZES.items():
        exe = os.path.join(TOP, "build", "windows-release", "windows-helper", name)
        stripped = os.path.join(os.environ["WSLBRIDGE_RUN"], "stripped.exe")
        subprocess.run(["x86_64-w64-mingw32-strip", "-o", stripped, exe], check=True)
        size = os.path.getsize(stripped) / 1024
        yield table.row(f"{name}, stripped", "KiB", p50=size, max=size,
                        target=f"<= {most}", met=size <= most)


def memory_rows(seen):
    for what, after, before, judged in (
            ("memory that the helper's own code holds", seen["held_bytes_after"] / 1024,
             seen["held_bytes"] / 1024, True),
            ("resident memory of the helper, with Wine's,", seen["resident_kib_after"],
             seen["resident_kib"], False)):
        yield table.row(f"{what} after {seen['came']} endpoints came and went", "KiB", p50=after,
                        max=after, target=f"<= {KEPT_KIB} more" if judged else None,
                        met=after - before <= KEPT_KIB if judged else None,
                        beside=f"after {seen['some']} did", beside_p50=before)


def fairness_rows():
    progress(f"helper under Wine: one guest's update beside {FAIR_ENDPOINTS} endpoints of another")
    seen = script("bench_fairness.py", FAIR_ENDPOINTS)
    for beside, key in ((f"holds {seen['endpoints']} endpoints", "beside"),
                        ("has gone and they are kept", "gone"),
                        (f"toggles {seen['flooded']} services without a pause", "flood"),
                        ("does the same and reads no answer", "deaf")):
        yield table.pair_row(f"one guest's update while another {beside} (Wine)", "ms",
                             seen[key]["ms"], seen[key]["alone_ms"], "alone", FAIR_RATIO)
    cpu = seen["beside"]["cpu_ms"]
    yield table.row("processor time of the helper for each update beside another's endpoints", "ms", p50=cpu, max=cpu,
                    beside="alone", beside_p50=seen["beside"]["alone_cpu_ms"])


def outage_rows():
    progress("setting the stage")
    with Stage(RELEASE, goodbye=100) as stage:
        seen = outage.measure(stage, progress)
    ours = seen["ours_ms"]
    for period, values in seen["polling_ms"].items():
        most = min(OUTAGE_MS, OUTAGE_PART * percentile(values, 95)) if period == 1 else None
        yield table.row("client outage at an address change, end to end (Wine)", "ms", ours,
                        beside=f"polling script, {period} s (simulated)",
                        target=f"p95 <= {OUTAGE_MS}, and 1/20 of the script's" if most else None,
                        met=percentile(ours, 95) <= most if most else None,
                        beside_p50=percentile(values, 50), beside_p95=percentile(values, 95),
                        beside_max=max(values))
    for what, values in seen["stages_ms"].items():
        yield table.row(f"of this outage: {what}", "ms", values)
