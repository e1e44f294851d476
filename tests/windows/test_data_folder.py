# SPDX-License-Identifier: MIT
"""Files and folders that another user has put where the helper keeps its own. Before the helper is
installed, every Windows user may write to ProgramData."""

import os
import re
import shutil

import disturbed
import pytest
from waiting import wait_until
from wsb_client import service

VICTIM = b"another program's file\n"


@pytest.fixture
def data(prefix):
    """The path of the helper's folder, which does not exist yet."""
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
def test_an_existing_file_is_replaced_and_not_written_to(name, data, start_helper, prefix):
    """The file is a hard link, so writing to it would change another user's file."""
    victim = prefix.path / "drive_c" / f"victim of {name}"
    victim.write_bytes(VICTIM)
    data.mkdir()
    os.link(victim, data / name)
    helper = start_helper()
    helper.stop()
    assert victim.read_bytes() == VICTIM
    assert os.stat(victim).st_nlink == 1


def test_a_file_in_the_place_of_the_folder_is_reported(data, start_helper):
    data.write_bytes(VICTIM)
    helper = start_helper(wait=False)
    helper.wait_started(r"error: '.*wslbridge' is a file or a link")
    assert helper.wait_end() == 1
    assert data.read_bytes() == VICTIM


def test_a_folder_that_another_user_has_made(prefix, build_win):
    done = prefix.run(build_win / "tests/windows/test-secure.exe", check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok ") == 20 and "\n0 failed" in done.stdout


@pytest.mark.parametrize("name", ["lock", "status.json.new"])
def test_a_folder_in_the_place_of_a_file_is_named(name, data, start_helper):
    (data / name / "inside").mkdir(parents=True)
    helper = start_helper(wait=name != "lock")
    helper.wait_started(rf"(error|warning): .*{re.escape(name)}' is a folder")
    if name == "lock":
        assert helper.wait_end() == 1
    else:
        helper.stop()
    (data / name / "inside").rmdir()
    start_helper().stop()  # an empty one is in nobody's way


def test_an_existing_folder_is_taken_over(data, start_helper):
    data.mkdir()
    (data / "other").write_bytes(VICTIM)
    helper = start_helper()
    helper.stop()
    assert (data / "other").read_bytes() == VICTIM


def test_a_status_that_is_not_true_any_more_is_not_shown(data, start_helper, connect):
    """The disk is full, and the old status has the only place there is for a new one."""
    data.mkdir()
    disk = disturbed.Disk(data, "32k")
    try:
        helper = start_helper()
        client = connect(helper)
        client.push([service("web", "127.0.0.1:8081")])
        wait_until(lambda: '"web"' in (data / "status.json").read_text(), 20, "the first status")
        disk.fill()
        client.push([service("other", "127.0.0.1:8082")])
        wait_until(lambda: (data / "status.json").exists() and '"other"' in (data / "status.json").read_text(), 20,
                   "the next status")
        client.close()
        helper.stop()
    finally:
        disk.close()
