# SPDX-License-Identifier: MIT
"""The relay's service in the transaction of installing: it is made, updated and removed with the helper.
It runs after that if it ran before, whatever fails in between. Nothing of it is left."""

import pytest
from installed_helper import RUNNING, STOPPED, serve
from installed_machine import EXE, RELAY_KEY, RELAY_SERVICE, RULE
from windows_programs import PROGRAMS, RELAY

ENTRY = rf"SYSTEM\CurrentControlSet\Services\{RELAY_SERVICE}"
DEMAND_START, DISABLED = 3, 4
# SYSTEM and administrators write (KA), users and the service read (KR), and so below it (CI).
RIGHTS = ("D:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)(A;CI;KR;;;BU)"
          "(A;CI;KR;;;S-1-5-80-540878954-2403350031-1340651159-3834757006-606917205)")


@pytest.fixture
def relaying(serving):
    """The old version is installed, and its relay runs."""
    serving.start_relay()
    return serving


def expect_relay(machine, state):
    """The service is there, in this state. Returns the number of its process, or 0."""
    found = machine.relay()
    assert found["state"] == state, found
    return found["pid"]


def test_installed_as_an_administrator_would_want_it(machine, registry):
    code, output = machine.install("old")
    assert code == 0, output
    found = machine.relay()
    assert found["state"] == STOPPED and found["start"] == DEMAND_START
    assert found["path"] == r'"C:\Program Files\wslbridge\wslbridge-relay.exe" run --service'
    # Wine keeps the account, but runs the service as the user of the tests.
    account = registry.strings(ENTRY)["ObjectName"]
    assert account == r"NT AUTHORITY\LocalService"
    assert registry.rights(RELAY_KEY) == RIGHTS
    registry.set(rf"{RELAY_KEY}\Limits", "udp-sessions", "9")
    machine.start_relay()
    assert len(machine.relay_processes()) == 1
    code, output = machine.install("old")  # once more
    assert code == 0, output
    expect_relay(machine, RUNNING)
    assert registry.strings(rf"{RELAY_KEY}\Limits") == {"udp-sessions": "9"}
    code, output = machine.uninstall()
    assert code == 0, output
    assert "  service    wslbridge-helper\n" in output and "  service    wslbridge-relay\n" in output
    assert "limits of the relay: 1)" in output
    assert machine.relay_processes() == []
    machine.expect_nothing()


def test_an_update_stops_it_and_starts_it_again(relaying):
    before = expect_relay(relaying, RUNNING)
    code, output = relaying.install("new")
    assert code == 0, output
    assert relaying.serves() == "new" and relaying.files() == PROGRAMS
    assert expect_relay(relaying, RUNNING) not in (0, before)
    assert len(relaying.relay_processes()) == 1
    relaying.stop_relay()
    assert relaying.install("old")[0] == 0
    expect_relay(relaying, STOPPED)


@pytest.mark.parametrize("fault", ["relay:after", "stop:before", "stop-helper:after", "stop:after", "place-1:after",
                                   "entry:after", "start-relay:after", "start:after"])
def test_it_runs_after_an_update_that_has_failed(fault, relaying, registry):
    code, output = relaying.install("new", fault=fault)
    assert code == 1
    step, _, part = fault.split(":")[0].partition("-")
    relaying.expect_old(output, step)
    expect_relay(relaying, RUNNING)
    assert len(relaying.relay_processes()) == 1
    serve(relaying.service).close()
    assert registry.rules() == RULE


@pytest.mark.parametrize("step", ["relay", "stop-helper", "stop", "place-1", "settle", "start-relay"])
def test_killed_in_an_update(step, relaying):
    """The next try completes it, and so does a removal."""
    assert relaying.install("new", fault=f"{step}:kill")[0] != 0
    relaying.restart()
    if relaying.relay_state() != RUNNING:  # the entry of its service is there at any moment
        relaying.start_relay()
    code, output = relaying.install("new")
    assert code == 0, output
    assert relaying.serves() == "new" and relaying.installed() == "new"
    expect_relay(relaying, RUNNING)
    assert relaying.uninstall(fault="relay:kill")[0] != 0
    assert relaying.uninstall()[0] == 0
    assert relaying.relay_processes() == []
    relaying.restart()
    relaying.expect_nothing()


