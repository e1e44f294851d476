# SPDX-License-Identifier: MIT
"""The agent in its real environment: a booted Debian with systemd, journald and kernel AF_VSOCK.

All tests share one guest. It has the agent's package installed, eth0 with an address behind a gateway, and the
test host (the helper's real core) at the other end of a vsock, in the same guest.
"""
import json
import os
import shlex
import shutil
import subprocess

import identity
import janitor
import pytest
import setup_host
from virtual_machine import Machine

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CACHE = os.environ.get("WSLBRIDGE_CACHE", "/var/cache/wslbridge")

ADDRESS, GATEWAY, PREFIX = "172.28.64.10", "172.28.64.1", 20
KEY = bytes(range(100, 132)).hex()
PORT = 1465076802  # as in wslbridge.conf(5), but the guest itself is the host
STATUS = "/run/wslbridge/status.json"
SERVICES = "/etc/wslbridge/services.d"
AGENT = "wslbridge-agent"


# Makes the interface of a guest, after each boot. A dummy adapter is enough for an address.
NETWORK = f"""
    modprobe dummy numdummies=0
    ip link add eth0 type dummy
    ip link set lo up
    ip link set eth0 up
    ip addr add {ADDRESS}/{PREFIX} dev eth0
    ip route add default via {GATEWAY} dev eth0
    """


class Guest:
    """The Machine, in terms of the tests."""

    def __init__(self, machine):
        self.machine = machine
        self.run, self.ask = machine.run, machine.ask
        self.within, self.write = machine.within, machine.write

    def status(self):
        return json.loads(self.run(f"cat {STATUS}"))

    def service(self, name):
        return next((s for s in self.status()["services"] if s["name"] == name), None)

    def has(self, jq):
        """A condition on the status, for within()."""
        return f"jq -e '{jq}' {STATUS}"

    def is_state(self, name, state):
        return self.has(f'.services[] | select(.name == "{name}") | .state == "{state}"')

    def drop_in(self, name, lines):
        """The command that saves a drop-in in the guest."""
        text = "[service]\n" + "\n".join(lines)
        return (f"cat > {SERVICES}/{name}.ini.new <<'END'\n{text}\nEND\n"
                f"mv {SERVICES}/{name}.ini.new {SERVICES}/{name}.ini")

    def pid(self):
        return int(self.run(f"systemctl show -P MainPID {AGENT}"))

    def moment(self):
        """Now, for journal(since=…). This is not a cursor, because journalctl 252 skips the first entry
        after a cursor whose own entry does not match the other filters."""
        return self.run("echo $EPOCHREALTIME")

    def journal(self, since, options=""):
        return self.run(f"journalctl -u {AGENT} --no-pager --since=@{since} {options}")

    def reported(self, since, text):
        """A condition for within(): since then the journal has this text (or MESSAGE_ID=)."""
        return f"journalctl -u {AGENT} --since=@{since} -o export | grep -qaF {shlex.quote(text)}"

    def entries(self, since, options=""):
        text = self.journal(since, f"-o json {options}")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def shown(self, unit, what):
        """A moment of a unit, in seconds since the start of the kernel."""
        return int(self.run(f"systemctl show -P {what}TimestampMonotonic {shlex.quote(unit)}")) / 1e6

    def boot_seconds(self):
        """The boot time of user space, without the kernel's."""
        begin, end = (int(self.run(f"systemctl show -P {what}TimestampMonotonic")) for what in ("Userspace", "Finish"))
        return (end - begin) / 1e6

    def start_seconds(self):
        """(time until the agent logs its first line, time from there until it is ready). The first part is
        mostly systemd making the sandbox; the agent logs when it has read its configuration."""
        entry = json.loads(self.run(f"journalctl -b -u {AGENT} -o json | grep -m 1 ' started: '"))
        said = int(entry["__MONOTONIC_TIMESTAMP"]) / 1e6
        return said - self.shown(AGENT, "ExecMainStart"), self.shown(AGENT, "ActiveEnter") - said

    def owner(self):
        return identity.owner(self.run("cat /etc/machine-id"), self.run("hostname"))

    def start_host(self, *options):
        """Start the other end on the vsock of this guest, unless it runs already. This guest's identity
        is the only one that has a key, as on a real host."""
        if self.ask("systemctl -q is-active test-host")[0] == 0:
            return
        self.run(f"modprobe vsock_loopback; rm -f /run/host/answers /run/host/log; "
                 f"systemd-run --quiet --collect --unit=test-host /package/test/host.sh "
                 f"--listen vsock:{PORT} --key {self.owner()}={KEY} --goodbye-ms 500 --recovery-ms 2000 "
                 f"--events {' '.join(options)}")
        self.within(20, "true", "grep -q 'listening on' /run/host/log")

    def stop_host(self, signal="TERM"):
        self.run(f"systemctl kill -s {signal} test-host")
        self.within(20, "true", "! systemctl -q is-active test-host")

    def host(self, command):
        """The host's answer to a command of the test host."""
        pattern = f'"command": *"{command}"'
        return json.loads(self.run(f"""
            n=$(grep -c '{pattern}' /run/host/answers)
            echo {command} > /run/host/commands
            until [ "$(grep -c '{pattern}' /run/host/answers)" -gt "$n" ]; do
                sleep 0.05
            done
            grep '{pattern}' /run/host/answers | tail -n 1"""))

    def rules(self):
        """The host's rules: {"0.0.0.0/8080": "172.28.64.10/8080"}."""
        return {r["name"]: r["data"] for r in self.host("rules")["rules"]}

    def wait_connected(self):
        self.within(40, "true", self.has(".helper.connected"))


