# SPDX-License-Identifier: MIT
"""The service's state around an update: the service manager starts one that has crashed in the middle,
and a failed update leaves the service as it was found."""

import pytest
from installed_helper import RUNNING, STOP, STOPPED, serve
from installed_machine import RULE
from windows_programs import PROGRAMS

AUTO_START, DISABLED = 2, 4


@pytest.mark.parametrize("step", ["stop", "place", "entry"])
def test_revived_in_the_middle_of_an_update(step, serving, registry):
    """The service manager restarts a service that has crashed some time later: here in the middle, with
    the old program or with the new one and the old command line."""
    code, output = serving.install("new", fault=f"{step}:revive")
    assert code == 0, output
    assert "The test revives the service: 4" in output
    assert serving.serves() == "new" and serving.files() == PROGRAMS
    assert registry.rules() == RULE
    serve(serving.service).close()


@pytest.mark.parametrize("faults", ["stop:revive,pending:before", "place:revive,entry:before",
                                    "entry:revive,start:before"])
def test_revived_in_an_update_that_fails(faults, serving, registry):
    code, output = serving.install("new", fault=faults)
    assert code == 1
    assert "The test revives the service: 4" in output
    serving.expect_old(output, faults.split(",")[1].split(":")[0])
    assert registry.rules() == RULE


@pytest.mark.parametrize("step", ["stop", "rules"])
def test_revived_while_it_is_removed(step, serving, registry):
    code, output = serving.uninstall(fault=f"{step}:revive")
    assert "The test revives the service: 4" in output
    assert code == 0, output
    assert serving.service.processes() == []
    assert registry.rules() == {}
    serving.expect_nothing()


@pytest.mark.parametrize("start_type", [AUTO_START, DISABLED])
@pytest.mark.parametrize("running", [True, False])
def test_a_failed_update_leaves_the_service_as_it_was(running, start_type, serving):
    """Somebody may have stopped it, or disabled it for the next start of Windows, or both."""
    assert serving.service.call("start-type", "wslbridge-helper", start_type) == {}
    if not running:
        assert serving.service.control(STOP) == {}
        serving.service.wait_state(STOPPED)
    for command, faults in ((serving.install, ["stop:before", "stop:after", "entry:before", "start:after"]),
                            (lambda version, fault: serving.uninstall(fault), ["rules:before"])):
        for fault in faults:
            code, output = command("new", fault=fault)
            assert code == 1, output
            assert "Nothing has changed" in output or "the service is as it was" in output, output
            assert serving.serves() == ("old" if running else None), fault
            assert serving.installed() == "old"
            found = serving.service.query()
            assert found["state"] == (RUNNING if running else STOPPED)
            assert found["start"] == start_type
