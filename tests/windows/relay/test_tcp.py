# SPDX-License-Identifier: MIT
"""TCP through the relay: every byte in both directions at once, ends and resets carried over, and no
connection that costs another one anything."""

import contextlib
import hashlib
import os
import select
import socket
import threading

import pytest
import relay_process
from relay_process import (is_served, milliseconds, outcome, outcome_of, receive_exactly, receive_proxy_header,
                           reset)
from waiting import wait_until

LISTEN = "0.0.0.0/8080"
MEGA = 1 << 20


def in_background(function, *arguments):
    """Returns a function that waits for the end, and returns what @function returned."""
    result = []
    thread = threading.Thread(target=lambda: result.append(function(*arguments)), daemon=True)
    thread.start()

    def join():
        thread.join(120)
        assert result, f"{function.__name__} has not ended"
        return result[0]

    return join


def digest_of_all(connection):
    """(bytes, digest) of all that comes until the end."""
    n, digest = 0, hashlib.sha256()
    while data := connection.recv(65536):
        n += len(data)
        digest.update(data)
    return n, digest.hexdigest()


def send_and_end(connection, data, times):
    digest = hashlib.sha256()
    for _ in range(times):
        connection.sendall(data)
        digest.update(data)
    connection.shutdown(socket.SHUT_WR)
    return len(data) * times, digest.hexdigest()


def test_a_server_that_waits_until_its_answer_is_taken(table, start_relay, serve, client):
    """What microsoft/WSL#41680 is about: the server echoes with blocking calls, and the client writes in one
    thread and reads in another. Each byte comes back 16 times, which no buffer on the way takes. So the server
    waits for the relay, which hangs if it has one loop for both directions, and waits for the server there."""
    def echo_more(connection):
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            connection.setsockopt(socket.SOL_SOCKET, buffer, 16384)
        while data := connection.recv(65536):
            connection.sendall(16 * data)

    table.set(LISTEN, serve(echo_more))
    start_relay()
    here = client()
    sent = in_background(send_and_end, here, os.urandom(MEGA), 1)
    assert digest_of_all(here)[0] == 16 * sent()[0]


def fill(connection):
    """Send until nobody has taken anything for half a second."""
    while select.select([], [connection], [], 0.5)[1]:
        with contextlib.suppress(BlockingIOError):
            connection.send(bytes(65536), socket.MSG_DONTWAIT)


@pytest.mark.parametrize("who", ["client", "guest"])
def test_an_end_that_reads_nothing_still_sends(table, start_relay, serve, client, who):
    """The way to it is full, and all that it sends arrives."""
    full, results = threading.Event(), []

    def reads(connection):
        fill(connection)
        full.set()
        results.append(len(receive_exactly(connection, 24 * MEGA)))

    def sends(connection):
        assert full.wait(120)
        connection.sendall(bytes(24 * MEGA))

    def wait_for_both(connection, work):
        work(connection)
        wait_until(lambda: results, 60, "what was sent")

    table.set(LISTEN, serve(lambda c: wait_for_both(c, reads if who == "client" else sends)))
    start_relay()
    wait_for_both(client(), sends if who == "client" else reads)
    assert results == [24 * MEGA]


def test_both_directions_full_at_once(table, start_relay, serve, client):
    """Each end reads all the time while it sends."""
    results = []

    def bulk(connection):
        sent = in_background(send_and_end, connection, os.urandom(MEGA), 48)
        received = digest_of_all(connection)
        results.append((sent(), received))

    table.set(LISTEN, serve(bulk))
    start_relay()
    here = client()
    sent = in_background(send_and_end, here, os.urandom(MEGA), 48)
    received = digest_of_all(here)
    wait_until(lambda: results, 120, "the end of the guest's side")
    there_sent, there_received = results[0]
    assert received == there_sent
    assert there_received == sent()
    assert received[0] == 48 * MEGA


