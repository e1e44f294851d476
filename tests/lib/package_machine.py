# SPDX-License-Identifier: MIT
"""A Windows on which packages are installed, updated and removed by Windows Installer (that of Wine)."""

import glob
import os
import pathlib
import shutil
import subprocess

import wine_prefix
from installed_helper import OWNER
from installed_machine import EXE, Machine
from windows_programs import PROGRAMS, RELAY, SELFTEST, copy_version

UNINSTALL = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
INSTALLER = (r"SOFTWARE\Microsoft\Windows\CurrentVersion\Installer", r"SOFTWARE\Classes\Installer")
RECORD = r"SOFTWARE\wslbridge-package"
POLICY = r"SOFTWARE\wslbridge\Policy"
VERSION_KEY = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"

# Exit codes of Windows Installer. Linux only shows the last eight bits.
SUCCESS, FAILURE = 0, 1603
# Wine's answers to an action that has failed; that of Windows is FAILURE (facts 10.1.12, 10.1.25).
ACTION_FAILED = 1627
REMOVING_FAILED = ACTION_FAILED if wine_prefix.version() < (9, 0) else 1605

ANNOUNCE = "windows-helper/wslbridge-announce.dll"
STREAMS = {EXE: "Binary.Helper", RELAY: "Binary.Relay", SELFTEST: "Binary.Selftest"}

MADE_AT = 1_700_000_000
SHORTCUT = "Start Menu/Programs/wslbridge setup.lnk"


def fake_guest_packages(folder, version):
    """Files that have the names of the guest's packages, and some bytes."""
    folder.mkdir()
    for architecture in ("amd64", "arm64"):
        (folder / f"wslbridge_{version}-1_{architecture}.deb").write_bytes(
            f"{architecture} {version}\n".encode() * 1000)
    return folder


def build_msi(top, programs, debs, out, version, made_at=MADE_AT):
    """@programs: the folder of the programs and the library. Returns the path of the package."""
    done = subprocess.run([os.path.join(top, "tools/build-msi.sh"), programs, debs, out], text=True,
                          env={**os.environ, "VERSION": version, "SOURCE_DATE_EPOCH": str(made_at)},
                          capture_output=True)
    assert done.returncode == 0, done.stderr
    return pathlib.Path(done.stdout.splitlines()[-1])


def table(msi, name):
    """The rows of a table as lists of texts."""
    done = subprocess.run(["msiinfo", "export", msi, name], check=True, capture_output=True, text=True)
    return [line.split("\t") for line in done.stdout.splitlines()[3:]]


def stream(msi, name):
    return subprocess.run(["msiinfo", "extract", msi, name], check=True, capture_output=True).stdout


def properties(msi):
    return dict(table(msi, "Property"))


def build_two(top, build_win, folder):
    """Two packages by their names, "old" and "new": the second has a higher version, and programs
    whose number tells it apart."""
    made = {}
    for name, version, number in (("old", "0.1.0", "0.1.0"), ("new", "0.1.1", "0.1.?")):
        copy_version(build_win, folder / name, "0.1.0", number)
        shutil.copy(build_win / ANNOUNCE, folder / name)
        debs = fake_guest_packages(folder / f"{name}-debs", version)
        made[name] = build_msi(top, folder / name, debs, folder, version)
        for program in PROGRAMS:
            (folder / name / program).write_bytes(stream(made[name], STREAMS[program]))
    return made


class PackageMachine(Machine):
    """A Machine whose two versions are packages, too."""

    def __init__(self, prefix, build_win, registry, folder, msis):
        super().__init__(prefix, build_win, registry, folder)
        self.msis = msis
        for name in self.versions:
            self.versions[name] = msis[name].parent / name / EXE
        # A new helper keeps the rules for an agent that comes back, which none does in a test of an update.
        # That may take longer than the usual half a minute, which would end them.
        prefix.env["WSLBRIDGE_TEST_RUN"] = f"--transport tcp:127.0.0.1:{self.service.port} --recovery-ms 600000"
        self.log = folder / "msi.log"

    def msiexec(self, *arguments, fault=None):
        """Returns the exit code, in eight bits, and what the program said."""
        arguments = [f"Z:{a}".replace("/", "\\") if isinstance(a, os.PathLike) else a
                     for a in arguments]
        return self.run("msiexec", *arguments, "/qn", fault=fault)

    def expect(self, code, *arguments, fault=None):
        """Returns what the program said."""
        seen, output = self.msiexec(*arguments, fault=fault)
        assert seen == code & 0xff, f"{seen}, not {code & 0xff}: {output}"
        return output

    def expect_said(self, text, output):
        """Our program has said @text while Windows Installer ran it. That of Wine 10 shows nothing of it
        (fact 10.1.25)."""
        assert text in output or (not output and wine_prefix.version() >= (9, 0)), output

    def install_package(self, version):
        return self.expect(SUCCESS, "/i", self.msis[version])

    def remove_package(self, version):
        return self.expect(SUCCESS, "/x", self.code(version))

    def repair_package(self, version):
        """As '/fa' does, which Wine does not know."""
        return self.expect(SUCCESS, "/i", self.code(version), "REINSTALL=ALL", "REINSTALLMODE=amus")

    def windows_path(self, version):
        """The package's file, as Windows names it."""
        return f"Z:{self.msis[version]}".replace("/", "\\")

    def code(self, version):
        return properties(self.msis[version])["ProductCode"]

    def listed(self):
        """Which of the packages Windows lists as installed: {name: {value: text}}."""
        found = {}
        for name in self.msis:
            values = self.registry.strings(rf"{UNINSTALL}\{self.code(name)}")
            if values:
                found[name] = values
        return found

    def guest_files(self):
        return self.files_below("guest")

    def files_below(self, folder):
        return sorted(os.path.basename(p) for p in glob.glob(f"{self.folder}/{folder}/*"))

    def pair(self, key):
        self.registry.set_key(OWNER, key)

    def shortcuts(self):
        """Our entries of the Start menu. Windows puts them into that of all users."""
        return [p for p in self.prefix.path.glob("drive_c/**/*.lnk") if str(p).endswith(SHORTCUT)]

    def expect_version(self, version, listed=None):
        """This version serves. @listed: the packages that Windows lists, if not only this one"""
        assert self.serves() == version
        assert self.installed() == version
        assert sorted(self.listed()) == ([version] if listed is None else listed)
        assert [f for f in self.files() if ".exe" in f] == PROGRAMS

    def expect_no_package(self):
        self.expect_nothing()
        assert self.listed() == {}
        assert self.registry.dump(RECORD) == {}
        assert self.registry.dump(r"SOFTWARE\wslbridge") == {}
        assert self.shortcuts() == []

    def clear(self):
        """Remove whatever a test has left, also what Wine's Windows Installer remembers."""
        if "error" not in self.service.query() or self.relay_state():
            assert self.uninstall()[0] == 0
        for key in (RECORD, *INSTALLER, *(rf"{UNINSTALL}\{self.code(name)}" for name in self.msis)):
            self.registry.remove(key)
        shutil.rmtree(self.folder, ignore_errors=True)
        for path in self.shortcuts():
            path.unlink()
