# SPDX-License-Identifier: MIT
"""A unit that does nothing, in the place of the agent's and with the same sandbox: the earliest that the agent
can start in a boot."""

# What the lines of the agent's unit are in it.
LINES = {"Type": "Type=oneshot", "RuntimeDirectory": "RuntimeDirectory=nothing",
         "StateDirectory": "StateDirectory=nothing", "ExecReload": "", "TimeoutStartSec": "",
         "WatchdogSec": "", "Restart": "", "RestartSec": "", "RestartPreventExitStatus": "", "NotifyAccess": ""}


def made_of(unit, program="/bin/true"):
    """@unit: the text of the agent's unit; @program: the command line, and more lines of the section [Service]."""
    lines = {**LINES, "ExecStart": f"ExecStart={program}"}
    return "\n".join(lines.get(line.split("=")[0], line) for line in unit.splitlines()
                     if "loopback.path" not in line) + "\n"
