# SPDX-License-Identifier: MIT
"""What must not stop wslbridge-loopback, nor make it busy: urgent data, all connections taken, files that
cannot be written, and what else happens in the agent's folder."""
import contextlib
import os
import re
import signal
import socket

import pytest

from guest import GATEWAY, PREFIX, wait_until
from loopback import Server, inside, make_socket, read_all, wait_loopback

PORT = 8080
OTHER, DEAF = 8081, 8082
CONNECTIONS_MAX, PORT_CONNECTIONS_MAX = 2048, 1536
BUFFER_SIZE_MAX, BUFFER_SIZE_SHARED, BUFFER_SIZE_MIN, BUFFER_EXCESS = 256 << 10, 1536 << 10, 4 << 10, 64 << 10


def send_urgent(s):
    s.sendall(b"before ")
    s.send(b"!", socket.MSG_OOB)
    s.sendall(b" after")



def test_urgent_data_goes_on_in_its_place(carried):
    """In both directions; and what comes after it arrives, so nobody waits for it at full speed."""
    guest, outside, _ = carried

    def answer_urgently(connection, name):
        data = read_exactly(connection, 14)
        send_urgent(connection)
        connection.sendall(b" " + data + read_all(connection))

    server = Server(guest, PORT, behave=answer_urgently)
    with outside.connect(PORT) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        send_urgent(s)
        s.sendall(b".")
        s.shutdown(socket.SHUT_WR)
        assert read_all(s) == b"before ! after before ! after."
    server.close()


def read_exactly(s, n):
    data = b""
    while len(data) < n:
        piece = s.recv(n - len(data))
        assert piece, data
        data += piece
    return data


def hold(guest, port):
    """A listener in the guest that leaves all connections in its queue."""
    listener = make_socket(guest.namespace)
    listener.bind(("127.0.0.1", port))
    listener.listen(CONNECTIONS_MAX)
    return listener


def connect_many(outside, port, n):
    """Connections of the host; the kernel takes them, whatever the program does."""
    def connect():
        made = []
        for _ in range(n):
            made.append(socket.socket())
            made[-1].bind((GATEWAY, 0))
            made[-1].connect((outside.guest.address, port))
        return made

    return inside(outside.namespace, connect)


def test_a_port_that_goes_leaves_room_for_the_others(carried):
    """It had most of all connections, and no other port could accept any more."""
    guest, outside, program = carried
    guest.service("other", f"listen = {OTHER}\nconnect = loopback")
    guest.service("deaf", f"listen = {DEAF}\nconnect = loopback")
    for name in ("other", "deaf"):
        wait_loopback(guest, name, "carried")
    holders = [hold(guest, PORT), hold(guest, OTHER)]
    server = Server(guest, DEAF)
    before = program.n_sockets()
    clients = connect_many(outside, PORT, PORT_CONNECTIONS_MAX)
    clients += connect_many(outside, OTHER, CONNECTIONS_MAX - PORT_CONNECTIONS_MAX)
    wait_until(lambda: program.n_sockets() >= before + 2 * CONNECTIONS_MAX,
               lambda: f"all connections: {before}, {program.n_sockets()}")
    with outside.connect(DEAF) as waiting:
        waiting.sendall(b"ping")
        waiting.shutdown(socket.SHUT_WR)
        # A port that pauses is not told apart from one that has not looked yet, so give it its turn.
        with outside.connect(DEAF):
            pass
        guest.remove_service("web")
        assert read_all(waiting) == b"127.0.0.1 ping"
    for s in clients + holders:
        s.close()
    server.close()


def kernel_memory(guest, program):
    """Of the program's connections: the bytes that the kernel has received for them, those that it has to
    send, and the sorted limits of their buffers."""
    lines = guest.namespace.run("ss", "--tcp", "--memory", "--numeric", "--processes", "--oneline",
                                "--no-header", "state", "established").stdout.splitlines()
    seen = [re.search(r"skmem:\(r(\d+),rb(\d+),t\d+,tb(\d+),f\d+,w(\d+),", line)
            for line in lines if f"pid={program.process.pid}," in line]
    numbers = [tuple(map(int, one.groups())) for one in seen]
    return (sum(r for r, _, _, _ in numbers), sum(w for _, _, _, w in numbers),
            sorted(limit for _, rb, tb, _ in numbers for limit in (rb, tb)))


def fill(ends):
    """Send from each of them what is taken at once. Returns how many bytes that is."""
    taken, part = 0, bytes(65536)
    for one in ends:
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)  # its own buffer is not what this is about
        with contextlib.suppress(BlockingIOError):
            while True:
                taken += one.send(part)
    return taken


