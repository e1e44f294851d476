# SPDX-License-Identifier: MIT
"""Sessions: which agents are admitted, which are disconnected, and what then happens to their
rules."""

import os
import re
import socket
import struct
import time

import pytest
from waiting import patient, wait_until
from wsb_client import (BYE, Client, Closed, PING, PROOF, Refused, STATE, field, frame, service,
                        tagged_service)

PORTPROXY, WHY_DEFAULT, UNKNOWN_FIELD, NO_RELAY = 1, 1, 24, 26  # docs/protocol.md
V4 = "172.29.0.2/20"
WEB = [service("web", "127.0.0.1:28080", 80)]
RULE = {("v4tov4", "127.0.0.1/28080"): "172.29.0.2/80"}


def ends(client, timeout=5):
    """Wait until the helper closes the connection. Returns the reason that it gives."""
    with pytest.raises(Closed) as closed:
        client.idle(patient(timeout))
    return closed.value.reason


def test_an_agent_without_a_key_is_refused(helper):
    with Client(helper.port) as agent, pytest.raises(Refused) as refused:
        agent.handshake()
    assert refused.value.reason == "not-paired"
    assert refused.value.text


def test_an_agent_that_only_the_guest_has_paired_is_refused(helper):
    with Client(helper.port, key=os.urandom(32)) as agent, pytest.raises(Refused) as refused:
        agent.handshake()
    assert refused.value.reason == "not-paired"


def test_an_agent_with_another_key_is_refused(helper, paired):
    with Client(helper.port, key=os.urandom(32)) as agent, pytest.raises(Refused) as refused:
        agent.handshake()
    assert refused.value.reason == "bad-proof"


def test_a_key_opens_nothing_for_another_distro(helper, paired):
    with Client(helper.port, key=paired, distro="Other") as agent, \
            pytest.raises(Refused) as refused:
        agent.handshake()
    assert refused.value.reason == "not-paired"


def test_a_key_opens_nothing_for_another_spelling(helper, connect, paired, registry):
    """The registry finds the key of "Debian" under "DEBIAN" too, but these are two distros."""
    with Client(helper.port, key=paired, distro="DEBIAN") as agent, \
            pytest.raises(Refused) as refused:
        agent.handshake()
    assert refused.value.reason == "not-paired"
    connect(helper).push(WEB, v4=V4)


def test_a_key_of_the_wrong_size_pairs_nobody(helper, registry):
    with Client(helper.port, key=b"k" * 32) as agent:
        registry.set_key(agent.owner, b"k" * 31)
        with pytest.raises(Refused):
            agent.handshake()
    helper.wait_line("REG_BINARY")


def test_no_common_version_is_refused(helper, paired):
    with Client(helper.port, key=paired) as agent, pytest.raises(Refused) as refused:
        agent.send(agent.hello(versions=(7, 9)))
        agent.receive()
    assert refused.value.reason == "version"


def test_versions_1_and_2(helper, paired):
    for versions, chosen in (((1, 1), 1), ((1, 2), 2), ((2, 2), 2), ((1, 9), 2)):
        with Client(helper.port, key=paired) as agent:
            agent.handshake(versions)
            assert agent.version == chosen
            agent.bye()


def test_fields_that_the_helper_does_not_know(helper, paired, registry):
    """A critical one refuses its service by name, and nothing else; any other is ignored."""
    with Client(helper.port, key=paired) as agent:
        agent.handshake((1, 2))
        services = [tagged_service("fine", "127.0.0.1:28080", field(0x0009, b"x")),
                    tagged_service("newer", "127.0.0.1:28081", field(0x8009, b"x")),
                    tagged_service("dns", "127.0.0.1:28082", field(0x8005, b"\1"))]
        fine, newer, dns = agent.push_tagged(services, v4=V4)
        assert fine[0] == "active" and fine[3:] == (PORTPROXY, WHY_DEFAULT)
        assert newer[:2] == ("refused", UNKNOWN_FIELD) and "0x8009" in newer[2]
        assert dns[:2] == ("refused", NO_RELAY) and "'protocol = udp' needs the relay" in dns[2]
        assert list(registry.rules()) == [("v4tov4", "127.0.0.1/28080")]
        # one of the whole message concerns all of its services
        answers = agent.push_tagged(services[:1], field(0x8042, b"x"), v4=V4)
        assert answers[0][:2] == ("refused", UNKNOWN_FIELD) and "0x8042" in answers[0][2]
        assert not registry.rules()


def test_a_state_of_the_other_version_is_a_violation(helper, paired):
    with Client(helper.port, key=paired) as agent:
        agent.handshake((1, 2))
        agent.send_state(WEB, v4=V4)  # of version 1
        assert ends(agent) == "protocol"


