# SPDX-License-Identifier: MIT
"""'./dev faults' (tests/faults/walk.py) goes on where it was, and a loss is not its end."""
import os
import re
import subprocess
import sys

import pytest

from faults import Lost, Walk

CALL = "flock"  # of which each program has a few


def run(top, folder, *arguments):
    """(exit code, lines)"""
    done = subprocess.run([sys.executable, os.path.join(top, "tests", "faults", "walk.py"), "--jobs=1", *arguments,
                           str(folder), CALL], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout.splitlines()


def n_places(lines):
    return int(re.fullmatch(r"(\d+) places, 0 failed", lines[-1])[1])


def test_a_walk_goes_on_where_it_was(top, tmp_path):
    code, lines = run(top, tmp_path)
    n = n_places(lines)
    assert code == 0 and n >= 2 and "done already" not in lines[0], lines
    path = tmp_path / "places"
    whole = path.read_text()
    path.write_text(whole[:-5])  # killed while it wrote
    code, lines = run(top, tmp_path)
    assert lines[0] == f"{n - 1} places are done already" and n_places(lines) == n
    assert sorted(path.read_text().splitlines()) == sorted(whole.splitlines())


@pytest.mark.parametrize("other", ["the programs", "--again"])
def test_a_walk_begins_anew(top, tmp_path, other):
    """It would skip places that are others now."""
    (tmp_path / "places").write_text("0" * 64 + "\nwslbridge-agent 1 lost\n")
    code, lines = run(top, tmp_path, *([other] if other == "--again" else []))
    assert code == 0 and "done already" not in lines[0] and n_places(lines) >= 2, lines


def test_a_loss_that_is_known_is_told(top, tmp_path):
    assert run(top, tmp_path)[0] == 0
    path = tmp_path / "places"
    path.write_text(path.read_text().replace(" ok\n", " lost\n", 1))
    code, lines = run(top, tmp_path)
    assert code == 1 and re.fullmatch(r"\d+ places, 1 failed", lines[-1])
    assert re.match(r"failed: [\w-]+ [0-9a-f]{16}; to repeat it: WSLBRIDGE_FAULT=[0-9a-f]{16} ", lines[-2])


class FakePlace:
    """Two calls fail, and then none."""

    key = None

    def __init__(self):
        self.n, self.environment = 0, {}

    def forget(self):
        self.n += 1

    def failed(self):
        return [f"failed {self.n:016x} malloc error"] if self.n <= 2 else []

    def failure(self):
        return "malloc"


def bad_life():
    raise AssertionError("wrong")


def test_a_loss_is_no_end():
    place = FakePlace()

    def life():
        assert place.n != 1, "wrong"

    told = []
    Walk(place, {"life": life}).walk(lambda lost: told.append((place.n, lost and str(lost).splitlines()[0])))
    assert told == [(1, "life: wrong"), (2, None)]


def test_without_anybody_to_tell_a_loss_is_the_end():
    with pytest.raises(Lost, match="life: wrong"):
        Walk(FakePlace(), {"life": bad_life}).walk()


def test_a_life_that_goes_wrong_by_itself_is_the_end():
    """There is no place to note it for, and it would go on forever."""
    place = FakePlace()
    place.n = 2
    with pytest.raises(Lost, match="life: wrong"):
        Walk(place, {"life": bad_life}).walk(print)
