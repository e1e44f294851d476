# SPDX-License-Identifier: MIT
"""What somebody has put where the helper keeps its files: every Windows user may write to
ProgramData before the helper is there."""

import os
import shutil

import pytest

VICTIM = b"another program's file\n"


@pytest.fixture
def data(prefix):
    """The helper's folder, not there yet."""
    path = prefix.path / "drive_c/ProgramData/wslbridge"

    def clear():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    clear()
    yield path
    clear()


@pytest.mark.parametrize("name", ["lock", "status.json.new"])
def test_a_file_in_the_place_of_ours_is_replaced_not_written_to(name, data, start_helper, prefix):
    """A hard link: writing into it would change the file of somebody else."""
    victim = prefix.path / "drive_c" / f"victim of {name}"
    victim.write_bytes(VICTIM)
    data.mkdir()
    os.link(victim, data / name)
    helper = start_helper()
    helper.stop()
    assert victim.read_bytes() == VICTIM
    assert os.stat(victim).st_nlink == 1


def test_a_file_in_the_place_of_the_folder_is_told(data, start_helper):
    data.write_bytes(VICTIM)
    helper = start_helper(wait=False)
    helper.wait_line(r"error: '.*wslbridge' is a file or a link")
    assert helper.wait_end() == 1
    assert data.read_bytes() == VICTIM


def test_the_folder_of_an_earlier_run_is_taken(data, start_helper):
    data.mkdir()
    (data / "other").write_bytes(VICTIM)
    helper = start_helper()
    helper.stop()
    assert (data / "other").read_bytes() == VICTIM
