# SPDX-License-Identifier: MIT
"""An unchanged state causes no writes, and nothing accumulates."""

import time

import program_load
import pytest
import wine_prefix
import wine_registry
from traffic import live
from waiting import wait_until
from wsb_client import Client, service

KEY = bytes(range(100, 132))
V4 = "172.29.0.2/20"
HANDLES_MORE = 8
ROUNDS, LIVES = 3, 60
POLICY = r"SOFTWARE\wslbridge\Policy"
FEW, MOST = 100, 16384  # endpoints
HELD_MORE = 1024
RESIDENT_MORE_KIB = 1024 if wine_prefix.version() < (9, 0) else 10240  # fact 10.1.23
GOODBYE_MS = 100  # a lease lasts so long after a goodbye
LOOKED = 2  # seconds in which the helper has written its status and has looked who listens
LONG = 120  # seconds that thousands of rules may take under Wine
LEAK_BLOCKS, LEAK_BYTES = LIVES // 2, LIVES * 16  # a round; a leaked block a life is LIVES


def test_an_unchanged_state_writes_nothing(helper, registry, connect, iphlpsvc):
    """Checked by the time of the last write to each key, which changes even when the same value is
    written again."""
    agent = connect(helper)
    services = [service(f"s{i}", f"127.0.0.1:{20000 + i}", 80) for i in range(50)]
    agent.push(services, v4=V4)
    agent.idle(1)
    before, changes = registry.stamps(), iphlpsvc.changes()
    for _ in range(20):
        agent.push(services, v4=V4)
    agent.idle(1)
    assert registry.stamps() == before and iphlpsvc.changes() == changes
    agent.push(services[1:], v4=V4)  # the stamps do change after a write
    after = registry.stamps()
    assert {key for key in before if before[key] != after[key]} == {
        rf"{wine_registry.PORTPROXY}\v4tov4\tcp", wine_registry.LEDGER}


def growth(figures):
    return [after - before for before, after in zip(figures, figures[1:])]


def test_handles_and_memory_are_flat(helper, registry, paired, prefix, build_win):
    """A leak grows in each round. The memory is what the helper's own code holds. The resident memory
    is only printed, because Wine's own is in it and grows as it likes (docs/windows-facts.md,
    10.1.9)."""
    load = program_load.Load(prefix, build_win / "tests/windows")
    live(helper.port, {"key": KEY}, lives=20, states=3)
    time.sleep(2)
    handles, resident = load.handles(), [load.resident_kib(helper.process.pid)]
    blocks, held = ([n] for n in helper.heap)
    for _ in range(ROUNDS):
        live(helper.port, {"key": KEY}, lives=LIVES, states=3)
        # Wine keeps a few more after two connections have overlapped. A leak would be LIVES more.
        wait_until(lambda: load.handles() <= handles + HANDLES_MORE, 20,
                   f"{handles} handles, as before", interval=1)
        resident.append(load.resident_kib(helper.process.pid))
        for figures, n in zip((blocks, held), helper.heap):
            figures.append(n)
    print(f"{handles} handles; held: {blocks} blocks, {held} bytes; resident: {resident} KiB")
    assert min(growth(blocks)) < LEAK_BLOCKS and min(growth(held)) < LEAK_BYTES


@pytest.fixture
def may_have_the_most(registry, iphlpsvc):
    """A guest may have as many endpoints as the protocol has. The stand-in for iphlpsvc listens for few of
    them."""
    registry.set(POLICY, "MaxEndpointsPerAgent", MOST)
    iphlpsvc.listen_for(FEW // 10)
    yield
    iphlpsvc.listen_for(0)
    registry.delete(POLICY, "MaxEndpointsPerAgent")


def come_and_go(helper, held, n):
    """A guest has @n endpoints, and then it goes. Returns when its lease has ended, and the helper's own
    code holds no more than the @held bytes again."""
    with Client(helper.port, key=KEY) as guest:
        guest.handshake()
        helper.heap = None  # nothing is told of it while somebody is connected
        guest.push([service(f"s{i}", f"127.0.0.1:{10000 + i}", 80) for i in range(n)], v4=V4, timeout=LONG,
                   settle=False)
        guest.idle(LOOKED)
        guest.bye()
    wait_until(lambda: helper.heap and helper.heap[1] <= held + HELD_MORE, LONG,
               lambda: f"{held} bytes held, as before, and not {helper.heap},")


def test_what_16384_endpoints_took_is_given_back(may_have_the_most, start_helper, registry, paired):
    """Of the memory of the whole process, as Linux sees it, with Wine's own. No block of ours may stay
    behind those that go, because the heap of Wine 8 gives back the pages at its end only. That of Wine 10
    keeps some of its own accord, and what our code holds says as much there as elsewhere."""
    helper = start_helper(goodbye=GOODBYE_MS)
    wait_until(lambda: helper.heap, 20, "what the helper holds before all")
    held = helper.heap[1]
    come_and_go(helper, held, FEW)
    resident = [program_load.Load.resident_kib(helper.process.pid)]
    for _ in range(2):  # the second time adds nothing
        come_and_go(helper, held, MOST)
        assert registry.clean()
        resident.append(program_load.Load.resident_kib(helper.process.pid))
    print(f"held: {held} bytes at first, {helper.heap[1]} at last; resident: {resident} KiB")
    assert max(resident[1:]) <= resident[0] + RESIDENT_MORE_KIB, resident
