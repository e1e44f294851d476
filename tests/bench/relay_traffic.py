#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Both ends of what bench_relay.py and bench_loopback.py measure. It is started in the namespace of the client
or the guest.

    relay_traffic.py serve ADDRESS PORT           the guest's servers, on the ports below
    relay_traffic.py MEASURE ADDRESS [WORD…]      prints what it measured as JSON

ADDRESS is ADDRESS:PORT, and PORT leads to the sink; the other servers are on the ports after it.
"""
import contextlib
import json
import multiprocessing
import resource
import selectors
import socket
import struct
import sys
import time

SINK, ECHO, POUR, BOTH, MAIL, COUNT = range(6)  # servers, by the distance of their ports
PART = 1 << 18
WARM_UP, SECONDS = 0.3, 0.7
ROUND_TRIPS = 500
WINDOW = 32  # datagrams that are on their way at once, which all buffers hold
PER_SECOND = 100  # connections whose first byte is waited for
LETTERS, LETTER = 300, 1200  # datagrams, one after the other, of so many bytes
FLOW, TICK = 50000, 0.001  # datagrams a second one way, and how often some of them are sent
CLIENTS, AGAIN, TRIES = 100, 5, 3  # sockets of UDP that ask at once, and how often, after so many seconds


# --- the guest

def serve_streams(address, port, on_readable, events=selectors.EVENT_READ):
    """Call on_readable(connection) whenever something can be done with a connection, until it says that
    the connection is over. One thread for all, so that none is favoured."""
    chooser = selectors.DefaultSelector()
    listener = socket.create_server((address, port), backlog=4096)
    chooser.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in chooser.select():
            if key.fileobj is listener:
                made, _ = listener.accept()
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                made.setblocking(False)
                chooser.register(made, events)
                continue
            try:
                over = on_readable(key.fileobj)
            except BlockingIOError:
                continue
            except OSError:
                over = True
            if over:
                chooser.unregister(key.fileobj)
                key.fileobj.close()


def swallow(buffer):
    """Take all that comes, and say "go" to the first byte."""
    def take(connection):
        n = connection.recv_into(buffer)
        if n == 1:
            connection.send(b"g")
        return n == 0

    return take


def answer(connection):
    data = connection.recv(PART)
    connection.sendall(data)
    return not data


def pour(connection):
    connection.send(bytes(PART))
    return False


def take_and_pour(buffer):
    """Take what comes, and send as much as goes."""
    def work(connection):
        over = False
        with contextlib.suppress(BlockingIOError):
            over = connection.recv_into(buffer) == 0
        with contextlib.suppress(BlockingIOError):
            connection.send(buffer)
        return over

    return work


def serve_mail(address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        s.bind((address, port))
        while True:
            data, client = s.recvfrom(65536)
            s.sendto(data, client)


def serve_count(address, port):
    """Say how many datagrams came from a client, when it asks with one of a single byte."""
    came, buffer = {}, bytearray(65536)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        s.bind((address, port))
        while True:
            n, client = s.recvfrom_into(buffer)
            if n > 1:
                came[client] = came.get(client, 0) + 1
            else:
                s.sendto(b"%d" % came.get(client, 0), client)


def serve(address, first):
    both = selectors.EVENT_READ | selectors.EVENT_WRITE
    for function, server, *more in ((serve_streams, SINK, swallow(bytearray(PART))),
                                    (serve_streams, ECHO, answer),
                                    (serve_streams, POUR, pour, both),
                                    (serve_streams, BOTH, take_and_pour(bytearray(PART)), both),
                                    (serve_count, COUNT)):
        multiprocessing.get_context("fork").Process(target=function, args=(address, first + server, *more),
                                                    daemon=True).start()
    serve_mail(address, first + MAIL)


# --- the client

def connect(address, server):
    made = socket.create_connection((address[0], address[1] + server), timeout=20)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def reset(connection):
    """Discard what is in its buffers, which would still be forwarded during the next measurement."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def streams(address, n):
    """Mbit/s of each of @n streams, once all lead to the guest and the buffers on the way are full."""
    chooser, data = selectors.DefaultSelector(), bytes(PART)
    ends = [connect(address, SINK) for _ in range(n)]
    for one in ends:
        one.sendall(b"?")
    for one in ends:
        assert one.recv(1) == b"g"
        one.setblocking(False)
        chooser.register(one, selectors.EVENT_WRITE)
    sent = dict.fromkeys(ends, 0)
    begin = time.monotonic()
    for seconds in (WARM_UP, WARM_UP + SECONDS):
        before, now = dict(sent), time.monotonic()
        while time.monotonic() < begin + seconds:
            for key, _ in chooser.select():
                sent[key.fileobj] += key.fileobj.send(data)
    taken = time.monotonic() - now
    for one in ends:
        reset(one)
    return [(sent[one] - before[one]) * 8 / taken / 1e6 for one in ends]


def beside_stalled(address, n):
    """What @n streams carry in all while another client does not read, as a part of what they carry
    alone before and after."""
    alone = sum(streams(address, n))
    with connect(address, POUR) as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.recv(1)
        beside = sum(streams(address, n))
    return 2 * beside / (alone + sum(streams(address, n)))


