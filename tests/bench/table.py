# SPDX-License-Identifier: MIT
"""The rows of the benchmark: percentiles, a table for people and JSON for programs."""
import json
import math

COLUMNS = ("what", "target", "unit", "n", "p50", "p95", "p99", "max", "baseline", "ratio", "met")


def percentile(values, percent):
    """The percentile by nearest rank, which is always a measured value."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def summarise(values):
    return {"n": len(values), "p50": percentile(values, 50), "p95": percentile(values, 95),
            "p99": percentile(values, 99), "max": max(values)}


def row(what, unit, values=None, target=None, met=None, baseline=None, baseline_p50=None,
        **more):
    """@values: the measurements, or n, p50, p95, p99 and max as further arguments.
    @target: in words; @met: whether it was met, None if there is no target.
    @baseline: what was measured for comparison, in words; @baseline_p50: its median, same unit."""
    result = {"what": what, "target": target, "unit": unit}
    result.update(summarise(values) if values else {})
    result.update(more)
    result.update({"baseline": baseline, "baseline_p50": baseline_p50, "met": met})
    p50 = result.get("p50")
    result["ratio"] = p50 / baseline_p50 if baseline_p50 and p50 is not None else None
    return result


def _number(value):
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def _cells(r):
    baseline = r["baseline"] or "-"
    if r.get("baseline_p50") is not None:
        baseline = f"{_number(r['baseline_p50'])} {baseline}"
    return [r["what"], r["target"] or "-", r["unit"], _number(r.get("n")),
            *(_number(r.get(k)) for k in ("p50", "p95", "p99", "max")), baseline,
            _number(r.get("ratio")), {True: "yes", False: "NO", None: "-"}[r["met"]]]


def render(rows):
    lines = [list(COLUMNS)] + [_cells(r) for r in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
    left = {0, 1, 2, 8, 10}
    return "\n".join("  ".join(cell.ljust(w) if i in left else cell.rjust(w)
                               for i, (cell, w) in enumerate(zip(line, widths))).rstrip()
                     for line in lines)


def write_json(path, rows, **about):
    with open(path, "w", encoding="utf-8") as f:
        json.dump({**about, "rows": rows}, f, indent=2)
        f.write("\n")
