# SPDX-License-Identifier: MIT
"""Idle, the relay wakes up for nothing: what is open costs no time."""

import time

from relay_process import is_served


def test_ten_seconds_without_a_wake_up(table, start_relay, serve, serve_udp, client, udp_client):
    """With connections, with a session that was answered and with one that was not."""
    table.limit(udp_unanswered_ms=3600 * 1000)  # the end of a session is no idle time
    silent = serve_udp(answer=lambda data, client: None)
    table.set("0.0.0.0/8080", serve())
    table.set("0.0.0.0/5060", serve_udp().endpoint, "udp")
    table.set("0.0.0.0/5061", silent.endpoint, "udp")
    relay = start_relay()
    assert all(is_served(client) for _ in range(20))
    answered, unanswered = udp_client(), udp_client()
    answered.sendto(b"x", ("192.168.50.1", 5060))
    assert answered.recv(10) == b"x"
    unanswered.sendto(b"x", ("192.168.50.1", 5061))
    relay.wait_idle()
    assert silent.seen
    before = relay.own_wakeups()
    time.sleep(10)
    assert relay.own_wakeups() == before
