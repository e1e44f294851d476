# SPDX-License-Identifier: MIT
"""Floods up to the limits that nobody has changed: what the relay holds then, and that another client is served.
Without WSLBRIDGE_LONG the limits are an eighth of that, because this takes two minutes."""
import itertools
import os
import statistics

from relay_process import is_served, milliseconds
from test_floods import LISTEN, ONCE, ask, made_up, n_cut
from waiting import wait_until

PART = 1 if os.environ.get("WSLBRIDGE_LONG") else 8
GUEST_SESSIONS, CLIENT_CONNECTIONS = 5120 // PART, 2048 // PART
BATCH = 40
JUMP = 128  # KiB


def lower(table):
    if PART > 1:
        table.limit(udp_sessions_per_guest=GUEST_SESSIONS, connections_per_client=CLIENT_CONNECTIONS)


def grown(before, after):
    return {mapping: kib - before.get(mapping, 0) for mapping, kib in after.items() if kib != before.get(mapping, 0)}


def test_sessions_of_one_guest(lan, table, start_relay, serve_udp, udp_client, number, no_filter):
    """Twice as many made-up senders as one guest may have sessions. A client goes on with its own meanwhile."""
    lower(table)
    table.limit(udp_unanswered_ms=3600 * 1000)  # so that all are there at once, however long it takes
    server = serve_udp(answer=lambda data, client: data if data.startswith(b"ask") else None)
    table.set(LISTEN, server.endpoint, "udp")
    relay = start_relay()
    client = udp_client()
    ask(client, b"ask first")
    before, held, waited, senders = relay.memory(), [], [], made_up(lan, 2 * GUEST_SESSIONS)
    steps, maps = [before], [relay.mappings()]
    for _ in range(2):
        for i in range(GUEST_SESSIONS // BATCH):
            for _ in range(BATCH):
                next(senders)
            waited.append(milliseconds(ask, client, b"ask %d" % i))  # so that the relay keeps up with them
            steps.append(relay.memory())
            maps.append(relay.mappings())
        held.append(relay.memory() - before)
    changes = [after - before for before, after in itertools.pairwise(steps)]
    for change, (old, new) in zip(changes, itertools.pairwise(maps)):
        if change >= JUMP * 1024:
            number(f"the relay's memory grew by {change >> 10} KiB at once: {grown(old, new)}")
    number(f"{2 * GUEST_SESSIONS} made-up senders at limits of {GUEST_SESSIONS}: {relay.sockets()} sockets, "
           f"{held[0] >> 10} KiB after the first half and {held[1] >> 10} after the second; an answer took "
           f"{sorted(waited)[len(waited) // 2]:.1f} ms, {max(waited):.0f} at most")
    assert GUEST_SESSIONS * 0.9 <= relay.sockets() <= GUEST_SESSIONS + 10
    assert statistics.median(changes[:GUEST_SESSIONS // BATCH]) <= BATCH * 1024
    assert held[0] <= GUEST_SESSIONS * 1024 + ONCE
    assert statistics.median(changes[GUEST_SESSIONS // BATCH:]) <= BATCH * 100
    assert held[1] - held[0] <= 256 * 1024 + ONCE
    assert len({end for data, end in server.seen if data.startswith(b"ask")}) == 1
    relay.kill()  # to stop by itself takes long in Wine with so many


def test_connections_of_one_client(table, start_relay, serve, client, number):
    """It opens more than it may have. Those are reset, and another client is served."""
    more = 20
    lower(table)
    table.set("0.0.0.0/8080", serve())
    relay = start_relay()
    assert is_served(client)
    quiet, before = milliseconds(is_served, client, times=5), relay.memory()
    hostile = [client("192.168.50.3", may_be_cut=True) for _ in range(CLIENT_CONNECTIONS + more)]
    wait_until(lambda: n_cut(hostile) >= more, what="resets")
    held = relay.memory() - before
    number(f"{CLIENT_CONNECTIONS} connections of one client, its limit: {held >> 10} KiB; another client's "
           f"connection and its answer took {milliseconds(is_served, client, times=5):.1f} ms, and {quiet:.1f} before")
    assert n_cut(hostile) == more
    assert is_served(client)
    assert held <= CLIENT_CONNECTIONS * 8192
    relay.kill()
