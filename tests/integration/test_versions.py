# SPDX-License-Identifier: MIT
"""Version 2 of the protocol, and version-1 peers on either side: the kept programs of release 0.1 talk
to the present ones. tests/kept-0.1/README.md says how they were made."""
import lzma
import os
import platform
import struct

import pytest

from guest import wait_until
from test_bad_helpers import CHALLENGE, RESULT, STATE, WELCOME, frame, read_frame

KEPT = os.path.join(os.path.dirname(os.path.dirname(__file__)), "kept-0.1")


def kept(name, folder):
    """Unpack a kept program. Return: its path."""
    if platform.machine() != "x86_64":
        pytest.skip("the kept programs are for x86-64")
    path = os.path.join(folder, f"{name}-0.1")
    with lzma.open(os.path.join(KEPT, f"{name}.xz")) as packed, open(path, "wb") as f:
        f.write(packed.read())
    os.chmod(path, 0o755)
    return path


@pytest.fixture
def old_host(guest, host):
    host.exe = kept("wslbridge-test-host", guest.folder)
    return host


@pytest.fixture
def old_agent(guest):
    guest.exe = kept("wslbridge-agent", guest.folder)
    return guest


def state_of(guest, name):
    return guest.service_status(name).get("state")


def test_both_ends_speak_version_2(connected):
    guest, host = connected
    web = guest.service_status("web")
    assert (web["forwarder"], web["forwarder_reason"]) == ("portproxy", "default")
    assert web["options"] == {"protocol": "tcp", "client-address": "hidden", "connect": "address",
                              "forwarder": "auto"}
    [agent] = host.command("agents")["agents"]
    assert [(s["forwarder"], s["why"]) for s in agent["services"]] == [("portproxy", "default")]


@pytest.mark.parametrize("line", ["protocol = udp", "client-address = proxy-v2",
                                  "forwarder = relay"])
def test_without_a_relay_the_service_is_refused_by_name(connected, line):
    guest, host = connected
    guest.service("wish", f"listen = 5060\n{line}")
    guest.wait_state("wish", "refused")
    wish = guest.service_status("wish")
    assert wish["reason"] == "no-relay" and wish["forwarder"] is None
    assert wish["text"].startswith(f"'{line}' needs the relay")
    host.wait_rules({"0.0.0.0/8080": "10.9.0.2/80"})
    guest.service("wish", "listen = 5060")  # and it works as soon as it asks for no more
    guest.wait_state("wish", "active")


def test_the_same_port_of_both_protocols(connected):
    guest, host = connected
    guest.service("dns", "listen = 8080\nprotocol = udp")
    guest.wait_state("dns", "refused")
    assert state_of(guest, "web") == "active"
    host.wait_rules({"0.0.0.0/8080": "10.9.0.2/80"})


def test_connect_is_only_shown(connected):
    guest, host = connected
    guest.service("local", "listen = 8081\nconnect = loopback")
    guest.wait_state("local", "active")
    assert guest.service_status("local")["options"]["connect"] == "loopback"
    host.wait_rules({"0.0.0.0/8080": "10.9.0.2/80", "0.0.0.0/8081": "10.9.0.2/8081"})


def tagged(number, value):
    return struct.pack(">HH", number, len(value)) + value


def newer_helper(whole, service):
    """A helper that speaks version 2 and answers each STATE with these fields."""
    def behave(connection):
        stream = connection.makefile("rb")
        read_frame(stream)
        connection.sendall(frame(CHALLENGE, b"\2" + bytes(32) + struct.pack(">II", 16, 30000) +
                                 b"\4test"))
        read_frame(stream)
        connection.sendall(frame(WELCOME, b"\0"))
        while True:
            kind, payload = read_frame(stream)
            if kind == STATE:
                lists = [bytes([len(fields)]) + b"".join(fields) for fields in (whole, service)]
                connection.sendall(frame(RESULT, payload[:8] + lists[0] + struct.pack(">I", 1) +
                                         lists[1]))
    return behave


ACTIVE_FIELD = tagged(0x8001, b"\1")


@pytest.mark.parametrize("whole,service,number", [
    ([tagged(0x8009, b"x")], [ACTIVE_FIELD], "0x8009"),
    ([], [ACTIVE_FIELD, tagged(0x8010, b"x")], "0x8010"),
    ([], [tagged(0x8001, b"\x63")], "0x8001"),  # a state of the future
])
def test_an_answer_that_only_a_newer_agent_understands(guest, peer, whole, service, number):
    guest.service("web", "listen = 8080")
    peer(newer_helper(whole, service))
    guest.start()
    guest.wait_state("web", "refused")
    web = guest.service_status("web")
    assert web["reason"] == "unknown-field"
    assert web["text"] == (f"the helper's answer has the field {number}, which this agent does not "
                           "know; update wslbridge in this guest")


def test_an_answer_with_more_than_the_agent_needs(guest, peer):
    guest.service("web", "listen = 8080")
    peer(newer_helper([tagged(0x0009, b"x")], [ACTIVE_FIELD, tagged(0x0004, b"\x63"),
                                               tagged(0x0009, b"x")]))
    guest.start()
    guest.wait_state("web", "active")
    assert guest.service_status("web")["forwarder"] == "unknown"


