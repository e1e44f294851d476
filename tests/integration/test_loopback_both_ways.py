# SPDX-License-Identifier: MIT
"""Both directions of a connection to the guest's loopback are full: neither waits for the other one."""
import contextlib
import select
import socket
import threading

import pytest

from guest import MAX_DELAY, wait_until
from loopback import Server, read_all

PORT = 8080


def test_a_server_that_waits_until_its_answer_is_taken(carried):
    """The server echoes with blocking calls, and the client writes in one thread and reads in another. Each byte
    comes back 16 times, which no buffer on the way takes. A program with one loop for both directions, which waits
    for the server, hangs (microsoft/WSL#41680)."""
    guest, outside, _ = carried
    size, n = 500_000, 0

    def echo_more(connection, _):
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            connection.setsockopt(socket.SOL_SOCKET, buffer, 16384)
        while data := connection.recv(65536):
            connection.sendall(16 * data)

    server = Server(guest, PORT, behave=echo_more)
    with outside.connect(PORT) as s:
        sender = threading.Thread(target=lambda: (s.sendall(b"y" * size), s.shutdown(socket.SHUT_WR)), daemon=True)
        sender.start()
        while data := s.recv(65536):
            n += len(data)
        assert n == 16 * size
        sender.join()
    server.close()


@pytest.mark.parametrize("who", ["client", "server"])
def test_an_end_that_reads_nothing_still_sends(carried, who):
    """The way to it is full, and all that it sends arrives."""
    guest, outside, _ = carried
    size, full, got = 24_000_000, threading.Event(), []

    def reads(connection):
        while select.select([], [connection], [], 0.5)[1]:
            with contextlib.suppress(BlockingIOError):
                connection.send(bytes(65536), socket.MSG_DONTWAIT)
        full.set()
        n = 0
        while n < size:
            n += len(connection.recv(65536))
        got.append(n)

    def sends(connection):
        assert full.wait(MAX_DELAY)
        connection.sendall(bytes(size))

    def work(connection, its_turn):
        (reads if its_turn else sends)(connection)
        wait_until(lambda: got == [size], lambda: f"{size} bytes: {got}")

    server = Server(guest, PORT, behave=lambda c, name: work(c, who == "client"))
    with outside.connect(PORT) as s:
        work(s, who == "server")
    server.close()


def test_both_directions_at_once(carried):
    """Each end reads all the time while it sends."""
    guest, outside, _ = carried
    size = 8_000_000

    def send_and_read(connection):
        sender = threading.Thread(target=lambda: (connection.sendall(b"y" * size),
                                                  connection.shutdown(socket.SHUT_WR)))
        sender.start()
        data = read_all(connection)
        sender.join()
        return len(data)

    server_got = []
    server = Server(guest, PORT, behave=lambda c, name: server_got.append(send_and_read(c)))
    with outside.connect(PORT) as s:
        assert send_and_read(s) == size
    wait_until(lambda: server_got == [size], lambda: f"{server_got}")
    server.close()