def test_a_request_and_its_answer_after_the_end(table, start_relay, serve, client):
    """A half-closed connection: the client has ended, and the guest answers only then."""
    def answer(connection):
        n, digest = digest_of_all(connection)
        connection.sendall(f"{n} {digest}".encode())

    table.set(LISTEN, serve(answer))
    start_relay()
    here = client()
    n, digest = send_and_end(here, b"request ", 1000)
    assert here.recv(1000) == f"{n} {digest}".encode()
    assert here.recv(1) == b""


def test_an_urgent_byte_stays_in_its_place(table, start_relay, serve, client):
    """As in the Synch of telnet. Only the mark is lost."""
    table.set(LISTEN, serve(lambda connection: connection.sendall(connection.recv(100, socket.MSG_WAITALL))))
    start_relay()
    here = client()
    here.sendall(b"before ")
    here.send(b"!", socket.MSG_OOB)
    here.sendall(b" after".ljust(92))
    assert here.recv(100, socket.MSG_WAITALL).rstrip() == b"before ! after"


def test_the_guest_ends_first(table, start_relay, serve, client):
    got = []

    def answer(connection):
        connection.sendall(b"all there is")
        connection.shutdown(socket.SHUT_WR)
        got.append(connection.recv(1000))

    table.set(LISTEN, serve(answer))
    start_relay()
    here = client()
    assert receive_exactly(here, 12) == b"all there is"
    assert here.recv(1) == b""
    here.sendall(b"thanks")
    wait_until(lambda: got == [b"thanks"], what="the bytes of the other direction")


@pytest.mark.parametrize("who", ["client", "guest"])
def test_a_reset_is_a_reset_at_the_other_end(table, start_relay, serve, client, who):
    guests, results = [], []

    def wait(connection):
        guests.append(connection)
        connection.sendall(b"hello")
        if who == "client":
            results.append(outcome(connection))
        else:
            connection.recv(1)
            reset(connection)

    table.set(LISTEN, serve(wait))
    start_relay()
    here = client()
    assert receive_exactly(here, 5) == b"hello"
    if who == "client":
        reset(here)
        wait_until(lambda: results == ["ECONNRESET"], what=f"a reset in the guest, not {results}")
    else:
        here.sendall(b"x")
        assert outcome(here) == "ECONNRESET"


def test_resets_in_the_middle_of_bulk(table, start_relay, serve, client):
    """Either end cuts a connection whose sender always has more. The relay forgets it at once."""
    def work(connection):
        if connection.recv(1) == b"r":
            receive_exactly(connection, MEGA)
            reset(connection)
        while True:
            connection.sendall(bytes(MEGA))

    table.set(LISTEN, serve(work))
    table.set("0.0.0.0/8081", serve())
    start_relay()
    for _ in range(10):
        here = client()
        here.sendall(b"p")
        receive_exactly(here, MEGA)
        reset(here)
        here = client()
        here.sendall(b"r")
        with pytest.raises(ConnectionError):
            while True:
                here.sendall(bytes(MEGA))
    assert is_served(lambda: client(port=8081))


def test_a_closed_port_of_the_guest_resets_the_client(table, start_relay, serve, client):
    table.set(LISTEN, "172.29.0.2/9")
    table.set("0.0.0.0/8081", serve())
    start_relay()
    assert outcome_of(client) == "ECONNRESET"
    here = client(port=8081)  # and nothing else
    here.sendall(b"x")
    assert here.recv(1) == b"x"


def test_a_guest_that_does_not_answer_is_given_up(table, start_relay, client):
    """Nobody has the address 172.29.0.99. The limit ends the wait long before the system does."""
    table.limit(connect_timeout_ms=300)
    table.set(LISTEN, "172.29.0.99/80")
    start_relay()
    assert outcome_of(client) == "ECONNRESET"


