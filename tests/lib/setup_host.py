# SPDX-License-Identifier: MIT
"""What 'wslbridge-helper setup' meets on the host's side: the program as somebody has unpacked it, and a
Windows (Wine) on which nothing is installed at first.

    windows = Windows(prefix, build_win, registry, Program(build_win, folder, guest_deb(top)))
    done = windows.setup("Debian", "--yes")
"""

import contextlib
import glob
import hashlib
import json
import os
import pathlib
import shutil

import installed_helper
from windows_programs import copy_version


def guest_deb(top):
    """The guest's package for this machine."""
    found = glob.glob(os.path.join(top, "build/packages/wslbridge_*_amd64.deb"))
    assert found, "make the packages first: sudo ./dev package"
    return pathlib.Path(found[0])


class Program:
    """The programs as somebody has unpacked them, with the guest's packages beside it."""

    def __init__(self, build_win, folder, deb):
        self.folder, self.deb = folder, deb
        self.exe = copy_version(build_win, folder)
        self.guest = folder / "guest"
        self.fill()

    def fill(self):
        shutil.rmtree(self.guest, ignore_errors=True)
        self.guest.mkdir()
        shutil.copy(self.deb, self.guest)
        self.sums(self.deb)

    def sums(self, deb):
        digest = hashlib.sha256(deb.read_bytes()).hexdigest()
        (self.guest / "SHA256SUMS").write_text(f"{digest}  guest/{deb.name}\n")


class Result:
    def __init__(self, code, output):
        self.code, self.output = code, output

    @property
    def report(self):
        """The JSON, which begins at its own line."""
        return json.loads(self.output[self.output.index("{\n"):])

    def states(self):
        return {p["part"]: p["state"] for p in self.report["parts"] if p["state"] != "open"}

    def part(self, name):
        return next(p for p in self.report["parts"] if p["part"] == name)


class Windows:

    def __init__(self, prefix, build_win, registry, program):
        self.prefix, self.registry, self.program = prefix, registry, program
        self.service = installed_helper.InstalledHelper(prefix, build_win, registry)
        prefix.env["WSLBRIDGE_TEST_INSTALL"] = f"--transport tcp:127.0.0.1:{self.service.port}"
        self.folder = prefix.path / "drive_c/Program Files/wslbridge"

    def setup(self, *arguments, env=None, exe=None, before=()):
        """'setup' with its JSON, or with what a person sees when "--text" is an argument."""
        with self.variables(env or {}):
            words = [a for a in arguments if a != "--text"]
            done = self.prefix.run(*before, exe or self.program.exe, "setup", *words,
                                   *([] if "--text" in arguments else ["--json"]), timeout=300,
                                   check=False)
        return Result(done.returncode, done.stdout)

    @contextlib.contextmanager
    def variables(self, values):
        self.prefix.env.update(values)
        try:
            yield
        finally:
            for name in values:
                del self.prefix.env[name]

    def keys(self):
        return {name: data for name, (_, data) in
                self.registry.dump(r"SOFTWARE\wslbridge\Keys").items()}

    def clear(self):
        if self.folder.exists() or "error" not in self.service.query():
            self.service.uninstall()
        self.registry.clear()
