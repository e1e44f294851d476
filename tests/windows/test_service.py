# SPDX-License-Identifier: MIT
"""The helper as a service under Wine's real service manager: installed, stopped, killed, updated and
removed. Wine does not start a service again after a crash, so the test does it."""

import pathlib
import re

import pytest
from installed_helper import (HAND_OVER, KEY, NAME, OWNER, RUNNING, STOP, STOPPED, V4,
                              InstalledHelper, serve)
from waiting import wait_until
from wsb_client import listen_endpoint, service

EVENT_SOURCE = r"SYSTEM\CurrentControlSet\Services\EventLog\Application\wslbridge"
HYPERV = (r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Virtualization"
          r"\GuestCommunicationServices\57534c42-facb-11e6-bd58-64006a7986d3")
FOREIGN = {("v4tov4", "0.0.0.0/9999"): "192.0.2.7/80", ("v4tov4", "*/9998"): "odd value"}


@pytest.fixture
def helper_service(prefix, build_win, registry, iphlpsvc):
    made = InstalledHelper(prefix, build_win, registry)
    registry.set_key(OWNER, KEY)
    for (family, name), data in FOREIGN.items():
        registry.set_rule(name, data, family)
    yield made
    if not made.killed and "error" not in made.query():
        made.uninstall()


def ours(registry):
    return {k: v for k, v in registry.rules().items() if k not in FOREIGN}


RULE = {("v4tov4", "127.0.0.1/28200"): "172.29.0.2/80"}


def test_installed_as_an_administrator_would_want_it(helper_service, registry):
    output = helper_service.install().stdout
    for word in ("program", "data", "events", "hyper-v", "service", "Installed."):
        assert word in output
    seen = helper_service.query()
    assert seen["state"] == RUNNING
    assert seen["start"] == 2  # SERVICE_AUTO_START
    assert seen["path"].startswith('"C:\\Program Files\\wslbridge\\wslbridge-helper.exe" run --service')
    # Wine 8 stores even what it ignores, but its QueryServiceConfigW() does not return all of it.
    entry = registry.dump(rf"SYSTEM\CurrentControlSet\Services\{NAME}")
    print(sorted(entry))
    # What watches iphlpsvc must run without it.
    assert "DependOnService" not in entry
    # STOP, PARAMCHANGE, POWEREVENT, PRESHUTDOWN
    assert seen["accepts"] == 0x1 | 0x8 | 0x40 | 0x100
    assert seen["preshutdown"] == 60000
    source = registry.dump(EVENT_SOURCE)
    assert source["TypesSupported"][1] == (7).to_bytes(4, "little")
    assert "wslbridge-helper.exe" in source["EventMessageFile"][1].decode("utf-16-le")
    assert registry.strings(HYPERV) == {"ElementName": "wslbridge"}
    helper_service.install()  # installing again works
    assert helper_service.query()["state"] == RUNNING


def test_an_update_takes_an_old_dependency_away(helper_service, registry):
    helper_service.install()
    entry = rf"SYSTEM\CurrentControlSet\Services\{NAME}"
    assert helper_service.call("depends", NAME, "iphlpsvc") == {}
    assert "DependOnService" in registry.dump(entry)
    helper_service.install()
    assert "DependOnService" not in registry.dump(entry)


def test_it_serves_without_iphlpsvc(helper_service, iphlpsvc, registry):
    """IP Helper can be stopped below it, and the service starts without it."""
    before = registry.rules()
    helper_service.install()
    serve(helper_service).close()
    iphlpsvc.set_start_type(4)  # disabled, so that the helper cannot start it
    try:
        iphlpsvc.stop()
        assert helper_service.query()["state"] == RUNNING
        assert helper_service.control(STOP) == {}
        helper_service.wait_state(STOPPED)
        # Nothing is left, so it ends without an error; after one, Windows would start it again.
        assert helper_service.query()["exit"] == 0
        assert registry.rules() == before
        helper_service.start()
        client = helper_service.connect()
        result = client.push([service("web", [listen_endpoint("127.0.0.1:28200", 80)])], v4=V4)
        assert result.states() == ["blocked"]
    finally:
        iphlpsvc.set_start_type(3)
        iphlpsvc.start()
    wait_until(lambda: client.result(timeout=30).states() == ["active"], 30, "the port")
    client.close()


