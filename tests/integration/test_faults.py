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
# The same for the other programs, so that about 20 calls fail in a run.
CONTROL_PARTS = {"expose": 12, "unexpose": 5, "pair": 3}
LIVES_MIN = 5  # even a small part has more, so fewer mean that nothing has failed at all
WORKERS = 2


def parts(n, workers=1):
    """The shares of so many workers, of the part that has its turn today."""
    if LONG or KEY:
        return [f"{i}/{workers}" for i in range(workers)]
    today = int(time.time() // 86400) * workers
    return [f"{(today + i) % (n * workers)}/{n * workers}" for i in range(workers)]


def enough(n):
    """Whether @n lives show anything. A KEY belongs to one program, so the others have none then."""
    return KEY or n >= LIVES_MIN


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
    shares = parts(PARTS, 1 if KEY else WORKERS)
    folders = [tmp_path / str(i) for i in range(len(shares))]
    for folder in folders:
        folder.mkdir()
    janitor.current_run()  # not first in two threads at once
    with concurrent.futures.ThreadPoolExecutor(len(folders)) as pool:
        walks = list(pool.map(lambda f, share: walk(dev_tree, f, share), folders, shares))
    lives = sum(w.lives for w in walks)
    number(f"{lives} lives of an agent, each with one failed call (part {' and '.join(shares)} of all); "
           f"{sum(w.restarts for w in walks)} gave up while they started or for want of memory, and did well "
           "when they were started again")
    assert enough(lives)


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


def repeat_until_nothing_fails(make, control, arguments, prepare, check, stdin=""):
    """Return: in words, how often it ran with a failed call."""
    command, place = arguments[0], make(arguments[0])
    for n in itertools.count():
        prepare()
        code, output = run_failing(place, control, arguments, stdin)
        text = f"exit code {code}\n{output}\n{place.failure()}"
        assert code == 0 or output.strip(), f"it fails and does not say why: {text}"
        assert code in (0, 1, 3, 4), text  # no crash, and no sanitizer
        check(code, text)
        if not place.failed():
            assert code == 0, text
            break
        if KEY:
            n = 1
            break
    assert enough(n), f"only {n} calls of '{command}' have failed"
    return f"{n} runs of '{command}', each with one failed call"


@pytest.fixture
def place(dev_tree, tmp_path, control):
    """make(COMMAND): the calls that fail in wslbridgectl."""
    def make(command):
        share, = parts(CONTROL_PARTS[command])
        return Place(dev_tree, str(tmp_path), control.exe, share, repeat=10_000 if LONG else 1, key=KEY)

    return make


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

    number(repeat_until_nothing_fails(place, control, ("expose", "8080:81"), prepare, check))


def test_unexpose_removes_the_file_or_leaves_it(up, place, number):
    guest, host, control = up
    path = "etc/wslbridge/services.d/port-8080.ini"
    assert control.run("expose", "8080:80")[0] == 0
    old = file_text(guest, path)

    def prepare():
        guest.write(path, old)
        host.wait_rules(OLD)
        guest.wait_state("port-8080", "active")  # else there is nothing to remove yet

    def check(code, text):
        assert file_text(guest, path) in ([None] if code == 0 else [old, None]), text
        if code == 0:
            host.wait_rules({})

    number(repeat_until_nothing_fails(place, control, ("unexpose", "8080"), prepare, check))


def test_pair_leaves_the_old_key_or_the_new_one(guest, place, control, number):
    old, new = "0" * 64 + "\n", "1" * 64 + "\n"

    def check(code, text):
        assert file_text(guest, KEY_FILE) in ([new] if code == 0 else [old, new]), text
        assert code != 0 or "\npaired " in "\n" + text, text

    number(repeat_until_nothing_fails(place, control, ("pair",), lambda: guest.key(old), check, stdin=new))
