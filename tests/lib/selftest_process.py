# SPDX-License-Identifier: MIT
"""Runs 'selftest' under Wine, and looks at what it says and at what it leaves."""

import contextlib
import json
import os
import subprocess

from wine_registry import COUNTERS

SETTINGS = r"SOFTWARE\wslbridge"
RESTART = r"SYSTEM\CurrentControlSet\Control\Session Manager"
NOT_STARTED = "wslbridge-selftest.exe': Internal error (error 1359)"  # by Wine, see fact 10.1.20
STARTS = 3
LIMIT_MS = 1500  # no step waits longer, but for a program


class Selftest:
    """Runs the program and looks at what is left."""

    def __init__(self, prefix, build_win, registry):
        self.prefix, self.registry = prefix, registry
        self.exe = build_win / "windows-helper/wslbridge-helper.exe"
        self.services = prefix.tool(build_win / "tests/windows", "svctool.exe")
        self.data = prefix.path / "drive_c/ProgramData/wslbridge"
        registry.set(COUNTERS, "SelftestMs", LIMIT_MS)

    def run(self, *arguments, exe=None, **environment):
        """Its exit code and its output."""
        self.prefix.env.update(environment)
        try:
            for _ in range(STARTS):
                done = self.prefix.run(exe or self.exe, "selftest", *arguments, timeout=400,
                                       check=False)
                if NOT_STARTED not in done.stdout:
                    break
        finally:
            for name in environment:
                del self.prefix.env[name]
        return done.returncode, done.stdout

    @contextlib.contextmanager
    def patient(self):
        """Until the end of the block, the steps wait as long as on a real Windows."""
        self.registry.delete(COUNTERS, "SelftestMs")
        try:
            yield
        finally:
            self.registry.set(COUNTERS, "SelftestMs", LIMIT_MS)

    @contextlib.contextmanager
    def only(self, step):
        """Both passes have only this step, for a test that is about nothing else."""
        self.registry.set(COUNTERS, "SelftestOnly", step)
        try:
            yield
        finally:
            self.registry.delete(COUNTERS, "SelftestOnly")

    def read(self, path):
        with open(path, encoding="utf-8") as f:
            return json.load(f)

    def report(self, *arguments, **environment):
        code, output = self.run("--json", *arguments, **environment)
        report = json.loads(output[output.index("{"):])
        assert (code == 0) == (report["left"] is None and report["ended"]), output[-2000:]
        return report

    def holding(self):
        """Unix process ids of the programs of distros that keep a VM running."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f, open(f"/proc/{pid}/environ", "rb") as e:
                    line, environment = f.read(), e.read()
            except OSError:
                continue
            if line.replace(b"\0", b" ").startswith(b"wsl.exe --exec cat") and \
               f"WINEPREFIX={self.prefix.path}".encode() in environment:
                found.append(int(pid))
        return found

    def left(self):
        """What of the self-test is there."""
        service = self.services.call("query", "wslbridge-selftest")
        pending = self.registry.dump(RESTART).get("PendingFileRenameOperations", (7, b""))[1]
        second = r"SYSTEM\CurrentControlSet\Services\wslbridge-selftest-relay"
        return {
            "service": service.get("error") != 1060 or bool(self.registry.dump(second)),
            "rules": self.registry.rules(),
            "journal": self.registry.dump(rf"{SETTINGS}\Selftest"),
            "files": sorted(p.name for p in self.data.glob("*")) if self.data.exists() else None,
            "restart": "selftest" in pending.decode("utf-16-le"),
        }


NOTHING = {"service": False, "rules": {}, "journal": {}, "files": None, "restart": False}


def lines(report, key, passing=None):
    return [x for x in report["lines"]
            if x["key"] == key and passing in (None, x["pass"])]


def verdicts(report):
    return {f["id"]: f["verdict"] for f in report["facts"]}


def start(selftest, *arguments, **environment):
    """The program in the background, and a function that reads on until a line has a text."""
    process = selftest.prefix.popen_started(
        selftest.exe, "selftest", *arguments, errors=selftest.prefix.path / "selftest-errors", stdout=subprocess.PIPE,
        text=True, env=environment, start_new_session=True)
    seen = []

    def until(text):
        while text not in (seen or [""])[-1]:
            line = process.stdout.readline()
            assert line, "".join(seen)
            seen.append(line)
        return "".join(seen)

    return process, until
