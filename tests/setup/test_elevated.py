# SPDX-License-Identifier: MIT
"""The half of setup that needs an administrator. User Account Control exists on Windows only: under Wine
the verb runas asks nobody and gives no rights."""

import pytest
from installed_helper import RUNNING


def test_refused(bare, root):
    """Nothing was done, and the message says what was refused."""
    done = bare.setup("Debian", env={"WSLBRIDGE_TEST_FAULT": "elevation:before"})
    assert done.code == 1
    assert done.states() == {"distro": "already", "service": "failed"}
    assert "Administrator rights were not given, by you or by a policy" in done.part("service")["text"]
    assert not bare.folder.exists() and "error" in bare.service.query()
    assert not root.exists("/usr/bin/wslbridgectl")


def test_a_user_without_rights(bare, root, build_win):
    """He runs setup, and Windows starts the elevated half with the verb runas."""
    as_user = build_win / "tests/windows/as-user.exe"
    refused = bare.prefix.run(as_user, bare.program.exe, "install", check=False)
    assert "needs administrator rights" in refused.stdout
    done = bare.setup("Debian", before=[as_user], env={"WSLBRIDGE_TEST_RUNAS": "gives"})
    assert done.states().get("service") == done.states().get("package") == "done", done.output
    assert bare.service.query()["state"] == RUNNING


def test_the_verb_gives_no_rights(bare, root, build_win):
    """As where User Account Control is off. Nothing was done, and the message says why."""
    done = bare.setup("Debian", before=[build_win / "tests/windows/as-user.exe"])
    assert done.code == 1
    assert done.states() == {"distro": "already", "service": "failed"}
    assert "Windows gave no administrator rights" in done.part("service")["text"]
    assert not bare.folder.exists() and "error" in bare.service.query()


@pytest.mark.parametrize("name", ["", "wslbridge-setup-", r"\\.\pipe\wslbridge-setup-",
                                  r"\\server\pipe\wslbridge-setup-" + 32 * "0",
                                  r"\\.\pipe\wslbridge-setup-..\..\other" + 18 * "0",
                                  r"\\.\pipe\wslbridge-setup-" + 32 * "G"])
def test_only_pipes_of_ours(windows, name):
    done = windows.prefix.run(windows.program.exe, "setup-elevated", name, check=False)
    assert done.returncode == 1 and "is started by 'setup' only" in done.stdout


def test_a_guest_that_is_no_distro(windows):
    """--print has the lines for both sides, and changes nothing."""
    done = windows.setup("--print", "--text")
    assert done.code == 0
    for line in ("sudo apt-get install ./wslbridge_", "sudo systemctl enable --now wslbridge-agent",
                 r".\wslbridge-helper pair --print ID/NAME", "sudo wslbridgectl pair"):
        assert line in done.output
