# SPDX-License-Identifier: MIT
"""Rules, from a STATE to values in the registry and a service that really listens and forwards."""

import socket
import time

import pytest
from waiting import wait_until
from wine_registry import LEDGER, REG_BINARY, REG_SZ
from wsb_client import FOREIGN_RULE, IPHLPSVC, listen_endpoint, service

POLICY = r"SOFTWARE\wslbridge\Policy"
V4, V6 = "172.29.0.2/20", "fd29::2/64"

NOT_LISTENING = 36  # protocol/wire/wire-types.h


def ask(address, port, timeout=5):
    """Connect as a LAN client would. Returns the socket and the name that the guest sent."""
    client = socket.create_connection((address, port), timeout=timeout)
    client.settimeout(timeout)
    return client, client.makefile("rb").readline().decode().strip()


def reached(address, port):
    try:
        client, name = ask(address, port, timeout=30)
    except OSError:
        return ""
    client.close()
    return name


def refused(address, port):
    try:
        socket.create_connection((address, port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


def cut(client):
    """True if the other end closes the connection within a second."""
    client.settimeout(1)
    try:
        return client.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def echoes(client):
    client.sendall(b"still there?")
    return client.recv(100) == b"still there?"


def test_all_four_families_are_written_and_forward(helper, registry, connect, guest, iphlpsvc):
    four, six = guest("172.29.0.2", name="four"), guest("fd29::2", name="six")
    services = {}
    for target in (four, six):
        services[target] = [service("a", f"127.0.0.1:{target.port % 10000 + 20000}", target.port),
                            service("b", f"[::1]:{target.port % 10000 + 30000}", target.port)]
    agent = connect(helper)
    result = agent.push(services[four], v4=V4)
    assert result.states() == ["active", "active"]
    assert sorted(family for family, _ in registry.rules()) == ["v4tov4", "v6tov4"]
    iphlpsvc.settled()
    assert reached("127.0.0.1", four.port % 10000 + 20000) == "four"
    assert reached("::1", four.port % 10000 + 30000) == "four"

    # The guest loses its IPv4 address, and is reached by IPv6 from now on.
    result = agent.push(services[six], v6=V6)
    assert result.states() == ["active", "active"]
    assert sorted(family for family, _ in registry.rules()) == ["v4tov6", "v6tov6"]
    iphlpsvc.settled()
    assert reached("127.0.0.1", six.port % 10000 + 20000) == "six"
    assert reached("::1", six.port % 10000 + 30000) == "six"


def test_a_new_address_is_followed_and_cuts_old_connections(helper, registry, connect, guest,
                                                           iphlpsvc):
    port = guest("172.29.0.2", name="old").port
    guest("172.29.0.3", port=port, name="new")
    agent = connect(helper)
    agent.push([service("web", "0.0.0.0:28080", port)], v4="172.29.0.2/20")
    iphlpsvc.settled()
    client, name = ask("127.0.0.1", 28080)
    assert name == "old"

    agent.push([service("web", "0.0.0.0:28080", port)], v4="172.29.0.3/20")
    assert registry.rules() == {("v4tov4", "0.0.0.0/28080"): f"172.29.0.3/{port}"}
    iphlpsvc.settled()
    assert cut(client)
    assert reached("127.0.0.1", 28080) == "new"


def test_connections_of_unchanged_rules_survive_other_changes(helper, connect, guest, iphlpsvc):
    port = guest("172.29.0.2").port
    agent = connect(helper)
    agent.push([service("web", "127.0.0.1:28080", port)], v4=V4)
    iphlpsvc.settled()
    client, _ = ask("127.0.0.1", 28080)
    for n in range(3):
        more = [service(f"more{i}", f"127.0.0.1:{28100 + i}", port) for i in range(n)]
        agent.push([service("web", "127.0.0.1:28080", port), *more], v4=V4)
        iphlpsvc.settled()
        assert echoes(client)


def test_one_paramchange_per_batch_and_none_for_an_unchanged_state(helper, registry, connect,
                                                                   iphlpsvc):
    agent = connect(helper)
    services = [service(f"s{i}", f"127.0.0.1:{20000 + i}", 80) for i in range(300)]
    before = iphlpsvc.changes()
    assert agent.push(services, v4=V4).states() == ["active"] * 300
    assert iphlpsvc.settled() == before + 1
    assert len(registry.rules()) == 300

    registry.delete(LEDGER, "127.0.0.1/20000")  # a write would restore the entry
    agent.push(services, v4=V4)
    agent.idle(0.3)
    assert iphlpsvc.changes() == before + 1
    assert "127.0.0.1/20000" not in registry.ledger()


def test_withdrawn_services_leave_nothing(helper, registry, connect, iphlpsvc):
    agent = connect(helper)
    agent.push([service("web", "127.0.0.1:28080", 80)], v4=V4)
    assert agent.push([], v4=V4).services == []
    assert registry.rules() == {} and registry.ledger() == {}
    agent.push([service("web", "127.0.0.1:28080", 80)], v4=V4)
    result = agent.push([service("web", "127.0.0.1:28080", 80)], mode="mirrored", v4=V4)
    assert result.states() == ["withdrawn"]
    assert registry.rules() == {} and registry.ledger() == {}
    iphlpsvc.settled()
    assert refused("127.0.0.1", 28080)


# Values that other programs may have written, including some that we would never write.
FOREIGN = [
    ("v4tov4", "0.0.0.0/28080", REG_SZ, "192.0.2.1/80\0".encode("utf-16-le")),
    ("v4tov4", "*/28080", REG_SZ, "192.0.2.1/80\0".encode("utf-16-le")),
    ("v4tov6", "0.0.0.0/28080", REG_SZ, "2001:db8::1/80\0".encode("utf-16-le")),
    ("v4tov4", "0.0.0.0/28080", REG_BINARY, b"\1\2\3"),
    ("v4tov4", "0.0.0.0/28080", REG_SZ, "172.29.0.2/80\0left over\0".encode("utf-16-le")),
    ("v4tov4", "0.0.0.0/28080", REG_SZ, b"\x31"),
    ("v4tov4", "0.0.0.0/28080", REG_SZ, "172.29.0.2/80".encode("utf-16-le")),
    ("v4tov4", "0.0.0.0/28080", REG_SZ, "172.29.0.2/80\0".encode("utf-16-le")),
]


@pytest.mark.parametrize("family,name,kind,data", FOREIGN)
def test_a_foreign_rule_survives_everything(start_helper, registry, connect, family, name, kind,
                                            data):
    key = rf"SYSTEM\CurrentControlSet\Services\PortProxy\{family}\tcp"
    registry.set(key, name, data, kind)
    registry.set_rule("weird", "no endpoint at all")
    wanted = [service("web", "0.0.0.0:28080", 80), service("other", "127.0.0.1:28081", 81)]

    def untouched():
        return registry.dump(key)[name] == (kind, data) and \
            registry.rules()["v4tov4", "weird"] == "no endpoint at all"

    for end in ("stop", "kill", "stop"):
        helper = start_helper(recovery=300)
        agent = connect(helper)
        result = agent.push(wanted, v4=V4)
        assert result.states() == ["conflict", "active"]
        assert result.reasons()[0] == FOREIGN_RULE
        assert untouched()
        result = agent.push(wanted, v4="172.29.0.3/20")
        assert result.states() == ["conflict", "active"]
        assert untouched()
        assert agent.push([], v4=V4).services == []
        assert untouched()
        agent.push(wanted, v4=V4)
        agent.close()
        getattr(helper, end)()
        assert untouched()
    assert len(registry.rules()) == 2 and registry.ledger() == {}


def test_a_conflict_ends_when_the_foreign_rule_goes(helper, registry, connect):
    registry.set_rule("0.0.0.0/28080", "192.0.2.1/80")
    agent = connect(helper)
    assert agent.push([service("web", "0.0.0.0:28080", 80)], v4=V4).states() == ["conflict"]
    registry.delete_rule("0.0.0.0/28080")
    started = time.monotonic()
    assert agent.result(timeout=5).states() == ["active"]
    assert time.monotonic() - started < 5  # it is told, and does not look for it from time to time
    assert registry.rules() == {("v4tov4", "0.0.0.0/28080"): "172.29.0.2/80"}


def test_a_deleted_rule_of_ours_comes_back(helper, registry, connect, iphlpsvc):
    def delete_rule():
        registry.delete_rule("0.0.0.0/28080")

    def reset():
        """'netsh interface portproxy reset' may delete the keys as well."""
        registry.remove(r"SYSTEM\CurrentControlSet\Services\PortProxy")

    agent, took = connect(helper), []
    agent.push([service("web", "0.0.0.0:28080", 80)], v4=V4)
    for delete in (delete_rule, reset, delete_rule):
        time.sleep(4)  # right after a change the helper looks by itself, and later every ten seconds
        began = time.monotonic()
        delete()
        wait_until(lambda: registry.rules() == {("v4tov4", "0.0.0.0/28080"): "172.29.0.2/80"}, 40,
                   "the rule being back")
        took.append(time.monotonic() - began)
    assert sorted(took)[1] < 5, took


def test_keys_deleted_and_imported_again(helper, registry, connect):
    """As 'reg delete' and 'reg import' of an old export do. Our handles belong to the deleted keys.
    Values in the new keys are ours or foreign by the same rules as before."""
    wanted = [service("web", "0.0.0.0:28080", 80), service("taken", "0.0.0.0:28081", 80)]
    rules = {("v4tov4", "0.0.0.0/28080"): "172.29.0.2/80",
             ("v4tov4", "0.0.0.0/28081"): "192.0.2.1/80"}
    agent = connect(helper)
    assert agent.push(wanted, v4=V4).states() == ["active", "active"]
    registry.remove(r"SYSTEM\CurrentControlSet\Services\PortProxy")
    for (family, name), data in rules.items():
        registry.set_rule(name, data, family)
    assert agent.result(timeout=5).states() == ["active", "conflict"]
    assert registry.rules() == rules
    assert list(registry.ledger()) == ["0.0.0.0/28080"]
    helper.stop()
    assert registry.rules() == {("v4tov4", "0.0.0.0/28081"): "192.0.2.1/80"}


def test_a_value_that_differs_in_case_is_foreign(helper, registry, connect):
    """The registry finds it under our name, and it has the data that we wrote."""
    agent = connect(helper)
    agent.push([service("web", "[fd29::1]:28080", 80)], v4=V4)
    with helper.stands_still():  # else it may write its own between these two
        registry.delete_rule("fd29::1/28080", "v6tov4")
        registry.set_rule("FD29::1/28080", "172.29.0.2/80", "v6tov4")
    assert agent.result(timeout=5).states() == ["conflict"]
    theirs = {("v6tov4", "FD29::1/28080"): "172.29.0.2/80"}
    assert registry.rules() == theirs and registry.ledger() == {}
    helper.stop()
    assert registry.rules() == theirs


def test_a_rule_of_ours_that_was_changed_is_foreign_from_then_on(helper, registry, connect):
    agent = connect(helper)
    agent.push([service("web", "0.0.0.0:28080", 80)], v4=V4)
    registry.set_rule("0.0.0.0/28080", "192.0.2.9/90")
    assert agent.result(timeout=5).states() == ["conflict"]
    helper.stop()
    assert registry.rules() == {("v4tov4", "0.0.0.0/28080"): "192.0.2.9/90"}
    assert registry.ledger() == {}


def test_our_own_writes_do_not_keep_the_watch_busy(helper, connect, iphlpsvc, registry):
    """The notification of our own writes causes no endless loop: the helper comes to rest. Reading 100
    values again and again would wake it thousands of times a second."""
    agent = connect(helper)
    agent.push([service(f"s{i}", f"127.0.0.1:{20000 + i}", 80) for i in range(100)], v4=V4)

    def rests():
        before = helper.wakeups()
        agent.idle(1)
        return helper.wakeups() - before < 100

    wait_until(rests, 20, "the helper to rest")


def test_a_stopped_iphlpsvc_is_reported_and_recovers(helper, registry, connect, iphlpsvc):
    agent = connect(helper)
    # The helper has seen it run. What has not run since the helper started would be started.
    assert agent.push([service("web", "127.0.0.1:28081", 80)], v4=V4).states() == ["active"]
    agent.idle(1)
    iphlpsvc.stop()
    try:
        result = agent.push([service("web", "127.0.0.1:28080", 80)], v4=V4)
        assert result.states() == ["blocked"] and result.reasons() == [IPHLPSVC]
        assert "iphlpsvc" in result.services[0][2]
    finally:
        iphlpsvc.start()
    # The helper tries again after 30 s, or at once when anything else happens.
    assert agent.push([service("web", "127.0.0.1:28080", 80)], v4=V4).states() == ["active"]


def test_an_unreadable_ledger_entry_is_kept_and_its_rule_is_foreign(start_helper, registry,
                                                                    connect):
    registry.set(LEDGER, "0.0.0.0/28080", "written by a version from the future")
    registry.set_rule("0.0.0.0/28080", "172.29.0.2/80")
    helper = start_helper(recovery=100)
    assert any("0.0.0.0/28080" in line and line.startswith("warning") for line in helper.lines)
    agent = connect(helper)
    assert agent.push([service("web", "0.0.0.0:28080", 80)], v4=V4).states() == ["conflict"]
    helper.stop()
    assert registry.rules() == {("v4tov4", "0.0.0.0/28080"): "172.29.0.2/80"}
    assert registry.ledger() == {"0.0.0.0/28080": "written by a version from the future"}


def test_ten_thousand_services(helper, registry, connect, iphlpsvc):
    registry.set(POLICY, "MaxEndpointsPerAgent", 10000)
    helper.wait_line("policy was changed")
    agent = connect(helper)
    services = [service(f"s{i}", f"127.0.0.1:{10000 + i}", 80) for i in range(10000)]
    before = iphlpsvc.changes()
    started = time.monotonic()
    states = agent.push(services, v4=V4, timeout=60, settle=False).states()
    print(f"10,000 services: {time.monotonic() - started:.2f} s")
    # The stand-in for iphlpsvc opens only about a thousand (FAKE_LISTENERS_MAX), and not at once.
    assert len(states) == 10000 and set(states) <= {"active", "pending"}
    assert iphlpsvc.settled(60) == before + 1
    assert len(registry.rules()) == 10000
    result = agent.push(services, v4="172.29.0.3/20", timeout=60, settle=False)
    while result.states().count("active") < 1000:  # the last look came before it had opened them
        result = agent.result(timeout=60)
    assert set(zip(result.states(), result.reasons())) <= {
        ("active", 0), ("pending", NOT_LISTENING), ("blocked", NOT_LISTENING)}
    assert set(registry.rules().values()) == {"172.29.0.3/80"}
    assert agent.push([], v4=V4, timeout=60).services == []
    assert registry.rules() == {} and registry.ledger() == {}


def test_a_range_and_several_listens_are_one_service(helper, registry, connect):
    agent = connect(helper)
    result = agent.push([service("many", [listen_endpoint("0.0.0.0:28000", 9000, 11),
                                          listen_endpoint("[::]:28000", 9000, 11)])], v4=V4)
    assert result.states() == ["active"]
    rules = registry.rules()
    assert len(rules) == 22
    assert rules["v4tov4", "0.0.0.0/28010"] == "172.29.0.2/9010"
    assert rules["v6tov4", "::/28003"] == "172.29.0.2/9003"


def test_the_service_in_a_process_is_named(prefix, build_win):
    """A port that svchost.exe has is that of one of the services in it."""
    done = prefix.run(build_win / "tests/windows/test-process-services.exe", check=False)
    assert done.returncode == 0, done.stdout
