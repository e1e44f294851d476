# SPDX-License-Identifier: MIT
"""The same as test_loopback.py over UDP: a session for each port of the host."""
import contextlib
import socket
import subprocess

import pytest

import janitor
from guest import GATEWAY, wait_until
from loopback import STRANGER, Server, UdpServer, make_socket, wait_loopback
from topology import Namespace

PORT = 5353


@pytest.fixture
def carried(guest, host, outside, program):
    guest.service("dns", f"listen = {PORT}\nprotocol = udp\nconnect = loopback")
    host.start()
    guest.start()
    program.start_when_wanted()
    wait_loopback(guest, "dns", "carried")
    return guest, outside, program


def ask(client, text):
    """The answer, or None; UDP may lose what nobody waits for."""
    client.settimeout(0.5)
    try:
        client.send(text)
        return client.recv(65535)
    except OSError:
        return None


def wait_answer(client, text=b"ping"):
    wait_until(lambda: ask(client, text) == text, f"an answer to {text[:20]!r}")


def test_datagrams_of_all_sizes(carried):
    guest, outside, _ = carried
    server = UdpServer(guest, PORT)
    with outside.udp(PORT) as client:
        for text in (b"x", b"", b"y" * 1472, b"z" * 65507, b""):
            client.send(text)
            assert client.recv(65535) == text
    server.close()


def test_each_port_of_the_host_is_a_client_of_its_own(carried):
    guest, outside, program = carried
    server = UdpServer(guest, PORT)
    before = program.n_sockets()
    clients = [outside.udp(PORT) for _ in range(100)]
    for i, client in enumerate(clients):
        client.send(b"%d" % i)
    assert [client.recv(99) for client in clients] == [b"%d" % i for i in range(100)]
    for client in clients:
        client.send(b"again")
        assert client.recv(99) == b"again"
    assert len(set(server.peers)) == 100 and {host for host, _ in server.peers} == {"127.0.0.1"}
    wait_until(lambda: program.n_sockets() == before + 100, "a socket for each")
    for client in clients:
        client.close()
    server.close()


def test_a_server_that_starts_later_dies_and_comes_back_on_v6(carried):
    guest, outside, program = carried
    with outside.udp(PORT) as client:
        before = program.n_sockets()
        assert ask(client, b"nobody") is None
        wait_until(lambda: program.n_sockets() == before, "a port where nobody listens costs nothing")
        for i, address in enumerate(("127.0.0.1", "::1", "127.0.0.1")):
            server = UdpServer(guest, PORT, address)
            wait_answer(client, b"ping %d" % i)  # none that an earlier server has sent late
            assert server.peers
            server.close()


def test_a_stranger_is_not_answered(carried):
    guest, outside, program = carried
    server = UdpServer(guest, PORT)
    with outside.udp(PORT, STRANGER) as stranger, outside.udp(PORT) as client:
        stranger.send(b"stranger")
        program.wait_log(f"Turned {STRANGER} away from port {PORT}/udp")
        client.send(b"host")
        assert client.recv(99) == b"host"
        assert len(server.peers) == 1
    server.close()


def test_tcp_and_udp_of_one_port(carried):
    guest, outside, _ = carried
    guest.service("web", f"listen = {PORT}\nconnect = loopback")
    servers = [UdpServer(guest, PORT), Server(guest, PORT)]
    outside.wait_answer(PORT)
    with outside.udp(PORT) as client:
        wait_answer(client)
    guest.remove_service("web")
    wait_until(lambda: outside.ask(PORT) is None, "TCP is closed")
    with outside.udp(PORT) as client:
        wait_answer(client)
    for server in servers:
        server.close()


def test_the_address_changes(carried):
    guest, outside, _ = carried
    server = UdpServer(guest, PORT)
    with outside.udp(PORT) as client:
        wait_answer(client)
        guest.new_address()
    with outside.udp(PORT) as client:
        wait_answer(client)
    server.close()


