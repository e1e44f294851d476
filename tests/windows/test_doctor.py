# SPDX-License-Identifier: MIT
"""'doctor' and 'status' look at what is really there; the conclusions are tested in
tests/unit/windows-helper/doctor/test-host-checks.c. Wine has no Hyper-V sockets and no Windows
Firewall service."""

import json
import time

import fake_firewall
import fake_wmi
import pytest
import wine_registry
import wsb_client
from waiting import wait_until
from wsb_client import listen_endpoint, service

ID = bytes(range(16)).hex()
V4 = "172.29.0.2/24"
POLICY = r"SOFTWARE\wslbridge\Policy"
MANAGED = r"SOFTWARE\Policies\wslbridge"
WEB = [service("web", [listen_endpoint("127.0.0.1:28700", 80)])]


@pytest.fixture
def command(prefix, build_win, registry, iphlpsvc):
    """command('doctor') → (exit code, output)"""
    def run(*arguments):
        done = prefix.run(build_win / "windows-helper/wslbridge-helper.exe", *arguments,
                          check=False, timeout=180)  # doctor itself may wait three times 12 s
        return done.returncode, done.stdout

    return run


@pytest.fixture
def findings(command):
    """findings() → {id: [(rank, seen, advice)]}, sorted by severity"""
    def run():
        code, output = command("doctor", "--json")
        report = json.loads(output)
        assert (report["schema"], report["program"]) == (2, "wslbridge-helper")
        assert report["bad"] == (code == 1)
        ranks = [f["rank"] for f in report["findings"]]
        order = ["broken", "problem", "hint", "unseen", "good"]
        assert ranks == sorted(ranks, key=order.index)
        found = {}
        for f in report["findings"]:
            found.setdefault(f["id"], []).append((f["rank"], f["seen"], f["advice"]))
        return found

    return run


@pytest.fixture
def hyperv_firewall(registry, build_win):
    """The tests' own WMI, with a Hyper-V firewall that ignores local rules on public networks."""
    with fake_wmi.in_place(registry, build_win):
        for name in ("VMCreator", "VMSetting", "Rule"):
            fake_wmi.hyperv(registry, name)
        fake_wmi.hyperv(registry, "Profile", Name=f"{fake_wmi.WSL}_4", Profile=4, Enabled=1,
                        AllowLocalFirewallRules=0)
        yield


def test_smart_app_control_is_named(findings, registry):
    key = r"SYSTEM\CurrentControlSet\Control\CI\Policy"
    assert "app-control" not in findings()
    try:
        for state, text in ((1, "is on"), (2, "is evaluating")):
            registry.set(key, "VerifiedAndReputablePolicyState", state)
            (rank, seen, advice), = findings()["app-control"]
            assert rank == "hint" and text in seen and "Windows Security" in advice
        registry.set(key, "VerifiedAndReputablePolicyState", 0)
        assert "app-control" not in findings()
    finally:
        registry.remove(key)


def test_nothing_is_there(command, findings):
    found = findings()
    assert found["service"][0][0] == "broken" and "install" in found["service"][0][2]
    assert found["hyper-v-sockets"][0][:2] == (
        "broken", "This Windows has no Hyper-V sockets (Winsock error 10047), so no guest can "
        "reach the helper")
    assert found["vms"][0][1].startswith("This Windows has no Host Compute Service")
    (rank, seen, _), = found["firewall"]  # the cause; the other service only follows it
    assert rank == "problem" and "BFE" in seen
    assert found["iphlpsvc"][0][0] == "good"
    assert found["pairing"][0][1] == "No guest is paired"
    assert found["event-source"][0][0] == "hint"
    assert found["hyper-v-registration"][0][0] == "hint"
    code, text = command("doctor")
    assert code == 1
    assert text.startswith("broken    The service wslbridge-helper is not installed\n          ->")


