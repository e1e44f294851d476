# SPDX-License-Identifier: MIT
"""The agent survives any peer in place of the helper, reports it once, and later finds a good
helper."""
import socket
import struct
import time

import pytest

from guest import wait_until

CHALLENGE = 2  # docs/protocol.md
WELCOME = 4
STATE = 6
RESULT = 7
PING = 8
ACTIVE = 1
BLOCKED = 3


def frame(kind, payload):
    return struct.pack(">BBHI", 1, kind, 0, len(payload)) + payload


def say_nothing(connection):
    connection.recv(65536)
    time.sleep(60)


def close_at_once(connection):
    connection.close()


def close_after_hello(connection):
    assert connection.recv(65536)
    connection.close()


def close_mid_header(connection):
    connection.recv(65536)
    connection.sendall(frame(CHALLENGE, bytes(60))[:5])
    connection.close()


def close_mid_frame(connection):
    connection.recv(65536)
    connection.sendall(frame(CHALLENGE, bytes(60))[:30])
    connection.close()


def half_open(connection):
    """Send nothing more and read nothing, but keep the connection."""
    connection.shutdown(socket.SHUT_WR)
    time.sleep(60)


def refuses_bytes(connection):
    connection.shutdown(socket.SHUT_RD)
    time.sleep(60)


def web_server(connection):
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    connection.close()


def too_long(connection):
    connection.sendall(struct.pack(">BBHI", 1, CHALLENGE, 0, 0xFFFFFFFF))
    time.sleep(60)


def zeros_forever(connection):
    while True:
        connection.sendall(bytes(65536))


def early_result(connection):
    connection.sendall(frame(RESULT, bytes(16)))
    time.sleep(60)


def drip(connection):
    """Send a frame byte by byte, and never finish it."""
    for byte in frame(CHALLENGE, bytes(500)):
        connection.sendall(bytes([byte]))
        time.sleep(0.05)
    connection.close()


QUICK = [close_at_once, close_after_hello, close_mid_header, close_mid_frame, half_open,
         web_server, too_long, zeros_forever, early_result]


@pytest.mark.parametrize("behave", QUICK, ids=lambda b: b.__name__)
def test_agent_survives_and_finds_a_good_helper(guest, host, peer, behave):
    guest.service("web", "listen = 8080")
    bad = peer(behave)
    guest.start()
    wait_until(lambda: bad.n_connections >= 3, "the third try")
    assert guest.process.poll() is None
    wrong = [line for line in guest.log().splitlines() if "elper" in line and "started" not in line]
    assert len(wrong) == 1, wrong  # three tries, one line
    guest.wait_helper("waiting")
    bad.close()
    host.start()
    guest.new_address()  # ends the pause between two tries
    guest.wait_state("web", "active")
    assert bad.n_connections < 10  # with pauses between them
    guest.stop()


@pytest.mark.parametrize("what", ["the address", "the configuration"])
def test_a_change_ends_the_pause_between_two_tries(guest, peer, what):
    """The sixth pause is 6 to 8 seconds long, so a try that comes sooner is not the pause's."""
    tries = []

    def behave(connection):
        tries.append(time.monotonic())
        connection.close()

    guest.service("web", "listen = 8080")
    peer(behave)
    guest.start()
    wait_until(lambda: len(tries) == 6, "the sixth try", seconds=40)
    if what == "the address":
        guest.new_address()
    else:
        guest.service("web", "listen = 8081")
    wait_until(lambda: len(tries) > 6, "the seventh try", seconds=40)
    assert tries[6] - tries[5] < 6


@pytest.mark.parametrize("behave", [say_nothing, refuses_bytes, drip], ids=lambda b: b.__name__)
def test_handshake_has_a_deadline(guest, host, peer, behave):
    guest.service("web", "listen = 8080")
    bad = peer(behave)
    guest.start()
    wait_until(lambda: guest.status()["helper"]["error"], "the deadline", seconds=40)
    assert guest.status()["helper"]["error"]["cause"] in ("silent", "lost")
    assert bad.n_connections <= 3
    bad.close()
    host.start()
    guest.new_address()
    guest.wait_state("web", "active")


def test_agent_leaves_a_silent_helper(guest, host):
    """The helper freezes during a session: heartbeats stop, and nobody closes the connection."""
    guest.service("web", "listen = 8080")
    host.start(heartbeat_ms=200)
    guest.start()
    guest.wait_state("web", "active")
    host.process.send_signal(19)  # SIGSTOP
    guest.wait_helper("waiting")
    assert guest.status()["helper"]["error"]["cause"] == "silent"
    assert guest.service_status("web")["state"] == "pending"
    host.process.send_signal(18)  # SIGCONT
    guest.wait_state("web", "active")
    assert host.rules() == {"0.0.0.0/8080": "10.9.0.2/8080"}


def test_slow_helper_gets_the_newest_state(guest, host):
    guest.service("web", "listen = 8080\nconnect-port = 80")
    host.start(delay_ms=300)
    guest.start()
    guest.wait_state("web", "active")
    for _ in range(10):
        guest.new_address()
    host.wait_rules({"0.0.0.0/8080": f"{guest.address}/80"})
    wait_until(lambda: (guest.status()["last_update"] or {}).get("usec", 0) > 200_000,
               "the slow answer")


def read_frame(stream):
    header = stream.read(8)
    if len(header) < 8:
        raise OSError
    _, kind, _, length = struct.unpack(">BBHI", header)
    return kind, stream.read(length)


