# SPDX-License-Identifier: MIT
"""How many connections the relay takes, of a client, at a port and for a guest, and who waits meanwhile."""

import contextlib
import re
import select
import subprocess

from relay_process import IDLE_LIMIT, is_served, outcome_of
from waiting import wait_until

LISTEN = "0.0.0.0/8080"
MANY = 1024  # endpoints, as many as the policy gives a guest


def test_one_client_has_its_share(table, start_relay, serve, client):
    """A client that has all the connections of one client is turned away; another one is not."""
    table.limit(connections_per_client=3)
    table.set(LISTEN, serve())
    start_relay()
    mine = [client() for _ in range(3)]
    for here in mine:
        here.sendall(b"x")
        assert here.recv(1) == b"x"
    assert outcome_of(client) == "ECONNRESET"
    other = client("192.168.50.3")
    other.sendall(b"y")
    assert other.recv(1) == b"y"
    mine[0].close()
    assert wait_until(lambda: is_served(client), what="a place for the client")


def test_a_full_endpoint_lets_clients_wait(table, start_relay, serve, client):
    """Accepting pauses: the next client is connected by the system and waits until there is room."""
    table.limit(connections_per_endpoint=2)
    table.set(LISTEN, serve())
    table.set("0.0.0.0/8081", serve())
    start_relay()
    first, second = client(), client()
    for here in (first, second):
        here.sendall(b"x")
        assert here.recv(1) == b"x"
    third = client("192.168.50.3")
    third.sendall(b"3")
    elsewhere = client(port=8081)
    elsewhere.sendall(b"e")
    assert elsewhere.recv(1) == b"e"
    assert select.select([third], [], [], 0.3)[0] == []
    first.close()
    assert third.recv(1) == b"3"


def answered(clients):
    """Those of @clients that have got an answer to their first byte."""
    return [c for c in clients if select.select([c], [], [], 0)[0]]


def serve_in_turn(clients, at_once):
    """As one goes, another comes, until all have been served."""
    while clients:
        wait_until(lambda: answered(clients), what="an answer")
        served = answered(clients)
        assert len(served) <= at_once
        assert served[0].recv(1) == b"x"
        served[0].close()
        clients.remove(served[0])


def test_a_full_relay_lets_clients_wait_at_every_endpoint(table, start_relay, serve, client):
    """An endpoint may take two more, for which it was ready already."""
    table.limit(connections=2)
    table.set(LISTEN, serve())
    table.set("0.0.0.0/8081", serve())
    start_relay()
    clients = [client(port=port) for port in (8080, 8081) * 10]
    for here in clients:
        here.sendall(b"x")
    wait_until(lambda: len(answered(clients)) >= 2, what="the first two")
    serve_in_turn(clients, 2 + 2 * 2)


def test_a_guest_that_has_its_share_leaves_room_for_another(table, start_relay, serve, client):
    """Its further clients wait, also at another port of it, until one of its connections ends."""
    table.limit(connections_per_guest=2)
    table.set(LISTEN, serve())
    table.set("0.0.0.0/8081", serve())
    table.set("0.0.0.0/8082", serve(address="172.29.0.3"))
    start_relay()
    clients = [client(port=port) for port in (8080, 8081) * 5]
    for here in clients:
        here.sendall(b"x")
    wait_until(lambda: len(answered(clients)) >= 2, what="the first two")
    other = [client(port=8082) for _ in range(2)]
    for here in other:
        here.sendall(b"y")
        assert here.recv(1) == b"y"
    serve_in_turn(clients, 2 + 2 * 2)


def test_the_last_tenth_is_for_others(table, start_relay, serve, client):
    """Each endpoint is ready for two, also when its guest has its share. They may not fill the relay."""
    table.limit(connections=10, connections_per_guest=4)
    ports = range(8080, 8086)
    server = serve()
    for port in ports:
        table.set(f"0.0.0.0/{port}", server)
    start_relay()
    clients = [client(port=port, may_be_cut=True) for port in ports for _ in range(2)]
    for here in clients:
        with contextlib.suppress(OSError):
            here.sendall(b"x")
    wait_until(lambda: len(answered(clients)) == 12, what="an answer or a reset")
    served = 0
    for here in clients:
        with contextlib.suppress(ConnectionResetError):
            served += here.recv(1) == b"x"
    assert served == 9


def queues(first, n):
    """Bytes that may wait in the kernel for each of these UDP ports of the host. It doubles what it is asked for,
    and may have a limit of its own."""
    listed = subprocess.run(["ss", "-Huanm"], check=True, capture_output=True, text=True).stdout
    found = dict(re.findall(r":(\d+)\s+\S+\s+skmem:\(r\d+,rb(\d+),", listed))
    return [int(size) for port, size in found.items() if first <= int(port) < first + n]


def test_many_ports_of_udp_share_what_may_wait(table, start_relay, serve_udp):
    """Nobody fills the host's memory with datagrams for a thousand ports, and few ports have room for a burst."""
    guest = serve_udp().endpoint
    table.set("0.0.0.0/8080", guest, "udp")
    start_relay()
    wait_until(lambda: queues(8080, 1), what="the first port")
    alone = queues(8080, 1)
    assert len(alone) == 1 and alone[0] > 2 * 65536
    for i in range(1, MANY):
        table.set(f"0.0.0.0/{8080 + i}", guest, "udp")
    wait_until(lambda: queues(8080, MANY) == [2 * 65536] * MANY, IDLE_LIMIT,
               lambda: f"a part for each: {queues(8080, MANY)}")
    for i in range(1, MANY):
        table.delete(f"0.0.0.0/{8080 + i}", guest, "udp")
    wait_until(lambda: queues(8080, MANY) == alone, IDLE_LIMIT, "all of it for the first one again")
