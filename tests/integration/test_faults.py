# SPDX-License-Identifier: MIT
"""Each call that can fail does so once, and the agent comes through; faults.py says what that means.

The whole walk has a thousand places and takes a quarter of an hour. So a run takes its part of the places,
another one each day, and WSLBRIDGE_LONG=1 takes all of them, each as often as it is passed.
WSLBRIDGE_FAULT=KEY fails one place only: a failure shows its key.
"""
import concurrent.futures
import os
import time

import janitor
import pytest

from faults import Lost, Walk

LONG = bool(os.environ.get("WSLBRIDGE_LONG"))
KEY = os.environ.get("WSLBRIDGE_FAULT")
PARTS = 50  # in each of which are about 20 places
LIVES_MIN = 5  # even a small part has more, so fewer mean that nothing has failed at all
WORKERS = 2


def parts():
    """The shares of the workers."""
    if LONG:
        return [f"{i}/{WORKERS}" for i in range(WORKERS)]
    n = PARTS * WORKERS
    today = int(time.time() // 86400) * WORKERS
    return [f"{(today + i) % n}/{n}" for i in range(WORKERS)]


def walk(tree, folder, share):
    """Return: the walk, when all places of the share have failed."""
    walk = Walk(tree, folder, share, repeat=10_000 if LONG else 1, key=KEY)
    try:
        while walk.life() and not KEY:
            pass
        return walk
    finally:
        walk.close()


def test_the_agent_comes_through_when_any_call_fails(dev_tree, tmp_path, number):
    folders = [tmp_path / str(i) for i in range(1 if KEY else WORKERS)]
    for folder in folders:
        folder.mkdir()
    janitor.current_run()  # not first in two threads at once
    with concurrent.futures.ThreadPoolExecutor(len(folders)) as pool:
        walks = list(pool.map(lambda f, share: walk(dev_tree, f, share), folders, parts()))
    lives = sum(w.lives for w in walks)
    number(f"{lives} lives of an agent, each with one failed call (part {' and '.join(parts())} of all); "
           f"{sum(w.restarts for w in walks)} gave up while they started or for want of memory, and did well "
           "when they were started again")
    assert KEY or lives >= LIVES_MIN


def test_the_library_fails_one_call_and_no_other_program(dev_tree, tmp_path):
    walk = Walk(dev_tree, tmp_path, "0/1")
    try:
        walk.environment["FAULT_PROGRAM"] = "another"
        assert not walk.life()
        walk.environment["FAULT_PROGRAM"] = "wslbridge-agent"
        assert walk.life() and "main" in walk.failure()
    finally:
        walk.close()


def test_an_agent_that_does_not_come_through_is_seen(dev_tree, tmp_path):
    """It ends at once, and does not say why."""
    walk = Walk(dev_tree, tmp_path, "0/1")
    walk.guest.exe = "/bin/false"
    try:
        with pytest.raises(Lost, match="it gave up: the start"):
            walk.life()
    finally:
        walk.close()
