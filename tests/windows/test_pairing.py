# SPDX-License-Identifier: MIT
"""Pairing, unpairing, adopting and listing from the command line, with a stand-in for wsl.exe."""

import json
import re
import shutil

import pytest
import wine_registry
import wsb_client
from waiting import wait_until
from wsb_client import listen_endpoint, service

ID = bytes(range(16)).hex()
V4 = "172.29.0.2/24"
# What fake-wsl.c does unless a test writes another script.
SCRIPT = (f"read WslKey\nout {f'paired {ID}/Debian'.encode().hex()}0a\n"
          f"read WslAnswer\nout {f'confirmed {ID}/Debian'.encode().hex()}0a\n")


@pytest.fixture
def command(prefix, build_win, registry, iphlpsvc):
    """command('pair', 'Debian') → (exit code, output), with the stand-in installed."""
    wsl = prefix.path / "drive_c/windows/system32/wsl.exe"
    shutil.copy(build_win / "tests/windows/fake-wsl.exe", wsl)
    (prefix.path / "drive_c/wsl-script.txt").write_text(SCRIPT)
    for name in ("WslKey", "WslAnswer", "WslCommand", "WslEnvironment"):
        registry.delete(wine_registry.COUNTERS, name)

    def run(*arguments):
        done = prefix.run(build_win / "windows-helper/wslbridge-helper.exe", *arguments,
                          check=False)
        return done.returncode, done.stdout

    yield run
    wsl.unlink()


def keys(registry):
    return {name: data for name, (_, data) in registry.dump(wine_registry.KEYS).items()}


def test_pair_a_distro(command, registry, start_helper):
    code, output = command("pair", "Debian")
    assert code == 0, output
    assert f"Paired: {ID}/Debian" in output
    seen = registry.strings(wine_registry.COUNTERS)
    assert seen["WslCommand"] == "wsl.exe -d Debian -u root --exec wslbridgectl pair --confirm"
    assert keys(registry) == {f"{ID}/Debian": bytes.fromhex(seen["WslKey"])}
    assert seen["WslKey"] not in output
    key = keys(registry)[f"{ID}/Debian"]
    client = wsb_client.Client(start_helper().port, key=key)
    client.handshake()
    assert client.push([service("web", [listen_endpoint("127.0.0.1:28400", 80)])],
                       v4=V4).states() == ["active"]
    assert "127.0.0.1:28400" in command("rules")[1]
    wait_until(lambda: '"active"' in command("status", "--json")[1], 10, "the status")
    status = json.loads(command("status", "--json")[1])
    assert status["iphlpsvc"]["state"] == "running" and status["problems"] == []
    assert status["agents"][0] == {
        "agent": f"{ID}/Debian", "state": "connected", "software": "test client", "vm": None,
        "address": "172.29.0.2", "mode": "nat", "reach": "forwarded",
        "services": [{"name": "web", "state": "active", "reason": None, "text": None,
                      "forwarder": "portproxy", "forwarder_reason": "default"}]}
    assert key.hex() not in json.dumps(status)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", status["applied"])
    assert status["applied"] <= status["written"] and status["apply_usec"] > 0
    assert len(status["policy"]) == 10
    assert {"name": "WidestRemote", "value": "LocalSubnet", "source": "default"} in status["policy"]
    code, text = command("status")
    assert code == 0 and re.search(r"agent .*Debian\n(.*\n)*? +web +active", text)
    assert json.loads(command("rules", "--json")[1]) == {"rules": [
        {"listen": "127.0.0.1:28400", "connect": "172.29.0.2:80", "forwarder": "portproxy", "service": "web",
         "agent": f"{ID}/Debian"}]}
    code, output = command("rules", "--netsh")
    assert output.strip() == ("netsh interface portproxy set v4tov4 listenaddress=127.0.0.1 "
                              "listenport=28400 connectaddress=172.29.0.2 connectport=80")
    assert re.search(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC +{ID}/Debian",
                     command("pair", "--list")[1])
    assert command("pair", "Debian")[0] == 0  # pairing again makes a new key and ends the session
    assert keys(registry)[f"{ID}/Debian"] != key
    wait_until(lambda: registry.rules() == {}, 5, "the withdrawal")
    client.close()


