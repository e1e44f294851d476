# SPDX-License-Identifier: MIT
"""Fixtures: a guest with the real agent, the helper's core, and peers that misbehave."""
import os
import secrets

import pytest

import helpers
from control import Control
from guest import GATEWAY, LAN, PREFIX, Guest, NotifySocket
from loopback import HostSide, Program, wait_loopback


@pytest.fixture(scope="session", autouse=True)
def root():
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")


@pytest.fixture
def guest(dev_tree, tmp_path):
    guest = Guest(dev_tree, tmp_path)
    yield guest
    guest.close()


@pytest.fixture
def key(guest):
    """The guest's key."""
    key = secrets.token_hex(32)
    guest.key(key + "\n")
    return key


@pytest.fixture
def host(dev_tree, guest, key):
    """The helper's core, paired with the guest but not started yet. The host has the guest's gateway on a
    virtual switch, and its own address on a LAN."""
    host = helpers.TestHost(dev_tree, guest.socket, key=f"{guest.owner()}={key}",
                            switch=[f"{GATEWAY}/{PREFIX}", "2001:db8::1/64"], adapter=f"{LAN}/24",
                            store=os.path.join(guest.folder, "store"))
    yield host
    host.kill()


@pytest.fixture
def connected(guest, host):
    """Both ends run and are connected, with one service in force."""
    guest.service("web", "listen = 8080\nconnect-port = 80")
    host.start()
    guest.start()
    guest.wait_state("web", "active")
    host.wait_rules({"0.0.0.0/8080": "10.9.0.2/80"})
    return guest, host


@pytest.fixture
def peer(guest):
    """peer(behave): a listener in place of the helper."""
    peers = []

    def make(behave):
        peers.append(helpers.Peer(guest.socket, behave))
        return peers[-1]

    yield make
    for one in peers:
        one.close()


@pytest.fixture
def manager(tmp_path):
    """A service manager's notification socket."""
    notify = NotifySocket(str(tmp_path / "notify"))
    yield notify
    notify.socket.close()


@pytest.fixture
def control(dev_tree, guest):
    return Control(dev_tree, guest)


@pytest.fixture
def up(guest, host, control):
    """Both ends run; there is no service yet."""
    host.start()
    guest.start()
    guest.wait_helper("connected")
    return guest, host, control


@pytest.fixture
def outside(guest):
    side = HostSide(guest)
    yield side
    side.close()


@pytest.fixture
def program(dev_tree, guest):
    program = Program(dev_tree, guest)
    yield program
    program.stop()


@pytest.fixture
def carried(guest, host, outside, program):
    """A service with connect = loopback is carried; its server has not been started yet."""
    guest.service("web", "listen = 8080\nconnect = loopback")
    host.start()
    guest.start()
    program.start_when_wanted()
    wait_loopback(guest, "web", "carried")
    return guest, outside, program
