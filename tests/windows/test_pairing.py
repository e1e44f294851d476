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


@pytest.fixture
def command(prefix, build_win, registry, iphlpsvc):
    """command('pair', 'Debian') → (exit code, output), with the stand-in installed."""
    wsl = prefix.path / "drive_c/windows/system32/wsl.exe"
    shutil.copy(build_win / "tests/windows/fake-wsl.exe", wsl)
    for name in ("WslKey", "WslCommand"):
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
    assert seen["WslCommand"] == 'wsl.exe -d "Debian" -u root --exec wslbridgectl pair'
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
        "address": "172.29.0.2", "mode": "nat",
        "services": [{"name": "web", "state": "active", "reason": None, "text": None}]}
    assert key.hex() not in json.dumps(status)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", status["applied"])
    assert status["applied"] <= status["written"] and status["apply_usec"] > 0
    assert len(status["policy"]) == 8
    assert {"name": "WidestRemote", "value": "LocalSubnet", "source": "default"} in status["policy"]
    code, text = command("status")
    assert code == 0 and re.search(r"agent .*Debian\n(.*\n)*? +web +active", text)
    code, output = command("rules", "--netsh")
    assert output.strip() == ("netsh interface portproxy set v4tov4 listenaddress=127.0.0.1 "
                              "listenport=28400 connectaddress=172.29.0.2 connectport=80")
    assert re.search(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC +{ID}/Debian",
                     command("pair", "--list")[1])
    assert command("pair", "Debian")[0] == 0  # pairing again makes a new key and ends the session
    assert keys(registry)[f"{ID}/Debian"] != key
    wait_until(lambda: registry.rules() == {}, 5, "the withdrawal")
    client.close()


@pytest.mark.parametrize("distro,says", [
    ("Nowhere", "wsl --list"), ("Garbage", "paired by magic"), ("Fails", "is read-only"),
    ('a"b', "cannot be the name"),
])
def test_nothing_is_stored_when_it_fails(command, registry, distro, says):
    code, output = command("pair", distro)
    assert code == 1
    assert says in output
    assert keys(registry) == {}


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


@pytest.mark.parametrize("name", ["0.0.0.0/28402", "*/28402"])
def test_adopt(command, registry, connect, helper, name):
    registry.set_rule(name, "172.29.0.77/80")
    registry.set_rule("0.0.0.0/28403", "172.29.0.77/80")
    client = connect(helper)
    wanted = [service("web", [listen_endpoint("0.0.0.0:28402", 80)]),
              service("dev", [listen_endpoint("0.0.0.0:28403", 80)])]
    assert client.push(wanted, v4=V4).states() == ["conflict", "conflict"]
    code, output = command("adopt", "0.0.0.0:28402")
    assert code == 0 and f"v4tov4 {name} = 172.29.0.77/80" in output
    while client.result(timeout=5).states() != ["active", "conflict"]:
        pass
    assert registry.rules() == {("v4tov4", "0.0.0.0/28402"): "172.29.0.2/80",
                                ("v4tov4", "0.0.0.0/28403"): "172.29.0.77/80"}
    assert command("adopt", "0.0.0.0:28404")[0] == 1
    assert command("adopt", "0.0.0.0:28402")[0] == 1  # it is ours now
