# SPDX-License-Identifier: MIT
"""The service works from systemd 249 (Ubuntu 22.04) on: everything that the units and the
tmpfiles use is as old as that. systemd itself only warns of an option that it does not know, and
leaves it out: a part of the sandbox would be missing without anybody noticing. systemd 252 and 257 are asked
themselves, by 'systemd-analyze verify' on Debian 12 and 13; what they know and what is as old as 249, the
255 of Ubuntu 24.04 knows as well. The symbols of libsystemd are in test_releases.py."""
import re

import pytest
import releases
import tree
from test_unit import options

OLDEST = int(releases.RELEASES["Ubuntu 22.04"]["libsystemd0"])
UNITS = [p for p in tree.matching("*.service", "*.service.in", "*.path") if p.startswith("systemd/")]

# The version that brought an option, by systemd's NEWS; where that does not name it, because it is
# older than the texts, by the version of the man page that has it first. 1: before version 183.
OPTIONS = {
    # systemd.unit(5)
    "Description": 1,
    "Documentation": 183,
    "ConditionVirtualization": 1,
    "Wants": 1,
    "After": 1,
    "Before": 1,
    "Conflicts": 1,
    "DefaultDependencies": 1,
    "PartOf": 186,
    "StartLimitIntervalSec": 230,  # 229 moved it to [Unit], 230 has this name
    "WantedBy": 1,
    # systemd.path(5)
    "PathExists": 1,
    # systemd.service(5)
    "Type": 1,
    "RemainAfterExit": 1,
    "NotifyAccess": 1,
    "ExecStart": 1,
    "ExecReload": 1,
    "TimeoutStartSec": 188,
    "TimeoutStopSec": 188,
    "Restart": 1,
    "RestartSec": 1,
    "RestartPreventExitStatus": 189,
    "WatchdogSec": 183,
    # systemd.exec(5)
    "RuntimeDirectory": 211,
    "StateDirectory": 235,
    "StateDirectoryMode": 234,
    "DynamicUser": 232,
    "LoadCredential": 247,
    "SetCredential": 247,
    "CapabilityBoundingSet": 1,
    "AmbientCapabilities": 229,
    "NoNewPrivileges": 187,
    "RestrictAddressFamilies": 211,
    "ProtectSystem": 214,
    "ProtectHome": 214,
    "ReadOnlyPaths": 231,
    "InaccessiblePaths": 231,
    "PrivateTmp": 1,
    "PrivateDevices": 209,
    "PrivateMounts": 239,
    "UMask": 1,
    "LogRateLimitIntervalSec": 240,
    "LogRateLimitBurst": 240,
    "ProtectProc": 247,
    "ProcSubset": 247,
    "LimitNOFILE": 1,
    "ProtectKernelTunables": 232,
    "ProtectKernelModules": 232,
    "ProtectKernelLogs": 244,
    "ProtectControlGroups": 232,
    "ProtectClock": 245,
    "ProtectHostname": 242,
    "RestrictNamespaces": 233,
    "PrivateIPC": 248,
    "RemoveIPC": 232,
    "KeyringMode": 235,
    "SystemCallFilter": 187,
    "SystemCallErrorNumber": 209,
    "SystemCallArchitectures": 209,
    "LockPersonality": 235,
    "MemoryDenyWriteExecute": 231,
    "RestrictRealtime": 231,
    "RestrictSUIDSGID": 242,
    # systemd.resource-control(5)
    "IPAddressDeny": 235,
    "IPAddressAllow": 235,
    "DevicePolicy": 208,
    "MemoryMax": 231,
    "TasksMax": 227,
}

