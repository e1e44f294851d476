# SPDX-License-Identifier: MIT
"""Which adapters of virtual switches have only guests behind them, and on which ones there are other
machines: by the routes and the MAC addresses that Windows shows. A guest of plain Hyper-V is moved
from one to another."""

import itertools

import pytest
import vswitch
from waiting import wait_until
from wsb_client import tagged_service

PLACE_USUAL, PLACE_OUTSIDE, PLACE_UNCLEAR = 0, 1, 2  # unclear: the gateway is not the host
BEHIND = {"v4": "172.29.0.2/20", "gateway": "172.29.0.1", "mode": "unknown"}
OUTSIDE = {"v4": "192.168.60.7/24", "gateway": "192.168.60.1", "mode": "unknown"}
RULE = {("v4tov4", "127.0.0.1/28080"): "172.29.0.2/28080"}
OTHER_RULE = {("v4tov4", "127.0.0.1/28080"): "192.168.60.7/28080"}
NUMBERS = itertools.count(1)
LXSS = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Lxss"


@pytest.fixture
def lan(network, registry):
    """A second virtual switch, as Windows names it. A function sets it up with lines of 'ip', and has
    the helper look: Wine does not notify of addresses and routes, but of WSL's key in the registry.
    Each test has an adapter of another name, because Wine keeps the MAC address of a name."""
    adapter = f"vEthernet-{next(NUMBERS)}"

    def change(lines=""):
        vswitch.run_ip([], lines.format(adapter=adapter))
        registry.set(LXSS, "Test", next(NUMBERS))

    with vswitch.VirtualSwitch(adapter, ("192.168.60.5/24",), ("192.168.60.7/24",)):
        yield change
    registry.delete(LXSS, "Test")


def ask(agent, helper, place, state, **where):
    """Ask until the helper, which hears of its network meanwhile, sees the guest at @place."""
    def answer():
        answer.services = agent.push_tagged([tagged_service("web", "127.0.0.1:28080")], **where)
        return agent.place == place and [s[0] for s in answer.services] == [state]

    wait_until(answer, 10, f"{state} at place {place}: {helper.lines}")
    return answer.services[0][2]


def connected(connect, helper):
    agent = connect(helper, versions=(1, 2))
    assert agent.version == 2
    return agent


def test_tables_and_notifications(prefix, build_win):
    """One look for a series of changes, none for routes that do not matter; and what counts as a router."""
    done = prefix.run(build_win / "tests/windows/test-hostnet.exe", check=False)
    assert done.returncode == 0, done.stdout
    assert sum(line.startswith("ok ") for line in done.stdout.splitlines()) == 11
    assert "\n0 failed" in done.stdout


def test_an_external_switch(helper, connect, registry, lan):
    """The host has a default route there. The guest is moved there and back again, and nothing of the
    switch before stays."""
    agent = connected(connect, helper)
    lan()  # it looks like an internal switch
    ask(agent, helper, PLACE_UNCLEAR, "active", **OUTSIDE)
    assert registry.rules() == OTHER_RULE
    lan("route add default via 192.168.60.1 dev {adapter}\n")
    for _ in range(2):
        text = ask(agent, helper, PLACE_OUTSIDE, "active", **OUTSIDE)
        assert text == ("direct: other machines reach it at the guest's own address, 192.168.60.7, "
                        "port 28080")
        assert registry.rules() == {} and registry.ledger() == {}
        ask(agent, helper, PLACE_USUAL, "active", **BEHIND)
        assert registry.rules() == RULE
    lan("route del default\n")
    ask(agent, helper, PLACE_UNCLEAR, "active", **OUTSIDE)
    assert registry.rules() == OTHER_RULE


def test_a_switch_without_a_router(helper, connect, registry, lan):
    """The adapter has the MAC address of a network card, so there may be other machines all the same."""
    agent = connected(connect, helper)
    mac = "02:00:00:00:60:05"
    lan("link set {adapter} address " + f"{mac}\n")
    ask(agent, helper, PLACE_UNCLEAR, "active", **OUTSIDE)
    assert registry.rules() == OTHER_RULE
    lan(f"link add card0 address {mac} type veth peer name cable0\n"
        "link set card0 up\nlink set cable0 up\n")
    try:
        ask(agent, helper, PLACE_OUTSIDE, "active", **OUTSIDE)
        assert registry.rules() == {}
    finally:
        vswitch.run_ip([], "link del card0\n")
