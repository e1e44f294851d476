# SPDX-License-Identifier: MIT
"""Each call that can fail does so once, and the program comes through; faults_agent.py, faults_control.py and
faults_loopback.py say what that means.

The whole walk has 2,000 places. So a run takes its part of them, another one each day. './dev faults' takes
all of them once, and WSLBRIDGE_LONG=1 each as often as it is passed. WSLBRIDGE_FAULT=KEY fails one place only: a
failure shows its key.
"""
import concurrent.futures
import os
import time

import janitor
import pytest

from faults import Lost
from faults_agent import AgentWalk
from faults_control import COMMANDS, ControlWalk
from faults_loopback import LoopbackWalk
from lives import LIVES, changes

LONG = bool(os.environ.get("WSLBRIDGE_LONG"))
KEY = os.environ.get("WSLBRIDGE_FAULT")
PARTS = 50  # in each of which are about 30 places
# The same for the other programs, so that about 20 calls fail in a run.
CONTROL_PARTS = {"expose": 12, "unexpose": 5, "pair": 3}
LOOPBACK_PARTS = 9
LIVES_MIN = 5  # even a small part has more, so fewer mean that nothing has failed at all
WORKERS = 2
# With what the kernel tells: how it answers, and each event that may be lost. All of them take two minutes.
TOLD, TOLD_PARTS = ("recvmsg", "recvfrom", "inotify"), 6


def parts(n, workers=1):
    """The shares of so many workers, of the part that has its turn today."""
    if LONG or KEY:
        return [f"{i}/{workers}" for i in range(workers)]
    today = int(time.time() // 86400) * workers
    return [f"{(today + i) % (n * workers)}/{n * workers}" for i in range(workers)]


def enough(n):
    """Whether @n lives show anything. A KEY belongs to one program, so the others have none then."""
    return KEY or n >= LIVES_MIN


def walk(make, *arguments, repeat=10_000, **options):
    """Return: the walk, when all places of the share have failed."""
    walk = make(*arguments, repeat=repeat if LONG else 1, key=KEY, **options)
    try:
        return walk.walk()
    finally:
        walk.close()


def test_the_agent_comes_through_when_any_call_fails(dev_tree, tmp_path, number):
    shares = parts(PARTS, 1 if KEY else WORKERS)
    folders = [tmp_path / str(i) for i in range(len(shares))]
    for folder in folders:
        folder.mkdir()
    janitor.current_run()  # not first in two threads at once
    with concurrent.futures.ThreadPoolExecutor(len(folders)) as pool:
        walks = list(pool.map(lambda f, share: walk(AgentWalk, dev_tree, f, share), folders, shares))
    lives = sum(w.lives for w in walks)
    number(f"{lives} lives of an agent, each with one failed call (part {' and '.join(shares)} of all); "
           f"{sum(w.restarts for w in walks)} gave up while they started or for want of memory, and did well "
           "when they were started again")
    assert enough(lives)


def test_the_agent_comes_through_whatever_the_kernel_says(dev_tree, tmp_path, number):
    """Over netlink: an error, a dump that is not consistent, not whole or empty, a message that is cut or lost. From
    inotify: an error, and that events are lost."""
    share, = parts(TOLD_PARTS)
    done = walk(AgentWalk, dev_tree, tmp_path, share, calls=TOLD, repeat=1)
    assert enough(done.lives)
    number(f"{done.lives} lives of an agent, each with one wrong word of the kernel (part {share} of all)")


@pytest.mark.parametrize("live", LIVES, ids=lambda live: live.__name__)
def test_a_life_in_which_nothing_fails_goes_well(dev_tree, tmp_path, live):
    walk = AgentWalk(dev_tree, tmp_path, "0/1", calls=["another"])
    try:
        assert not walk.life(live.__name__)
        assert not walk.restarted
    finally:
        walk.close()


def test_the_library_fails_one_call_and_no_other_program(dev_tree, tmp_path):
    walk = AgentWalk(dev_tree, tmp_path, "0/1")
    try:
        walk.place.environment["FAULT_PROGRAM"] = "another"
        assert not walk.life("changes")
        walk.place.environment["FAULT_PROGRAM"] = "wslbridge-agent"
        assert walk.life("changes") and "main" in walk.place.failure()
    finally:
        walk.close()


def test_an_agent_that_does_not_come_through_is_seen(dev_tree, tmp_path):
    """It ends at once, and does not say why."""
    walk = AgentWalk(dev_tree, tmp_path, "0/1", [changes])
    walk.guest.exe = "/bin/false"
    try:
        with pytest.raises(Lost, match="it gave up: the start"):
            walk.walk()
    finally:
        walk.close()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_leaves_the_old_file_or_the_new_one(dev_tree, tmp_path, command, number):
    share, = parts(CONTROL_PARTS[command])
    done = walk(ControlWalk, dev_tree, tmp_path, share, [command])
    assert enough(done.lives), f"only {done.lives} calls of '{command}' have failed"
    number(f"{done.lives} runs of '{command}', each with one failed call")


def test_wslbridge_loopback_comes_through_when_any_call_fails(dev_tree, tmp_path, number):
    share, = parts(LOOPBACK_PARTS)
    done = walk(LoopbackWalk, dev_tree, tmp_path, share, repeat=100)
    assert enough(done.lives), f"only {done.lives} calls have failed"
    number(f"{done.lives} lives of wslbridge-loopback, each with one failed call")
