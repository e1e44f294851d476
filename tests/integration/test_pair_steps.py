# SPDX-License-Identifier: MIT
"""Every point at which a pairing can end in the guest. The old key stays in force until the host has
stored the new one, and the next try works."""
import os
import secrets
import select
import subprocess

import pytest
from guest import MAX_DELAY


class Pairing:
    """wslbridgectl pair --confirm, with this test as the host."""

    def __init__(self, control, *options, **streams):
        self.process = subprocess.Popen(
            control.command("pair", *options), text=True, bufsize=1, stdin=subprocess.PIPE,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams})

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self):
        return self.process.stdout.readline().split(" ")[0].strip()

    def end(self):
        self.process.stdin.close()
        return self.process.wait(MAX_DELAY)


def key_files(guest):
    folder = os.path.join(guest.root, "etc/wslbridge")
    found = {}
    for name in os.listdir(folder):
        if "key" in name:
            with open(os.path.join(folder, name)) as f:
                found[name] = f.read().strip()
    return found


@pytest.fixture
def pairing(control):
    started = []

    def start(*options, **streams):
        started.append(Pairing(control, *options, **streams))
        return started[-1]

    yield start
    for p in started:
        p.process.kill()
        p.process.wait()
        for stream in (p.process.stdin, p.process.stdout, p.process.stderr):
            if stream:
                try:
                    stream.close()
                except BrokenPipeError:
                    pass


def pair(pairing, guest):
    new = secrets.token_hex(32)
    p = pairing("--confirm")
    p.say(new)
    assert p.hear() == "paired"
    p.say("stored")
    assert p.hear() == "confirmed"
    assert p.end() == 0
    assert key_files(guest) == {"key": new}


def test_the_key_is_in_force_only_when_the_host_has_it(pairing, guest, key):
    new = secrets.token_hex(32)
    p = pairing("--confirm")
    p.say(new)
    assert p.hear() == "paired"
    assert key_files(guest)["key"] == key
    p.say("stored")
    assert p.hear() == "confirmed"
    assert key_files(guest) == {"key": new}
    assert p.end() == 0


def test_keeping_the_name_comes_last_and_may_fail(pairing, guest):
    """The agent owns the folder, so anything may lie in the way there."""
    os.mkdir(os.path.join(guest.kept, "kept-name.new"))
    new = secrets.token_hex(32)
    p = pairing("--confirm", stderr=subprocess.STDOUT)
    p.say(new)
    assert p.hear() == "paired"
    p.say("stored")
    assert p.hear() == "confirmed"
    assert "Cannot keep the name" in p.process.stdout.read()
    assert p.end() == 0
    assert key_files(guest) == {"key": new}


@pytest.mark.parametrize("word", [None, "failed", "", "stored?"])
def test_a_host_that_fails_or_goes_leaves_the_old_key(pairing, guest, key, word):
    p = pairing("--confirm")
    p.say(secrets.token_hex(32))
    assert p.hear() == "paired"
    if word is not None:
        p.say(word)
    assert p.end() == 1
    assert p.hear() == ""
    assert "keeps what it had before" in p.process.stderr.read()
    assert key_files(guest) == {"key": key}
    pair(pairing, guest)


def test_a_guest_that_was_not_paired_stays_so(pairing, guest):
    p = pairing("--confirm")
    p.say(secrets.token_hex(32))
    assert p.hear() == "paired"
    assert p.end() == 1
    assert key_files(guest) == {}
    pair(pairing, guest)


@pytest.mark.parametrize("options", [[], ["--confirm"]])
def test_nobody_reads_the_answer(pairing, guest, key, options):
    read, write = os.pipe()
    os.close(read)
    p = pairing(*options, stdout=write)
    os.close(write)
    p.say(secrets.token_hex(32))
    assert p.end() == 1
    assert key_files(guest) == {"key": key}
    pair(pairing, guest)


def test_killed_while_it_waits(pairing, guest, key):
    p = pairing("--confirm")
    p.say(secrets.token_hex(32))
    assert p.hear() == "paired"
    p.process.kill()
    p.process.wait(MAX_DELAY)
    assert key_files(guest)["key"] == key
    pair(pairing, guest)  # and what the other has left is gone


def test_the_key_cannot_be_replaced(pairing, guest, key):
    p = pairing("--confirm")
    p.say(secrets.token_hex(32))
    assert p.hear() == "paired"
    path = os.path.join(guest.root, "etc/wslbridge/key")
    os.rename(path, path + "-old")
    os.mkdir(path)
    p.say("stored")
    assert p.hear() == ""
    assert p.end() == 1
    assert "replace" in p.process.stderr.read()
    os.rmdir(path)
    os.rename(path + "-old", path)
    assert key_files(guest) == {"key": key}
    pair(pairing, guest)


def test_two_at_once(pairing, guest):
    """Each waits for the one before, so the key of the guest is the one that the host has got last."""
    keys = [secrets.token_hex(32) for _ in range(2)]
    first, second = pairing("--confirm"), pairing("--confirm")
    first.say(keys[0])
    assert first.hear() == "paired"
    second.say(keys[1])
    assert not select.select([second.process.stdout], [], [], 1)[0]
    first.say("stored")
    assert first.hear() == "confirmed"
    assert second.hear() == "paired"
    assert key_files(guest)["key"] == keys[0]
    second.say("stored")
    assert second.hear() == "confirmed"
    assert (first.end(), second.end()) == (0, 0)
    assert key_files(guest) == {"key": keys[1]}
