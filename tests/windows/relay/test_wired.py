# SPDX-License-Identifier: MIT
"""From a guest's request to an answered datagram: the installed helper writes the relay's table, starts
its service while the table has values, and sees whether it listens."""

import os
import signal
import socket

import pytest
from installed_helper import KEY, OWNER, RUNNING, STOP, STOPPED, V4
from installed_machine import RELAY_SERVICE
from vswitch import GUESTS
from waiting import wait_until
from wsb_client import field, tagged_service

UDP, PROXY_V2, BY_RELAY = field(0x8005, b"\1"), field(0x8006, b"\1"), field(0x8008, b"\1")
RELAY = 2  # the forwarder, in docs/protocol.md
HOST, PORT = "192.168.50.1", 28353
OTHER = "172.29.0.3"


@pytest.fixture
def agent(machine, registry, lan):
    """A guest of the installed helper."""
    registry.set_key(OWNER, KEY)
    code, output = machine.install("old")
    assert code == 0, output
    client = machine.service.connect()
    yield client
    client.close()


def push(agent, *services, v4=V4):
    """The services, until none is pending. Returns their answers."""
    def settled():
        answers = agent.push_tagged(list(services), v4=v4)
        return answers if all(a[0] != "pending" for a in answers) else None

    return wait_until(settled, 60, "the relay", interval=0.3)


def ask(client, text):
    """The answer to a datagram, which may have to be sent again while the relay starts."""
    def answer():
        client.sendto(text, (HOST, PORT))
        try:
            return client.recvfrom(65536)[0]
        except socket.timeout:
            return None

    return wait_until(answer, 60, "an answer", interval=0.1)


def test_a_datagram(machine, agent, registry, serve_udp, udp_client):
    server = serve_udp(port=PORT)
    client = udp_client(timeout=2)
    assert machine.relay_state() == STOPPED
    dns, = push(agent, tagged_service("dns", f"{HOST}:{PORT}", UDP))
    assert (dns[0], dns[3]) == ("active", RELAY), dns
    assert registry.strings(r"SOFTWARE\wslbridge\Relay\v4tov4\udp") == {f"{HOST}/{PORT}": server.endpoint}
    machine.wait_relay(RUNNING)
    assert ask(client, b"who") == b"who"
    # A crash costs the sessions, not the rule. The helper starts the relay again.
    for pid in machine.relay_processes():
        os.kill(pid, signal.SIGKILL)
    assert ask(client, b"again") == b"again"
    # So does an administrator who stops it.
    assert machine.service.call("control", RELAY_SERVICE, STOP) == {}
    assert ask(client, b"and again") == b"and again"
    agent.bye()
    machine.wait_relay(STOPPED)  # nothing is left to be done
    assert registry.strings(r"SOFTWARE\wslbridge\Relay\v4tov4\udp") == {}


def test_a_flow_outlives_a_change_of_address(machine, agent, serve_udp, udp_client):
    assert OTHER in str(GUESTS)
    first, second = serve_udp(port=PORT), serve_udp(OTHER, port=PORT)
    client = udp_client(timeout=2)
    dns = tagged_service("dns", f"{HOST}:{PORT}", UDP)
    assert push(agent, dns)[0][0] == "active"
    assert ask(client, b"one") == b"one" and len(first.seen) > 0
    assert push(agent, dns, v4=f"{OTHER}/24")[0][0] == "active"
    wait_until(lambda: ask(client, b"two") == b"two" and second.seen, 30, "the other guest")
    assert len({seen[1][1] for seen in first.seen}) == 1


def test_a_page_moves_from_portproxy_to_the_relay_and_back(machine, agent, registry, serve, client):
    connect = serve(port=28080)
    web = "web", f"{HOST}:{PORT}"
    for _ in range(2):
        answer, = agent.push_tagged([tagged_service(*web)], v4=V4)
        assert push(agent, tagged_service(*web))[0][3] != RELAY
        assert push(agent, tagged_service(*web, BY_RELAY))[0][3] == RELAY
        assert registry.rules() == {}
    del connect, answer


def test_helper_killed(machine, agent, serve_udp, udp_client):
    """The relay serves on without the helper. The next one finds it and the table as they were."""
    serve_udp(port=PORT)
    client = udp_client(timeout=2)
    dns = tagged_service("dns", f"{HOST}:{PORT}", UDP)
    assert push(agent, dns)[0][0] == "active"
    before = machine.relay_processes()
    machine.service.kill()
    assert ask(client, b"alone") == b"alone"
    machine.service.start()
    with machine.service.connect() as later:
        assert push(later, dns)[0][0] == "active"
        assert ask(client, b"together") == b"together"
        assert machine.relay_processes() == before
    code, output = machine.uninstall()
    assert code == 0, output
    assert machine.relay_processes() == []
    machine.expect_nothing()
