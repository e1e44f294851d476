# SPDX-License-Identifier: MIT
"""Controls the stand-in for the Windows service iphlpsvc; see tests/windows/fake-iphlpsvc.c."""

import pathlib

from waiting import wait_until
from wine_registry import COUNTERS


class FakeIphlpsvc:
    """The tests' own service 'iphlpsvc' in a Wine prefix."""

    def __init__(self, prefix, tools, registry):
        self.prefix, self.registry = prefix, registry
        self.exe = pathlib.Path(tools) / "fake-iphlpsvc.exe"
        self.call = prefix.tool(tools, "svctool.exe").call

    def _command(self, name):
        self.prefix.run(self.exe, name)

    def install(self):
        self._command("install")

    def start(self):
        self._command("start")

    def stop(self):
        self._command("stop")

    def remove(self):
        self._command("remove")

    def set_start_type(self, number):
        """3 is SERVICE_DEMAND_START, 4 is SERVICE_DISABLED."""
        assert self.call("start-type", "iphlpsvc", number) == {}

    def hang(self, hangs):
        """Stop answering PARAMCHANGEs, or answer them again."""
        self.registry.set(COUNTERS, "Hang", int(hangs))

    def late(self, milliseconds):
        """Read the rules so long after a PARAMCHANGE."""
        self.registry.set(COUNTERS, "Late", milliseconds)

    def shut(self, milliseconds):
        """Close a port for so long while its target changes."""
        self.registry.set(COUNTERS, "Shut", milliseconds)

    def listen_for(self, most):
        """Listen for at most so many rules, from the next reading on. 0 removes the limit."""
        self.registry.set(COUNTERS, "Most", most)

    def changes(self):
        """How many PARAMCHANGEs it has received."""
        return self.registry.number(COUNTERS, "Changes")

    def settled(self, timeout=30):
        """Wait until the rules are read after the last PARAMCHANGE. Returns changes()."""
        wait_until(lambda: self.registry.number(COUNTERS, "Applied") == self.changes(), timeout,
                   "iphlpsvc applying the rules")
        return self.changes()
