# SPDX-License-Identifier: MIT
"""Services on 127.0.0.1 in the booted guest: the path unit starts the program, its sandbox stops nothing
that it does, and it comes and goes with the services."""
import re

import pytest

from conftest import ADDRESS, AGENT, GATEWAY, PREFIX
from test_sandbox import NET_BIND_SERVICE, refused

LOOPBACK = "wslbridge-loopback"
COMM = LOOPBACK[:15]  # as the kernel cuts it
STRANGER = "172.28.64.7"

# The host's end of eth0, in a namespace of the guest.
OUTSIDE = f"""
    modprobe veth
    ip link del eth0
    ip netns add outside
    ip link add eth0 type veth peer name peer0 netns outside
    ip -n outside link set lo up
    ip -n outside link set peer0 up
    ip -n outside addr add {GATEWAY}/{PREFIX} dev peer0
    ip -n outside addr add {STRANGER}/{PREFIX} dev peer0
    ip link set eth0 up
    ip addr add {ADDRESS}/{PREFIX} dev eth0
    ip route add default via {GATEWAY} dev eth0
    """


def ask(port, text="ping", source=GATEWAY, protocol="TCP"):
    return (f"[ \"$(echo {text} | ip netns exec outside socat -t5 - "
            f"{protocol}:{ADDRESS}:{port},bind={source})\" = {text} ]")


@pytest.fixture
def outside(guest):
    guest.run(OUTSIDE)
    yield guest
    # The next test makes its own network again.
    guest.run("systemctl stop 'echo-*' 2>/dev/null; ip netns del outside; ip link del eth0 2>/dev/null; true")


@pytest.fixture
def carried(outside):
    """TCP and UDP, both on a port below 1024."""
    guest = outside
    guest.run("systemd-run --quiet --collect --unit=echo-tcp "
              "socat TCP-LISTEN:80,bind=127.0.0.1,reuseaddr,fork EXEC:cat")
    guest.run("systemd-run --quiet --collect --unit=echo-udp "
              "socat UDP-RECVFROM:53,bind=127.0.0.1,fork EXEC:cat")
    guest.run(guest.drop_in("web", ["listen = 8080", "connect-port = 80", "connect = loopback"]))
    guest.within(30, guest.drop_in("dns", ["listen = 53", "protocol = udp", "connect = loopback"]),
                 guest.has('[.services[] | .loopback.state] == ["carried", "carried"]'))
    return guest


def pid(guest):
    return int(guest.run(f"systemctl show -P MainPID {LOOPBACK}"))


def test_it_comes_and_goes_with_the_services(carried):
    guest = carried
    guest.within(20, "true", ask(80))
    guest.within(20, "true", ask(53, protocol="UDP"))
    assert guest.ask(ask(80, source=STRANGER))[0] != 0
    for _ in range(5):
        before = pid(guest)
        took = guest.within(60, f"systemctl restart {AGENT}", guest.has(".helper.connected"))
        guest.within(20, "true", ask(80))
        if took < 8:  # it ends ten seconds after its table has gone, which a busy machine may need
            break
    assert took < 8 and pid(guest) == before
    guest.run(f"kill -KILL {before}")
    guest.within(30, "true", ask(80))
    assert pid(guest) != before
    guest.run("rm /etc/wslbridge/services.d/web.ini")
    guest.within(20, "true", "! " + ask(80))
    assert any(guest.ask(ask(53, protocol="UDP"))[0] == 0 for _ in range(3))  # one may be lost
    guest.within(20, "rm /etc/wslbridge/services.d/dns.ini", f"! systemctl -q is-active {LOOPBACK}")
    assert guest.run(f"systemctl show -P Result {LOOPBACK}").strip() == "success"
    assert guest.run(f"systemctl is-active {LOOPBACK}.path").strip() == "active"
    assert guest.ask("test -e /run/wslbridge/loopback")[0] == 1


def test_it_ends_with_the_agent(carried):
    guest = carried
    guest.within(30, f"systemctl stop {AGENT}", f"! systemctl -q is-active {LOOPBACK}")
    assert guest.ask(f"systemctl -q is-active {LOOPBACK}.path")[0] != 0


def test_the_kernel_refuses_no_call(outside, request):
    with refused(outside) as calls:
        guest = request.getfixturevalue("carried")
        guest.within(20, "true", ask(80))
        guest.within(20, "true", ask(53, protocol="UDP"))
        guest.within(20, "rm /etc/wslbridge/services.d/*.ini", f"! systemctl -q is-active {LOOPBACK}")
    assert [line for name, line in calls if name in (AGENT, COMM)] == []


def test_the_sandbox(carried, number):
    guest = carried
    status = dict(re.findall(r"^(\w+):\s*(.*)$", guest.run(f"cat /proc/{pid(guest)}/status"), re.MULTILINE))
    for kind in ("CapEff", "CapPrm", "CapAmb", "CapInh", "CapBnd"):
        assert int(status[kind], 16) == NET_BIND_SERVICE, f"{kind} {status[kind]}"
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert status["Uid"].split()[0] not in ("0", "65534")
    enter = f"nsenter -t {pid(guest)} -m"
    for path in ("/etc/x", "/usr/x", "/var/x", "/run/wslbridge/agent/x"):
        code, output = guest.ask(f"{enter} touch {path}")
        assert code == 1 and "Read-only" in output, f"{path}: {output}"
    text = guest.run(f"systemd-analyze security --no-pager {LOOPBACK} | tail -n 1")
    exposure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", text)[1])
    number(f"exposure level of {LOOPBACK} {exposure}")
    assert exposure <= 1.3
