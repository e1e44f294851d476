# SPDX-License-Identifier: MIT
"""A boot with the service enabled, under a real systemd that is started as WSL starts it; the host is there
from the beginning, as Windows is."""
import json
import os
import shutil
import subprocess

import nothing_unit
import pytest
from booted import Booted

AGENT = "wslbridge-agent"
UNITS = "/etc/systemd/system"
EARLIER = ("basic.target", "network.target", "network-online.target", "multi-user.target", "sysinit.target")

HOST = """#!/bin/sh
umask 0
mkfifo /run/host.commands
exec /usr/local/sbin/wslbridge-test-host --listen unix:/run/host --no-pairing --events \\
    <>/run/host.commands >>/run/host.answers 2>>/run/host.log
"""
HOST_UNIT = """[Unit]
DefaultDependencies=no
[Service]
ExecStart=/usr/local/sbin/host
"""


def write(root, path, text, mode=0o644):
    path = os.path.join(root, path.lstrip("/"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def enable(root, unit, path):
    wants = os.path.join(root, UNITS.lstrip("/"), "sysinit.target.wants")
    os.makedirs(wants, exist_ok=True)
    os.symlink(path, os.path.join(wants, unit))


@pytest.fixture(scope="module")
def system(top, dev_tree, tmp_path_factory):
    """It has booted, and the host has answered."""
    root = str(tmp_path_factory.mktemp("installed"))
    subprocess.run([os.path.join(top, "dev"), "install", f"--destdir={root}"], check=True,
                   stdin=subprocess.DEVNULL, capture_output=True)
    unit = f"/usr/lib/systemd/system/{AGENT}.service"
    write(root, "/etc/wslbridge/agent.conf", "[agent]\nhelper = unix:/run/host\n")
    write(root, "/etc/wslbridge/services.d/web.ini", "[service]\nlisten = 8080\n")
    subprocess.run(["systemctl", f"--root={root}", "enable", AGENT], check=True, capture_output=True)
    write(root, "/usr/local/sbin/host", HOST, 0o755)
    shutil.copy(os.path.join(dev_tree, "tests/host/wslbridge-test-host"), os.path.join(root, "usr/local/sbin"))
    write(root, f"{UNITS}/host.service", HOST_UNIT)
    enable(root, "host.service", f"{UNITS}/host.service")
    with open(root + unit, encoding="utf-8") as file:
        write(root, f"{UNITS}/nothing.service", nothing_unit.made_of(file.read()))
    enable(root, "nothing.service", f"{UNITS}/nothing.service")
    with Booted(tmp_path_factory.mktemp("booted") / "system", root, target="multi-user.target") as booted:
        booted.wait(lambda: '"result"' in booted.call("cat", "/run/host.answers").stdout, "the host's answer")
        yield booted


def show(system, unit, what):
    return system.run("systemctl", "show", "-P", what, "--", unit)


def test_it_waits_only_for_what_it_needs(system):
    """Directly or through what it waits for."""
    seen, new = set(), {f"{AGENT}.service"}
    while new:
        seen |= new
        new = {after for unit in new for after in show(system, unit, "After").split()} - seen
    assert not seen.intersection(EARLIER)
    assert "systemd-tmpfiles-setup.service" in seen
    assert set(show(system, AGENT, "Before").split()) == {"multi-user.target", "shutdown.target"}
    assert set(show(system, AGENT, "WantedBy").split()) == {"sysinit.target"}
    assert "ordering cycle" not in system.journal()


def test_everything_works_that_early(system, number):
    """The figures are seconds since the start of systemd."""
    began = int(system.run("systemctl", "show", "-P", "UserspaceTimestampMonotonic"))
    events = [json.loads(line) for line in system.run("cat", "/run/host.answers").splitlines()]
    at = {name: int(show(system, unit, f"{what}Monotonic")) for name, unit, what in (
        ("its folders", "systemd-tmpfiles-setup", "ActiveEnterTimestamp"),
        ("its start", AGENT, "ExecMainStartTimestamp"),
        ("a unit that does nothing has run", "nothing", "ExecMainExitTimestamp"),
        ("basic.target", "basic.target", "ActiveEnterTimestamp"),
        ("multi-user.target", "multi-user.target", "ActiveEnterTimestamp"))}
    at["STATE"] = next(e["usec"] for e in events if e.get("event") == "state" and e["address"])
    at["RESULT"] = next(e["usec"] for e in events if e.get("event") == "result")
    number("boot in namespaces: " + ", ".join(f"{name} {(usec - began) / 1e6:.2f}" for name, usec in at.items()))
    assert system.status()["helper"]["connected"]
    assert [service["state"] for service in system.status()["services"]] == ["active"]
    assert show(system, AGENT, "NRestarts") == "0"


def test_a_kernel_without_modules_is_no_failure(system):
    """modprobe@.service is skipped here, as in a container. Without its condition it runs, and modprobe says what
    it says where a module or the folder of modules is missing."""
    module = "modprobe@hv_sock.service"
    assert show(system, module, "ConditionResult") == "no" and show(system, AGENT, "ActiveState") == "active"
    assert module in show(system, AGENT, "Wants").split() and module in show(system, AGENT, "After").split()
    system.write("/usr/sbin/modprobe", "#!/bin/sh\nexit 1\n", "755")
    system.write("/run/systemd/system/modprobe@.service.d/run.conf", "[Unit]\nConditionCapability=\n")
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "start", module)
    assert show(system, module, "ConditionResult") == "yes" and show(system, module, "Result") == "success"
    assert show(system, module, "ExecMainStatus") == "1"
    failed = system.run("systemctl", "list-units", "--failed", "--plain", "--no-legend")
    assert module not in failed and "modules-load" not in failed
    assert not system.call("find", "/usr/lib/modules-load.d", "-name", "*wslbridge*").stdout
