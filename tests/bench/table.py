# SPDX-License-Identifier: MIT
"""The rows of the benchmark: ratios first, as a table for people and JSON for programs."""
import json
import os

from pairs import interval, narrow, percentile, ratios

COLUMNS = ("what", "ratio", "spread", "target", "met", "unit", "n", "p50", "p95", "p99", "max",
           "beside it, its p50", "load")


def row(what, unit, ours=None, floor=None, beside=None, target=None, met=None, **more):
    """@ours: the measurements, or n, p50, p95, p99 and max as further arguments.
    @beside: what was measured for comparison, in words; @floor: its measurements, one for each of
    @ours when they were made in turn, or beside_p50.
    @target: in words; @met: whether it was met, None if there is no target.
    Further arguments replace what is computed here: ratio, ratio_low, ratio_high."""
    r = {"what": what, "unit": unit, "target": target, "beside": beside, "met": met,
         "load": round(os.getloadavg()[0], 1)}
    if ours:
        r.update({"n": len(ours), "max": max(ours)},
                 **{f"p{p}": percentile(ours, p) for p in (50, 95, 99)})
    if floor:
        r["beside_p50"] = percentile(floor, 50)
        r["ratio"] = percentile(ours, 50) / r["beside_p50"] if r["beside_p50"] else None
        if len(floor) == len(ours) and ratios(ours, floor):
            r["ratio"] = percentile(ratios(ours, floor), 50)
            r["ratio_low"], r["ratio_high"] = interval(ratios(ours, floor))
    r.update(more)
    if "ratio" not in r and r.get("beside_p50") and r.get("p50") is not None:
        r["ratio"] = r["p50"] / r["beside_p50"]
    return r


def pair_row(what, unit, ours, floor, beside, most=None, more=True, **rest):
    """A row of measurements in turn. @most: the target of their ratio; @more: what else is demanded."""
    r = row(what, unit, ours, floor, beside, **rest)
    if most is not None:
        r["target"] = r["target"] or f"ratio <= {most}"
        r["met"] = r["ratio"] <= most and more
    return r


def _number(value):
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def _spread(r):
    low, high = r.get("ratio_low"), r.get("ratio_high")
    if low is None:
        return "-"
    return f"{_number(low)} to {_number(high)}{'' if narrow(low, high) else ', wide'}"


def _cells(r):
    beside = r["beside"] or "-"
    if r.get("beside_p50") is not None:
        beside = f"{beside}, {_number(r['beside_p50'])}"
    return [r["what"], _number(r.get("ratio")), _spread(r), r["target"] or "-",
            {True: "yes", False: "NO", None: "-"}[r["met"]], r["unit"], _number(r.get("n")),
            *(_number(r.get(k)) for k in ("p50", "p95", "p99", "max")), beside, _number(r["load"])]


def render(rows):
    lines = [list(COLUMNS)] + [_cells(r) for r in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
    left = {0, 2, 3, 4, 5, 11}
    return "\n".join("  ".join(cell.ljust(w) if i in left else cell.rjust(w)
                               for i, (cell, w) in enumerate(zip(line, widths))).rstrip()
                     for line in lines)


def markdown(rows):
    """The table of docs/benchmarks.md."""
    lines = [COLUMNS, ["---"] * len(COLUMNS)]
    for r in rows:
        cells = [c.replace("<=", "≤").replace(">=", "≥") for c in _cells(r)]
        lines.append([cells[0], *("" if c == "-" else c.lower() if c == "NO" else c for c in cells[1:])])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write_json(path, rows, **about):
    with open(path, "w", encoding="utf-8") as f:
        json.dump({**about, "rows": rows}, f, indent=2)
        f.write("\n")
