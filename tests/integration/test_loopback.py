# SPDX-License-Identifier: MIT
"""A service that listens on 127.0.0.1 only is reached from the host, over TCP: real servers, the real
agent and wslbridge-loopback in a guest, and a host on the other end of its network."""
import contextlib
import os
import shutil
import socket
import struct
import threading
import time

import pytest

from guest import GATEWAY, wait_until
from loopback import CLIENTS, STRANGER, Server, UdpServer, make_socket, read_all, wait_loopback

PORT = 8080


def reset(s):
    """Close the socket so that its peer gets a reset."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def test_a_server_that_starts_later_dies_and_comes_back_on_v6(carried):
    guest, outside, _ = carried
    assert outside.ask(PORT) is None
    server = Server(guest, PORT)
    assert outside.ask(PORT) == b"127.0.0.1 ping"
    server.close()
    wait_until(lambda: outside.ask(PORT) is None, "nobody answers")
    server = Server(guest, PORT, "::1")
    assert outside.ask(PORT) == b"::1 ping"
    server.close()
    server = Server(guest, PORT)
    assert outside.ask(PORT) == b"127.0.0.1 ping"
    server.close()


def test_a_stranger_is_turned_away(carried):
    guest, outside, program = carried
    server = Server(guest, PORT)
    with pytest.raises(OSError):
        with outside.connect(PORT, STRANGER) as s:
            s.sendall(b"x")
            assert s.recv(1) == b""
            raise ConnectionResetError  # closed before a byte came
    program.wait_log(f"Turned {STRANGER} away from port {PORT}/tcp: only the host may connect, which has "
                     f"the gateway's address {GATEWAY}")
    assert outside.ask(PORT) == b"127.0.0.1 ping"
    server.close()


def test_nothing_else_of_the_guest_is_open(carried):
    """Not another port, not another address, and not from inside the guest."""
    guest, outside, program = carried
    servers = [Server(guest, PORT), Server(guest, PORT + 1)]
    with pytest.raises(OSError):
        outside.connect(PORT + 1)
    guest.ip("addr add 10.9.0.9/24 dev eth0\n")
    with pytest.raises(OSError):
        outside.connect(PORT, address="10.9.0.9")
    with make_socket(guest.namespace) as s, pytest.raises(ConnectionResetError):
        s.connect((guest.address, PORT))
        s.sendall(b"x")
        assert s.recv(1) == b""
        raise ConnectionResetError  # closed before a byte came
    program.wait_log(f"Turned {guest.address} away from port {PORT}/tcp")
    for server in servers:
        server.close()


def test_a_server_that_does_not_answer(carried):
    """Its backlog is full, so that the kernel answers nothing. The client learns of it after ten seconds."""
    guest, outside, _ = carried
    with make_socket(guest.namespace) as server, contextlib.ExitStack() as waiting:
        server.bind(("127.0.0.1", PORT))
        server.listen(0)
        for _ in range(4):
            client = waiting.enter_context(make_socket(guest.namespace))
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", PORT))
        begin = time.monotonic()
        with outside.connect(PORT) as s:
            with pytest.raises(ConnectionResetError):
                s.recv(1)
            assert time.monotonic() - begin > 9


def test_half_closed_from_either_end(carried):
    guest, outside, _ = carried
    heard = []

    def listen_after_own_end(connection, name):
        connection.sendall(b"all of it")
        connection.shutdown(socket.SHUT_WR)
        heard.append(read_all(connection))

    server = Server(guest, PORT, behave=listen_after_own_end)
    with outside.connect(PORT) as s:
        assert read_all(s) == b"all of it"  # the server has ended its direction, this one goes on
        s.sendall(b"and back")
        s.shutdown(socket.SHUT_WR)
        wait_until(lambda: heard == [b"and back"], "the other direction")
    server.close()
    server = Server(guest, PORT)  # answers only when the client has ended
    assert outside.ask(PORT, b"x" * 3_000_000) == b"127.0.0.1 " + b"x" * 3_000_000
    server.close()


def test_a_reset_is_passed_on_in_both_directions(carried):
    guest, outside, _ = carried
    seen = []

    def note_reset(connection, name):
        connection.sendall(b"ready")
        try:
            seen.append(connection.recv(1))
        except ConnectionResetError:
            seen.append("reset")

    server = Server(guest, PORT, behave=note_reset)
    s = outside.connect(PORT)
    assert s.recv(5) == b"ready"
    reset(s)
    wait_until(lambda: seen == ["reset"], lambda: f"a reset: {seen}")
    server.close()

    # What was sent before the reset arrives. It begins when connect() has returned on the other side.
    server = Server(guest, PORT,
                    behave=lambda c, name: (c.recv(1), c.sendall(b"last words"), reset(c)))
    with outside.connect(PORT) as s:
        s.sendall(b"x")
        assert s.recv(99) == b"last words"
        with pytest.raises(ConnectionResetError):
            s.recv(1)
    server.close()


def test_a_server_that_answers_and_hangs_up_during_an_upload(carried):
    """Its answer arrives, although it has not read everything."""
    guest, outside, _ = carried
    server = Server(guest, PORT, behave=lambda c, name: (c.recv(1), c.sendall(b"too large"), c.close()))
    for _ in range(20):
        with outside.connect(PORT) as s:
            with contextlib.suppress(OSError):
                s.sendall(b"x" * 1_000_000)
            assert s.recv(99) == b"too large"
    server.close()


def test_a_thousand_connections_and_none_of_them_costs_while_idle(carried):
    guest, outside, program = carried
    release = threading.Event()
    server = Server(guest, PORT, behave=lambda c, name: (c.sendall(c.recv(1)), release.wait(),
                                                         c.sendall(read_all(c))))
    before = program.n_sockets()
    clients = []
    for _ in range(CLIENTS):
        clients.append(outside.connect(PORT))
        clients[-1].sendall(b"a")
    assert all(c.recv(1) == b"a" for c in clients)
    # Two sockets for each, and no pipe but the few that are kept.
    assert program.n_sockets() <= before + 2 * CLIENTS + 2 * 16
    release.set()
    for c in clients:
        c.sendall(b"b")
        c.shutdown(socket.SHUT_WR)
    assert all(read_all(c) == b"b" for c in clients)
    for c in clients:
        c.close()
    wait_until(lambda: program.n_sockets() <= before + 2 * 16, "all are closed")
    server.close()


def test_the_address_changes(carried):
    """The old connection is reset, because nobody could continue it, and new ones find the way."""
    guest, outside, _ = carried
    server = Server(guest, PORT, behave=lambda c, name: (c.sendall(b"hello"), c.recv(1)))
    old = outside.connect(PORT)
    assert old.recv(5) == b"hello"
    guest.new_address()
    server.close()
    server = Server(guest, PORT)
    outside.wait_answer(PORT)
    old.close()
    server.close()


def test_services_come_and_go_while_others_stay(carried):
    guest, outside, program = carried
    server = Server(guest, PORT, behave=lambda c, name: c.sendall(read_all(c)))
    with outside.connect(PORT) as kept:
        guest.service("more", "listen = 8090-8092\nconnect = loopback")
        more = Server(guest, 8091)
        outside.wait_answer(8091)
        guest.remove_service("more")
        wait_until(lambda: outside.ask(8091) is None, "the port is closed")
        kept.sendall(b"still there")
        kept.shutdown(socket.SHUT_WR)
        assert read_all(kept) == b"still there"
        more.close()
    guest.remove_service("web")
    assert program.ended() == 0
    program.process = None
    assert not program.wanted()
    server.close()


def test_a_restart_of_the_agent_costs_no_connection(carried):
    guest, outside, program = carried
    server = Server(guest, PORT, behave=lambda c, name: c.sendall(read_all(c)))
    with outside.connect(PORT) as kept:
        guest.stop()
        assert not program.wanted()
        guest.start()
        wait_loopback(guest, "web", "carried")
        kept.sendall(b"still there")
        kept.shutdown(socket.SHUT_WR)
        assert read_all(kept) == b"still there"
    server.close()


def test_without_an_agent_it_ends(carried):
    guest, outside, program = carried
    guest.stop()
    assert program.ended() == 0
    assert "The agent does not run any more" in program.log()
    program.process = None


def test_the_status_says_that_it_does_not_run(carried):
    guest, outside, program = carried
    program.kill()
    wait_loopback(guest, "web", "not-running")
    assert "wslbridge-loopback, which carries connections to 127.0.0.1, does not run" in \
        guest.service_status("web")["loopback"]["text"]
    assert guest.log_lines("Service 'web': wslbridge-loopback, which carries")
    program.start()
    wait_loopback(guest, "web", "carried")


def test_the_port_is_taken(guest, host, outside, program, control):
    """By the service itself, which gets the connections then; when it moves to 127.0.0.1, they are
    carried."""
    server = Server(guest, PORT, "0.0.0.0")
    guest.service("web", f"listen = {PORT}\nconnect = loopback")
    host.start()
    guest.start()
    program.start_when_wanted()
    wait_loopback(guest, "web", "direct")
    assert outside.ask(PORT) == b"0.0.0.0 ping"
    assert guest.service_status("web")["guest"] == "listening"
    output = " ".join(control.run("status")[1].split())
    assert f"another program of this guest has port {PORT} of its address" in output
    server.close()
    server = Server(guest, PORT)
    wait_loopback(guest, "web", "carried")
    outside.wait_answer(PORT)
    server.close()


def test_no_gateway_no_host(guest, host, program):
    guest.service("web", f"listen = {PORT}\nconnect = loopback")
    guest.ip("route del default\nroute add default dev eth0\n")
    host.start()
    guest.start()
    wait_loopback(guest, "web", "no-host")
    assert "this guest has no gateway" in guest.service_status("web")["loopback"]["text"]
    assert not program.wanted()
    guest.ip("route replace default via 10.9.0.1\n")
    program.start_when_wanted()
    wait_loopback(guest, "web", "carried")


def test_no_command_is_content_while_nothing_is_carried(guest, host, program, control):
    """The host calls the service active, because it knows only its own half."""
    guest.service("web", f"listen = {PORT}\nconnect = loopback")
    guest.ip("route del default\nroute add default dev eth0\n")
    host.start()
    guest.start()
    guest.wait_state("web", "active")
    code, output = control.run("expose", "3000", "--loopback")
    assert code == 1 and "because this guest has no gateway" in " ".join(output.split())
    guest.ip("route replace default via 10.9.0.1\n")
    wait_loopback(guest, "web", "starting")
    code, output = control.run("status", "web")
    assert code == 3 and "wslbridge-loopback, which carries connections to 127.0.0.1, has not started yet" in \
        " ".join(output.split())
    assert control.run("wait", "web", "--timeout=1")[0] == 5
    program.start_when_wanted()
    assert control.run("wait", "--timeout=50")[0] == 0
    assert control.run("status", "web", "port-3000")[0] == 0


@pytest.mark.parametrize("mode", ["mirrored", "virtioproxy", "bridged"])
def test_modes_that_leave_no_way(guest, host, outside, program, mode):
    """The mode changes while we run, to and fro."""
    server = Server(guest, PORT)
    guest.wsl_mode(mode)
    guest.service("web", f"listen = {PORT}\nconnect = loopback")
    guest.service("open", "listen = 8000")
    host.start()
    guest.start()
    guest.wait_state("open", "active")
    guest.wait_state("web", "withdrawn")
    status = guest.service_status("web")
    assert status["reason"] == "networking-mode" and f"networking mode {mode}: " in status["text"]
    assert "nothing can carry them to 127.0.0.1" in status["text"] and status["loopback"] is None
    assert not program.wanted()
    guest.wsl_mode("nat")
    guest.reload()
    guest.wait_state("web", "active")
    program.start_when_wanted()
    outside.wait_answer(PORT)
    guest.wsl_mode(mode)
    guest.reload()
    guest.wait_state("web", "withdrawn")
    assert program.ended() == 0
    program.process = None
    assert not program.wanted()
    server.close()


def test_whether_a_server_listens_is_told_behind_our_own_listener(carried, host):
    guest, _, _ = carried
    wait_until(lambda: guest.service_status("web")["guest"] == "not-listening", "nobody listens")
    server = Server(guest, PORT, "::1")
    guest.reload()
    wait_until(lambda: guest.service_status("web")["guest"] == "listening",
               lambda: f"listening: {guest.service_status('web')}")
    assert not guest.log_lines("accepts connections from inside this guest only")
    server.close()


def test_a_table_that_cannot_be_used_changes_nothing(carried):
    guest, outside, program = carried
    server = Server(guest, PORT)
    path = f"{guest.state}/loopback.table"
    with open(path + ".x", "w", encoding="ascii") as f:
        f.write("wslbridge-loopback 2\n")
    os.rename(path + ".x", path)
    program.wait_log("it does not begin with a first line that this version knows; what was in force stays")
    assert outside.ask(PORT) == b"127.0.0.1 ping"
    server.close()


@pytest.mark.parametrize("protocol, ending", [("tcp", "client"), ("tcp", "service"), ("udp", "service")])
def test_an_upgrade_waits_for_the_last_connection(guest, host, outside, program, tmp_path, protocol, ending):
    """Nothing restarts the program, which would reset what it carries; it makes way for the new one."""
    installed = str(tmp_path / "wslbridge-loopback")
    shutil.copy(program.exe, installed)
    program.exe = installed
    guest.service("web", f"listen = {PORT}\nprotocol = {protocol}\nconnect = loopback")
    host.start()
    guest.start()
    program.start_when_wanted()
    wait_loopback(guest, "web", "carried")
    server = (Server if protocol == "tcp" else UdpServer)(guest, PORT)
    before = program.n_sockets()
    with outside.connect(PORT) if protocol == "tcp" else outside.udp(PORT) as s:
        s.send(b"one")
        if protocol == "udp":
            assert s.recv(9) == b"one"
        wait_until(lambda: program.n_sockets() > before, "what it carries")
        shutil.copy(installed, installed + ".new")
        os.rename(installed + ".new", installed)
        guest.service("other", f"listen = {PORT + 1}\nprotocol = {protocol}\nconnect = loopback")
        wait_loopback(guest, "other", "carried")  # it goes on with its work
        program.wait_log("run 'systemctl restart wslbridge-loopback'")
        if ending == "service":
            guest.remove_service("web")  # ends all; a session would otherwise take minutes
        else:
            s.shutdown(socket.SHUT_WR)
            assert read_all(s) == b"127.0.0.1 one"
    assert program.ended() == 0
    server.close()
    assert program.log().count("Another version is installed; this one goes on until") == 1
    assert program.log().count("Another version is installed, and no connection is left") == 1
    assert program.wanted()
    os.rmdir(program.folder)  # as systemd does it
    wait_loopback(guest, "other", "not-running")
    program.start()
    wait_loopback(guest, "other", "carried")