def both_ways(address):
    """What the slower direction of a connection carries, as a part of the faster one, while both are full."""
    chooser, data, buffer = selectors.DefaultSelector(), bytes(PART), bytearray(PART)
    moved = {selectors.EVENT_READ: 0, selectors.EVENT_WRITE: 0}
    with connect(address, BOTH) as s:
        s.setblocking(False)
        chooser.register(s, selectors.EVENT_READ | selectors.EVENT_WRITE)
        begin = time.monotonic()
        for seconds in (WARM_UP, WARM_UP + SECONDS):
            before = dict(moved)
            while time.monotonic() < begin + seconds:
                for _, events in chooser.select():
                    if events & selectors.EVENT_READ:
                        moved[selectors.EVENT_READ] += s.recv_into(buffer)
                    if events & selectors.EVENT_WRITE:
                        moved[selectors.EVENT_WRITE] += s.send(data)
        reset(s)
    slower, faster = sorted(moved[way] - before[way] for way in moved)
    return slower / faster if faster else 0


def trip(address):
    """The median of many small round trips, in µs."""
    taken = []
    with connect(address, ECHO) as s:
        for _ in range(ROUND_TRIPS):
            begin = time.monotonic()
            s.sendall(b"x" * 64)
            left = 64
            while left:
                left -= len(s.recv(64))
            taken.append((time.monotonic() - begin) * 1e6)
    return sorted(taken)[len(taken) // 2]


def connections(address):
    """How many connections a second, one after the other, each with a byte and its answer."""
    n, begin = 0, time.monotonic()
    while time.monotonic() < begin + SECONDS:
        with connect(address, ECHO) as s:
            s.sendall(b"x")
            n += s.recv(1) == b"x"
    return n / (time.monotonic() - begin)


def first_bytes(address):
    """PER_SECOND connections in a second: µs from the call of connect() to the first byte of the answer."""
    taken, begin = [], time.monotonic()
    for i in range(PER_SECOND):
        time.sleep(max(0, begin + i / PER_SECOND - time.monotonic()))
        since = time.monotonic()
        with connect(address, ECHO) as s:
            s.sendall(b"x")
            assert s.recv(1) == b"x"
            taken.append((time.monotonic() - since) * 1e6)
    return taken


def letters(address):
    """µs for each of LETTERS datagrams, one after the other, until it is back."""
    taken, data = [], bytes(LETTER)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((address[0], address[1] + MAIL))
        s.settimeout(AGAIN)
        s.send(data)  # begins the session
        s.recv(LETTER)
        for _ in range(LETTERS):
            since = time.monotonic()
            s.send(data)
            s.recv(LETTER)
            taken.append((time.monotonic() - since) * 1e6)
    return taken


def ask_again(s):
    """The answer to a datagram of one byte, which may be lost."""
    for _ in range(TRIES):
        s.send(b"?")
        try:
            return s.recv(16)
        except socket.timeout:
            pass
    sys.exit("no answer")


def one_way(address):
    """[how many datagrams were sent in a second, the part of them that arrived]. FLOW of them are to be sent."""
    sent, data = 0, bytes(LETTER)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((address[0], address[1] + COUNT))
        s.settimeout(AGAIN)
        ask_again(s)  # begins the session
        begin = time.monotonic()
        while (passed := time.monotonic() - begin) < SECONDS:
            for _ in range(int(FLOW * passed) - sent):
                s.send(data)
                sent += 1
            time.sleep(TICK)
        time.sleep(SECONDS)  # what is on its way arrives
        return [sent / passed, int(ask_again(s)) / sent]


def mail(address, size):
    """How many datagrams a second come back, and how many were lost, with WINDOW of them on their way."""
    n = lost = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((address[0], address[1] + MAIL))
        s.settimeout(1)
        data = bytes(size)
        s.send(data)
        s.recv(size)  # the session is there
        begin = time.monotonic()
        for _ in range(WINDOW):
            s.send(data)
        while time.monotonic() < begin + SECONDS:
            try:
                s.recv(size)
            except socket.timeout:
                lost += WINDOW
                for _ in range(WINDOW):
                    s.send(data)
                continue
            n += 1
            s.send(data)
        taken = time.monotonic() - begin
    return [n / taken, lost]


def hold(address, n):
    """Open @n connections, say so, and keep them until the input ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held = []
    for i in range(n):
        held.append(connect(address, ECHO))
        held[-1].sendall(b"x")
        assert held[-1].recv(1) == b"x", i
    print(json.dumps(len(held)), flush=True)
    sys.stdin.read()


def sessions(address, n):
    """Ask from each of @n ports, and once more where nothing comes. Returns how many have an answer."""
    answered = 0
    while n > 0:
        some = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(min(n, CLIENTS))]
        for s in some:
            s.settimeout(AGAIN)
            s.connect((address[0], address[1] + MAIL))
            s.send(b"x")
        for s in some:
            for _ in range(TRIES):
                try:
                    answered += s.recv(16) == b"x"
                    break
                except socket.timeout:
                    s.send(b"x")
            s.close()
        n -= len(some)
    return answered


MEASURES = {f.__name__: f for f in (streams, beside_stalled, both_ways, trip, first_bytes, connections, letters, mail,
                                    one_way, sessions, hold)}


def main():
    if sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]))
        return
    address, _, port = sys.argv[2].partition(":")
    result = MEASURES[sys.argv[1]]((address, int(port)), *map(int, sys.argv[3:]))
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