def test_a_client_that_does_not_read_holds_up_nobody(table, start_relay, serve, client):
    """The guest's sender is slowed down by the receiver's window, and another client of the same
    guest goes on. When the client reads at last, it gets every byte."""
    sent, total = [], 64 * MEGA

    def pour(connection):
        if connection.recv(1) == b"p":
            for _ in range(total // MEGA):
                connection.sendall(bytes(MEGA))
                sent.append(MEGA)
            connection.shutdown(socket.SHUT_WR)
        relay_process.echo(connection)

    table.set(LISTEN, serve(pour))
    start_relay()
    stalled, other = client(), client()
    stalled.sendall(b"p")
    other.sendall(b"e")
    wait_until(lambda: sent, what="the first megabyte")
    for i in range(100):
        other.sendall(b"ping %d" % i)
        assert receive_exactly(other, len(b"ping %d" % i)) == b"ping %d" % i
    assert sum(sent) < total  # it has been slowed down
    assert digest_of_all(stalled)[0] == total


def test_a_thousand_connections(table, start_relay, serve, client, number):
    table.set(LISTEN, serve())
    relay = start_relay()

    def another():
        assert is_served(client)

    another()
    quiet, before = milliseconds(another, times=5), relay.memory()
    clients = [client() for _ in range(1000)]
    for i, here in enumerate(clients):
        here.sendall(b"%04d" % i)
    for i, here in enumerate(clients):
        assert receive_exactly(here, 4) == b"%04d" % i
    held = (relay.memory() - before) / 1000
    number(f"an idle connection through the relay takes {held / 1024:.1f} KiB of its memory; beside 1,000 of them another "
           f"one and its answer took {milliseconds(another, times=5):.1f} ms, and {quiet:.1f} ms before them")
    assert held <= 8 * 1024
    relay.wait_idle()
    for here in clients[::2]:
        reset(here)
    for here in clients[1::2]:
        here.shutdown(socket.SHUT_WR)
        assert here.recv(1) == b""


def test_accepting_fails_as_on_windows(prefix, build_win):
    """Clients that leave too early cost nobody else anything, and a dead socket or a moment without memory no
    connection. Both sockets of a
    connection have TCP_NODELAY and SO_KEEPALIVE."""
    done = prefix.run(build_win / "tests/windows/test-relay-accept.exe", check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok ") == 34


@pytest.mark.parametrize("to, address, guest", [
    ("192.168.50.9", "192.168.50.3", "172.29.0.2"), ("fd50::1", "fd50::2", "fd29::2"),
    ("192.168.51.1", "192.168.51.2", "fd29::2")])
def test_the_service_learns_who_the_client_is(table, start_relay, serve, client, to, address, guest):
    """PROXY protocol v2: before anything else, and whether or not the client says something."""
    seen = []

    def read(connection):
        seen.append(receive_proxy_header(connection))
        connection.sendall(b"welcome")
        relay_process.echo(connection)

    listen = "::/8080" if ":" in to else LISTEN
    table.set(listen, serve(read, guest), options=" proxy-v2")
    start_relay()
    here = client(address, to)
    assert receive_exactly(here, 7) == b"welcome"
    assert seen == [("PROXY", here.getsockname()[:2], (to, 8080))]
    here.sendall(b"as usual")
    assert receive_exactly(here, 8) == b"as usual"


def test_a_guest_that_moves(table, start_relay, serve, client):
    """Connections to the old address are reset, and new ones reach the new one."""
    first, second = serve(address="172.29.0.2"), serve(lambda c: c.sendall(b"new"), "172.29.0.3")
    table.set(LISTEN, first)
    relay = start_relay()
    here = client()
    here.sendall(b"x")
    assert here.recv(1) == b"x"
    table.set(LISTEN, second)
    relay.wait_line(r"Forwarding 1 endpoints \(1 have changed\)")
    assert outcome(here) == "ECONNRESET"
    assert receive_exactly(client(), 3) == b"new"


def test_killed_and_started_again(table, start_relay, serve, client):
    """The port is free at once. Windows also closes the connections; Wine may forget them (fact
    10.1.16)."""
    table.set(LISTEN, serve())
    relay = start_relay()
    here = client()
    here.sendall(b"x")
    assert here.recv(1) == b"x"
    relay.kill()
    with pytest.raises(ConnectionRefusedError):
        client()
    start_relay()
    assert is_served(client)
