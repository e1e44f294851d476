#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints gcovr's summary for each folder: lines and branches that ran, of those there are."""
import collections
import json
import os
import sys


def share(covered, total):
    return f"{covered:6} of {total:6} {100 * covered / total:5.1f} %" if total else f"{'-':>23}"


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        files = json.load(f)["files"]
    kinds = ("line_covered", "line_total", "branch_covered", "branch_total")
    folders = collections.defaultdict(collections.Counter)
    for file in files:
        for folder in (os.path.dirname(file["filename"]), "all"):
            folders[folder].update({kind: file[kind] for kind in kinds})
    names = sorted(folders.keys() - {"all"}) + ["all"]
    width = max(map(len, names))
    print(f"{'folder':{width}}  {'lines':>23}  {'branches':>23}")
    for name in names:
        counts = [folders[name][kind] for kind in kinds]
        print(f"{name:{width}}  {share(*counts[:2])}  {share(*counts[2:])}")


if __name__ == "__main__":
    main()
