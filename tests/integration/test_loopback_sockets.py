# SPDX-License-Identifier: MIT
"""The settings of the sockets that wslbridge-loopback has for a connection, as the kernel has them, and what the
kernel makes of them when the program is killed."""
import contextlib
import os
import socket
import threading

import pytest

from guest import GATEWAY, MAX_DELAY, PREFIX, copy_descriptor, wait_until
from loopback import Server

PORT = 8080
QUICK = 1  # seconds; the kernel's keep-alive takes two hours


@contextlib.contextmanager
def connections(pid):
    """Its sockets with a peer: {whether that is on the guest's loopback: a socket of ours for it}."""
    with contextlib.ExitStack() as stack:
        found = {}
        for fd in os.listdir(f"/proc/{pid}/fd"):
            if not os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:"):
                continue
            one = stack.enter_context(socket.socket(fileno=copy_descriptor(pid, int(fd))))
            with contextlib.suppress(OSError):  # it has no peer: it listens, or is for datagrams
                if one.type == socket.SOCK_STREAM and one.family != socket.AF_UNIX:
                    inner = one.getpeername()[0] in ("127.0.0.1", "::1")
                    assert inner not in found, one
                    found[inner] = one
        assert set(found) == {False, True}
        yield found


def option(one, level, name):
    return one.getsockopt(level, name) != 0


@pytest.fixture
def wait_for_end():
    """wait_for_end(connection, name): behaviour of a server that reads until the connection has ended."""
    ended = threading.Event()

    def read(connection, _):
        connection.sendall(b"ready")
        with contextlib.suppress(OSError):
            connection.recv(1)
        ended.set()

    read.ended = ended
    return read


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_both_sockets_of_a_connection(carried, wait_for_end, address):
    """Neither holds back a small piece (TCP_NODELAY). A host that vanishes is found (SO_KEEPALIVE); a server
    on the same machine cannot vanish. An urgent byte arrives in its place (SO_OOBINLINE)."""
    guest, outside, program = carried
    server = Server(guest, PORT, address, behave=wait_for_end)
    with outside.connect(PORT) as s:
        assert s.recv(5) == b"ready"
        with connections(program.process.pid) as found:
            for one in found.values():
                assert option(one, socket.IPPROTO_TCP, socket.TCP_NODELAY)
                assert option(one, socket.SOL_SOCKET, socket.SO_OOBINLINE)
            assert option(found[False], socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    server.close()


def test_a_host_that_vanishes(carried, wait_for_end):
    """Nobody sends anything, and the server learns of it all the same. Only the times of keep-alive are set
    here, so that it need not last two hours; that it is on is the program's doing."""
    guest, outside, program = carried
    server = Server(guest, PORT, behave=wait_for_end)
    with outside.connect(PORT) as s:
        assert s.recv(5) == b"ready"
        with connections(program.process.pid) as found:
            for name in (socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_KEEPIDLE):
                found[False].setsockopt(socket.IPPROTO_TCP, name, QUICK)
        outside.namespace.ip(f"addr del {GATEWAY}/{PREFIX} dev peer0\n")  # the guest's adapter stays as it is
        assert wait_for_end.ended.wait(MAX_DELAY)
    server.close()
    assert guest.service_status("web")["loopback"]["state"] == "carried"  # which is no reason for an end


def test_killed_in_the_midst(carried):
    """No end of a connection is left behind, and as soon as systemd has started it again, everybody is served."""
    guest, outside, program = carried
    n, served = 20, []

    def pour(connection, _):
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(bytes(65536))
        served.append("ended")

    server = Server(guest, PORT, behave=pour)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(outside.connect(PORT)) for _ in range(n)]
        for one in clients:
            assert one.recv(1) == b"\0"
        program.kill()
        for one in clients:
            with contextlib.suppress(ConnectionResetError):
                while one.recv(1 << 20):
                    pass
        wait_until(lambda: len(served) == n, lambda: f"{len(served)} of {n} ended")
    server.close()
    server = Server(guest, PORT)
    program.start()
    outside.wait_answer(PORT)
    server.close()