def test_what_the_helper_reports(command, findings, registry, connect, helper, hyperv_firewall):
    registry.set_key(f"{'1' * 32}/Never", bytes(32))
    registry.set_rule("0.0.0.0/9997", "127.0.0.1/9997")
    registry.set_rule("0.0.0.0/28701", "192.0.2.7/80")
    registry.set(POLICY, "WidestRemote", "everywhere")
    stranger = wsb_client.Client(helper.port, key=bytes(32), distro="Stranger")
    with pytest.raises(wsb_client.Refused):
        stranger.handshake()
    client = connect(helper)
    wanted = WEB + [service("dev", [listen_endpoint("0.0.0.0:28701", 80)])]
    assert client.push(wanted, v4=V4, mode="mirrored").states() != []
    wait_until(lambda: '"mirrored"' in command("status", "--json")[1], 10, "the status")
    found = findings()
    assert found["networking-mode"][0][0] == "good"
    assert found["hyper-v-firewall"][0][:2] == (
        "problem", "A policy makes the Hyper-V firewall ignore local rules on public networks, so ours "
        "let nobody in there in networking mode mirrored")
    assert "forwarder" not in found  # an agent of protocol 1 gets nothing in this mode
    assert client.push(wanted, v4=V4).states() == ["active", "conflict"]
    wait_until(lambda: '"active"' in (status := command("status", "--json")[1]) and '"conflict"' in status,
               10, "the status")
    found = findings()
    assert found["forwarder"] == [("good", "What carries each service:\n"
                                   "web of Debian: portproxy, the default\n"
                                   "dev of Debian: portproxy, the default", None)]
    assert found["service"][0][1] == "A helper runs, but not as a service: it ends with its terminal"
    assert found["agent"] == [
        ("good", "Agents connected: 1 of 1; services active: 1 of 2", None)]
    assert found["hyper-v-sockets"][0][0] == "hint"  # Wine has none, but an agent is connected
    assert "an agent is connected" in found["hyper-v-sockets"][0][1]
    rank, seen, advice = found["guest-service"][0]
    assert rank == "problem" and "'dev' of Debian is in conflict" in seen
    assert advice.endswith("\n  .\\wslbridge-helper adopt 0.0.0.0:28701")
    assert found["not-paired"][0][0] == "problem" and "Stranger" in found["not-paired"][0][1]
    assert f"{'1' * 32}/Never" in found["pairing"][0][1]
    assert found["policy"][0][0] == "problem" and "everywhere" in found["policy"][0][1]
    assert [f[1] for f in found["foreign-rule"]] == [
        "The port forwarding v4tov4 0.0.0.0/9997 = 127.0.0.1/9997 forwards to itself"]
    assert found["rules"][0][1] == "Port forwardings: 3 (ours: 1; those on 0.0.0.0 keep others off 127.0.0.1)"
    assert bytes(range(100, 132)).hex() not in json.dumps(found)
    client.close()
    stranger.close()


def test_another_program_has_the_number_of_a_helper_that_crashed(command, findings, helper, prefix):
    """The file stays after a crash, and Windows gives numbers of processes out again."""
    wait_until(lambda: command("status")[0] == 0, 60, "its status")
    helper.kill()
    path = prefix.path / "drive_c/ProgramData/wslbridge/status.json"
    status = json.loads(path.read_text())
    status["pid"] = status["iphlpsvc"]["pid"]
    assert status["pid"] > 0
    path.write_text(json.dumps(status))
    code, output = command("status")
    assert code == 3 and "is not running" in output
    assert findings()["service"][0][0] == "broken"
    path.unlink()


def test_left_by_a_crash(command, findings, connect, helper):
    client = connect(helper)
    assert client.push(WEB, v4=V4).states() == ["active"]
    assert command("status")[0] == 0
    helper.kill()
    client.close()
    code, output = command("status")
    assert code == 3 and "is not running" in output
    found = findings()
    assert found["service"][0][0] == "broken"
    assert "did not end properly" in found["status"][0][1]
    assert found["rules-left"][0][:2] == (
        "problem", "Port forwardings left by a helper that did not end properly: 1")


