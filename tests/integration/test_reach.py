# SPDX-License-Identifier: MIT
"""For whom an active service is open: what the host says reaches everybody who asks in the guest."""

import pytest

from guest import wait_until


@pytest.fixture
def reach(up):
    """reach(network) puts the host on a network and waits until the agent knows the answer to it."""
    guest, host, control = up
    code, _ = control.run("expose", "8080", "--name=web")
    assert code == 0

    def change(network, text):
        host.command(f"network {network}")
        wait_until(lambda: text in (guest.service_status("web").get("text") or ""),
                   f"'{text}' in {guest.service_status('web')}")

    return change


def test_everybody_says_for_whom(up, reach):
    guest, _, control = up
    reach("private", "open to the local subnet on the host's private network")
    assert guest.service_status("web")["reason"] in (None, "")
    assert "open to the local subnet" in " ".join(control.run("status")[1].split())
    guest.wait_log("Service 'web' is active: open to the local subnet")
    assert "service-unreachable" not in str(control.json("doctor"))


def test_nobody_gets_in(up, reach):
    """It stays active for those who wait, and everybody else says that nobody reaches it."""
    guest, _, control = up
    reach("public", "no other machine can connect now")
    status = guest.service_status("web")
    assert (status["state"], status["reason"]) == ("active", "unreachable")
    assert control.run("wait", "web")[0] == 0
    code, output = control.run("expose", "8080", "--name=web")
    assert code == 0 and "no other machine can connect now" in " ".join(output.split())
    guest.wait_log("Service 'web' is active (unreachable): no other machine can connect now")
    findings = [f for f in control.json("doctor")[1]["findings"] if f["id"] == "service-unreachable"]
    assert [(f["rank"], f["subject"]) for f in findings] == [("hint", "web")]
    assert "make it private" in findings[0]["advice"]
    reach("private", "open to the local subnet")
    assert guest.service_status("web")["reason"] in (None, "")


def test_the_firewall_is_off(up, reach):
    guest, _, control = up
    reach("public off", "open to everybody on the host's public network")
    assert guest.service_status("web")["reason"] == "firewall-off"
    assert "service-firewall" in str(control.json("doctor"))


def test_the_guest_s_part_is_shown_as_well(up, reach):
    """Nothing listens in the guest, and both notes are there."""
    _, _, control = up
    reach("public", "no other machine can connect now")
    shown = " ".join(control.run("status")[1].split())
    assert "no other machine can connect now" in shown and "on port 8080 of the guest" in shown
