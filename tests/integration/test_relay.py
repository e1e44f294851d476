# SPDX-License-Identifier: MIT
"""What only the relay can carry, from the command line in the guest to the relay's table on the host."""

import pytest
from guest import wait_until

WHY = {"protocol": "protocol = udp", "client-address": "client-address = proxy-v2",
       "asked": "forwarder = relay"}
UDP, TCP = "relay-udp-v4tov4", "relay-tcp-v4tov4"


@pytest.fixture
def with_relay(guest, host, control):
    host.start(relay=True)
    guest.start()
    guest.wait_helper("connected")
    return guest, host, control


@pytest.mark.parametrize("words, why, family, rule", [
    (["5060/udp"], "protocol", UDP, {"0.0.0.0/5060": "10.9.0.2/5060"}),
    (["5353:53/udp"], "protocol", UDP, {"0.0.0.0/5353": "10.9.0.2/53"}),
    (["8080:80", "--client-address=proxy-v2"], "client-address", TCP, {"0.0.0.0/8080": "10.9.0.2/80 proxy-v2"}),
    (["8080", "--forwarder=relay"], "asked", TCP, {"0.0.0.0/8080": "10.9.0.2/8080"}),
])
def test_expose(with_relay, words, why, family, rule):
    guest, host, control = with_relay
    code, output = control.run("expose", *words, "--name=it")
    assert code == 0, output
    assert output.splitlines()[2].split()[-3:] == ["active", "relay", f"({why})"], output
    found, = (f for f in control.json("doctor")[1]["findings"] if f["id"] == "forwarder")
    assert found["rank"] == "good"
    assert found["seen"].endswith(f"\nit: relay, because of '{WHY[why]}'")
    assert host.rules(family) == rule and host.rules() == {}
    address = guest.new_address()
    host.wait_rules({key: value.replace("10.9.0.2", address) for key, value in rule.items()}, family)
    assert control.run("unexpose", "it")[0] == 0
    host.wait_rules({}, family)


def test_one_port_of_both_protocols(with_relay):
    guest, host, control = with_relay
    assert control.run("expose", "53", "--name=tcp")[0] == 0
    assert control.run("expose", "53/udp", "--name=udp")[0] == 0
    assert host.rules() == {"0.0.0.0/53": "10.9.0.2/53"} == host.rules(UDP)
    assert {s["name"]: s["forwarder"] for s in guest.status()["services"]} == {
        "tcp": "portproxy", "udp": "relay"}


def test_the_file_changes_the_forwarder(with_relay):
    guest, host, _ = with_relay
    for line, family, other in (("", "v4tov4", TCP), ("forwarder = relay", TCP, "v4tov4")) * 2:
        guest.service("web", f"listen = 8080\n{line}")
        host.wait_rules({"0.0.0.0/8080": "10.9.0.2/8080"}, family)
        wait_until(lambda: guest.service_status("web").get("forwarder") ==
                   ("relay" if line else "portproxy"), "the forwarder")
        guest.wait_state("web", "active")
        assert host.rules(other) == {}


def test_a_host_that_gets_the_relay(with_relay):
    """With an update of Windows' half. Before it, the service says what is missing."""
    guest, host, _ = with_relay
    host.kill()
    host.start()
    guest.service("dns", "listen = 53\nprotocol = udp")
    guest.wait_state("dns", "refused")
    assert guest.service_status("dns")["reason"] == "no-relay"
    host.kill()
    host.start(relay=True)
    guest.wait_state("dns", "active")
