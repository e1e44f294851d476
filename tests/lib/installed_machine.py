# SPDX-License-Identifier: MIT
"""A Windows on which two versions of the helper are installed, updated and removed."""

import contextlib
import json
import subprocess

from installed_helper import RUNNING, STOPPED, InstalledHelper
from waiting import wait_until
from windows_programs import HELPER as EXE, PROGRAMS, copy_version

SESSION = r"SYSTEM\CurrentControlSet\Control\Session Manager"
PENDING = "PendingFileRenameOperations"
EVENTS = r"SYSTEM\CurrentControlSet\Services\EventLog\Application\wslbridge"
HYPERV = (r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Virtualization"
          r"\GuestCommunicationServices\57534c42-facb-11e6-bd58-64006a7986d3")
RULE = {("v4tov4", "127.0.0.1/28200"): "172.29.0.2/80"}
RELAY_SERVICE = "wslbridge-relay"
RELAY_KEY = r"SOFTWARE\wslbridge\Relay"
TABLE, ENTRY = rf"{RELAY_KEY}\v4tov4\tcp", ("127.0.0.1/28300", "172.29.0.9/80")
ENVIRONMENT = SESSION + r"\Environment"
FOLDER = r"C:\Program Files\wslbridge"
OTHERS = "\\??\\C:\\of another program\0\0\0"


