# SPDX-License-Identifier: MIT
"""iphlpsvc that hangs, is disabled, stopped, started again: said, and healed without being asked."""

import time

import pytest
from wsb_client import IPHLPSVC, service

V4 = "172.29.0.2/20"
WEB = [service("web", "127.0.0.1:28080", 80)]
DEMAND, DISABLED = 3, 4
SOON = 15  # seconds; the helper looks every 5


def result_with(agent, state, reason=0, timeout=SOON):
    """The next RESULT in which the service is in @state for @reason."""
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


def test_one_that_hangs_keeps_nobody_waiting_for_long(helper, registry, connect, iphlpsvc, hang):
    agent = connect(helper)
    hang(True)
    began = time.monotonic()
    result = agent.push(WEB, v4=V4)
    assert result.states() == ["blocked"] and result.reasons() == [IPHLPSVC]
    assert "iphlpsvc" in result.services[0][2] and "answer" in result.services[0][2]
    assert 1.5 < time.monotonic() - began < 6  # IPHLPSVC_WAIT_MS, and what Wine needs
    assert registry.rules() == {("v4tov4", "127.0.0.1/28080"): "172.29.0.2/80"}
    for n in range(3, 6):  # the loop goes on: an answer for each, at once
        began = time.monotonic()
        assert agent.push(WEB, v4=f"172.29.0.{n}/20").states() == ["blocked"]
        assert time.monotonic() - began < 1
    assert registry.rules() == {("v4tov4", "127.0.0.1/28080"): "172.29.0.5/80"}
    hang(False)
    result_with(agent, "active")
    assert helper.stop() == 0
    assert registry.clean()


def test_one_that_hangs_does_not_hold_up_the_end(helper, registry, connect, iphlpsvc, hang):
    agent = connect(helper)
    agent.push(WEB, v4=V4)
    hang(True)
    began = time.monotonic()
    agent.close()
    helper.stop(timeout=15)
    assert time.monotonic() - began < 12
    assert registry.rules() == {}  # the entry may stay, as proof that iphlpsvc was not told


def test_a_disabled_one_is_told_and_healed(helper, registry, connect, iphlpsvc):
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


def test_one_that_is_stopped_and_started_is_noticed(helper, connect, iphlpsvc):
    agent = connect(helper)
    assert agent.push(WEB, v4=V4).states() == ["active"]
    iphlpsvc.stop()
    try:
        # That nobody listens may be seen first, and why a moment later.
        assert "is not running" in result_with(agent, "blocked", IPHLPSVC).services[0][2]
    finally:
        iphlpsvc.start()
    result_with(agent, "active")


def test_a_restart_under_our_eyes_ends_active(helper, connect, iphlpsvc):
    """Quicker than the helper looks: another process runs, and what it does is looked at again."""
    agent = connect(helper)
    assert agent.push(WEB, v4=V4).states() == ["active"]
    agent.idle(1)  # the helper's thread has seen the first one
    before = iphlpsvc.told()
    iphlpsvc.stop()
    iphlpsvc.start()
    deadline = time.monotonic() + SOON
    while iphlpsvc.told() == before and time.monotonic() < deadline:
        agent.idle(0.2)
    assert iphlpsvc.told() > before, "the new process was not told to read the rules"
    assert agent.push(WEB, v4=V4).states() == ["active"]