def test_status_shows_where_policy_comes_from(command, registry, helper):
    def row(name):
        status = json.loads(command("status", "--json")[1])
        return next((p["value"], p["source"]) for p in status["policy"] if p["name"] == name)

    wait_until(lambda: command("status")[0] == 0, 10, "the status")
    assert row("MaxEndpointsPerAgent") == ("1024", "default")
    registry.set(POLICY, "MaxEndpointsPerAgent", 7)
    wait_until(lambda: row("MaxEndpointsPerAgent") == ("7", "local"), 10, "the local policy")
    registry.set(MANAGED, "maxendpointsperagent", 7)  # the same value, from elsewhere
    wait_until(lambda: row("MaxEndpointsPerAgent") == ("7", "Group Policy"), 10, "the policy")
    text = command("status")[1]
    assert "MaxEndpointsPerAgent        Group Policy  7\n" in text
    registry.delete(MANAGED, "maxendpointsperagent")
    wait_until(lambda: row("MaxEndpointsPerAgent") == ("7", "local"), 10, "the local policy")


def test_a_forwarder_that_hangs(registry, connect, helper):
    """The loop waits two seconds for it and then continues. After ten it says that nothing works. It
    asks again as soon as the forwarder has answered."""
    client = connect(helper)
    registry.set(wine_registry.COUNTERS, "Hang", 1)
    started = time.monotonic()
    try:
        client.send_state(WEB, v4=V4)
        result = client.result(timeout=30)
        assert result.states() == ["pending"] and "has not answered" in result.services[0][2]
        while result.states() != ["blocked"]:
            result = client.result(timeout=30)
        assert "does not answer" in result.services[0][2]
        blocked = time.monotonic() - started
        registry.set(wine_registry.COUNTERS, "Hang", 0)
        while client.result(timeout=30).states() != ["active"]:
            pass
    finally:
        registry.set(wine_registry.COUNTERS, "Hang", 0)
    print(f"blocked after {blocked:.1f} s, active after {time.monotonic() - started:.1f} s")
    assert time.monotonic() - started < 35  # not only with the retry after 30 s
    client.close()


def test_parts_of_windows_that_hang(command, findings, registry, connect, helper, hyperv_firewall, compute,
                                    build_win):
    """That is when somebody runs it. It says which of them do not answer, and the rest."""
    client = connect(helper)
    client.push(WEB, v4=V4, mode="mirrored")
    wait_until(lambda: '"mirrored"' in command("status", "--json")[1], 10, "the status")
    with fake_firewall.in_place(registry, build_win) as answers:
        answers(HANGS=1)
        for name in ("ComputeHang", "WmiHang"):
            registry.set(wine_registry.COUNTERS, name, 1)
        found = findings()
    assert found["vms"] == [("problem", "The Host Compute Service does not say which virtual machines run "
                             "(it does not answer)", "Restart Windows if this does not pass.")]
    assert found["hyper-v-firewall"][0][:2] == ("problem", "WMI does not answer")
    assert found["networking-mode"][0][0] == "good"
    client.close()


def test_stopped_while_the_forwarder_hangs(registry, connect, helper, start_helper, iphlpsvc):
    client = connect(helper)
    assert client.push(WEB, v4=V4).states() == ["active"]
    registry.set(wine_registry.COUNTERS, "Hang", 1)
    try:
        started = time.monotonic()
        helper.stop(timeout=30)
        print(f"ended after {time.monotonic() - started:.1f} s")
        assert time.monotonic() - started < 15
    finally:
        registry.set(wine_registry.COUNTERS, "Hang", 0)
    client.close()
    # The value is gone, and the ledger remembers that the forwarder has not read that yet.
    assert registry.rules() == {}
    assert list(registry.ledger().values()) == [f"{ID}/Debian|web|172.29.0.2/80|-"]
    before = iphlpsvc.changes()
    start_helper(recovery=100)
    wait_until(registry.clean, 10, "the end of what was left")
    assert iphlpsvc.changes() > before


def test_a_forwarder_that_was_stopped(findings, iphlpsvc):
    """A header of Windows has macros with names such as SERVICE_STOPPED, so the names of the evidence
    must not be mixed up with them."""
    iphlpsvc.stop()
    try:
        assert findings()["iphlpsvc"][0][:2] == (
            "broken", "The IP Helper service (iphlpsvc), which forwards, does not run")
    finally:
        iphlpsvc.start()
