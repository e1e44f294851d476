# SPDX-License-Identifier: MIT
"""The same as test_loopback.py and test_loopback_udp.py in a guest that has IPv6 only."""
import socket

import pytest

from loopback import Server, UdpServer, make_socket, read_all, wait_loopback

GUEST, GATEWAY, STRANGER = "fd09::2", "fd09::1", "fd09::7"
PORT = 8080


@pytest.fixture
def carried(guest, host, outside, program):
    guest.service("web", f"listen = [::]:{PORT}\nconnect = loopback")
    guest.service("dns", f"listen = [::]:{PORT}\nprotocol = udp\nconnect = loopback")
    guest.ip(f"addr flush dev eth0\naddr add {GUEST}/64 dev eth0 nodad\n"
             f"route add default via {GATEWAY} dev eth0\n")
    outside.namespace.ip(f"addr add {GATEWAY}/64 dev peer0 nodad\naddr add {STRANGER}/64 dev peer0 nodad\n")
    guest.address = GUEST
    host.start(switch=f"{GATEWAY}/64")
    guest.start()
    program.start_when_wanted()
    for name in ("web", "dns"):
        wait_loopback(guest, name, "carried")
    return guest, outside, program


def connect(outside, source, kind=socket.SOCK_STREAM):
    made = make_socket(outside.namespace, kind, socket.AF_INET6)
    made.bind((source, 0))
    made.connect((GUEST, PORT))
    return made


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_streams(carried, address):
    guest, outside, program = carried
    server = Server(guest, PORT, address)
    with connect(outside, GATEWAY) as s:
        s.sendall(b"ping")
        s.shutdown(socket.SHUT_WR)
        assert read_all(s) == f"{address} ping".encode()
    with pytest.raises(ConnectionResetError):
        with connect(outside, STRANGER) as s:
            s.sendall(b"x")
            assert s.recv(1) == b""
            raise ConnectionResetError  # closed before a byte came
    program.wait_log(f"Turned {STRANGER} away from port {PORT}/tcp")
    server.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_datagrams(carried, address):
    guest, outside, _ = carried
    server = UdpServer(guest, PORT, address)
    with connect(outside, STRANGER, socket.SOCK_DGRAM) as stranger, \
            connect(outside, GATEWAY, socket.SOCK_DGRAM) as client:
        stranger.send(b"stranger")
        for text in (b"ping", b"", b"z" * 60000):
            client.send(text)
            assert client.recv(65535) == text
        assert len(server.peers) == 3
    server.close()
