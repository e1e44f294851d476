# SPDX-License-Identifier: MIT
"""Either side ends and starts again, in every order and in every way. The rules end up right."""
import itertools
import time

import pytest

from guest import wait_until

RULE = {"0.0.0.0/8080": "10.9.0.2/80"}


def stop(side, how):
    (side.kill if how == "killed" else side.stop)()


ORDERS = [order for order in itertools.permutations(["agent down", "agent up", "host down", "host up"])
          if order.index("agent down") < order.index("agent up")
          and order.index("host down") < order.index("host up")]


@pytest.mark.parametrize("how", ["stopped", "killed"])
@pytest.mark.parametrize("order", ORDERS, ids=", ".join)
def test_both_restarted(connected, order, how):
    guest, host = connected
    actions = {"agent down": lambda: stop(guest, how), "agent up": lambda: guest.start(wait=False),
               "host down": lambda: stop(host, how), "host up": host.start}
    for step in order:
        actions[step]()
    if order[-1] != "agent up":
        new = guest.new_address()  # while the last side is starting
    else:
        new = guest.address
    host.wait_rules({"0.0.0.0/8080": f"{new}/80"})
    guest.wait_state("web", "active")
    assert len(host.command("ledger")["entries"]) == 1
    guest.stop()


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_restarted_agent_leaves_its_rule_alone(guest, host, how):
    """The new agent connects within the grace period, so the helper never touches the rule."""
    guest.service("web", "listen = 8080\nconnect-port = 80")
    host.start(goodbye_ms=60_000)
    guest.start()
    guest.wait_state("web", "active")
    before = host.stats()
    stop(guest, how)
    guest.start()
    guest.wait_state("web", "active")
    after = host.stats()
    assert (after["deletes"], after["writes"]) == (before["deletes"], before["writes"])
    assert host.rules() == RULE


def test_helper_restarted_many_times(connected):
    guest, host = connected
    for _ in range(3):
        host.kill()
        guest.wait_helper("waiting")
        assert guest.service_status("web")["state"] == "pending"
        host.start()
        guest.wait_state("web", "active")
    assert host.rules() == RULE
    assert guest.status()["counters"]["connects"] == 4


def test_goodbye_withdraws_after_the_grace_period(guest, host):
    guest.service("web", "listen = 8080\nconnect-port = 80")
    host.start(goodbye_ms=3000)
    guest.start()
    guest.wait_state("web", "active")
    begin = time.monotonic()
    guest.stop()
    assert host.rules() == RULE or time.monotonic() - begin >= 3  # not at once
    host.wait_rules({})
    assert host.command("ledger")["entries"] == []


def test_helper_that_stops_says_why(connected):
    guest, host = connected
    causes = []
    while "goodbye" not in causes and len(causes) < 5:  # the next try soon has another result
        guest.wait_state("web", "active")
        host.process.terminate()
        helper = wait_until(lambda: (h := guest.status()["helper"])["state"] == "waiting" and h,
                            "the end of the session")
        causes.append(helper["error"]["cause"])
        host.stop()
        assert len(guest.log_lines("ended the session (stopping): ")) == len(causes)
        if causes[-1] != "goodbye":
            host.start()
    assert causes[-1] == "goodbye", causes


def test_rules_of_a_killed_agent_go_after_its_silence(guest, host):
    guest.service("web", "listen = 8080\nconnect-port = 80")
    host.start(heartbeat_ms=300)
    guest.start()
    guest.wait_state("web", "active")
    guest.kill()
    host.wait_rules({})


def test_helper_comes_later(guest, host):
    guest.service("web", "listen = 8080\nconnect-port = 80")
    guest.start()
    guest.wait_log("Cannot reach the helper")
    wait_until(lambda: (guest.status()["helper"]["error"] or {}).get("cause") == "unreachable",
               "the reason")
    host.start()
    guest.wait_state("web", "active")
    assert host.rules() == RULE
    assert guest.status()["helper"]["error"] is None


def test_foreign_rule_survives_everything(connected):
    guest, host = connected
    host.command("foreign-set v4tov4 0.0.0.0/9090 10.1.2.3/9090")
    guest.service("other", "listen = 9090")
    guest.wait_state("other", "conflict")
    for how in ("stopped", "killed"):
        stop(guest, how)
        stop(host, how)
        host.start()
        guest.start()
        guest.wait_state("web", "active")
        guest.wait_state("other", "conflict")
    guest.new_address()
    host.wait_rules({"0.0.0.0/9090": "10.1.2.3/9090",
                     "0.0.0.0/8080": f"{guest.address}/80"})
    guest.remove_service("other")
    guest.stop()
    wait_until(lambda: host.rules() == {"0.0.0.0/9090": "10.1.2.3/9090"}, "only the foreign rule")
