# SPDX-License-Identifier: MIT
"""The relay between clients of a LAN and guests behind WSL's virtual switch. ../conftest.py has the
host, the guests and the registry."""

import contextlib
import socket

import pytest
import relay_process
import vswitch


@pytest.fixture(scope="session")
def lan(network):
    """Other machines: a vswitch.VirtualSwitch with the addresses of vswitch.LAN."""
    with vswitch.VirtualSwitch(*vswitch.LAN) as made:
        yield made


@pytest.fixture
def no_filter():
    """Let the host take datagrams from addresses that it has no route to."""
    for name in ("all", "lan0"):
        with open(f"/proc/sys/net/ipv4/conf/{name}/rp_filter", "w", encoding="ascii") as file:
            file.write("0")


@pytest.fixture
def table(registry):
    return relay_process.Table(registry)


@pytest.fixture
def start_relay(prefix, build_win, table):
    relays = []

    def start(**options):
        relays.append(relay_process.Relay(prefix, build_win / "windows-helper/wslbridge-relay.exe",
                                          **options))
        return relays[-1]

    yield start
    for relay in relays:
        relay.stop()  # Wine 8 keeps connections of a killed process (fact 10.1.16)


@pytest.fixture
def serve(network):
    """serve(handle, address=…) → "address/port" of a TCP server in the guest."""
    listeners = []

    def start(handle=relay_process.echo, address="172.29.0.2", port=0):
        listeners.append(relay_process.server(network, address, handle, port))
        return "{}/{}".format(*listeners[-1].getsockname()[:2])

    yield start
    for listener in listeners:
        relay_process.close_server(listener)


@pytest.fixture
def serve_udp(network):
    servers = []

    def start(address="172.29.0.2", **options):
        servers.append(relay_process.UdpServer(network, address, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def client(lan):
    """client(address="192.168.50.2", to="192.168.50.1", port=8080) → a connected TCP socket. With
    may_be_cut=True the relay may reset it before connect() has returned."""
    sockets = []

    def connect(address="192.168.50.2", to="192.168.50.1", port=8080, may_be_cut=False):
        made = lan.create_socket(address)
        sockets.append(made)
        made.settimeout(60)
        with contextlib.suppress(ConnectionResetError) if may_be_cut else contextlib.nullcontext():
            made.connect((to, port))
        return made

    yield connect
    for made in sockets:
        made.close()


@pytest.fixture
def udp_client(lan):
    """udp_client(address="192.168.50.2") → a UDP socket, not connected."""
    sockets = []

    def make(address="192.168.50.2", timeout=20):
        made = lan.create_socket(address, socket.SOCK_DGRAM)
        sockets.append(made)
        made.settimeout(timeout)
        return made

    yield make
    for made in sockets:
        made.close()
