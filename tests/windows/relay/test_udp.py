# SPDX-License-Identifier: MIT
"""UDP through the relay. Most cases are bugs that other forwarders had."""

import hashlib
import os
import socket

import pytest
import vswitch
from waiting import wait_until

LISTEN = "0.0.0.0/5060"
HOST = ("192.168.50.1", 5060)


def ask(client, data, to=HOST, tries=40):
    """Send @data until an answer comes, because datagrams may be lost. Returns (answer, sender)."""
    client.settimeout(0.5)
    for _ in range(tries):
        client.sendto(data, to)
        try:
            return client.recvfrom(65536)
        except socket.timeout:
            pass
    raise AssertionError(f"no answer to {data[:40]!r} after {tries} tries")


def silent(client, seconds=0.3):
    client.settimeout(seconds)
    try:
        return client.recvfrom(65536) == ()
    except socket.timeout:
        return True


def drain(client):
    """Take what is there already, such as the answer to a datagram that was sent twice."""
    while not silent(client, 0.2):
        pass


def test_each_client_gets_its_own_answers(table, start_relay, serve_udp, udp_client):
    server = serve_udp(answer=lambda data, client: data[::-1])
    table.set(LISTEN, server.endpoint, "udp")
    start_relay()
    clients = [udp_client("192.168.50.2"), udp_client("192.168.50.2"), udp_client("192.168.50.3")]
    for client in clients:  # first all ask, then all read
        client.sendto(b"first of %d" % client.fileno(), HOST)
    for client in clients:
        client.settimeout(20)
        assert client.recvfrom(100) == ((b"first of %d" % client.fileno())[::-1], HOST)
    assert len({client for _, client in server.seen}) == 3


def test_each_answer_comes_once_and_in_order(table, start_relay, serve_udp, udp_client):
    server = serve_udp(answer=lambda data, client: [data + b"/%d" % i for i in range(10)])
    table.set(LISTEN, server.endpoint, "udp")
    start_relay()
    client = udp_client()
    for question in (b"a", b"b"):
        client.sendto(question, HOST)
        assert [client.recv(100) for _ in range(10)] == [question + b"/%d" % i for i in range(10)]
    assert silent(client)


def test_the_answer_comes_from_the_address_that_was_asked(table, start_relay, serve_udp, udp_client):
    """On a host with three addresses. The client's port is the same each time, so these are three
    sessions. With IPv4, Wine cannot choose the address (fact 10.1.14)."""
    server = serve_udp()
    table.set("::/5060", server.endpoint, "udp")
    start_relay()
    client = udp_client("fd50::2")
    for asked in ("fd50::1", "fd50::9", "fd51::1", "fd50::9", "fd50::1"):
        answer, sender = ask(client, asked.encode(), (asked, 5060))
        assert (answer, sender[:2]) == (asked.encode(), (asked, 5060))
        drain(client)
    assert len({end for _, end in server.seen}) == 3


def test_two_addresses_of_the_host_are_two_sessions(table, start_relay, serve_udp, udp_client):
    server = serve_udp()
    table.set(LISTEN, server.endpoint, "udp")
    start_relay()
    client = udp_client()
    for asked in ("192.168.50.1", "192.168.50.9", "192.168.51.1"):
        client.sendto(asked.encode(), (asked, 5060))
    wait_until(lambda: len({end for _, end in server.seen}) == 3, what="three sessions")


def test_with_one_socket_as_on_windows(table, start_relay, serve_udp, udp_client):
    """Wine ignores the address that an answer is to leave from, so elsewhere the tests let the relay
    have a socket for each address. Here it has one, and says the address with each answer."""
    table.set(LISTEN, serve_udp().endpoint, "udp")
    table.set("::/5060", serve_udp("fd29::2").endpoint, "udp")
    start_relay(own_sockets=False)
    assert ask(udp_client(), b"x") == (b"x", HOST)
    assert ask(udp_client("fd50::2"), b"6", ("fd50::1", 5060))[0] == b"6"