def test_an_account_without_a_distro(command, prefix):
    """As that of Administrator protection. Where there is one, the name may be wrong."""
    lxss = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Lxss"
    (prefix.path / "drive_c/wsl-script.txt").write_text("exit 1\n")
    code, output = command("pair", "Debian")
    assert code == 1 and "was not paired (exit code 1)" in output
    assert "has no WSL distro" in output and "setup \"Debian\"'" in output
    try:
        prefix.run("reg.exe", "add", rf"{lxss}\{{1}}", "/v", "DistributionName", "/d", "Ubuntu", "/f")
        code, output = command("pair", "Debian")
        assert code == 1 and "'wsl --list'" in output and "has no WSL distro" not in output
    finally:
        prefix.run("reg.exe", "delete", lxss, "/f")


@pytest.mark.parametrize("distro", ['a"b', "a\\b", ""])
def test_what_cannot_be_a_distro_is_not_asked(command, registry, distro):
    code, output = command("pair", distro)
    assert code == 1 and "cannot be the name" in output
    assert "WslCommand" not in registry.strings(wine_registry.COUNTERS)


def test_names_in_another_case(command, registry):
    """The registry holds one of two names that differ only in case, and Windows users type either.
    A guest that is paired is found by its exact name."""
    registry.set_key(f"{ID}/DEBIAN", bytes(32))
    assert command("pair", "debian")[0] == 0
    assert list(keys(registry)) == [f"{ID}/Debian"]
    code, output = command("unpair", f"{ID.upper()}/dEBIAN")
    assert code == 0 and f"Unpaired: {ID}/Debian." in output
    assert keys(registry) == {}


def test_the_key_is_stored_only_after_it_was_shown(command, prefix, build_win, registry, tmp_path):
    registry.set_key(f"{ID}/Debian", bytes(32))
    with open("/dev/full", "wb") as full:
        process = prefix.popen_started(build_win / "windows-helper/wslbridge-helper.exe", "pair", "--print",
                                       f"{ID}/Debian", errors=tmp_path / "errors", stdout=full)
        assert process.wait(60) == 1
    assert keys(registry) == {f"{ID}/Debian": bytes(32)}


CONTROL_C, CLOSE = 0, 2
CONFIRMED = f"out {f'confirmed {ID}/Debian'.encode().hex()}0a\n"


@pytest.mark.parametrize("event", [CONTROL_C, CLOSE])
@pytest.mark.parametrize("then,new", [(f"pause 1000\n{CONFIRMED}", True), ("pause 20000\nkill\n", False)],
                         ids=["confirms", "hangs"])
def test_the_window_is_closed(command, prefix, registry, monkeypatch, event, then, new):
    """Or Ctrl-C comes, while the host has the new key and the guest does not use it yet. Both agree all the
    same, or the host has its old key again. Windows would end the program after five seconds; they are
    twenty here, for a busy machine."""
    monkeypatch.setitem(prefix.env, "WSLBRIDGE_TEST_PAIR_MS", "60000" if event == CLOSE else "10000")
    registry.set_key(f"{ID}/Debian", bytes(32))
    (prefix.path / "drive_c/wsl-script.txt").write_text(
        SCRIPT.replace(CONFIRMED, f"control {event}\n{then}"))
    command("pair", "Debian")
    seen = registry.strings(wine_registry.COUNTERS)
    assert seen["WslAnswer"] == "stored"
    assert keys(registry) == {f"{ID}/Debian": bytes.fromhex(seen["WslKey"]) if new else bytes(32)}


def test_pair_print_and_unpair(command, registry, start_helper):
    owner = f"{ID}/Debian"
    code, output = command("pair", "--print", owner)
    assert code == 0
    key = re.search(r"^([0-9a-f]{64})$", output, re.MULTILINE)[1]
    assert keys(registry) == {owner: bytes.fromhex(key)}
    client = wsb_client.Client(start_helper().port, key=bytes.fromhex(key))
    client.handshake()
    client.push([service("web", [listen_endpoint("127.0.0.1:28401", 80)])], v4=V4)
    assert len(registry.rules()) == 1
    assert command("unpair", owner)[0] == 0
    wait_until(lambda: registry.rules() == {}, 5, "the withdrawal")
    assert keys(registry) == {}
    assert "is not paired" in command("unpair", owner)[1]
    wait_until(lambda: owner not in command("status", "--json")[1], 10, "the end of the agent")
    assert "No guest is paired." in command("pair", "--list")[1]
    assert command("pair", "--print", "Debian")[0] == 1
    client.close()