def test_the_limit_of_sessions(carried):
    """A session that was answered stays, and new clients of the host are served all the same."""
    guest, outside, program = carried
    server = UdpServer(guest, PORT)
    n = 4096 + 100
    with outside.udp(PORT) as answered:
        wait_answer(answered)
        mine = server.peers[-1]
        server.close()
        silent = UdpServer(guest, PORT)
        silent.answer = False
        before = program.n_sockets()
        # The socket's queue loses what comes faster than it is read, so it takes several rounds.
        wait_until(lambda: outside.flood(PORT, range(20000, 20000 + n)) or
                   program.n_sockets() >= before + 4000,
                   lambda: f"many sessions: {before}, {program.n_sockets()}")
        silent.answer = True
        wait_answer(answered, b"still me")
        assert mine in silent.peers
        with outside.udp(PORT) as client:
            wait_answer(client, b"new")
        assert program.n_sockets() <= before + 4096
        silent.close()


def test_two_ports_that_are_flooded_leave_room_for_a_third_one(carried):
    guest, outside, program = carried
    flooded = [PORT + 1, PORT + 2]
    alone = program.n_sockets()
    guest.service("games", f"listen = {flooded[0]}-{flooded[1]}\nprotocol = udp\nconnect = loopback")
    wait_loopback(guest, "games", "carried")
    wait_until(lambda: program.n_sockets() == alone + 2, "its two ports")
    silent = [UdpServer(guest, port) for port in flooded]
    for server in silent:
        server.answer = False
    before = alone + 2
    n = 4096 + 100

    def flood_more():
        for port in flooded:
            outside.flood(port, range(20000, 20000 + n))
        return program.n_sockets() >= before + 8192

    wait_until(flood_more, lambda: f"all sessions: {before}, {program.n_sockets()}")
    server = UdpServer(guest, PORT)
    with outside.udp(PORT) as client:
        wait_answer(client)
    assert program.n_sockets() <= before + 8192
    for server in [server, *silent]:
        server.close()


def test_whether_a_server_listens(carried):
    guest, _, _ = carried
    wait_until(lambda: guest.service_status("dns")["guest"] == "not-listening",
               lambda: f"{guest.service_status('dns')}")
    server = UdpServer(guest, PORT)
    guest.reload()
    wait_until(lambda: guest.service_status("dns")["guest"] == "listening",
               lambda: f"{guest.service_status('dns')}")
    server.close()


@contextlib.contextmanager
def another_network(guest):
    """The guest's eth1, with a machine on it that has the gateway's address. It sends from there."""
    other = Namespace(f"{guest.namespace.role}-other")
    subprocess.run(["ip", "netns", "add", other.name], check=True)
    try:
        guest.ip(f"link add eth1 type veth peer name peer1 netns {other.name}\nlink set eth1 up\n"
                 "addr add 10.8.0.2/24 dev eth1\n")
        other.ip(f"link set peer1 up\naddr add {GATEWAY}/32 dev peer1\nroute add {guest.address}/32 dev peer1\n")
        for name in ("all", "eth1"):  # let in what comes from an address that is elsewhere
            guest.namespace.run("sh", "-c", f"echo 0 >/proc/sys/net/ipv4/conf/{name}/rp_filter")
        with make_socket(other, socket.SOCK_DGRAM) as impostor:
            impostor.bind((GATEWAY, 0))
            yield impostor
    finally:
        janitor.remove_namespace(other.name)


def test_the_gateway_s_address_on_another_interface(carried):
    """Only the host's interface leads to the port, although the address would be the right one."""
    guest, outside, _ = carried
    server = UdpServer(guest, PORT)
    open_to_all = UdpServer(guest, PORT + 1, "0.0.0.0")
    with another_network(guest) as impostor, outside.udp(PORT) as client:
        def reaches():
            impostor.sendto(b"from elsewhere", (guest.address, PORT))
            impostor.sendto(b"from elsewhere", (guest.address, PORT + 1))
            return open_to_all.peers

        wait_until(reaches, "a datagram by the other interface, at a port that is open to all")
        wait_answer(client)
        assert len(set(server.peers)) == 1  # the session of the host
    server.close()
    open_to_all.close()