def test_an_answer_names_the_address_that_was_asked(prefix, build_win):
    """And the interface of a link-local client, in what Winsock gets. A socket of one address names none."""
    done = prefix.run(build_win / "tests/windows/test-relay-answers.exe", check=False)
    print(done.stdout)
    assert done.returncode == 0
    assert done.stdout.count("ok ") == 9 * 6


@pytest.mark.parametrize("listen, to, address, guest", [
    ("::/5060", "fd50::1", "fd50::2", "fd29::2"), ("::/5060", "fd50::1", "fd50::2", "172.29.0.2"),
    ("192.168.51.1/5060", "192.168.51.1", "192.168.51.2", "fd29::2")])
def test_both_versions_of_ip(table, start_relay, serve_udp, udp_client, listen, to, address, guest):
    table.set(listen, serve_udp(guest).endpoint, "udp")
    start_relay()
    answer, sender = ask(udp_client(address), b"six", (to, 5060))
    assert (answer, sender[0]) == (b"six", to)


def test_datagrams_of_every_size(table, start_relay, serve_udp, udp_client):
    """Also none at all, which is a datagram like any other, and the largest."""
    def answer(data, client):
        return hashlib.sha256(data).digest() + data if len(data) < 60000 else data

    table.set(LISTEN, serve_udp(answer=answer).endpoint, "udp")
    start_relay()
    client = udp_client()
    for size in (0, 1, 2, 508, 1472, 1473, 9000, 32768, 59999, 65506, 65507):
        data = os.urandom(size)
        got = ask(client, data)[0]
        if size < 60000:
            assert got[:32] == hashlib.sha256(data).digest()
            got = got[32:]
        assert got == data
        drain(client)


def test_an_empty_answer(table, start_relay, serve_udp, udp_client):
    table.set(LISTEN, serve_udp(answer=lambda data, client: b"").endpoint, "udp")
    start_relay()
    assert ask(udp_client(), b"nothing, please") == (b"", HOST)


def test_a_closed_port_costs_nothing_else(network, table, start_relay, serve_udp, udp_client):
    """The guest's "port unreachable" ends neither the session nor the endpoint, and who asks before
    the service is there gets an answer when it is."""
    other = serve_udp()
    table.set(LISTEN, "172.29.0.2/5999", "udp")
    table.set("0.0.0.0/5061", other.endpoint, "udp")
    start_relay()
    early, client = udp_client(), udp_client()
    for i in range(200):
        early.sendto(b"%d" % i, HOST)
    assert silent(early)
    assert ask(client, b"other", ("192.168.50.1", 5061))[0] == b"other"
    late = serve_udp(port=5999)
    # A slow machine has some of the earlier datagrams still on their way.
    assert wait_until(lambda: ask(early, b"at last") == (b"at last", HOST), what="the service")
    drain(early)
    late.close()
    for i in range(50):
        early.sendto(b"%d" % i, HOST)
    assert silent(early)
    serve_udp(port=5999)
    assert wait_until(lambda: ask(early, b"once more")[0] == b"once more", what="the service once more")


def test_the_hosts_own_address_changes(network, table, start_relay, serve_udp, udp_client):
    """Its virtual switch is made anew. The session's socket has the old address and never sends again, so the
    client gets another one, though it is never silent."""
    server = serve_udp(answer=lambda data, client: data)
    table.set(LISTEN, server.endpoint, "udp")
    start_relay()
    client = udp_client()
    assert ask(client, b"before")[0] == b"before"
    drain(client)
    old, new = vswitch.HOST_ADDRESSES[0], "172.29.0.77/20"
    try:
        vswitch.run_ip([], f"addr del {old} dev {vswitch.ADAPTER}\naddr add {new} dev {vswitch.ADAPTER}\n")
        assert ask(client, b"after", tries=10)[0] == b"after"
    finally:
        vswitch.run_ip([], f"addr flush dev {vswitch.ADAPTER} to {new}\naddr add {old} dev {vswitch.ADAPTER}\n")


