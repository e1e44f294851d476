# SPDX-License-Identifier: MIT
"""Each call that can fail does so once, and the agent comes through; faults.py says what that means.

The whole walk has a thousand places and takes a quarter of an hour. So a run takes its part of the places,
another one each day, and WSLBRIDGE_LONG=1 takes all of them, each as often as it is passed.
WSLBRIDGE_FAULT=KEY fails one place only: a failure shows its key.
"""
import concurrent.futures
import itertools
import os
import subprocess
import time

import janitor
import pytest

from faults import Lost, Place, Walk

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
        walk.place.environment["FAULT_PROGRAM"] = "another"
        assert not walk.life()
        walk.place.environment["FAULT_PROGRAM"] = "wslbridge-agent"
        assert walk.life() and "main" in walk.place.failure()
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


# --- wslbridgectl

OLD, NEW = {"0.0.0.0/8080": "10.9.0.2/80"}, {"0.0.0.0/8080": "10.9.0.2/81"}
KEY_FILE = "etc/wslbridge/key"


def run_failing(place, control, arguments, stdin=""):
    """(exit code, output) of a command in which one call fails."""
    place.forget()
    try:
        return control.run(*arguments, stdin=stdin, env=place.environment)
    except (AssertionError, subprocess.TimeoutExpired) as e:
        raise AssertionError(f"{e}\n{place.failure()}") from e


def repeat_until_nothing_fails(place, control, arguments, prepare, check, stdin=""):
    """Return: how often it ran with a failed call."""
    for n in itertools.count():
        prepare()
        code, output = run_failing(place, control, arguments, stdin)
        text = f"exit code {code}\n{output}\n{place.failure()}"
        assert code == 0 or output.strip(), f"it fails and does not say why: {text}"
        assert code in (0, 1, 3, 4), text  # no crash, and no sanitizer
        check(code, text)
        if not place.failed():
            assert code == 0, text
            return n
        if KEY:
            return 1


def ctl_share():
    n = 8
    return "0/1" if LONG or KEY else f"{int(time.time() // 86400) % n}/{n}"


@pytest.fixture
def place(dev_tree, tmp_path, control):
    return Place(dev_tree, str(tmp_path), control.exe, ctl_share(), repeat=10_000 if LONG else 1, key=KEY)


def file_text(guest, path):
    try:
        with open(os.path.join(guest.root, path), encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return None


def test_expose_leaves_the_old_file_or_the_new_one(up, place, number):
    guest, host, control = up
    path = "etc/wslbridge/services.d/port-8080.ini"
    assert control.run("expose", "8080:81")[0] == 0
    new = file_text(guest, path)
    assert control.run("expose", "8080:80")[0] == 0
    old = file_text(guest, path)

    def prepare():
        guest.write(path, old)
        host.wait_rules(OLD)

    def check(code, text):
        assert file_text(guest, path) in ([new] if code == 0 else [old, new]), text
        assert code != 0 or host.rules() == NEW, text

    n = repeat_until_nothing_fails(place, control, ("expose", "8080:81"), prepare, check)
    number(f"{n} runs of 'expose', each with one failed call")


def test_unexpose_removes_the_file_or_leaves_it(up, place, number):
    guest, host, control = up
    path = "etc/wslbridge/services.d/port-8080.ini"
    assert control.run("expose", "8080:80")[0] == 0
    old = file_text(guest, path)

    def prepare():
        guest.write(path, old)
        host.wait_rules(OLD)

    def check(code, text):
        assert file_text(guest, path) in ([None] if code == 0 else [old, None]), text
        assert code != 0 or host.rules() == {}, text

    n = repeat_until_nothing_fails(place, control, ("unexpose", "8080"), prepare, check)
    number(f"{n} runs of 'unexpose', each with one failed call")


def test_pair_leaves_the_old_key_or_the_new_one(guest, place, control, number):
    old, new = "0" * 64 + "\n", "1" * 64 + "\n"

    def check(code, text):
        assert file_text(guest, KEY_FILE) in ([new] if code == 0 else [old, new]), text
        assert code != 0 or "\npaired " in "\n" + text, text

    n = repeat_until_nothing_fails(place, control, ("pair",), lambda: guest.key(old), check, stdin=new)
    number(f"{n} runs of 'pair', each with one failed call")
