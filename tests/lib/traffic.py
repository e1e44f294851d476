# SPDX-License-Identifier: MIT
"""Hours of a helper's traffic in seconds: an agent that connects, requests services, changes its
address and disconnects, again and again."""

from wsb_client import Client, service

RULES = 20


def live(port, identity, lives, states):
    """Make @lives connections with @states STATEs each; every second STATE changes the address.
    Every third connection ends without a goodbye. Returns (connections, STATEs answered)."""
    answered = 0
    for n in range(lives):
        with Client(port, **identity) as client:
            client.handshake()
            for i in range(states):
                services = [service(f"s{k}", f"127.0.0.1:{26000 + k}", 80)
                            for k in range(RULES - (n + i) % 3)]
                client.push(services, v4=f"172.29.0.{2 + (n + i) // 2 % 200}/20", settle=False)
                answered += 1
            if n % 3:
                client.bye()
    return lives, answered
