#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the libFuzzer targets of build/fuzz, each for its share of the time.

    run.py SECONDS

Each target starts with its committed corpus in tests/fuzz/corpus and adds new inputs to
build/fuzz/corpus. At the end it is told how far a target got: how many edges of the code its inputs reach,
and how many more than at the start. Then tests/fuzz/corpus is minimised: an input that reaches nothing which
the others do not is removed, and what reaches anything new is added, as few and as small inputs as libFuzzer
finds. The files there that have a name stay. tests/fuzz/hours.json counts the seconds of processor time of all
runs of all who commit it. A finding is stored in build/fuzz/findings, and the exit code is then 1.
"""
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TREE = os.path.join(TOP, "build", "fuzz")
FINDINGS = os.path.join(TREE, "findings")
HOURS = os.path.join(TOP, "tests", "fuzz", "hours.json")
TERMINAL = sys.stdout.isatty()
# Undefined behaviour is a finding, too, and not only a line in the log.
ENVIRONMENT = {**os.environ, "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
NAME = re.compile(r"[0-9a-f]{40}")  # of an input that libFuzzer has found
INPUT_MAX = 2048  # bytes of an input that is kept in the repository
KEPT_MAX = 30  # inputs in it that libFuzzer has found, for each target
hours_lock = threading.Lock()


def targets():
    folder = os.path.join(TREE, "tests", "fuzz")
    return sorted(n for n in os.listdir(folder) if n.startswith("fuzz-")
                  and os.path.isfile(os.path.join(folder, n))
                  and os.access(os.path.join(folder, n), os.X_OK))


def program(target):
    return os.path.join(TREE, "tests", "fuzz", target)


def corpora(target):
    """The inputs that were discovered, and those in the repository."""
    subject = target[len("fuzz-"):]
    found = [os.path.join(TREE, "corpus", subject), os.path.join(TOP, "tests", "fuzz", "corpus", subject)]
    for folder in found:
        os.makedirs(folder, exist_ok=True)
    return found


def start(target, seconds):
    subject = target[len("fuzz-"):]
    log = open(os.path.join(TREE, f"{target}.log"), "w+", encoding="utf-8", errors="replace")
    command = [program(target), f"-max_total_time={seconds}",
               f"-artifact_prefix={FINDINGS}/{subject}-", "-print_final_stats=1",
               "-timeout=10", *corpora(target)]
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT,
                            stdin=subprocess.DEVNULL, env=ENVIRONMENT), log


def edges(text):
    """(edges that the first inputs reach, edges that all reach)"""
    found = [int(n) for n in re.findall(r" cov: (\d+) ", text)]
    first = re.search(r"INITED cov: (\d+) ", text)
    return (int(first[1]) if first else 0, found[-1] if found else 0)


def count_seconds(target, seconds):
    """Return: the seconds of processor time that the target has had so far."""
    with hours_lock:
        hours = {}
        if os.path.exists(HOURS):
            with open(HOURS, encoding="utf-8") as f:
                hours = json.load(f)
        hours[target] = hours.get(target, 0) + seconds
        with open(HOURS, "w", encoding="utf-8") as f:
            json.dump(hours, f, indent=2, sort_keys=True)
            f.write("\n")
        return hours[target]


def cover(target, base, inputs, name):
    """Copy into a folder what is in the folder @base, and of @inputs what reaches more than that. Return: the
    folder, and the names of the latter, the smallest first."""
    work = os.path.join(TREE, "merge", f"{target}-{name}")
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(base, work)
    subprocess.run([program(target), "-set_cover_merge=1", f"-max_len={INPUT_MAX}", "-timeout=10", work, inputs],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True)
    more = set(os.listdir(work)) - set(os.listdir(base))
    return work, sorted(more, key=lambda n: (os.path.getsize(os.path.join(work, n)), n))


def minimise(target):
    """Keep in the repository what reaches something that its other inputs do not, with what is new. Return: how
    many inputs were added, how many removed."""
    discovered, committed = corpora(target)
    named, old = (os.path.join(TREE, "merge", f"{target}-{kind}") for kind in ("named", "old"))
    for folder, is_old in ((named, False), (old, True)):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for name in os.listdir(committed):
            if bool(NAME.fullmatch(name)) == is_old:
                shutil.copyfile(os.path.join(committed, name), os.path.join(folder, name))
    before = set(os.listdir(old))
    with_kept, kept = cover(target, named, old, "kept")
    with_new, new = cover(target, with_kept, discovered, "new")
    after = {*kept, *new[:max(0, KEPT_MAX - len(kept))]}
    for name in before - after:
        os.unlink(os.path.join(committed, name))
    for name in after - before:
        shutil.copyfile(os.path.join(with_new, name), os.path.join(committed, name))
    for folder in (named, old, with_kept, with_new):
        shutil.rmtree(folder)
    return len(after - before), len(before - after)


def fuzz(target, seconds):
    """Run one target. Return: True if it found nothing."""
    process, log = start(target, seconds)
    begin = time.monotonic()
    while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
        if TERMINAL:
            print(f"\r\033[K  {target}: {time.monotonic() - begin:.0f} of {seconds} s", end="",
                  flush=True)
        time.sleep(0.5)
    _, status, used = ended
    process.returncode = os.waitstatus_to_exitcode(status)
    with log:
        log.seek(0)
        text = log.read()
    good = process.returncode == 0
    runs = re.search(r"stat::number_of_executed_units:\s+(\d+)", text)
    first, last = edges(text)
    total = count_seconds(target, round(used.ru_utime + used.ru_stime))
    added, removed = minimise(target) if good else (0, 0)
    print(f"{chr(13) + chr(27) + '[K' if TERMINAL else ''}  {'ok' if good else 'FOUND SOMETHING'} {target}: "
          f"{runs[1] if runs else 'no'} runs in {seconds} s, {last} edges (+{last - first}), "
          f"{added} inputs new in the repository, {removed} removed; {total / 3600:.2f} hours of a processor so far",
          flush=True)
    if not good:
        print("\n".join("    " + line for line in text.splitlines()[-40:]))
    return good


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