def test_the_kernel_keeps_little_for_connections_that_nobody_reads(carried):
    """The first ones get large buffers, and later ones small ones. With WSLBRIDGE_LONG, as many as there
    may be."""
    guest, outside, program = carried
    n = PORT_CONNECTIONS_MAX if os.environ.get("WSLBRIDGE_LONG") else 200
    listener = hold(guest, PORT)
    clients = connect_many(outside, PORT, n)
    ends = clients + [listener.accept()[0] for _ in range(n)]
    sent = []
    wait_until(lambda: sent.append(fill(ends)) or sent[-1] == 0, "nobody takes anything any more", 300)
    received, queued, limits = kernel_memory(guest, program)
    print(f"{n} connections that nobody reads: the kernel keeps {received >> 10} KiB that it has received for the "
          f"program and {queued >> 10} KiB to send; buffers of {limits[0]} to {limits[-1]} bytes")
    assert len(limits) == 4 * n
    assert limits[-1] <= 2 * BUFFER_SIZE_MAX
    assert limits[0] <= 2 * max(BUFFER_SIZE_SHARED // n, BUFFER_SIZE_MIN)
    assert received + queued <= sum(limits) + 2 * n * BUFFER_EXCESS
    for one in ends + [listener]:
        one.close()


def test_only_the_table_is_applied_and_not_every_file_of_the_agent(carried):
    """Its status is in the same folder."""
    guest, _, program = carried
    guest.service("open", "listen = 8000")
    guest.wait_state("open", "active")
    guest.service("more", f"listen = {OTHER}\nconnect = loopback")
    wait_loopback(guest, "more", "carried")
    program.wait_log("Carrying 2 ports")
    assert program.log().count("Carrying 1 port of") == 1, program.log()


def test_a_port_is_not_carried_before_the_program_has_it(carried, control):
    """It stands still, and the report that is there is about the table of before."""
    guest, _, program = carried
    program.process.send_signal(signal.SIGSTOP)
    try:
        guest.service("more", f"listen = {OTHER}\nconnect = loopback")
        guest.wait_state("more", "active")
        # It is 'starting', and 'not-running' after a quarter of a minute.
        wait_until(lambda: guest.service_status("more")["loopback"]["state"] in ("starting", "not-running"),
                   lambda: guest.service_status("more"))
        assert guest.service_status("web")["loopback"]["state"] == "carried"
        assert control.run("status", "web")[0] == 0
        assert control.run("status", "more")[0] == 3
    finally:
        program.process.send_signal(signal.SIGCONT)
    assert control.run("wait", "more", "--timeout=50")[0] == 0


def block(path):
    """Nobody can write the file, root included, until the folder is removed that is made here."""
    os.mkdir(path + ".new")
    return path + ".new"


def test_a_report_that_cannot_be_written_is_tried_again(guest, host, program):
    os.makedirs(program.folder)
    blocker = block(os.path.join(program.folder, "report"))
    guest.service("web", f"listen = {PORT}\nconnect = loopback")
    host.start()
    guest.start()
    program.start_when_wanted()
    program.wait_log("report, trying again: File exists")
    wait_loopback(guest, "web", "not-running")
    os.rmdir(blocker)
    wait_loopback(guest, "web", "carried")
    assert program.log().count("trying again: File exists") == 1


def test_a_table_that_cannot_be_written_is_tried_again(guest, host, program):
    guest.service("web", f"listen = {PORT}\nconnect = loopback")
    blocker = block(os.path.join(guest.state, "loopback.table"))
    host.start()
    guest.start()
    guest.wait_log("loopback.table, trying again: File exists")
    os.rmdir(blocker)
    program.start_when_wanted()
    wait_loopback(guest, "web", "carried")
    assert len(guest.log_lines("trying again: File exists")) == 1


def test_a_table_that_cannot_be_written_keeps_no_withdrawn_service_open(carried):
    guest, outside, program = carried
    guest.service("more", f"listen = {OTHER}\nconnect = loopback")
    wait_loopback(guest, "more", "carried")
    blocker = block(os.path.join(guest.state, "loopback.table"))
    guest.remove_service("more")
    guest.wait_log("loopback.table, trying again: File exists")
    wait_until(lambda: not program.wanted(), "the files to go")
    assert program.ended() == 0
    wait_loopback(guest, "web", "not-running")
    os.rmdir(blocker)
    program.process = None
    program.start_when_wanted()
    wait_loopback(guest, "web", "carried")
    with pytest.raises(OSError):
        outside.connect(OTHER)


def gateway(guest):
    return (guest.status()["guest"]["ipv4"] or {}).get("gateway")


def test_a_default_route_that_is_away_for_a_moment_costs_no_connection(carried):
    """Meanwhile, a service that is removed is closed at once."""
    guest, outside, program = carried
    guest.service("more", f"listen = {OTHER}\nconnect = loopback")
    program.wait_log("Carrying 2 ports")
    server = Server(guest, PORT, behave=lambda c, name: c.sendall(read_all(c)))
    with outside.connect(PORT) as kept:
        guest.ip("route del default\n")
        wait_until(lambda: not gateway(guest), lambda: f"no gateway: {guest.status()}")
        guest.remove_service("more")
        wait_until(lambda: program.log().count("Carrying 1 port of") == 2, program.log)
        guest.ip(f"route add default via {GATEWAY}\n")
        wait_until(lambda: gateway(guest), lambda: f"a gateway: {guest.status()}")
        kept.sendall(b"still there")
        kept.shutdown(socket.SHUT_WR)
        assert read_all(kept) == b"still there"
    server.close()


def test_a_default_route_that_stays_away_ends_it(carried):
    guest, _, program = carried
    guest.ip("route del default\n")
    wait_loopback(guest, "web", "no-host")
    assert program.ended() == 0
    program.process = None
    assert not program.wanted()


def test_an_interface_that_is_made_again(carried):
    """As 'ifdown br0; ifup br0' does it. The name, the address and the gateway are as before, and sockets of
    before are deaf."""
    guest, outside, _ = carried
    server = Server(guest, PORT, behave=lambda c, name: c.sendall(b"here"))
    with outside.connect(PORT) as s:
        assert read_all(s) == b"here"
    guest.ip(f"link del eth0\nlink add eth0 type veth peer name peer0\n"
             f"link set peer0 netns {outside.namespace.name}\nlink set eth0 up\n"
             f"addr add {guest.address}/{PREFIX} dev eth0\nroute add default via {GATEWAY}\n")
    outside.namespace.ip(f"link set peer0 up\naddr add {GATEWAY}/{PREFIX} dev peer0\n")

    def served():
        try:
            with outside.connect(PORT) as s:
                return read_all(s) == b"here"
        except OSError:
            return False

    wait_until(served, lambda: f"an answer: {guest.status()}")
    server.close()