def test_a_guest_that_moves(table, start_relay, serve_udp, udp_client):
    """The session goes on: the guest sees the same port of the host, the client notices nothing."""
    def named(name):
        return lambda data, client: b"%s %d" % (name, client[1])

    old = serve_udp("172.29.0.2", answer=named(b"old"))
    new = serve_udp("172.29.0.3", answer=named(b"new"), port=old.port)
    table.set(LISTEN, old.endpoint, "udp")
    relay = start_relay()
    clients = [udp_client(), udp_client("192.168.50.3")]
    before = [ask(client, b"x")[0] for client in clients]
    for client in clients:
        drain(client)
    table.set(LISTEN, new.endpoint, "udp")
    relay.wait_line(r"Forwarding 1 endpoints \(1 have changed\)")
    assert [ask(client, b"y")[0] for client in clients] == [b.replace(b"old", b"new") for b in before]


def test_a_guest_that_moves_to_the_other_version_of_ip(table, start_relay, serve_udp, udp_client):
    old, new = serve_udp("172.29.0.2"), serve_udp("fd29::2", answer=lambda data, client: b"six")
    table.set(LISTEN, old.endpoint, "udp")
    relay = start_relay()
    client = udp_client()
    assert ask(client, b"x")[0] == b"x"
    drain(client)
    table.delete(LISTEN, old.endpoint, "udp")
    table.set(LISTEN, new.endpoint, "udp")
    relay.wait_line(r"Forwarding 1 endpoints \(1 have changed\)")
    assert ask(client, b"x")[0] == b"six"


def is_local_port(port):
    """Whether a UDP socket of the host is bound to it; Wine's sockets are Linux's."""
    with open("/proc/net/udp", encoding="ascii") as table:
        return any(line.split()[1].endswith(f":{port:04X}") for line in table.readlines()[1:])


def test_nobody_hears_from_the_relay_who_has_not_spoken(network, table, start_relay, serve_udp,
                                                        udp_client):
    """Only the service may answer, and only whom it was asked by: not another port of the guest, and
    not somebody whose session is over."""
    table.limit(udp_answered_ms=3000, udp_unanswered_ms=300)
    server = serve_udp()
    table.set(LISTEN, server.endpoint, "udp")
    start_relay()
    client, bystander = udp_client(), udp_client("192.168.50.3")
    ask(client, b"x")
    drain(client)
    relay_end = server.seen[-1][1]
    assert is_local_port(relay_end[1])
    stranger = network.create_socket("172.29.0.2", socket.SOCK_DGRAM)
    stranger.sendto(b"from another port", relay_end)
    assert silent(client)

    wait_until(lambda: not is_local_port(relay_end[1]), what="the end of the session")
    server.socket.sendto(b"unasked", relay_end)
    assert silent(client)
    assert silent(bystander)
    stranger.close()


def test_an_idle_session_ends(table, start_relay, serve_udp, udp_client):
    """One without an answer ends sooner. Afterwards the same client begins a new one, which the guest
    sees from another port."""
    table.limit(udp_answered_ms=60000, udp_unanswered_ms=200)
    server = serve_udp(answer=lambda data, client: None if data == b"quiet" else data)
    table.set(LISTEN, server.endpoint, "udp")
    relay = start_relay()
    talks, quiet = udp_client(), udp_client()
    ask(talks, b"x")
    first = server.seen[-1][1]
    quiet.sendto(b"quiet", HOST)
    wait_until(lambda: server.seen[-1][0] == b"quiet", what="the datagram")
    ended = server.seen[-1][1]

    def anew():
        quiet.sendto(b"quiet", HOST)
        assert silent(quiet, 0.4)
        return server.seen[-1][1] != ended

    wait_until(anew, what="a new session")
    drain(talks)
    ask(talks, b"y")
    assert server.seen[-1] == (b"y", first)
    relay.wait_idle()


def test_a_quiet_client_begins_again_with_the_same_port(table, start_relay, serve_udp, udp_client):
    """Its session was answered and ends after some silence. The client keeps its port, and is served anew."""
    table.limit(udp_answered_ms=500, udp_unanswered_ms=3600 * 1000)
    server = serve_udp()
    table.set(LISTEN, server.endpoint, "udp")
    relay = start_relay()
    client = udp_client()
    for question in (b"first", b"later"):
        assert ask(client, question) == (question, HOST)
        drain(client)
        wait_until(lambda: not is_local_port(server.seen[-1][1][1]), what="the end of the session")
    relay.wait_idle()


