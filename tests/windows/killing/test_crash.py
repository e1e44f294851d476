# SPDX-License-Identifier: MIT
"""The helper is killed with kill -9 at any instant. Every value can be proved to be ours or foreign,
and the next start repairs what was left unfinished."""

import random
import threading
import time

from moment import Aim, open_changes
from waiting import wait_until
from wsb_client import service

FOREIGN = {("v4tov4", "0.0.0.0/29000"): "192.0.2.1/80", ("v6tov4", "::/29001"): "192.0.2.1/81"}
KILLS = 60
RULES = 300


def check_provable(registry):
    """Each value is foreign and unchanged, or the ledger has its present or its next data. Returns
    the number of changes that were begun but not finished."""
    rules, ledger = registry.rules(), registry.ledger()
    assert {k: v for k, v in rules.items() if k in FOREIGN} == FOREIGN
    for (family, name), data in rules.items():
        if (family, name) in FOREIGN:
            continue
        assert name in ledger, f"{name} = {data} is nobody's"
        current, following = ledger[name].split("|")[-2:]
        assert data in (current, following), f"{name} = {data}: {ledger[name]}"
    return open_changes(registry)


def wanted(address):
    host, port = address.split("/")[0], 1000 + int(address.rsplit(".", 1)[1].split("/")[0])
    services = [service(f"s{i}", f"127.0.0.1:{20000 + i}", port) for i in range(RULES)]
    services.append(service("foreign", "0.0.0.0:29000", 80))
    rules = {("v4tov4", f"127.0.0.1/{20000 + i}"): f"{host}/{port}" for i in range(RULES)}
    return services, {**rules, **FOREIGN}


def kill_later(helper, wait):
    """Kill the helper in a thread, as soon as wait() returns."""
    def work():
        wait()
        helper.process.kill()

    threading.Thread(target=work, daemon=True).start()


def test_kill_at_any_instant(whole_wine, start_helper, registry, connect):
    for (family, name), data in FOREIGN.items():
        registry.set_rule(name, data, family)
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    n_open, apply_time, aim = [], 0.2, None
    for n in range(KILLS):
        if n % 10 == 0:
            whole_wine()
        helper = start_helper(recovery=60000)
        agent = connect(helper)
        # Each run asks for other targets, or for nothing at all, so that writes, changes and
        # removals are all cut at some point.
        services, rules = wanted(f"172.29.0.{2 + n % 3}/20")
        if n % 4 == 3:
            services = []
        if n % 10 == 0:  # measure an undisturbed apply, and check its result
            started = time.monotonic()
            agent.push(services, v4=f"172.29.0.{2 + n % 3}/20", settle=False)
            apply_time = time.monotonic() - started
            assert registry.rules() == (rules if services else FOREIGN)
            aim = aim or Aim(registry, chance, apply_time)
            agent.send_state(wanted("172.29.0.9/20")[0], v4="172.29.0.9/20")
        else:
            agent.send_state(services, v4=f"172.29.0.{2 + n % 3}/20")
        delay = chance.uniform(0, 1.1 * apply_time)
        kill_later(helper, aim.wait if n % 2 == 1 else lambda delay=delay: time.sleep(delay))
        helper.wait_end()
        agent.close()
        n_open.append(check_provable(registry))
        aim.learn(n_open[-1] > 0)
    print(f"{KILLS} kills within {apply_time * 1000:.0f} ms, changes left open: {n_open}")
    assert sum(n > 0 for n in n_open) >= KILLS / 10, "the kills did not hit the middle of anything"

    whole_wine()
    helper = start_helper(recovery=60000)
    services, rules = wanted("172.29.0.2/20")
    agent = connect(helper)
    result = agent.push(services, v4="172.29.0.2/20")
    assert result.states() == ["active"] * RULES + ["conflict"], [s for s in result.services if "active" not in s]
    assert registry.rules() == rules
    assert helper.stop() == 0
    assert registry.rules() == FOREIGN and registry.ledger() == {}


def test_rules_are_kept_for_the_agent_that_comes_back(whole_wine, start_helper, registry, connect,
                                                      iphlpsvc):
    services, rules = wanted("172.29.0.2/20")
    helper = start_helper()
    connect(helper).push(services, v4="172.29.0.2/20")
    written = registry.rules()
    helper.kill()
    whole_wine()
    changes = iphlpsvc.changes()

    helper = start_helper(recovery=10000)  # until then the agent has to be back
    time.sleep(0.3)
    assert registry.rules() == written
    agent = connect(helper)
    agent.push(services, v4="172.29.0.2/20")
    agent.idle(10)
    assert registry.rules() == written
    # One at the start is right: the kill may have come before iphlpsvc was notified.
    assert iphlpsvc.changes() <= changes + 1


def test_rules_of_an_agent_that_does_not_come_back_are_withdrawn(whole_wine, start_helper, registry,
                                                                 connect):
    services, _ = wanted("172.29.0.2/20")
    helper = start_helper()
    connect(helper).push(services, v4="172.29.0.2/20")
    helper.kill()
    whole_wine()
    assert len(registry.rules()) == RULES + 1  # nothing foreign is on 0.0.0.0:29000 here
    start_helper(recovery=300)
    wait_until(registry.clean, 30, "withdrawal")