class Machine:
    """A Windows with our programs, and two versions of them, which are one but for their number. Each
    version is in a folder, and is named by the path of its helper."""

    def __init__(self, prefix, build_win, registry, folder):
        self.prefix, self.registry = prefix, registry
        self.service = InstalledHelper(prefix, build_win, registry)
        self.tool = build_win / "tests/windows/svctool.exe"
        self.versions = {"old": copy_version(build_win, folder / "old")}
        number = self.run(self.versions["old"], "--version")[1].split()[-1]
        self.numbers = {number: "old", number[:-1] + "?": "new"}
        self.versions["new"] = copy_version(build_win, folder / "new", number, number[:-1] + "?")
        self.folder = prefix.path / "drive_c/Program Files/wslbridge"
        self.data = prefix.path / "drive_c/ProgramData/wslbridge"
        self.path_before = self.path()

    def run(self, exe, *arguments, fault=None):
        """Returns the exit code and the output."""
        if fault:
            self.prefix.env["WSLBRIDGE_TEST_FAULT"] = fault
        try:
            done = self.prefix.run(exe, *arguments, timeout=150, check=False)
        finally:
            self.prefix.env.pop("WSLBRIDGE_TEST_FAULT", None)
        return done.returncode, done.stdout

    def install(self, version, fault=None, port=None):
        def once():
            return self.run(self.versions[version], "install", "--transport",
                            f"tcp:127.0.0.1:{port or self.service.port}", fault=fault)

        code, output = once()
        if not fault and "(error 1359)" in output:  # Wine could not start a program (fact 10.1.20)
            code, output = once()
        return code, output

    def uninstall(self, fault=None, exe=None):
        return self.run(exe or self.versions["new"], "uninstall", fault=fault)

    def installed(self):
        """Which version's programs are in their places, all of them; None when there is none. In
        between, the versions by program."""
        found = {}
        for program in PROGRAMS:
            with contextlib.suppress(FileNotFoundError):
                data = (self.folder / program).read_bytes()
                found[program] = next(n for n, p in self.versions.items()
                                      if p.with_name(program).read_bytes() == data)
        versions = set(found.values())
        if not found or (len(versions) == 1 and len(found) == len(PROGRAMS)):
            return versions.pop() if versions else None
        return found

    def serves(self):
        """Which version runs, whatever file is in its place by now, or None."""
        found = self.service.query()
        if found.get("state") != RUNNING:
            return None

        def written():
            with contextlib.suppress(OSError, ValueError):
                status = json.loads((self.data / "status.json").read_text())
                return status if status["pid"] == found["pid"] else None

        return self.numbers[wait_until(written, 30, "status.json of the service")["version"]]

    def doctor(self):
        """{id: [finding]} of a copy elsewhere, because the installed program may be gone."""
        report = json.loads(self.run(self.versions["new"], "doctor", "--json")[1])
        found = {}
        for finding in report["findings"]:
            found.setdefault(finding["id"], []).append(finding)
        return found

    def relay(self):
        """What the service manager says of the relay's service."""
        return self.service.call("query", RELAY_SERVICE)

    def relay_state(self):
        """Its state; None when there is no such service."""
        found = self.relay()
        assert found.get("error", 1060) == 1060, found  # no such service
        return found.get("state")

    def start_relay(self):
        """With something to do, or a helper that serves would stop it; such a helper may also have
        started it already (error 1056)."""
        self.registry.set(TABLE, *ENTRY)
        error = self.service.ask_to_start(RELAY_SERVICE)
        assert error in (0, 1056), f"error {error}"
        self.wait_relay(RUNNING)

    def stop_relay(self):
        """A helper that serves does so as soon as there is nothing to do."""
        self.registry.delete(TABLE, ENTRY[0])
        self.wait_relay(STOPPED)

    def wait_relay(self, state):
        wait_until(lambda: self.relay_state() == state, 60, f"state {state} of the relay", interval=0.1)

    def relay_processes(self):
        """Unix process ids of the installed relay."""
        return self.service.processes("wslbridge-relay.exe")

    def files(self):
        return sorted(p.name for p in self.folder.glob("*")) if self.folder.exists() else None

    def path(self):
        """The PATH of the machine as (type, text), or None."""
        for name, (kind, data) in self.registry.dump(ENVIRONMENT).items():
            if name.upper() == "PATH":
                return kind, data.decode("utf-16-le").rstrip("\0")
        return None

    def set_path(self, value):
        """@value: as path() returns it."""
        if self.path():
            self.registry.delete(ENVIRONMENT, "Path")
        if value:
            self.registry.set(ENVIRONMENT, "Path", (value[1] + "\0").encode("utf-16-le"), value[0])

    def pending(self):
        """[(file, new name or "")] that the next restart of Windows renames and deletes."""
        kind, data = self.registry.dump(SESSION).get(PENDING, (7, b""))
        assert kind == 7
        texts = data.decode("utf-16-le").split("\0")
        return [(a, b) for a, b in zip(texts[::2], texts[1::2]) if a]

    def restart(self):
        """What Windows does with the list, and with a service that starts by itself."""
        def path(text):
            return self.prefix.path / "drive_c" / text.removeprefix("\\??\\C:\\").replace("\\", "/")

        for name, to in self.pending():
            with contextlib.suppress(OSError):
                if to:  # with a '!' also over another file
                    if to.startswith("!") or not path(to).exists():
                        path(name).rename(path(to.removeprefix("!")))
                elif path(name).is_dir():
                    path(name).rmdir()
                else:
                    path(name).unlink()
        self.registry.delete(SESSION, PENDING)
        if self.service.query().get("state") == STOPPED:
            self.service.ask_to_start()
            if (self.folder / EXE).exists():
                self.service.wait_state(RUNNING)

    @contextlib.contextmanager
    def opened(self, how, path=rf"{FOLDER}\{EXE}"):
        """Another program has the installed one, or this file, open: how is 'hold' or 'show'."""
        process = self.prefix.popen(self.tool, how, path,
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert json.loads(process.stdout.readline()) == {}
            yield
        finally:
            process.stdin.close()
            process.wait(timeout=30)

    def expect_old(self, output, step):
        """The update has failed at @step, and nothing has changed."""
        assert f"Installing failed at the step '{step}'. Nothing has changed" in output, output
        assert self.serves() == "old", output
        assert self.installed() == "old" and self.files() == PROGRAMS
        assert self.pending() == [("\\??\\C:\\of another program", "")]

    def expect_nothing(self):
        assert self.service.query().get("error") == 1060  # no such service
        assert self.relay_state() is None
        for key in (r"SOFTWARE\wslbridge\Keys", EVENTS, HYPERV):
            assert self.registry.dump(key) == {}, key
        assert self.registry.rights(RELAY_KEY) is None
        assert self.path() == self.path_before
        assert self.files() is None
        assert not self.data.exists()
