#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs test suites and counts single tests, in C and in Python.

    tests/run.py SUITE…      (by './dev test', which builds first)

unit, wire, netns and fuzz are meson's tests of that suite, wire also as Windows programs under
Wine; static, integration, windows, packages, setup, e2e and system are pytest folders; programs is a
script for an emulated processor. Prints the output of what failed at the end; the last line is
'N passed, N failed'. A suite that ran no test has failed. With WSLBRIDGE_STRICT=1 a skipped test
has failed, too; with WSLBRIDGE_LONG=1 ('./dev test --long') random tests take many more
steps.
"""
import concurrent.futures
import functools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, "build")
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))

import janitor  # noqa: E402
from progress import Progress  # noqa: E402
from waiting import PATIENCE  # noqa: E402

MESON_SUITES = ("unit", "wire", "netns", "fuzz")
PYTEST_SUITES = ("static", "integration", "windows", "packages", "setup", "e2e", "system")
SCRIPTS = {"programs": os.path.join(TOP, "tests", "packages", "emulated.py")}  # suites that need no pytest
# Begun first and in this order, so that no long one is left at the end.
LONG_SUITES = ("system", "windows", "static", "packages", "integration", "setup")
# Parts of a suite that run beside the rest of it, each on a machine of its own, so that no lane is busy
# with one suite when all others are done. The longest comes first.
BESIDE = {"windows": [["test_install.py", "test_update.py"],
                      ["test_relay_service.py", "test_selftest.py", "test_selftest_sockets.py",
                       "test_selftest_undo.py",
                       "test_service.py"],
                      ["killing", "relay"]]}
WINE_SUITES = ("wire", "windows")  # suites that also have programs in the Windows build
SKIP_CODE = 77
# Seconds for a whole pytest suite, only to end what hangs. The longest, system, took 1,952 s on two slow
# cores, and more than 3,600 s beside two other programs that use each of them.
PYTEST_LIMIT = 10800

# Words before each command, for a processor that is emulated; see tools/elsewhere.sh. It is slow.
EMULATOR = os.environ.get("WSLBRIDGE_EMULATOR", "").split()
PROGRAM_PATIENCE = PATIENCE * (5 if EMULATOR else 1)

STRICT = bool(os.environ.get("WSLBRIDGE_STRICT"))


class Result:
    """What one program (or one pytest case) contributed."""

    def __init__(self, name, passed=0, failed=0, skipped=0, output="", seconds=0.0):
        self.name = name
        self.passed, self.failed, self.skipped = passed, failed, skipped
        self.output = output
        self.seconds = seconds


def totals(results):
    return (sum(r.passed for r in results), sum(r.failed for r in results),
            sum(r.skipped for r in results))


# --- programs that meson knows


def meson_tests(tree, suite):
    path = os.path.join(BUILD, tree)
    if not os.path.isfile(os.path.join(path, "build.ninja")):
        return []
    text = subprocess.run(["meson", "introspect", "--tests", path], check=True,
                          capture_output=True, text=True).stdout
    return [t for t in json.loads(text) if f"wslbridge:{suite}" in t["suite"]]


def count_output(name, code, output, seconds):
    """Check prints 'NN%: Checks: N, Failures: F, Errors: E' for each runner, other programs
    'N passed, N failed'; a program with neither is one test."""
    if code == SKIP_CODE:
        return Result(name, skipped=1, output=output, seconds=seconds)
    passed = failed = 0
    for checks, failures, errors in re.findall(
            r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", output, re.MULTILINE):
        failed += int(failures) + int(errors)
        passed += int(checks) - int(failures) - int(errors)
    if re.search(r"^\d+%: Checks: 0,", output, re.MULTILINE):
        failed += 1  # its tests are not in it
    for good, bad in re.findall(r"^(\d+) passed, (\d+) failed", output, re.MULTILINE):
        passed, failed = passed + int(good), failed + int(bad)
    if passed + failed == 0:
        passed, failed = (1, 0) if code == 0 else (0, 1)
    elif code != 0 and failed == 0:
        failed = 1  # it crashed, or a sanitizer spoke after the count
    return Result(name, passed, failed, output=output, seconds=seconds)


def run_program(test, environment, wrapper):
    begin = time.monotonic()
    command = wrapper + test["cmd"]
    limit = test["timeout"] * PROGRAM_PATIENCE if test["timeout"] > 0 else None
    # A file, not a pipe: the first program of a Wine prefix starts services that keep it open.
    with tempfile.TemporaryFile() as log:
        try:
            code = subprocess.run(command, env={**environment, **test["env"]}, timeout=limit,
                                  cwd=test["workdir"] or TOP, stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=subprocess.STDOUT).returncode
            ending = ""
        except subprocess.TimeoutExpired:
            code, ending = -1, f"\nended after {limit} s"
        log.seek(0)
        output = log.read().decode(errors="replace") + ending
    name = test["name"] + (" (Windows)" if wrapper and wrapper != EMULATOR else "")
    return count_output(name, code, output, time.monotonic() - begin)


def run_programs(tests, progress, environment, wrapper=()):
    """Parallel ones first, two at a time on two cores; then those that want to be alone."""
    results = []
    for alone in (False, True):
        some = [t for t in tests if bool(t.get("is_parallel", True)) != alone]
        workers = 1 if alone or wrapper not in ((), EMULATOR) else os.cpu_count() or 1
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            jobs = [pool.submit(run_program, t, environment, list(wrapper)) for t in some]
            for job in concurrent.futures.as_completed(jobs):
                results.append(job.result())
                progress.finished(results[-1])
    return results


def run_meson_suite(suite, progress):
    # Check gives a test 4 s, and meson a program 30.
    environment = {**os.environ, "CK_TIMEOUT_MULTIPLIER": str(PROGRAM_PATIENCE)}
    return run_programs(meson_tests("dev", suite), progress, environment, wrapper=EMULATOR)


def run_script(suite, progress):
    test = {"name": suite, "cmd": [sys.executable, SCRIPTS[suite]], "timeout": 300, "workdir": None, "env": {}}
    return run_programs([test], progress, os.environ)


def run_wine_suite(suite, progress):
    tests = meson_tests("windows", suite)
    if not tests:
        return []
    import wine_prefix  # tests/lib/wine_prefix.py

    prefix = wine_prefix.Prefix(os.path.join(janitor.current_run(), f"wine-{suite}")).create()
    try:
        return run_programs(tests, progress, prefix.env,
                            wrapper=[wine_prefix.wine_program("wine64")])
    finally:
        prefix.stop()


# --- pytest


def pytest_results(xml_path):
    for case in ElementTree.parse(xml_path).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}::{case.get('name')}".lstrip(":")
        result = Result(name, seconds=float(case.get("time", 0)))
        bad = [n for n in case if n.tag in ("failure", "error")]
        skip = case.find("skipped")
        if bad:
            result.failed = 1
            result.output = "\n".join((n.text or n.get("message") or "") for n in bad)
        elif skip is not None:
            result.skipped = 1
            result.output = skip.get("message") or ""
        else:
            result.passed = 1
        yield result


def follow_pytest(process, progress, log):
    """pytest -v prints 'FILE::TEST STATE' for each test as it ends."""
    for line in process.stdout:
        log.append(line)
        if line.startswith("number: "):  # what a test has measured
            progress.say(f"  {progress.suite}: {line[len('number: '):].rstrip()}")
        match = re.match(r"(?:\S*/)?(\S+::.*?) (PASSED|FAILED|ERROR|SKIPPED)\b", line)
        if not match:
            continue
        progress.running(match[1])
        if not progress.terminal and (match[2] != "PASSED" or progress.suite != "static"):
            progress.say(f"  {match[2].lower():7} {progress.suite}: {match[1]}")


def pytest_parts(suite):
    """What pytest is given in each of the processes that run the suite at the same time."""
    folder = os.path.join(TOP, "tests", suite)
    beside = [[os.path.join(folder, name) for name in part] for part in BESIDE.get(suite, [])]
    return [*beside, [folder, *(f"--ignore={path}" for part in beside for path in part)]]


def run_pytest(part, progress):
    """@part: one of pytest_parts()."""
    log = []
    with tempfile.TemporaryDirectory(prefix="wslbridge-test-") as scratch:
        xml_path = os.path.join(scratch, "junit.xml")
        command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--tb=short",
                   "--basetemp", os.path.join(scratch, "tmp"), f"--junitxml={xml_path}",
                   "--rootdir", os.path.join(TOP, "tests"), *part]
        process = subprocess.Popen(command, cwd=TOP, text=True, errors="replace",
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        watchdog = threading.Timer(PYTEST_LIMIT, process.kill)
        watchdog.start()
        follow_pytest(process, progress, log)
        code = process.wait()
        watchdog.cancel()
        results = list(pytest_results(xml_path)) if os.path.exists(xml_path) else []
    if code not in (0, 5) and not any(r.failed for r in results):
        results.append(Result(f"pytest (exit code {code})", failed=1, output="".join(log)))
    return results


# --- all together


class SuiteRun:
    """A suite, as jobs that may run at the same time. The last one to end tells what came of it."""

    def __init__(self, suite):
        self.suite, self.progress = suite, None
        self.results, self.lock = [], threading.Lock()
        self.jobs = []
        if suite in MESON_SUITES:
            self.jobs.append(functools.partial(run_meson_suite, suite))
        if suite in SCRIPTS:
            self.jobs.append(functools.partial(run_script, suite))
        if suite in WINE_SUITES:
            self.jobs.append(functools.partial(run_wine_suite, suite))
        if suite in PYTEST_SUITES:
            self.jobs += [functools.partial(run_pytest, part) for part in pytest_parts(suite)]
        self.left = len(self.jobs)

    def run(self, job):
        with self.lock:
            self.progress = self.progress or Progress(self.suite)
        results = job(self.progress)
        with self.lock:
            self.results += results
            self.left -= 1
            if self.left == 0:
                self._end()

    def _end(self):
        if not any(r.passed or r.failed for r in self.results):
            self.results.append(Result(f"{self.suite}: no test ran", failed=1))
        self.progress.summary(*totals(self.results))


def run_suites(suites):
    """A suite waits for its emulated processor, for Wine or for a limit most of the time, so one job more
    runs than there are processors. Returns the results in the order of @suites."""
    lanes = (os.cpu_count() or 1) + 1
    runs = {suite: SuiteRun(suite) for suite in suites}
    with concurrent.futures.ThreadPoolExecutor(lanes) as pool:
        jobs = [pool.submit(runs[suite].run, job)
                for suite in sorted(runs, key=(*LONG_SUITES, *suites).index)
                for job in runs[suite].jobs]
        for job in jobs:
            job.result()
    return [r for run in runs.values() for r in run.results]


def report(results):
    for result in results:
        if result.skipped:
            reason = result.output.strip().splitlines()
            print(f"skipped: {result.name}: {reason[-1] if reason else 'no reason given'}")
    for result in results:
        if result.failed:
            print(f"\n=== FAILED: {result.name}")
            print("\n".join(result.output.splitlines()[-120:]))


def write_times(results, path=os.path.join(BUILD, "logs", "test-times.txt")):
    """Where a run's time goes, the longest tests first."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        for result in sorted(results, key=lambda r: -r.seconds):
            file.write(f"{result.seconds:8.1f} {result.name}\n")


def main():
    suites = sys.argv[1:]
    unknown = [s for s in suites if s not in (*MESON_SUITES, *PYTEST_SUITES, *SCRIPTS)]
    if not suites or unknown:
        sys.exit(__doc__)
    # ./dev runs us in the background, where bash has Ctrl-C ignored; tests interrupt programs.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    results = run_suites(suites)
    write_times(results)
    report(results)
    passed, failed, skipped = totals(results)
    if skipped and STRICT:
        print(f"{skipped} skipped, where every test must run")
        failed += skipped
    print(f"\n{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