def test_an_old_helper_gets_what_version_1_can_say(guest, old_host, control):
    guest.service("a-udp", "listen = 53\nprotocol = udp")
    guest.service("local", "listen = 8081\nconnect = loopback")
    guest.service("proxy", "listen = 8443\nclient-address = proxy-v2")
    guest.service("taken", "listen = 8082")
    guest.service("web", "listen = 8080\nconnect-port = 80")
    old_host.start()
    old_host.command("foreign-set v4tov4 0.0.0.0/8082 10.1.2.3/80")
    guest.start()
    guest.wait_state("web", "active")
    # Each answer belongs to its service, although the host has only three of the five.
    assert [state_of(guest, n) for n in ("a-udp", "local", "proxy", "taken", "web")] == \
        ["refused", "active", "refused", "conflict", "active"]
    udp = guest.service_status("a-udp")
    assert udp["reason"] == "helper-too-old"
    assert udp["text"] == "'protocol = udp' needs a newer helper; update wslbridge on Windows"
    assert "client-address = proxy-v2" in guest.service_status("proxy")["text"]
    assert old_host.rules() == {"0.0.0.0/8080": "10.9.0.2/80", "0.0.0.0/8081": "10.9.0.2/8081",
                                "0.0.0.0/8082": "10.1.2.3/80"}
    assert control.run("status", "a-udp")[0] == 3
    # A change of the address is in force for those that the host has.
    address = guest.new_address()
    wait_until(lambda: old_host.rules().get("0.0.0.0/8080") == f"{address}/80", "the new address")
    assert state_of(guest, "a-udp") == "refused"
    # Without what version 1 cannot say, the service is sent.
    guest.service("a-udp", "listen = 53")
    guest.wait_state("a-udp", "active")


def test_an_old_helper_and_only_services_that_it_cannot_know(guest, old_host):
    guest.service("dns", "listen = 53\nprotocol = udp")
    old_host.start()
    guest.start()
    guest.wait_state("dns", "refused")
    assert guest.service_status("dns")["reason"] == "helper-too-old"
    [agent] = old_host.command("agents")["agents"]
    assert agent["services"] == []


def test_the_helper_is_updated_and_taken_back(guest, host):
    """In each order: what the other end answers is never taken for more than it is."""
    new = host.exe
    old = kept("wslbridge-test-host", guest.folder)
    guest.service("dns", "listen = 53\nprotocol = udp")
    guest.service("web", "listen = 8080")
    guest.start()
    for exe, reason in ((old, "helper-too-old"), (new, "no-relay"), (old, "helper-too-old")):
        host.exe = exe
        host.start()
        wait_until(lambda: guest.service_status("dns").get("reason") == reason, reason)  # pylint: disable=cell-var-from-loop
        guest.wait_state("web", "active")
        host.stop()


def test_an_old_agent_is_served_as_before(old_agent, host):
    old_agent.service("taken", "listen = 8082")
    old_agent.service("web", "listen = 8080\nconnect-port = 80")
    host.start()
    host.command("foreign-set v4tov4 0.0.0.0/8082 10.1.2.3/80")
    old_agent.start()
    old_agent.wait_state("web", "active")
    old_agent.wait_state("taken", "conflict")
    address = old_agent.new_address()
    host.wait_rules({"0.0.0.0/8080": f"{address}/80", "0.0.0.0/8082": "10.1.2.3/80"})
    old_agent.service("more", "listen = 8083")
    old_agent.wait_state("more", "active")


def test_the_agent_is_updated(guest, host):
    """The rules of the older agent become those of the newer one, without a gap."""
    new = guest.exe
    guest.service("web", "listen = 8080")
    host.start(goodbye_ms=60_000)  # a new program may take a second to start
    guest.exe = kept("wslbridge-agent", guest.folder)
    guest.start()
    guest.wait_state("web", "active")
    before = host.stats()["writes"]
    guest.stop()
    guest.exe = new
    guest.start()
    guest.wait_state("web", "active")
    assert guest.service_status("web")["forwarder"] == "portproxy"
    assert host.stats()["writes"] == before and host.stats()["deletes"] == 0


def test_an_old_helper_does_not_say_where_the_guest_is(guest, old_host):
    """So nobody knows whether the gateway is the host, and it is not let in."""
    guest.service("web", "listen = 8080")
    guest.service("lo", "listen = 8082\nconnect = loopback")
    old_host.start()
    guest.start(without=["WSLBRIDGE_WSL_FOLDER"])
    guest.wait_state("web", "active")
    wait_until(lambda: (guest.service_status("lo")["loopback"] or {}).get("state") == "no-host",
               lambda: f"{guest.service_status('lo')}\n{guest.log()}")
    assert "told by the helper that its gateway is the Windows host" in \
        guest.service_status("lo")["loopback"]["text"]
    assert guest.status()["guest"]["mode"] == "unknown"
    assert not os.path.exists(os.path.join(guest.state, "loopback.wanted"))