def pytest_collection_modifyitems(items):
    """Only the first test sees the guest as the package has left it."""
    items.sort(key=lambda item: item.path.name != "test_installation.py")


@pytest.fixture(scope="session")
def image():
    """The guest's disk. ./dev has made it already, where the user can see that it takes a minute."""
    return subprocess.run([os.path.join(HERE, "image", "make.sh"), CACHE], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.strip()


@pytest.fixture(scope="session")
def package():
    """The files for the guest: its package, and the programs of the tests."""
    folder = os.path.join(janitor.current_run(), "package")
    os.makedirs(os.path.join(folder, "test"))
    shutil.copy(setup_host.guest_deb(TOP), os.path.join(folder, "wslbridge.deb"))
    for path in (os.path.join(TOP, "build/release/tests/host/wslbridge-test-host"),
                 os.path.join(HERE, "host.sh")):
        shutil.copy(path, os.path.join(folder, "test"))
    yield folder
    janitor.remove_tree(folder)


# An emulated guest on a busy machine may need minutes for a start, and longer than the units allow.
PATIENT = "[Service]\nTimeoutStartSec=900\nTimeoutStopSec=900\n"


def set_up(guest, network=NETWORK):
    """Install and pair the agent, but do not start it."""
    for unit in (AGENT, "wslbridge-loopback"):
        guest.run(f"mkdir -p /etc/systemd/system/{unit}.service.d")
        guest.write(f"/etc/systemd/system/{unit}.service.d/patient.conf", PATIENT)
    guest.run("dpkg -i /package/wslbridge.deb 2>&1")
    guest.run(network)
    guest.write("/etc/wslbridge/agent.conf", f"[agent]\nhelper = vsock:1:{PORT}\n")
    guest.write("/etc/wslbridge/key", KEY + "\n", mode=0o600)
    return guest


@pytest.fixture(scope="session")
def machine(image, package):
    folder = os.path.join(janitor.current_run(), "machine")
    with Machine(image, folder, package) as started:
        yield started
    janitor.remove_tree(folder)


@pytest.fixture(scope="session")
def installed(machine):
    return set_up(Guest(machine))


@pytest.fixture
def guest(installed):
    """Connected to the test host, with nothing exposed before and after the test."""
    installed.start_host()
    if installed.ask("test -e /sys/class/net/eth0")[0] != 0:  # the guest was booted again
        installed.run(NETWORK)
    installed.run(f"systemctl -q is-enabled {AGENT} && systemctl -q is-active {AGENT} || "
                  f"systemctl enable --quiet --now {AGENT}")
    installed.wait_connected()
    yield installed
    installed.run(f"rm -f {SERVICES}/* /run/wslbridge/services.d/* /usr/lib/wslbridge/services.d/*")
