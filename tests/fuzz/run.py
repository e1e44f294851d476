#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the libFuzzer targets of build/fuzz, each for its share of the time.

    run.py SECONDS

Each target starts with its committed corpus in tests/fuzz/corpus and adds new inputs to
build/fuzz/corpus. A finding is stored in build/fuzz/findings, and the exit code is then 1.
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TREE = os.path.join(TOP, "build", "fuzz")
FINDINGS = os.path.join(TREE, "findings")
TERMINAL = sys.stdout.isatty()


def targets():
    folder = os.path.join(TREE, "tests", "fuzz")
    return sorted(n for n in os.listdir(folder) if n.startswith("fuzz-")
                  and os.path.isfile(os.path.join(folder, n))
                  and os.access(os.path.join(folder, n), os.X_OK))


def start(target, seconds):
    subject = target[len("fuzz-"):]
    discovered = os.path.join(TREE, "corpus", subject)
    os.makedirs(discovered, exist_ok=True)
    corpora = [discovered]
    committed = os.path.join(TOP, "tests", "fuzz", "corpus", subject)
    if os.path.isdir(committed):
        corpora.append(committed)
    log = open(os.path.join(TREE, f"{target}.log"), "w+", encoding="utf-8", errors="replace")
    command = [os.path.join(TREE, "tests", "fuzz", target), f"-max_total_time={seconds}",
               f"-artifact_prefix={FINDINGS}/{subject}-", "-print_final_stats=1",
               "-timeout=10", *corpora]
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT,
                            stdin=subprocess.DEVNULL), log


def fuzz(target, seconds):
    """Run one target. Return: True if it found nothing."""
    process, log = start(target, seconds)
    begin = time.monotonic()
    while process.poll() is None:
        if TERMINAL:
            print(f"\r\033[K  {target}: {time.monotonic() - begin:.0f} of {seconds} s", end="",
                  flush=True)
        time.sleep(0.5)
    with log:
        log.seek(0)
        text = log.read()
    runs = re.search(r"stat::number_of_executed_units:\s+(\d+)", text)
    clear = "\r\033[K" if TERMINAL else ""
    state = "ok" if process.returncode == 0 else "FOUND SOMETHING"
    print(f"{clear}  {state} {target}: {runs[1] if runs else 'no'} runs in {seconds} s",
          flush=True)
    if process.returncode != 0:
        print("\n".join("    " + line for line in text.splitlines()[-40:]))
    return process.returncode == 0


def main():
    found = targets()
    if not found:
        sys.exit("wslbridge: build/fuzz has no fuzz targets")
    os.makedirs(FINDINGS, exist_ok=True)
    workers = min(os.cpu_count() or 1, len(found))
    share = max(1, int(sys.argv[1]) * workers // len(found))
    print(f"{len(found)} targets, {share} s each, {workers} at a time")
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        clean = list(pool.map(lambda t: fuzz(t, share), found))
    if not all(clean):
        sys.exit(f"wslbridge: findings are in {os.path.relpath(FINDINGS, TOP)}; to run one again, "
                 "call the target's program with the file as its argument")
    print("nothing found")


if __name__ == "__main__":
    main()
