# SPDX-License-Identifier: MIT
"""The relay in the package for Windows: its service in an update that succeeds, and in one that fails
behind our part, which only Windows Installer can take back."""

import pytest
from installed_helper import RUNNING
from installed_machine import RELAY_KEY, RELAY_SERVICE
from package_machine import ACTION_FAILED
from windows_programs import PROGRAMS, RELAY


def test_it_runs_after_an_update_and_not_after_the_removal(serving):
    serving.start_relay()
    serving.install_package("new")
    serving.expect_version("new")
    assert serving.relay_state() == RUNNING and len(serving.relay_processes()) == 1
    serving.remove_package("new")
    assert serving.relay_processes() == []
    serving.expect_no_package()


def test_it_runs_after_an_update_that_has_failed(serving):
    serving.start_relay()
    for fault in ("start:after", "package:before"):
        serving.expect(ACTION_FAILED, "/i", serving.msis["new"], fault=fault)
        serving.expect_version("old")
        assert serving.relay_state() == RUNNING and len(serving.relay_processes()) == 1


@pytest.mark.parametrize("limits", [{}, {"udp-sessions": "9"}])
def test_an_update_that_fails_over_a_version_without_a_relay(limits, serving, registry):
    """The way back leads to a version without its program, so its service goes, too, and its key; but
    not what an administrator has put there."""
    (serving.folder / RELAY).unlink()
    assert serving.service.call("delete", RELAY_SERVICE) == {}
    registry.remove(RELAY_KEY)
    for name, value in limits.items():
        registry.set(rf"{RELAY_KEY}\Limits", name, value)
    serving.expect(ACTION_FAILED, "/i", serving.msis["new"], fault="package:before")
    assert serving.serves() == "old"
    assert [f for f in serving.files() if ".exe" in f] == [p for p in PROGRAMS if p != RELAY]
    assert serving.relay_state() is None
    assert (registry.rights(RELAY_KEY) is not None) == bool(limits)
    assert registry.strings(rf"{RELAY_KEY}\Limits") == limits