def test_a_second_live_session_of_one_identity_is_busy(helper, connect, paired):
    first = connect(helper)
    first.push(WEB, v4=V4)
    with Client(helper.port, key=paired) as second:
        hello = second.hello()
        second.send(hello)
        challenge = second.expect(2)
        before = first.pings
        second.send(frame(PROOF, b"\1" + second.mac(b"wslbridge agent proof v1\0", hello,
                                                    challenge)))
        first.answer_pings_until(before + 1)  # the probe
        with pytest.raises(Refused) as refused:
            second.receive()
    assert refused.value.reason == "busy"
    assert first.push(WEB, v4=V4).states() == ["active"]


def test_a_dead_session_is_replaced(helper, connect, registry):
    first = connect(helper)
    first.push(WEB, v4=V4)
    first.answer_pings = False  # like a suspended guest: connected but silent
    second = connect(helper)    # the helper first waits for an answer of the first session
    assert second.push(WEB, v4=V4).states() == ["active"]
    assert registry.rules() == RULE


def test_goodbye_keeps_the_rules_for_a_restart_only(start_helper, connect, registry):
    helper = start_helper(goodbye=3000)
    agent = connect(helper)
    agent.push(WEB, v4=V4)
    agent.bye()
    time.sleep(0.2)
    assert registry.rules() == RULE
    agent = connect(helper)
    agent.push(WEB, v4=V4)
    agent.idle(3.3)
    assert registry.rules() == RULE, "withdrawn although the agent is back"
    agent.bye()
    wait_until(registry.clean, 10, "withdrawal")


def test_a_lost_connection_is_withdrawn_after_three_heartbeats(start_helper, connect, registry):
    helper = start_helper(heartbeat=1000)
    agent = connect(helper)
    began = time.monotonic()  # the helper hears of it for the last time after this
    agent.push(WEB, v4=V4)
    agent.close()
    wait_until(registry.clean, 20, "withdrawal")
    assert 2.9 < time.monotonic() - began < 60  # and not after those of 30 s


def test_silence_is_withdrawn_and_answered_pings_are_not_silence(start_helper, connect, registry):
    helper = start_helper(heartbeat=1000)
    agent = connect(helper)
    agent.push(WEB, v4=V4)
    agent.answer_pings_until(5)  # for longer than the silence that is allowed
    assert registry.rules() == RULE
    agent.answer_pings = False
    assert ends(agent) == "silent"
    wait_until(registry.clean, 5, "withdrawal")


def test_the_helpers_stop_says_goodbye_and_withdraws_everything(start_helper, connect, registry,
                                                                iphlpsvc):
    helper = start_helper(goodbye=60000)
    agent = connect(helper)
    agent.push([service(f"s{i}", f"127.0.0.1:{28000 + i}", 80) for i in range(50)], v4=V4)
    changes = iphlpsvc.changes()
    started = time.monotonic()
    assert helper.stop() == 0
    assert time.monotonic() - started < 10  # it does not wait for agents to come back
    assert ends(agent) == "stopping"
    assert registry.rules() == {} and registry.ledger() == {}
    assert iphlpsvc.settled() == changes + 1


def test_the_handshake_has_a_deadline(start_helper):
    helper = start_helper(handshake=400)
    with Client(helper.port) as silent, Client(helper.port) as slow:
        hello = slow.hello()
        for i in range(0, 20):  # each byte comes in time, but the whole message does not
            try:
                slow.send(hello[i:i + 1])
            except OSError:
                break
            time.sleep(0.05)
        assert ends(silent) == "timeout"
        assert ends(slow) == "timeout"


def test_silent_clients_do_not_take_the_slots(helper, connect, registry):
    idle = [Client(helper.port) for _ in range(200)]
    agent = connect(helper)
    assert agent.push(WEB, v4=V4).states() == ["active"]
    more = [Client(helper.port) for _ in range(200)]
    assert agent.push(WEB, v4=V4).states() == ["active"]
    for client in idle + more:
        client.close()
    assert agent.push([], v4=V4).services == []


POLICY = r"SOFTWARE\wslbridge\Policy"


@pytest.mark.parametrize("value, refusal", [("PairingRequired", "not-paired"),
                                            ("RequirePrivilegedSourcePort", "policy")])