@pytest.mark.parametrize("name,typed", [
    ("0.0.0.0/28402", None), ("*/28402", None), ("0.0.0.0/28402", "0.0.0.0/28402"),
    ("0.0.0.0/28402", "*/28402"), ("*/28402", "*:28402"), ("0.0.0.0/28402", "28402"),
])
def test_adopt(command, registry, connect, helper, name, typed):
    """@typed: the endpoint as an administrator types it; None: the command that the conflict names"""
    registry.set_rule(name, "172.29.0.77/80")
    registry.set_rule("0.0.0.0/28403", "172.29.0.77/80")
    client = connect(helper)
    wanted = [service("web", [listen_endpoint("0.0.0.0:28402", 80)]),
              service("dev", [listen_endpoint("0.0.0.0:28403", 80)])]
    result = client.push(wanted, v4=V4)
    assert result.states() == ["conflict", "conflict"]
    offered = re.search(r"'wslbridge-helper adopt (\S+)'", result.services[0][2])[1]
    code, output = command("adopt", typed or offered)
    assert code == 0 and f"v4tov4 {name} = 172.29.0.77/80" in output
    while client.result(timeout=5).states() != ["active", "conflict"]:
        pass
    assert registry.rules() == {("v4tov4", name): "172.29.0.2/80",
                                ("v4tov4", "0.0.0.0/28403"): "172.29.0.77/80"}
    assert command("adopt", "0.0.0.0:28404")[0] == 1
    code, output = command("adopt", "0.0.0.0:28402")
    assert code == 1 and "wslbridge's already" in output
    assert f" listenaddress={name.split('/')[0]} " in command("rules", "--netsh")[1]


def test_adopt_what_an_older_helper_left_in_the_relays_table(command, registry, connect, helper):
    """It has no record of it, so it is a conflict, which names the value and both ways out of it."""
    key, name = r"SOFTWARE\wslbridge\Relay\v4tov4\tcp", "0.0.0.0/28406"
    registry.set(key, name, "172.29.0.77/80")
    client = connect(helper)
    wanted = [service("web", [listen_endpoint("0.0.0.0:28406", 80)])]
    text = client.push(wanted, v4=V4).services[0][2]
    assert rf"'reg.exe delete HKLM\{key} /v {name} /f'" in text
    code, output = command("adopt", re.search(r"'wslbridge-helper adopt (\S+)'", text)[1])
    assert code == 0 and f"relay-tcp-v4tov4 {name} = 172.29.0.77/80" in output
    while client.result(timeout=5).states() != ["active"]:
        pass
    assert registry.strings(key) == {} and registry.rules() == {("v4tov4", name): "172.29.0.2/80"}


def test_what_cannot_be_adopted_is_not_offered(command, registry, connect, helper):
    registry.set_rule("0.0.0.0/28405", 7)
    client = connect(helper)
    result = client.push([service("web", [listen_endpoint("0.0.0.0:28405", 80)])], v4=V4)
    assert result.states() == ["conflict"]
    assert "adopt" not in result.services[0][2]
    code, output = command("adopt", "0.0.0.0:28405")
    assert code == 1 and "not a plain string" in output


def test_no_command_shows_what_may_not_be_shown(command, registry):
    """Names of guests and other programs' values are in the registry, and anybody may have chosen
    them: one that turns the direction of text or controls a terminal could hide what it is."""
    bad = "\u202eexe\u200b\x1b[2J"
    registry.set_key(f"{ID}/De{bad}bian", bytes(32))
    registry.set_rule("0.0.0.0/28499", f"10.0.0.1/80{bad}")
    registry.set(wine_registry.LEDGER, "127.0.0.1/28498", f"{ID}/De{bad}bian|web|-|172.29.0.2/80")
    for arguments in (["rules"], ["rules", "--json"], ["rules", "--netsh"], ["pair", "--list"],
                      ["adopt", f"0.0.0.0:28499{bad}"], ["adopt", "0.0.0.0:28499"], ["doctor"],
                      ["doctor", "--json"], ["status"], ["status", "--json"],
                      ["unpair", f"{ID}/De{bad}bian"], [bad]):
        output = command(*arguments)[1]
        shown = [c for c in output if c in bad and not c.isascii() or c == "\x1b"]
        assert shown == [], (arguments, output)