def icmp_errors():
    """How often the host was told that something cannot be reached, such as a port."""
    with open("/proc/net/snmp", encoding="ascii") as file:
        names, values = (line.split() for line in file if line.startswith("Icmp:"))
    return int(values[names.index("InDestUnreachs")])


def test_a_client_that_vanishes(table, start_relay, serve_udp, udp_client):
    """The service goes on answering it, and the client's machine says that nobody has the port. Another
    client is served all the time. When the service falls silent, the first one's session ends."""
    table.limit(udp_answered_ms=1000)
    server = serve_udp()
    table.set(LISTEN, server.endpoint, "udp")
    start_relay()
    gone, stays = udp_client(), udp_client()
    ask(gone, b"x")
    end = server.seen[-1][1]
    gone.close()
    errors = icmp_errors()

    def is_told():
        server.socket.sendto(b"more", end)
        assert ask(stays, b"here") == (b"here", HOST)
        return icmp_errors() > errors

    def is_over():
        assert ask(stays, b"here") == (b"here", HOST)
        return not is_local_port(end[1])

    wait_until(is_told, what="a word from the client's machine")
    wait_until(is_over, what="the end of the session")


def test_a_stranger_never_ends_a_session_that_works(table, start_relay, serve_udp, udp_client):
    table.limit(udp_sessions=4)
    server = serve_udp(answer=lambda data, client: data if data.startswith(b"ask") else None)
    table.set(LISTEN, server.endpoint, "udp")
    start_relay()
    works = udp_client()
    ask(works, b"ask 1")
    end = server.seen[-1][1]
    strangers = [udp_client("192.168.50.3") for _ in range(20)]
    for _ in range(3):
        for stranger in strangers:
            stranger.sendto(b"noise", HOST)
    wait_until(lambda: sum(data == b"noise" for data, _ in server.seen) >= 20, what="the noise")
    drain(works)
    ask(works, b"ask 2")
    assert server.seen[-1] == (b"ask 2", end)
    asking = [udp_client("192.168.50.3") for _ in range(3)]
    for client in asking:
        ask(client, b"ask 3")
    turned_away = udp_client("192.168.50.3")  # all four have been answered
    turned_away.sendto(b"ask 4", HOST)
    assert silent(turned_away)
    drain(works)
    ask(works, b"ask 5")
    assert server.seen[-1] == (b"ask 5", end)


def test_a_client_with_its_share_replaces_its_own(table, start_relay, serve_udp, udp_client):
    """As a resolver that uses a new port for each question."""
    table.limit(udp_sessions_per_client=3)
    server = serve_udp()
    table.set(LISTEN, server.endpoint, "udp")
    start_relay()
    other = udp_client("192.168.50.3")
    ask(other, b"other")
    end = server.seen[-1][1]
    for i in range(20):
        assert ask(udp_client(), b"%d" % i)[0] == b"%d" % i
    drain(other)
    ask(other, b"other")
    assert server.seen[-1] == (b"other", end)


def test_killed_and_started_again(table, start_relay, serve_udp, udp_client):
    table.set(LISTEN, serve_udp().endpoint, "udp")
    relay = start_relay()
    client = udp_client()
    assert ask(client, b"x")[0] == b"x"
    relay.kill()
    start_relay()
    drain(client)
    assert ask(client, b"y")[0] == b"y"


def test_a_socket_that_dies(prefix, build_win):
    """It is opened again, and a packet that Windows refuses to take is posted again. Windows is asked to report
    no ICMP message (fact 9.3.12), and to keep more datagrams than by itself (fact 9.3.25)."""
    done = prefix.run(build_win / "tests/windows/test-relay-loop.exe", check=False)
    print(done.stdout)
    assert done.returncode == 0
    assert done.stdout.count("ok ") == 22
