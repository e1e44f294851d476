# SPDX-License-Identifier: MIT
"""Users without administrator rights. Commands that change Windows say that they need these rights,
and stop. Commands that only show something work, as far as Windows permits."""

import json

import pytest
import wine_registry
from waiting import wait_until
from wsb_client import listen_endpoint, service

ID = bytes(range(16)).hex()
V4 = "172.29.0.2/24"


@pytest.fixture
def command(prefix, build_win, registry):
    """command('status') → (exit code, output), run as a user without administrator rights."""
    def run(*arguments):
        done = prefix.run(build_win / "tests/windows/as-user.exe",
                          build_win / "windows-helper/wslbridge-helper.exe", *arguments,
                          check=False)
        return done.returncode, done.stdout

    return run


@pytest.mark.parametrize("arguments", [
    ["install"], ["uninstall"], ["run"], ["pair", "Debian"], ["pair", "--print", f"{ID}/Debian"],
    ["pair", "--list"], ["unpair", f"{ID}/Debian"], ["adopt", "0.0.0.0:2222"],
])
def test_commands_that_need_rights_say_so_and_stop(command, registry, arguments):
    registry.set_rule("0.0.0.0/2222", "172.29.0.77/22")
    registry.set_key(f"{ID}/Debian", bytes(32))
    before = registry.rules(), registry.dump(wine_registry.KEYS)
    code, output = command(*arguments)
    assert code == 1
    assert output.strip().splitlines() == [
        f"error: 'wslbridge-helper {arguments[0]}' needs administrator rights: run it in a "
        "terminal opened with 'Run as administrator'"]
    assert (registry.rules(), registry.dump(wine_registry.KEYS)) == before
    assert registry.dump(r"SOFTWARE\wslbridge\Adopt") == {}


def test_an_administrator_may(prefix, build_win):
    """A test of the test: without the restricted token, the same command gets further."""
    done = prefix.run(build_win / "windows-helper/wslbridge-helper.exe", "adopt", "0.0.0.0:2223",
                      check=False)
    assert "There is no port forwarding" in done.stdout


def test_what_a_user_may_see(command, connect, helper):
    client = connect(helper)
    wanted = [service("web", [listen_endpoint("127.0.0.1:28600", 80)])]
    assert client.push(wanted, v4=V4).states() == ["active"]
    wait_until(lambda: '"active"' in command("status", "--json")[1], 10, "the status")
    code, output = command("status")
    assert code == 0 and "AllowedListenPorts" in output
    code, output = command("rules")
    assert code == 0 and "127.0.0.1:28600" in output
    code, output = command("doctor", "--json")
    found = {f["id"]: f for f in json.loads(output)["findings"]}
    assert found["agent"]["seen"] == "Agents connected: 1 of 1; services active: 1 of 1"
    assert found["rules"]["seen"] == "Port forwardings: 1 (ours: 1; those on 0.0.0.0 keep others off 127.0.0.1)"