def admit(connection, heartbeat_ms=30000):
    """Pair with nobody, and accept two endpoints. Return: a stream of the agent's frames."""
    stream = connection.makefile("rb")
    read_frame(stream)
    connection.sendall(frame(CHALLENGE, bytes([1]) + bytes(32) + struct.pack(">II", 2, heartbeat_ms)
                             + b"\x04test"))
    read_frame(stream)
    connection.sendall(frame(WELCOME, bytes([0])))
    return stream


def result(state, payload, text=b"", reason=0):
    """The answer to the STATE with this payload, for its one service."""
    return frame(RESULT, payload[:8] + struct.pack(">IIBHB", 1, 1, state, reason, len(text)) + text)


class SmallHelper:
    """Pairs with nobody and accepts two endpoints. Records (address, number of services) of each
    STATE."""

    def __init__(self):
        self.states = []

    def __call__(self, connection):
        stream = admit(connection)
        while True:
            kind, payload = read_frame(stream)
            if kind == STATE:
                at = 10 + payload[9]  # after sequence, mode and interface
                assert payload[at] == 4
                self.states.append((socket.inet_ntoa(payload[at + 1:at + 5]),
                                    struct.unpack(">I", payload[at + 12:at + 16])[0]))


class MuteHelper:
    """Pairs with nobody, is alive, and says nothing about the services until it is told to."""

    def __init__(self):
        self.answers = False

    def __call__(self, connection):
        stream = admit(connection, heartbeat_ms=300)
        while True:
            connection.sendall(frame(PING, bytes(8)))
            kind, payload = read_frame(stream)
            if kind == STATE and self.answers:  # its one service is active
                connection.sendall(result(ACTIVE, payload))
            time.sleep(0.1)


def test_helper_without_answers(guest, peer):
    """It is left for a new session again and again; one line, and status says since when."""
    guest.service("web", "listen = 8080")
    helper = MuteHelper()
    bad = peer(helper)
    guest.start()
    guest.wait_log("does not say what became of our services")
    wait_until(lambda: bad.n_connections >= 3, "the third session")
    assert len(guest.log_lines("does not say what became of our services")) == 1
    assert guest.status()["helper"]["unanswered_since"]["time"]
    assert guest.service_status("web")["state"] == "pending"
    helper.answers = True
    guest.new_address()
    guest.wait_state("web", "active")
    wait_until(lambda: guest.status()["helper"]["unanswered_since"] is None, "the answer")
    guest.stop()


def test_helper_without_answers_that_ends(guest, peer, control):
    """From then on it is missing, and nobody is sent to look at what it does with the services."""
    guest.service("web", "listen = 8080")
    bad = peer(MuteHelper())
    guest.start()
    wait_until(lambda: guest.status()["helper"].get("unanswered_since"), "no answer")
    assert "helper-unanswered" in str(control.json("doctor"))
    bad.close()
    wait_until(lambda: (guest.status()["helper"]["error"] or {}).get("cause") == "unreachable",
               "no helper")
    assert guest.status()["helper"]["unanswered_since"] is None
    output = str(control.json("doctor"))
    assert "helper-silent" in output and "helper-unanswered" not in output


def change_its_mind(connection):
    stream = admit(connection)
    kind, payload = read_frame(stream)
    assert kind == STATE
    for i in range(1000):
        connection.sendall(result(BLOCKED, payload, b"no") + result(ACTIVE, payload, b"yes %d" % i)
                           + result(ACTIVE, payload, b"or %d" % i))
    connection.sendall(result(BLOCKED, payload, b"that was all"))
    stream.read()


def test_helper_that_changes_its_mind_all_the_time(guest, peer):
    """Whoever has the key could fill the journal. What is left out is told, though nothing follows."""
    guest.service("web", "listen = 8080")
    peer(change_its_mind)
    guest.start()
    wait_until(lambda: guest.service_status("web").get("text") == "that was all", "the end")
    assert 50 < guest.log().count("\n") < 200
    assert "Service 'web' is active: yes 1" in guest.log()
    assert "that was all" not in guest.log()
    # If it takes long, the number is told in parts.
    wait_until(lambda: sum(int(line.rsplit(" ", 1)[1]) for line in
                           guest.log_lines("Log lines left out about the helper: ")) > 1500, guest.log)


def test_more_endpoints_than_the_helper_accepts(guest, peer):
    """The agent then asks for nothing, because the old rules would outlive an address change."""
    helper = SmallHelper()
    guest.service("web", "listen = 8080")
    peer(helper)
    guest.start()
    wait_until(lambda: helper.states == [(guest.address, 1)], helper.states)
    guest.service("many", "listen = 9000-9009")
    guest.wait_state("web", "invalid")
    assert len(guest.log_lines("it has 11 endpoints, but the helper accepts only 2")) == 1
    guest.new_address()
    wait_until(lambda: (guest.address, 0) in helper.states, helper.states)
    assert all(n == 0 for _, n in helper.states[1:])
    guest.remove_service("many")
    wait_until(lambda: helper.states[-1] == (guest.address, 1), helper.states)
    guest.stop()


def test_listener_with_a_full_queue(guest, host):
    """connect() returns EAGAIN and no event follows. The agent counts this as a failed try."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(guest.socket)
    listener.listen(0)
    waiting = socket.socket(socket.AF_UNIX)
    waiting.connect(guest.socket)
    guest.service("web", "listen = 8080")
    guest.start()
    guest.wait_log("Cannot reach the helper")
    listener.close()
    waiting.close()
    host.start()
    guest.new_address()
    guest.wait_state("web", "active")
