# SPDX-License-Identifier: MIT
"""Real AF_VSOCK of the kernel, to a listener in the same guest (CID 1)."""
import json
import re

import pytest
from conftest import ADDRESS, AGENT, NETWORK, PORT

HELPER_DOWN = "f8b762e572c0404aa15e1533cb8c78e7"  # agent/util/catalog-ids.h
HELPER_UP = "1610c265a4fa4daf8063ae4e97c5fa70"

# The kernel of WSL has its AF_VSOCK built in. Here a module has it, which the boot loads before the agent.
DROP_IN = f"/etc/systemd/system/{AGENT}.service.d/vsock.conf"
MODULE = "modprobe@vsock_loopback.service"
READY_SHARE = 0.2  # of the boot, at most, from the first line of the agent until it is ready


def texts(entries, message_id=None):
    return [e["MESSAGE"] for e in entries if message_id in (None, e.get("MESSAGE_ID"))]


@pytest.fixture
def without_host(guest):
    guest.stop_host()
    yield guest
    guest.start_host()


def test_the_host_sees_a_privileged_source_port(guest, number):
    """The kernel gives one only with CAP_NET_BIND_SERVICE in the first user namespace. It proves that the
    peer is not an ordinary user of the guest."""
    seen = re.findall(r"source port (\d+)( \(privileged\))?", guest.run("cat /run/host/log"))
    assert seen and all(int(port) < 1024 and privileged for port, privileged in seen), seen
    number(f"source ports seen by the host: {', '.join(port for port, _ in seen)}")


def test_nobody_listens(without_host):
    """This is normal for minutes: the agent tries again with growing pauses and logs one line."""
    guest = without_host
    since = guest.moment()
    guest.run(f"systemctl restart {AGENT}")
    assert guest.run(f"systemctl is-active {AGENT}") == "active"  # the start does not wait for Windows
    guest.within(30, "true", guest.has('.helper.error.cause == "unreachable"'))
    guest.within(60, "true", guest.has(".counters.connects == 0"))
    guest.run("sleep 5")  # a few more tries
    said = texts(guest.entries(since), HELPER_DOWN)
    assert len(said) == 1 and f"Cannot reach the helper at vsock:1:{PORT}" in said[0], said
    assert guest.status()["helper"]["state"] == "waiting"


def test_host_comes_late(without_host):
    guest = without_host
    guest.run(f"systemctl restart {AGENT}")
    guest.within(30, "true", guest.has('.helper.error.cause == "unreachable"'))
    guest.start_host()
    guest.within(40, "true", guest.has(".helper.connected"))


def test_the_key_is_for_one_identity_only(guest):
    """The same guest under another name, as a copied distribution would be: it has the key of the first."""
    drop_in = f"/run/systemd/system/{AGENT}.service.d"
    restart = f"systemctl daemon-reload; systemctl restart {AGENT}"
    try:
        guest.run(f"mkdir -p {drop_in}; "
                  f"printf '[Service]\\nEnvironment=WSL_DISTRO_NAME=Copy\\n' > {drop_in}/name.conf; {restart}")
        guest.within(40, "true", guest.has('.helper.error.code == "not-paired"'))
        assert guest.status()["agent"]["distro"] == "Copy"
    finally:
        guest.run(f"rm -r {drop_in}; {restart}")
    guest.wait_connected()


@pytest.fixture
def booted_without_host(guest):
    """The service is enabled, and has a service to expose. The network is not there either, because the tests
    make it."""
    guest.within(5, guest.drop_in("web", ["listen = 8080"]), guest.is_state("web", "active"))
    guest.write(DROP_IN, f"[Unit]\nWants={MODULE}\nAfter={MODULE}\n")
    guest.machine.reboot()
    yield guest
    guest.run(f"rm {DROP_IN}; systemctl daemon-reload")


