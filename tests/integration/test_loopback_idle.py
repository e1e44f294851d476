# SPDX-License-Identifier: MIT
"""Idle, wslbridge-loopback wakes up for nothing: what is open costs no time."""
import time

from guest import wait_until
from loopback import Server, UdpServer, wait_loopback

PORT, DNS = 8080, 5353


def is_quiet(program):
    before = program.sleeps()
    time.sleep(0.5)
    return program.sleeps() == before


def test_ten_seconds_without_a_wake_up(carried):
    """With connections and with a session."""
    guest, outside, program = carried
    guest.service("dns", f"listen = {DNS}\nprotocol = udp\nconnect = loopback")
    wait_loopback(guest, "dns", "carried")
    servers = [Server(guest, PORT, behave=lambda c, name: (c.sendall(c.recv(1)), c.recv(1))), UdpServer(guest, DNS)]
    clients = [outside.connect(PORT) for _ in range(20)] + [outside.udp(DNS)]
    for client in clients:
        client.send(b"x")
        assert client.recv(1) == b"x"
    wait_until(lambda: is_quiet(program), "half a second without a wake-up")
    before = program.sleeps()
    time.sleep(10)
    assert program.sleeps() == before
    for one in clients + servers:
        one.close()
