# SPDX-License-Identifier: MIT
"""As test_crash.py, for ports that move between PortProxy and the relay, and for UDP: after a kill at any
instant each value of either table can be proved to be ours, and no port has two of them."""

import random
import threading
import time

import pytest
from moment import Aim, open_changes
from wsb_client import Client, field, tagged_service

UDP, BY_RELAY, PROXY_V2 = field(0x8005, b"\1"), field(0x8008, b"\1"), field(0x8006, b"\1")
KILLS = 24
SERVICES = 90
TABLE = r"SOFTWARE\wslbridge\Relay\v4tov4"


@pytest.fixture
def relay_service(prefix, build_win, whole_wine):
    """The service, made as an installation would; the helper starts and stops it."""
    exe = f'"Z:{(build_win / "windows-helper/wslbridge-relay.exe").resolve()}" run --service'
    prefix.run("sc", "create", "wslbridge-relay", "start=", "demand", "binPath=", exe.replace("/", "\\"))
    yield
    whole_wine()
    prefix.run("sc", "stop", "wslbridge-relay", check=False)
    prefix.run("sc", "delete", "wslbridge-relay")


def values(registry):
    """[(name in the ledger, text in the ledger)] of every value in both tables."""
    return ([(name, data) for (family, name), data in registry.rules().items()] +
            [(name, f"relay {data}") for name, data in registry.strings(rf"{TABLE}\tcp").items()] +
            [(f"{name}/udp", f"relay {data}") for name, data in registry.strings(rf"{TABLE}\udp").items()])


def check_provable(registry):
    found, ledger = values(registry), registry.ledger()
    assert len({name for name, _ in found}) == len(found), f"two values of one port: {sorted(found)}"
    for name, text in found:
        assert text in ledger.get(name, "").split("|")[-2:], f"{name} = {text}: {ledger.get(name)}"
    return open_changes(registry)


def wanted(turn):
    """A third moves between the forwarders, a third is UDP, a third stays with the relay."""
    ways = [[(), (BY_RELAY,), (PROXY_V2,)][turn % 3], (UDP,), (BY_RELAY,)]
    return [tagged_service(f"s{i}", f"127.0.0.1:{20000 + i}", *ways[i % 3]) for i in range(SERVICES)]


def kill_later(helper, wait):
    def work():
        wait()
        helper.process.kill()

    threading.Thread(target=work, daemon=True).start()


def push(agent, turn):
    return agent.push_tagged(wanted(turn), v4=f"172.29.0.{2 + turn % 3}/20")


def test_kill_at_any_instant(whole_wine, relay_service, start_helper, registry, paired):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance, n_open = random.Random(seed), []
    apply_time = 0.3
    aim = Aim(registry, chance, apply_time)
    for n in range(KILLS):
        if n % 8 == 0:
            whole_wine()
        helper = start_helper(recovery=60000)
        with Client(helper.port, key=paired) as agent:
            agent.handshake((1, 2))
            if n % 8 == 0:
                started = time.monotonic()
                push(agent, n)
                apply_time = time.monotonic() - started
            agent.send_tagged(wanted(n + 1), v4=f"172.29.0.{2 + n % 3}/20")
            delay = chance.uniform(0, 1.1 * apply_time)
            kill_later(helper, aim.wait if n % 2 else lambda delay=delay: time.sleep(delay))
            helper.wait_end()
        n_open.append(check_provable(registry))
        aim.learn(n_open[-1] > 0)
    print(f"{KILLS} kills within {apply_time * 1000:.0f} ms, changes left open: {n_open}")
    assert sum(n > 0 for n in n_open) >= KILLS / 10, "the kills did not hit the middle of anything"

    whole_wine()
    helper = start_helper(recovery=60000)
    with Client(helper.port, key=paired) as agent:
        agent.handshake((1, 2))
        answers = push(agent, 0)
        assert len(values(registry)) == SERVICES and len(registry.ledger()) == SERVICES, answers[:3]
        assert helper.stop() == 0
    assert values(registry) == [] and registry.ledger() == {}