def test_a_boot_without_a_host(booted_without_host, number):
    """Windows' half may come minutes later, or never."""
    guest = booted_without_host
    assert guest.ask(f"systemctl is-active {AGENT}") == (0, "active\n")
    assert guest.run(f"systemctl show -P NRestarts {AGENT}") == "0"
    boot, (_, ready) = guest.boot_seconds(), guest.start_seconds()
    number(f"boot of user space without a host {boot:.2f} s; the agent's own share until it is ready {ready:.2f} s")
    assert ready <= boot * READY_SHARE
    assert guest.status()["guest"]["problem"]

    guest.run(NETWORK)
    guest.within(30, "true", guest.has(f'.guest.ipv4.address == "{ADDRESS}" and .helper.state == "waiting" and '
                                       '.helper.error.cause == "unreachable"'))
    guest.run("sleep 5")  # a few more tries
    assert guest.service("web")["state"] == "pending"
    shown = guest.run("wslbridgectl status")
    assert re.search(r"^ *helper: +not connected since .* \(unreachable: ", shown, re.MULTILINE), shown
    assert "helper not connected; 0 of 1 services active" in guest.run(f"systemctl status {AGENT}")
    entries = guest.entries(0, "-b")
    said = texts(entries, HELPER_DOWN)
    assert len(said) == 1 and f"Cannot reach the helper at vsock:1:{PORT}" in said[0], said
    assert texts(entries, HELPER_UP) == []

    guest.start_host()  # nothing else changes from now on
    guest.within(60, "true", guest.is_state("web", "active"))
    assert guest.rules() == {"0.0.0.0/8080": f"{ADDRESS}/8080"}
    entries = guest.entries(0, "-b")
    assert (len(texts(entries, HELPER_DOWN)), len(texts(entries, HELPER_UP))) == (1, 1)


@pytest.mark.parametrize("signal", ["TERM", "KILL"])
def test_host_is_restarted(guest, signal):
    guest.within(5, guest.drop_in("web", ["listen = 8080"]), guest.is_state("web", "active"))
    rules = guest.rules()
    guest.stop_host(signal)
    guest.within(10, "true", guest.is_state("web", "pending"))
    guest.start_host()
    guest.within(60, "true", guest.is_state("web", "active"))
    assert guest.rules() == rules


def test_address_changes(guest, number):
    guest.within(5, guest.drop_in("web", ["listen = 8080"]), guest.is_state("web", "active"))
    try:
        took = guest.within(1, "ip addr del 172.28.64.10/20 dev eth0 && "
                               "ip addr add 172.28.64.99/20 dev eth0 && "
                               "ip route replace default via 172.28.64.1 dev eth0",
                            guest.has('.guest.ipv4.address == "172.28.64.99" and '
                                      '.last_update.usec > 0 and .services[0].state == "active"'))
        assert guest.rules() == {"0.0.0.0/8080": "172.28.64.99/8080"}
        usec = guest.status()["last_update"]["usec"]
        number(f"in the status after {took * 1000:.0f} ms; kernel event -> RESULT over vsock, "
              f"emulated: {usec / 1000:.1f} ms")
    finally:
        guest.run("ip addr del 172.28.64.99/20 dev eth0; ip addr add 172.28.64.10/20 dev eth0; "
                  "ip route replace default via 172.28.64.1 dev eth0")
        guest.within(5, "true", guest.has('.guest.ipv4.address == "172.28.64.10"'))


def test_events_of_the_journal_have_their_fields(guest):
    since = guest.moment()
    guest.within(5, guest.drop_in("web", ["listen = 8080"]), guest.is_state("web", "active"))
    guest.within(5, "true", f"journalctl -u {AGENT} --since=@{since} | grep -q web")
    entry = next(e for e in guest.entries(since) if e.get("WSLBRIDGE_SERVICE") == "web")
    assert entry["WSLBRIDGE_STATE"] == "active" and len(entry["MESSAGE_ID"]) == 32
    assert json.dumps(entry)  # the whole entry
