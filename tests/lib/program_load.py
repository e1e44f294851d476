# SPDX-License-Identifier: MIT
"""Measures the handles and the memory of a Windows program under Wine."""

import json
import pathlib
import subprocess
import time

HELPER_DLLS = ["advapi32", "bcrypt", "iphlpapi", "mswsock", "ole32", "oleaut32", "shell32", "ws2_32",
               "hnetcfg"]  # those that it links, and the firewall's


class Load:
    """The handles of a Windows program, and its memory as Linux sees it, including Wine's."""

    def __init__(self, prefix, tools):
        self.prefix, self.exe = prefix, pathlib.Path(tools) / "loadtool.exe"

    def handles(self, name="wslbridge-helper.exe"):
        return json.loads(self.prefix.run(self.exe, "handles", name).stdout)["handles"]

    @staticmethod
    def resident_kib(pid):
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("Rss:"))

    def baseline_kib(self):
        """The memory of an idle program that has loaded the DLLs of the helper."""
        idle = self.prefix.popen(self.exe, "idle", *HELPER_DLLS, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(2)
            assert idle.poll() is None
            return self.resident_kib(idle.pid)
        finally:
            idle.kill()
            idle.wait(10)
