# SPDX-License-Identifier: MIT
"""The commands of an administrator, with everything real except Windows: expose a service, look at it,
ask what is wrong, take it back. tests/integration tests the commands in detail."""
import json
import re

import pytest
from conftest import ADDRESS, AGENT, SERVICES


@pytest.fixture
def unexposed(guest):
    yield guest
    guest.ask("systemctl kill listener.service; systemctl reset-failed listener.service")


def findings(guest):
    """The findings of doctor: {(id, subject): rank}."""
    output = guest.ask("wslbridgectl doctor --json")[1]
    return {(f["id"], f["subject"]): f["rank"] for f in json.loads(output)["findings"]}


def test_expose_look_and_take_back(unexposed, number):
    guest = unexposed
    took = guest.within(20, "wslbridgectl expose 2222:22 --name=ssh >/run/said", "true")
    said = guest.run("cat /run/said")
    assert re.search(r"^ssh +0\.0\.0\.0:2222 +22 +active +portproxy$", said, re.MULTILINE), said
    assert guest.rules() == {"0.0.0.0/2222": f"{ADDRESS}/22"}
    number(f"wslbridgectl expose: file written, answer shown after {took * 1000:.0f} ms, emulated")

    # Any user may look.
    table = guest.run("setpriv --reuid 65534 --regid 65534 --clear-groups wslbridgectl status")
    for text in (ADDRESS, "connected", "ssh"):
        assert text in table, table
    assert guest.run("wslbridgectl wait ssh --timeout=20; echo $?") == "0"

    assert guest.ask("wslbridgectl unexpose ssh")[0] == 0
    assert guest.rules() == {}
    assert guest.ask(f"test -e {SERVICES}/ssh.ini")[0] == 1


def test_only_root_exposes(unexposed):
    code, said = unexposed.ask("setpriv --reuid 65534 --regid 65534 --clear-groups "
                               "wslbridgectl expose 2222:22 --name=ssh")
    assert code == 1 and "root" in said, said
    assert unexposed.status()["services"] == []


def test_doctor_follows_the_listener(unexposed):
    """doctor reads the kernel's sockets: nobody listens, only the guest can connect, all is well."""
    guest = unexposed
    guest.run("wslbridgectl expose 2222:22 --name=ssh")
    listen = "systemd-run --quiet --unit=listener --collect socat TCP-LISTEN:22,reuseaddr{} PIPE"
    assert ("port-silent", "ssh") in findings(guest)
    guest.run(listen.format(",bind=127.0.0.1"))
    guest.within(20, "true", "wslbridgectl doctor --json | grep -q port-loopback")
    assert ("port-loopback", "ssh") in findings(guest)
    guest.run("systemctl stop listener")
    guest.run(listen.format(""))
    guest.within(20, "true", "wslbridgectl doctor --json | jq -e '[.findings[] | select(.subject == \"ssh\")] == []'")


def test_doctor_reports_that_nobody_answers(unexposed):
    guest = unexposed
    guest.stop_host()
    guest.within(40, "true", guest.has(".helper.connected | not"))
    code, said = guest.ask("wslbridgectl doctor")
    assert code == 1 and "helper" in said, said
    guest.run(f"systemctl stop {AGENT}")
    code, said = guest.ask("wslbridgectl doctor")
    assert code == 1 and "systemctl" in said, said