# Words in values, with or without a prefix ('|' of a condition, '~' of a list). Everything else is
# a boolean, a number, a time, a path or text, which every version reads alike.
WORDS = {
    "ConditionVirtualization": {"wsl": 242, "microsoft": 1},
    "Type": {"notify": 1, "oneshot": 1},
    "Wants": {"modprobe@hv_sock.service": 245, "wslbridge-run-shared.service": 1, "wslbridge-loopback.path": 1},
    "After": {"modprobe@hv_sock.service": 245, "wslbridge-run-shared.service": 1, "local-fs.target": 1,
              "systemd-tmpfiles-setup.service": 1},
    "Before": {"multi-user.target": 1, "shutdown.target": 1},
    "Conflicts": {"shutdown.target": 1},
    "PartOf": {"wslbridge-agent.service": 1},
    "NotifyAccess": {"main": 1},
    "Restart": {"on-failure": 1},
    "WantedBy": {"sysinit.target": 1},
    "CapabilityBoundingSet": {"CAP_NET_BIND_SERVICE": 1, "CAP_SYS_ADMIN": 1},
    "AmbientCapabilities": {"CAP_NET_BIND_SERVICE": 229},
    "RestrictAddressFamilies": {"AF_VSOCK": 211, "AF_NETLINK": 211, "AF_UNIX": 211, "none": 249,
                                "AF_INET": 211, "AF_INET6": 211},
    "ProtectSystem": {"strict": 232},
    "ProtectProc": {"invisible": 247},
    "ProcSubset": {"pid": 247},
    "KeyringMode": {"private": 235},
    "SystemCallFilter": {"@system-service": 239, "@privileged": 231, "@resources": 231},
    "SystemCallErrorNumber": {"EPERM": 209},
    "SystemCallArchitectures": {"native": 209},
    "IPAddressDeny": {"any": 235},
    "IPAddressAllow": {"localhost": 235, "10.0.0.0/8": 235, "172.16.0.0/12": 235,
                       "192.168.0.0/16": 235, "fc00::/7": 235},
    "DevicePolicy": {"closed": 208},
}
PLAIN = r"yes|no|\d+(s|M)?|0\d+"
TEXT = {"Description", "Documentation", "ExecStart", "ExecReload", "LoadCredential",
        "SetCredential", "ReadOnlyPaths", "InaccessiblePaths", "RuntimeDirectory",
        "StateDirectory", "PathExists"}

# Ways to write a value that came later than the option.
FORMS = [
    ("RuntimeDirectory", r"[^/ :]+(/[^/ :]+)*", 235, "folders in folders; not the link of 250"),
    ("ExecReload", r"@bindir@/.*", 239, "a program without its path"),
    ("ExecStart", r"@sbindir@/.*|-mount .*", 239, "the same"),
    ("LoadCredential", r"\w+:/.*", 247, "a file; that of a socket or a folder came later"),
]
TMPFILES = {"d": 1, "L+": 215}


def too_new(text):
    """What of the unit is newer than OLDEST, or unknown to the tables."""
    problems = []
    for _, option, value in options(text):
        if OPTIONS.get(option, OLDEST + 1) > OLDEST:
            problems.append(option)
        if option in TEXT or re.fullmatch(PLAIN, value):
            continue
        words = WORDS.get(option, {})
        problems += [f"{option}={word}" for word in value.split()
                     if words.get(word.lstrip("|~"), OLDEST + 1) > OLDEST]
    for option, form, version, _ in FORMS:
        problems += [f"{option}={value}" for _, o, value in options(text)
                     if o == option and (version > OLDEST or not re.fullmatch(form, value))]
    return problems


@pytest.mark.parametrize("path", UNITS)
def test_the_unit(path):
    assert too_new(tree.read(path)) == []


@pytest.mark.parametrize("line", [
    "RestartSteps=5",                # 254
    "Type=notify-reload",            # 253
    "ExecSearchPath=/usr/bin",       # 250
    "RuntimeDirectory=a:b",          # 250: a link to it
    "SystemCallFilter=@sandbox",     # 252
    "PrivateIPC=disconnected",
    "MemoryMax=10%-ish",
])
def test_the_tables_tell_what_is_newer(line):
    assert too_new("[Service]\n" + line + "\n") != []


def test_the_tables_have_nothing_that_is_not_used():
    text = "".join(tree.read(path) for path in UNITS)
    assert set(OPTIONS) == {o for _, o, _ in options(text)}
    assert not [w for words in WORDS.values() for w in words if w not in text]


def test_tmpfiles():
    lines = [line.split() for line in tree.read("systemd/wslbridge.tmpfiles").splitlines()
             if line and line[0] != "#"]
    assert len(lines) == 3 and all(TMPFILES.get(kind, OLDEST + 1) <= OLDEST for kind, *_ in lines)
