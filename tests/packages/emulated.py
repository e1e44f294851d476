#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Starts the programs of the guest's package for arm64 in an emulator, as the package has them.

    WSLBRIDGE_EMULATOR=EMULATOR emulated.py      (by './dev test --arch=arm64', in the root of that build)

The agent itself does not run here: it would look for a helper on the host of this machine. There is no pytest
in that root. The last line is 'N passed, N failed'.
"""
import glob
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EMULATOR = os.environ["WSLBRIDGE_EMULATOR"].split()
LIMIT = 120  # seconds, to end what hangs
AGENT, LOOPBACK, CTL = "usr/sbin/wslbridge-agent", "usr/sbin/wslbridge-loopback", "usr/bin/wslbridgectl"
ELF, AARCH64 = b"\x7fELF", (183).to_bytes(2, "little")


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=LIMIT).stdout.strip()


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.deb, = glob.glob(os.path.join(TOP, "build/packages/wslbridge_*_arm64.deb"))
        cls.version = output("dpkg-deb", "-f", cls.deb, "Version").partition("-")[0]
        cls.files = cls.enterClassContext(tempfile.TemporaryDirectory())
        subprocess.run(["dpkg-deb", "-x", cls.deb, cls.files], check=True)

    def setUp(self):
        self.root = self.enterContext(tempfile.TemporaryDirectory())  # a guest without anything

    def command(self, program, *arguments):
        return [*EMULATOR, os.path.join(self.files, program), *arguments]

    def said(self, code, program, *arguments):
        """What the program has written, after it has ended with this exit code."""
        done = subprocess.run(self.command(program, *arguments), stdin=subprocess.DEVNULL, text=True, timeout=LIMIT,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, code, done.stdout)
        return done.stdout

    def test_these_are_all_of_its_programs(self):
        found = []
        for folder, _, names in os.walk(self.files):
            for path in (os.path.join(folder, name) for name in names):
                if os.path.islink(path):
                    continue
                with open(path, "rb") as file:
                    head = file.read(20)
                if head.startswith(ELF):
                    found.append(os.path.relpath(path, self.files))
                    self.assertEqual(head[18:20], AARCH64, path)
        self.assertEqual(sorted(found), sorted((AGENT, LOOPBACK, CTL)))

    def test_what_it_depends_on_is_here(self):
        """So a program that does not start lacks no library."""
        depends = output("dpkg-deb", "-f", self.deb, "Depends")
        needed = [re.split(r"[ :]", one.strip())[0] for one in depends.split(",")]
        self.assertIn("libsodium23", needed)
        for name in needed:
            self.assertEqual(output("dpkg-query", "-W", "-f", "${db:Status-Status}", f"{name}:arm64"), "installed")

    def test_versions(self):
        for program in (AGENT, LOOPBACK, CTL):
            self.assertEqual(self.said(0, program, "--version"), f"{os.path.basename(program)} {self.version}\n")

    def test_wrong_use(self):
        for program in (AGENT, LOOPBACK, CTL):
            self.assertIn("unrecognized option '--wrong'", self.said(2, program, "--wrong"))

    def test_without_an_agent(self):
        status = self.said(3, CTL, f"--root={self.root}", "status")
        self.assertEqual(status, "wslbridgectl: The agent does not run: there is no /run/wslbridge/status.json\n")
        self.assertIn("There are no services", self.said(0, CTL, f"--root={self.root}", "list"))

    def test_the_configuration(self):
        folder = os.path.join(self.root, "etc/wslbridge/services.d")
        os.makedirs(folder)
        with open(os.path.join(folder, "web.ini"), "w", encoding="ascii") as file:
            file.write("[service]\nlisten = 8080-8081\n")
        for program, *arguments in ((AGENT, "--check"), (CTL, "check")):
            self.assertIn("1 service, 2 endpoints: no problems",
                          self.said(0, program, f"--root={self.root}", *arguments))
        with open(os.path.join(folder, "bad.ini"), "w", encoding="ascii") as file:
            file.write("[service]\nlisten = 90-80\n")
        for program, *arguments in ((AGENT, "--check"), (CTL, "check")):
            self.assertIn("bad.ini:2: listen: ", self.said(1, program, f"--root={self.root}", *arguments))

    def test_loopback_waits_for_the_agent_until_it_is_stopped(self):
        with subprocess.Popen(self.command(LOOPBACK, f"--agent={self.root}"), stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                with self.assertRaises(subprocess.TimeoutExpired):
                    process.wait(5)
                process.send_signal(signal.SIGTERM)
                said, _ = process.communicate(timeout=LIMIT)
            finally:
                process.kill()
        self.assertEqual((process.returncode, said), (0, ""))


def main():
    tests = unittest.defaultTestLoader.loadTestsFromTestCase(Package)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(tests)
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
