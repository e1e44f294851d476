# SPDX-License-Identifier: MIT
"""iphlpsvc hangs, is disabled, stopped, or started again. The helper reports it and recovers by
itself."""

import time

import pytest
from wsb_client import IPHLPSVC, service

V4 = "172.29.0.2/20"
WEB = [service("web", "127.0.0.1:28080", 80)]
DEMAND, DISABLED = 3, 4
SOON = 15  # seconds; the helper checks every 5


def result_with(agent, state, reason=0, timeout=SOON):
    """Wait for a RESULT in which the service is in @state for @reason."""
    deadline = time.monotonic() + timeout
    while True:
        result = agent.result(timeout=max(0.1, deadline - time.monotonic()))
        if (result.states(), result.reasons()) == ([state], [reason]):
            return result


@pytest.fixture
def hang(iphlpsvc):
    yield iphlpsvc.hang
    iphlpsvc.hang(False)
    iphlpsvc.settled()


def test_a_hanging_service_delays_nobody_for_long(helper, registry, connect, iphlpsvc, hang):
    agent = connect(helper)
    hang(True)
    began = time.monotonic()
    result = agent.push(WEB, v4=V4, settle=False)
    assert (result.states(), result.reasons()) == (["pending"], [IPHLPSVC]), result.services
    assert "iphlpsvc" in result.services[0][2] and "answer" in result.services[0][2]
    assert 1.5 < time.monotonic() - began < 15  # IPHLPSVC_WAIT_MS, and some time for Wine
    assert registry.rules() == {("v4tov4", "127.0.0.1/28080"): "172.29.0.2/80"}
    took = []
    for n in range(3, 6):  # the loop is running: no STATE has to wait for the service again
        began = time.monotonic()
        assert agent.push(WEB, v4=f"172.29.0.{n}/20", settle=False).states() == ["pending"]
        took.append(time.monotonic() - began)
    assert sorted(took)[1] < 2, took  # IPHLPSVC_WAIT_MS; a busy machine may be late once
    assert registry.rules() == {("v4tov4", "127.0.0.1/28080"): "172.29.0.5/80"}
    assert "does not answer" in result_with(agent, "blocked", IPHLPSVC).services[0][2]
    hang(False)
    result_with(agent, "active")
    assert helper.stop() == 0
    assert registry.clean()


def test_a_late_answer_while_an_endpoint_changes_hands(helper, registry, connect, hang):
    """The one who waits for it is told that it comes, and gets it when iphlpsvc has answered."""
    registry.set_key(f"{bytes(range(16)).hex()}/Ubuntu", bytes(32))
    first = connect(helper)
    second = connect(helper, key=bytes(32), distro="Ubuntu")
    assert first.push(WEB, v4=V4).states() == ["active"]
    assert second.push(WEB, v4="172.29.0.3/20").states() == ["conflict"]
    hang(True)
    first.send_state([], v4=V4)
    result = second.result(timeout=SOON)
    assert (result.states(), result.reasons()) == (["pending"], [IPHLPSVC])
    hang(False)
    result_with(second, "active")
    assert registry.rules() == {("v4tov4", "127.0.0.1/28080"): "172.29.0.3/80"}


def test_a_hanging_service_does_not_delay_the_end(helper, registry, connect, iphlpsvc, hang):
    agent = connect(helper)
    agent.push(WEB, v4=V4)
    hang(True)
    began = time.monotonic()
    agent.close()
    helper.stop(timeout=15)
    assert time.monotonic() - began < 12
    assert registry.rules() == {}  # a ledger entry may stay, because iphlpsvc was not notified


def test_a_disabled_service_is_reported_and_recovers(helper, registry, connect, iphlpsvc):
    agent = connect(helper)
    iphlpsvc.stop()
    iphlpsvc.set_start_type(DISABLED)
    try:
        result = agent.push(WEB, v4=V4)
        assert result.states() == ["blocked"] and result.reasons() == [IPHLPSVC]
        assert "disabled" in result.services[0][2]
        assert registry.rules() == {("v4tov4", "127.0.0.1/28080"): "172.29.0.2/80"}
    finally:
        iphlpsvc.set_start_type(DEMAND)
        iphlpsvc.start()
    result_with(agent, "active")


def test_a_service_that_starts_by_hand_is_started(start_helper, connect, iphlpsvc):
    """Others set it to start on demand, and nobody else demands it. What was stopped while the helper looked
    on stays stopped, as the next test shows."""
    iphlpsvc.stop()  # its start type is DEMAND
    try:
        agent = connect(start_helper())
        if agent.push(WEB, v4=V4).states() != ["active"]:
            result_with(agent, "active")
    finally:
        iphlpsvc.start()  # for the tests that follow


def test_a_stop_and_a_start_are_noticed(helper, connect, iphlpsvc):
    agent = connect(helper)
    assert agent.push(WEB, v4=V4).states() == ["active"]
    iphlpsvc.stop()
    try:
        # The helper may first see that nobody listens, and a moment later why.
        assert "is not running" in result_with(agent, "blocked", IPHLPSVC).services[0][2]
    finally:
        iphlpsvc.start()
    result_with(agent, "active")


def test_a_quick_restart_ends_active(helper, connect, iphlpsvc):
    """The restart is quicker than the helper's checks. The helper sees another process and checks
    the rules again."""
    agent = connect(helper)
    assert agent.push(WEB, v4=V4).states() == ["active"]
    agent.idle(1)  # the helper's thread has seen the first process
    before = iphlpsvc.changes()
    iphlpsvc.stop()
    iphlpsvc.start()
    deadline = time.monotonic() + SOON
    while iphlpsvc.changes() == before and time.monotonic() < deadline:
        agent.idle(0.2)
    assert iphlpsvc.changes() > before, "the new process was not asked to read the rules"
    assert agent.push(WEB, v4=V4).states() == ["active"]