def test_a_tightened_policy_ends_the_session_of_an_agent_that_it_does_not_admit(
        start_helper, registry, value, refusal):
    """The agent has no key, and the transport of the tests does not tell its port."""
    registry.set(POLICY, "PairingRequired", 0)
    helper = start_helper()
    with Client(helper.port) as agent:
        agent.handshake()
        assert agent.push(WEB, v4=V4).states() == ["active"]
        registry.set(POLICY, value, 1)
        assert ends(agent) == "not-admitted"
        wait_until(registry.clean, 5, "withdrawal")
    with Client(helper.port) as agent, pytest.raises(Refused) as refused:
        agent.handshake()
    assert refused.value.reason == refusal
    registry.set(POLICY, value, 0)

    def admitted():
        with Client(helper.port) as again:
            try:
                again.handshake()
            except Refused:
                return False
            return again.push(WEB, v4=V4).states() == ["active"]

    wait_until(admitted, 5, "the relaxed policy")


def test_a_newcomer_without_a_place_is_told_so(start_helper, registry):
    """The oldest of too many silent connections is refused, and so hears that it has to go."""
    helper = start_helper()
    silent = [Client(helper.port) for _ in range(20)]
    with pytest.raises(Refused) as refused:
        silent[0].receive()
    assert refused.value.reason == "busy"
    for client in silent:
        client.close()


def test_a_client_that_does_not_read_is_cut_and_blocks_nobody(helper, connect, registry):
    registry.set_key(f"{bytes(range(16)).hex()}/Lazy", bytes(32))
    lazy = connect(helper, key=bytes(32), distro="Lazy")
    lazy.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    agent = connect(helper)
    pings = frame(PING, struct.pack(">Q", 7)) * 4096
    lazy.timeout = 60
    with pytest.raises(ConnectionError):  # the helper ends it when too many PONGs have piled up
        for _ in range(1000):
            lazy.send(pings)
    started = time.monotonic()
    assert agent.push(WEB, v4=V4).states() == ["active"]
    assert time.monotonic() - started < 10


GARBAGE = {
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "zeros": bytes(4096),
    "huge": struct.pack(">BBHI", 1, 1, 0, 0xFFFFFFFF),
    "state-first": frame(STATE, bytes(64)),
    "unknown-type": frame(99, b"x"),
    "bad-format": frame(1, b"", version=2),
    "empty-hello": frame(1, b""),
    "bye": frame(BYE, b"\0\1\0"),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_ends_only_its_own_connection(helper, connect, registry, name):
    agent = connect(helper)
    agent.push(WEB, v4=V4)
    with Client(helper.port) as bad:
        bad.send(GARBAGE[name])
        ends(bad)
    assert agent.push(WEB, v4=V4).states() == ["active"]
    assert helper.process.poll() is None


def resident_kib(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"RssAnon:\s+(\d+) kB", status.read())[1])


def test_connections_that_send_garbage_and_end_leave_nothing(helper):
    """The data and the end of such a connection arrive together. Its memory is released: memory
    grows with the first connections, as is usual for allocators, but not with the next thousand."""
    def knock(n):
        for _ in range(n):
            with socket.create_connection(("127.0.0.1", helper.port)) as bad:
                bad.sendall(GARBAGE["http"])

    knock(500)
    before = resident_kib(helper.process)
    knock(1000)
    with Client(helper.port) as last, pytest.raises(Refused):
        last.handshake()  # all others have been handled by then
    assert resident_kib(helper.process) - before < 400


def test_garbage_after_the_handshake_keeps_the_rules_for_the_grace_period(start_helper, connect,
                                                                          registry):
    helper = start_helper(heartbeat=1000)
    agent = connect(helper)
    agent.push(WEB, v4=V4)
    agent.send(frame(STATE, os.urandom(100)))
    assert ends(agent) == "protocol"
    assert registry.rules() == RULE
    wait_until(registry.clean, 10, "withdrawal")


def test_two_agents_want_one_endpoint(helper, connect, registry):
    registry.set_key(f"{bytes(range(16)).hex()}/Ubuntu", bytes(32))
    first = connect(helper)
    second = connect(helper, key=bytes(32), distro="Ubuntu")
    assert first.push(WEB, v4=V4).states() == ["active"]
    result = second.push(WEB, v4="172.29.0.3/20")
    assert result.states() == ["conflict"]
    assert "Debian" in result.services[0][2]
    first.push([], v4=V4)
    while (result := second.result()).states() == ["pending"]:
        pass
    assert result.states() == ["active"]
    assert registry.rules() == {("v4tov4", "127.0.0.1/28080"): "172.29.0.3/80"}


def test_a_second_helper_does_not_start(helper, start_helper, connect, registry):
    connect(helper).push(WEB, v4=V4)
    second = start_helper(wait=False)
    second.wait_started("Another wslbridge-helper")
    assert second.wait_end() == 1
    assert registry.rules() == RULE