def test_what_is_asked_of_the_service_manager(prefix, build_win):
    """Rights, dependencies and settings of the entry, new and updated; how long a stop and a start are
    waited for, and what happens to a service that somebody else has started."""
    done = prefix.run(build_win / "tests/windows/test-scm.exe", check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok ") == 87 and "\n0 failed" in done.stdout


def test_processes_of_services_have_ended(prefix, build_win):
    """An installation waits for them, also when the helper has stopped the relay."""
    done = prefix.run(build_win / "tests/windows/test-process-end.exe", check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok ") == 11 and "\n0 failed" in done.stdout


def test_how_the_relay_is_kept_running(prefix, build_win):
    """Started at once after a crash, and after longer and longer pauses when it crashes again and again;
    nobody looks at a relay that runs, or that nobody needs."""
    done = prefix.run(build_win / "tests/windows/test-relay-service.exe", check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok ") == 20 and "\n0 failed" in done.stdout


def test_what_windows_may_refuse(prefix, build_win):
    """A registry key that is closed, a service while Windows shuts down, and the mark of a file from the
    Internet: Wine has none of them."""
    done = prefix.run(build_win / "tests/windows/test-refused.exe", check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok ") == 13 and "\n0 failed" in done.stdout


def test_stop_and_start(helper_service, registry):
    helper_service.install()
    client = serve(helper_service)
    assert ours(registry) == RULE
    assert helper_service.control(STOP) == {}
    helper_service.wait_state(STOPPED)
    assert ours(registry) == {} and registry.ledger() == {}
    assert {k: v for k, v in registry.rules().items() if k in FOREIGN} == FOREIGN
    client.close()
    helper_service.start()
    serve(helper_service).close()
    assert ours(registry) == RULE


def test_update_keeps_rules_in_force(helper_service, registry, iphlpsvc):
    helper_service.install()
    serve(helper_service).close()
    before = registry.rules()
    helper_service.install()  # the same program in the role of a newer version
    assert registry.rules() == before
    serve(helper_service).close()
    assert registry.rules() == before


def test_hand_over_leaves_rules(helper_service, registry):
    helper_service.install()
    serve(helper_service)
    assert helper_service.control(HAND_OVER) == {}
    helper_service.wait_state(STOPPED)
    assert ours(registry) == RULE
    assert len(registry.ledger()) == 1


def test_uninstall_leaves_no_trace(helper_service, registry, prefix):
    helper_service.install()
    serve(helper_service)
    registry.set(r"SOFTWARE\wslbridge\Policy", "WidestRemote", "any")
    output = helper_service.uninstall().stdout
    assert "service" in output and "settings" in output and "events" in output
    assert registry.rules() == FOREIGN
    assert registry.ledger() == {}
    for key in (r"SOFTWARE\wslbridge", r"SOFTWARE\wslbridge\Keys", EVENT_SOURCE, HYPERV):
        assert registry.dump(key) == {}
    assert helper_service.query()["error"] == 1060  # no such service
    drive = prefix.path / "drive_c"
    assert not list((drive / "Program Files").glob("wslbridge*"))
    assert not list((drive / "ProgramData").glob("wslbridge*"))
    again = helper_service.uninstall().stdout
    assert "Removed." in again and "settings" not in again


def test_uninstall_says_what_goes_and_can_keep_it(helper_service, registry):
    """Pairings and policy are the administrator's work. With --keep, they are there for the next
    installation, and nothing else is. What Group Policy has set stays in any case."""
    policy, managed = r"SOFTWARE\wslbridge\Policy", r"SOFTWARE\Policies\wslbridge"
    registry.set(managed, "WidestRemote", "any")
    helper_service.install()
    serve(helper_service).close()
    registry.set(policy, "WidestRemote", "any")
    registry.set_key(f"{'1' * 32}/Other", bytes(32))
    output = helper_service.uninstall("--keep").stdout
    assert re.search(r"kept +SOFTWARE.wslbridge\n +\(pairings: 2; values of the local policy: 1; "
                     r"limits of the relay: 0\)",
                     output), output
    assert "and so are the pairings and the local policy" in output
    assert registry.rules() == FOREIGN and registry.ledger() == {}
    assert helper_service.query()["error"] == 1060
    assert len(registry.dump(r"SOFTWARE\wslbridge\Keys")) == 2
    assert set(registry.dump(policy)) == {"WidestRemote"}
    helper_service.install()
    serve(helper_service).close()  # with the same key
    output = helper_service.uninstall().stdout
    assert re.search(r"settings +SOFTWARE.wslbridge\n +\(pairings: 2; values of the local policy: 1; "
                     r"limits of the relay: 0\)",
                     output), output
    assert "adopted are not put back" in output
    for key in (r"SOFTWARE\wslbridge\Keys", policy):
        assert registry.dump(key) == {}
    assert set(registry.dump(managed)) == {"WidestRemote"}
    registry.remove(managed)


def test_policy_is_followed_at_once(helper_service, registry):
    helper_service.install()
    client = serve(helper_service)
    for key in (r"SOFTWARE\wslbridge\Policy", r"SOFTWARE\Policies\wslbridge"):
        registry.set(key, "DeniedListenPorts", "28200")
        result = client.result(timeout=5)
        assert result.states() == ["refused"]
        assert "DeniedListenPorts" in result.services[0][2]
        assert ours(registry) == {}
        registry.delete(key, "DeniedListenPorts")
        while client.result(timeout=5).states() != ["active"]:
            pass
        assert ours(registry) == RULE
    registry.remove(r"SOFTWARE\Policies\wslbridge")


def test_unpaired_while_connected(helper_service, registry):
    helper_service.install()
    client = serve(helper_service)
    registry.delete(r"SOFTWARE\wslbridge\Keys", OWNER)
    wait_until(lambda: ours(registry) == {}, 5, "the withdrawal")
    client.close()


def test_second_helper_is_refused(helper_service, prefix):
    helper_service.install()
    done = prefix.run(helper_service.exe, "run", "--transport", "tcp:127.0.0.1:0", check=False)
    assert done.returncode == 1
    assert "Another wslbridge-helper is running" in done.stdout


def test_message_table_has_all_events(helper_service, build_win):
    texts = helper_service.call("messages", helper_service.exe)
    header = pathlib.Path(__file__).parents[2] / "windows-helper/core/base/events.h"
    ids = set(re.findall(r"EVENT_[A-Z_]+ = ([0-9]+)", header.read_text())) - {"0"}
    assert set(texts) == ids
    for text in texts.values():
        assert re.fullmatch(r"%1\r\n\r\n[^\r\n%]+\r\nWhat to do: [^\r\n%]+\r\n", text)


@pytest.mark.parametrize("program", ["test-service", "test-relay-states"])
def test_the_states_of_the_service(prefix, build_win, program):
    """Every control in every state, and one that arrives while the service ends."""
    done = prefix.run(build_win / f"tests/windows/{program}.exe", check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok ") == 6 and "\n0 failed" in done.stdout


# This must be the last test: Wine 8 keeps the entry of a service whose process was killed, "marked
# for delete".
def test_killed_started_again_killed_and_removed(helper_service, registry):
    helper_service.install()
    serve(helper_service).close()
    helper_service.kill()
    assert ours(registry) == RULE  # a killed helper withdraws nothing
    helper_service.start()         # as Windows does because of the recovery actions
    assert ours(registry) == RULE
    serve(helper_service).close()  # the agent is back in time
    assert ours(registry) == RULE
    helper_service.kill()
    output = helper_service.uninstall().stdout
    assert re.search(r"rules\s+1 left by the service", output)
    assert registry.rules() == FOREIGN
