# SPDX-License-Identifier: MIT
"""From a guest's request to an answered datagram: the installed helper writes the relay's table, starts
its service while the table has values, and sees whether it listens."""

import contextlib
import socket
import time

import pytest
from installed_helper import KEY, OWNER, RUNNING, STOP, STOPPED, V4
from installed_machine import RELAY_SERVICE
from vswitch import GUESTS
from waiting import wait_until
from wsb_client import RESULT, Client, TaggedResult, field, tagged_service

UDP, BY_RELAY = field(0x8005, b"\1"), field(0x8008, b"\1")
PORTPROXY, RELAY = 1, 2  # the forwarders, in docs/protocol.md
HOST, PORT = "192.168.50.1", 28353
# Of a UDP socket on one address Wine 8 reports all addresses (fact 10.1.17), so it listens on all.
LISTEN = f"0.0.0.0:{PORT}"
OTHER = "172.29.0.3"


def connect(machine):
    """A client of the service that speaks version 2."""
    client = wait_until(lambda: dial(machine.service.port), 60, "the service listening")
    client.handshake((1, 2))
    return client


def end_process(machine):
    """As a crash would. After kill -9 Wine 8 may keep the relay's port (fact 10.1.16)."""
    machine.service.prefix.run("taskkill", "/F", "/PID", str(machine.relay()["pid"]))


def dial(port):
    try:
        return Client(port, key=KEY)
    except OSError:
        return None


@pytest.fixture
def agent(machine, registry, lan):
    """A guest of the installed helper."""
    registry.set_key(OWNER, KEY)
    code, output = machine.install("old")
    assert code == 0, output
    with connect(machine) as client:
        yield client


def push(agent, *services, v4=V4):
    """The services, until none is pending. Returns their answers."""
    def settled():
        answers = agent.push_tagged(list(services), v4=v4)
        return answers if all(a[0] != "pending" for a in answers) else None

    return wait_until(settled, 60, "the relay", interval=0.3)


def ask(client, text, interval=0.1):
    """The answer to a datagram, which may have to be sent again while the relay starts."""
    def answer():
        client.sendto(text, (HOST, PORT))
        try:
            got = client.recvfrom(65536)[0]
        except socket.timeout:
            return None
        return got if got == text else None  # else that to an earlier one, which was sent twice

    return wait_until(answer, 60, "an answer", interval=interval)


def test_a_datagram(machine, agent, registry, serve_udp, udp_client, number):
    server = serve_udp(port=PORT)
    client = udp_client(timeout=2)
    assert machine.relay_state() == STOPPED
    dns, = push(agent, tagged_service("dns", LISTEN, UDP))
    assert (dns[0], dns[3]) == ("active", RELAY), dns
    assert registry.strings(r"SOFTWARE\wslbridge\Relay\v4tov4\udp") == {f"0.0.0.0/{PORT}": server.endpoint}
    machine.wait_relay(RUNNING)
    assert ask(client, b"who") == b"who"
    # A crash costs the sessions, not the rule. The helper starts the relay again.
    before = registry.rules(), registry.ledger()
    end_process(machine)
    began = time.monotonic()
    assert ask(udp_client(timeout=0.05), b"back", interval=0.01) == b"back"
    number(f"the relay's process was ended; a client was answered again after {time.monotonic() - began:.2f} s")
    assert ask(client, b"again") == b"again"
    assert (registry.rules(), registry.ledger()) == before and before[1]
    # So does an administrator who stops it.
    assert machine.service.call("control", RELAY_SERVICE, STOP) == {}
    assert ask(client, b"and again") == b"and again"


def test_the_table_is_changed_behind_the_helpers_back(machine, agent, registry, serve_udp):
    """What somebody deletes comes back. What somebody changes is his from then on."""
    server, name = serve_udp(port=PORT), LISTEN.replace(":", "/")
    table = r"SOFTWARE\wslbridge\Relay\v4tov4\udp"
    dns = tagged_service("dns", LISTEN, UDP)
    assert push(agent, dns)[0][0] == "active"
    took = []
    for _ in range(3):
        time.sleep(4)  # right after a change the helper looks by itself, and later every ten seconds
        began = time.monotonic()
        registry.delete(table, name)
        wait_until(lambda: registry.strings(table) == {name: server.endpoint}, 40, "the value again")
        took.append(time.monotonic() - began)
    assert min(took[1:]) < 5, took
    registry.set(table, name, f"{OTHER}/{PORT}")
    wait_until(lambda: TaggedResult(agent.expect(RESULT, 20)[8:]).services[0][0] == "conflict", 20)
    assert registry.strings(table) == {name: f"{OTHER}/{PORT}"}
    registry.delete(table, name)
    wait_until(lambda: registry.strings(table) == {name: server.endpoint}, 10, "ours in its place")


def test_it_runs_only_while_it_is_needed(machine, agent, registry, serve_udp):
    serve_udp(port=PORT)
    dns = tagged_service("dns", LISTEN, UDP)
    for _ in range(2):
        assert push(agent, dns)[0][0] == "active"
        machine.wait_relay(RUNNING)
        agent.push_tagged([], v4=V4)
        machine.wait_relay(STOPPED)
        assert registry.strings(r"SOFTWARE\wslbridge\Relay\v4tov4\udp") == {}


def test_a_flow_outlives_a_change_of_address(machine, agent, serve_udp, udp_client):
    assert OTHER in str(GUESTS)
    first, second = serve_udp(port=PORT), serve_udp(OTHER, port=PORT)
    client = udp_client(timeout=2)
    dns = tagged_service("dns", LISTEN, UDP)
    assert push(agent, dns)[0][0] == "active"
    assert ask(client, b"one") == b"one" and len(first.seen) > 0
    assert push(agent, dns, v4=f"{OTHER}/24")[0][0] == "active"
    wait_until(lambda: ask(client, b"two") == b"two" and second.seen, 30, "the other guest")
    assert len({seen[1][1] for seen in first.seen}) == 1


def test_a_page_moves_from_portproxy_to_the_relay_and_back(machine, agent, registry, serve, client):
    serve(port=PORT)
    for turn in range(2):
        for way, forwarder, n_rules in (((), PORTPROXY, 1), ((BY_RELAY,), RELAY, 0)):
            web, = push(agent, tagged_service("web", LISTEN, *way))
            assert (web[0], web[3]) == ("active", forwarder), (turn, web)
            assert len(registry.rules()) == n_rules
    # Wine 8 does not say whose a socket is, so one that portproxy is about to close counts for the relay's.
    made = wait_until(lambda: connected(client), 20, "the relay")
    made.sendall(b"hello")
    assert made.recv(16) == b"hello"


def connected(client):
    with contextlib.suppress(ConnectionRefusedError):
        return client(port=PORT)


def test_helper_killed(machine, agent, serve_udp, udp_client):
    """The relay serves on without the helper. The next one finds it and the table as they were."""
    serve_udp(port=PORT)
    client = udp_client(timeout=2)
    dns = tagged_service("dns", LISTEN, UDP)
    assert push(agent, dns)[0][0] == "active"
    before = machine.relay_processes()
    machine.service.kill()
    assert ask(client, b"alone") == b"alone"
    machine.service.start()
    with connect(machine) as later:
        assert push(later, dns)[0][0] == "active"
        assert ask(client, b"together") == b"together"
        assert machine.relay_processes() == before
    code, output = machine.uninstall()
    assert code == 0, output
    assert machine.relay_processes() == []
    machine.expect_nothing()
