# SPDX-License-Identifier: MIT
"""End to end: a client on the LAN, a Windows host (Wine) and a guest whose address changes.

Times are printed but not checked; './dev bench' compares them with their targets.
"""
import time

import pytest
import topology
from stage import PAGE_PORT, Stage
from waiting import wait_until

LISTEN = f"0.0.0.0/{PAGE_PORT}"
FOREIGN, FOREIGN_TARGET = "0.0.0.0/9090", "192.168.50.77/80"
WEB = f"[service]\ndescription = page\nlisten = 0.0.0.0:{PAGE_PORT}\n"
CHANGES = 20
# Seconds for an answer, and a request so rarely that a busy machine can answer them all. The
# benchmark asks more often.
PATIENCE = 5
PROBE = {"interval_ms": 25, "limit_ms": 1000 * PATIENCE}


@pytest.fixture(scope="module")
def playing():
    with Stage(goodbye=15000, recovery=20000) as stage:
        stage.registry.set_rule(FOREIGN, FOREIGN_TARGET)
        stage.start()
        yield stage


@pytest.fixture
def stage(playing):
    """The stage with both halves running and the page visible, no matter how the previous test left it."""
    if not playing.helper:
        playing.start_helper()
    if not playing.agent:
        playing.start_agent()
    playing.add_drop_in("web", WEB)
    playing.wait_connected()
    playing.wait_state("web", "active")
    playing.wait_rule(LISTEN, f"{playing.net.guest_address}/{PAGE_PORT}")
    assert sees_guest(playing)
    yield playing
    assert playing.rules().get(FOREIGN) == FOREIGN_TARGET, "a foreign rule was touched"


def sees_guest(stage):
    page = f"served by the guest at {stage.net.guest_address}\n"
    return wait_until(lambda: stage.fetch(PAGE_PORT) == page, 30, "the guest's page at the client")


def test_the_client_reaches_the_guest_through_the_host_only(stage):
    done = stage.net.client.run("/usr/bin/python3", "-c",
                                "import socket, sys\n"
                                "socket.create_connection((sys.argv[1], 8080), 1)",
                                stage.net.guest_address, check=False)
    assert done.returncode != 0, "the client has a way around the host"
    assert sees_guest(stage)


def test_the_page_is_back_after_each_of_20_changes_of_address(stage, capsys):
    outages = []
    with stage.probe(PAGE_PORT, **PROBE) as probe:
        assert probe.wait_for(stage.net.guest_address, 0)
        for _ in range(CHANGES):
            old = stage.net.guest_address
            new, seen, outage = stage.change_address(probe)
            assert seen, f"the page never came from {new}; rules: {stage.rules()}"
            rules = stage.rules()
            assert rules[LISTEN] == f"{new}/{PAGE_PORT}"
            assert not [r for r in rules.values() if r.startswith(f"{old}/")]
            outages.append(outage * 1000)
            time.sleep(0.2)  # as in real life, the next change comes after the throttle window
    outages.sort()
    with capsys.disabled():
        print(f"\n  outage of the client: median {outages[CHANGES // 2]:.0f} ms, "
              f"max {outages[-1]:.0f} ms over {CHANGES} changes")


def test_changes_faster_than_the_throttle_window_end_in_the_last_address(stage):
    for _ in range(5):
        stage.net.change_guest_address()
    stage.wait_rule(LISTEN, f"{stage.net.guest_address}/{PAGE_PORT}")
    assert sees_guest(stage)


def test_a_foreign_rule_on_a_wanted_endpoint_stays(stage):
    stage.add_drop_in("wanted", "[service]\nlisten = 0.0.0.0:9090\nconnect-port = 8080\n")
    stage.wait_state("wanted", "conflict")
    assert stage.rules()[FOREIGN] == FOREIGN_TARGET
    stage.net.change_guest_address()
    stage.wait_rule(LISTEN, f"{stage.net.guest_address}/{PAGE_PORT}")
    assert stage.rules()[FOREIGN] == FOREIGN_TARGET
    stage.remove_drop_in("wanted")
    wait_until(lambda: not stage.service("wanted"), what="the drop-in's removal in the status")


def test_a_rule_goes_with_its_drop_in(stage):
    stage.remove_drop_in("web")
    stage.wait_rule(LISTEN, None)
    wait_until(lambda: stage.fetch(PAGE_PORT) is None, what="no page at the client")


def test_the_agent_stops_and_its_rule_goes(stage):
    stage.stop_agent()
    stage.wait_rule(LISTEN, None)
    wait_until(lambda: stage.fetch(PAGE_PORT) is None, what="no page at the client")
    assert stage.rules() == {FOREIGN: FOREIGN_TARGET}


def test_a_restart_of_the_agent_cuts_nothing(stage):
    with stage.probe(PAGE_PORT, **PROBE) as probe:
        assert probe.wait_for(stage.net.guest_address, 0)
        stage.stop_agent()
        stage.start_agent()
        stage.wait_state("web", "active")
        # When this one is answered, all before it have ended, one way or the other.
        assert probe.wait_for(stage.net.guest_address, time.monotonic() + PATIENCE)
        samples = list(probe.samples)
    assert not [s for s in samples if s["page"] is None]


def test_the_helper_withdraws_when_it_stops_and_restores_when_it_starts(stage):
    stage.stop_helper()
    assert stage.rules() == {FOREIGN: FOREIGN_TARGET}
    stage.start_helper()
    stage.wait_rule(LISTEN, f"{stage.net.guest_address}/{PAGE_PORT}")
    assert sees_guest(stage)


@pytest.mark.parametrize("order", ["helper", "agent", "helper agent", "agent helper"])
def test_killed_and_started_again_in_any_order(stage, order):
    """Both are killed, so nobody says goodbye. Meanwhile the address changes."""
    for who in order.split():
        stop = stage.stop_helper if who == "helper" else stage.stop_agent
        stop(kill=True)
    stage.net.change_guest_address()
    for who in order.split():
        stage.start_helper() if who == "helper" else stage.start_agent()
    stage.wait_connected()
    stage.wait_rule(LISTEN, f"{stage.net.guest_address}/{PAGE_PORT}")
    assert stage.rules() == {FOREIGN: FOREIGN_TARGET,
                             LISTEN: f"{stage.net.guest_address}/{PAGE_PORT}"}
    assert sees_guest(stage)


def test_no_address_no_rule(stage):
    """The guest loses its address. The rule must not outlive the address."""
    address = stage.net.guest_address
    stage.net.guest.ip(f"addr del {address}/20 dev eth0\n")
    stage.wait_rule(LISTEN, None)
    stage.net.guest.ip(f"addr add {address}/20 dev eth0\nroute replace default via {topology.GATEWAY}\n")
    stage.wait_rule(LISTEN, f"{address}/{PAGE_PORT}")
    assert sees_guest(stage)