@pytest.mark.parametrize("step", ["stop", "place", "entry"])
@pytest.mark.parametrize("fails", [False, True])
def test_started_in_the_middle_of_an_update(step, fails, serving):
    """The service manager, or a helper that runs for a moment, starts the relay: the program of the
    other version, perhaps. It does not stay."""
    code, output = serving.install("new", fault=f"{step}:relay" + (",start:after" if fails else ""))
    assert code == fails, output
    assert f"The test revives the service: {RUNNING}" in output
    assert serving.serves() == ("old" if fails else "new")
    expect_relay(serving, STOPPED)
    assert serving.relay_processes() == []


@pytest.mark.parametrize("step", ["stop", "rules", "entry", "again"])
def test_started_while_it_is_removed(step, serving):
    code, output = serving.uninstall(fault=f"{step}:relay")
    assert code == 0, output
    assert f"The test revives the service: {RUNNING}" in output
    assert serving.relay_processes() == []
    serving.expect_nothing()


def test_each_step_of_removing_fails(relaying):
    for fault in ("stop:after", "rules:before", "entry:before"):
        code, output = relaying.uninstall(fault=fault)
        assert code == 1 and "the service is as it was" in output, output
        assert relaying.serves() == "old"
        expect_relay(relaying, RUNNING)
    code, output = relaying.uninstall(fault="relay:before")
    assert code == 1 and "The service was removed, but not all that belongs to it" in output, output
    assert relaying.service.query()["error"] == 1060 and relaying.files() is None
    assert relaying.uninstall()[0] == 0
    assert relaying.relay_processes() == []
    relaying.expect_nothing()


def test_one_that_was_disabled(relaying):
    """An update that fails leaves it disabled and running; one that succeeds makes it startable."""
    assert relaying.service.call("start-type", RELAY_SERVICE, DISABLED) == {}
    code, output = relaying.install("new", fault="entry:after")
    assert code == 1
    relaying.expect_old(output, "entry")
    expect_relay(relaying, RUNNING)
    assert relaying.relay()["start"] == DISABLED
    assert relaying.install("new")[0] == 0
    expect_relay(relaying, RUNNING)
    assert relaying.relay()["start"] == DEMAND_START


def test_the_doctor_misses_it(serving):
    """Each finding has the command that mends it."""
    assert "relay" not in serving.doctor()
    assert serving.service.call("start-type", RELAY_SERVICE, DISABLED) == {}
    finding, = serving.doctor()["relay"]
    assert finding["rank"] == "problem" and "wslbridge-relay is disabled" in finding["seen"]
    assert finding["advice"].endswith("\n  sc.exe config wslbridge-relay start= demand")
    program = serving.folder / RELAY
    program.rename(program.with_suffix(".gone"))
    finding, = serving.doctor()["relay"]
    assert finding["seen"].endswith(r"is gone: C:\Program Files\wslbridge\wslbridge-relay.exe")
    program.with_suffix(".gone").rename(program)
    assert serving.service.call("delete", RELAY_SERVICE) == {}
    finding, = serving.doctor()["relay"]
    assert "wslbridge-relay is missing" in finding["seen"]
    assert finding["advice"].endswith("\n  .\\wslbridge-helper install")
    assert serving.install("new")[0] == 0
    assert "relay" not in serving.doctor()


def test_what_stays_with_keep(relaying, registry):
    """The limits are the administrator's work, the table is not."""
    registry.set(rf"{RELAY_KEY}\v4tov4\udp", "127.0.0.1/28300", "172.29.0.2/53")
    registry.set(rf"{RELAY_KEY}\Limits", "udp-sessions", "9")
    code, output = relaying.run(relaying.versions["old"], "uninstall", "--keep")
    assert code == 0, output
    assert relaying.relay_state() is None
    assert registry.rights(rf"{RELAY_KEY}\v4tov4") is None
    assert registry.strings(rf"{RELAY_KEY}\Limits") == {"udp-sessions": "9"}
    assert relaying.install("new")[0] == 0
    assert registry.rights(RELAY_KEY) == RIGHTS
    assert (relaying.folder / EXE).exists()
    registry.delete(rf"{RELAY_KEY}\Limits", "udp-sessions")
    assert relaying.run(relaying.versions["new"], "uninstall", "--keep")[0] == 0
    assert registry.rights(RELAY_KEY) is None  # there was nothing in it
