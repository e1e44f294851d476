# SPDX-License-Identifier: MIT
"""The whole chain: agent in a booted guest -> kernel vsock -> relay -> helper under Wine -> registry.
The tests' stage takes the place of Windows, and the relay takes the place of Hyper-V."""
import os

import janitor
import pytest
from conftest import GATEWAY, Guest, set_up
from stage import Stage
from virtual_machine import Machine
from waiting import wait_until

PORT = 1465076802


@pytest.fixture(scope="module")
def stage():
    """The host: a namespace with Wine and with the virtual switch of the guest's address."""
    with Stage() as started:
        started.start_helper()
        yield started


@pytest.fixture(scope="module")
def guest(stage, image, package):
    folder = os.path.join(janitor.current_run(), "chain")

    def in_the_host(command, **options):
        return stage.net.host.popen(*command, **options)

    with Machine(image, folder, package, start=in_the_host, name="chain") as machine:
        guest = set_up(Guest(machine))
        # QEMU's user network: 10.0.2.2 is the loopback of the namespace that QEMU runs in.
        machine.run(f"""
            nic=$(basename /sys/bus/virtio/devices/*/net/*)
            ip link set $nic up
            ip addr add 10.0.2.15/24 dev $nic
            modprobe vsock_loopback
            systemd-run --quiet --unit=relay socat VSOCK-LISTEN:{PORT},fork \\
                TCP:10.0.2.2:{stage.helper.port},nodelay
            """)
        pair(guest, stage)
        yield guest
    janitor.remove_tree(folder)


def pair(guest, stage):
    """Start the agent, read its identity, pair it on the host and in the guest."""
    guest.run("rm /etc/wslbridge/key; systemctl enable --quiet --now wslbridge-agent")
    guest.within(60, "true", guest.has('.helper.error.code == "not-paired"'))
    key = os.urandom(32)
    agent = guest.status()["agent"]
    stage.registry.set_key(f"{agent['agent_id']}/{agent['distro']}", key)
    guest.write("/etc/wslbridge/key", key.hex() + "\n", mode=0o600)
    guest.run("systemctl restart wslbridge-agent")
    guest.wait_connected()


def wait_rules(stage, rules):
    wait_until(lambda: stage.rules() == rules, 20, f"rules {rules}")


def test_the_registry_follows_the_guest(stage, guest, number):
    guest.within(30, guest.drop_in("web", ["listen = 8080"]), guest.is_state("web", "active"))
    wait_rules(stage, {"0.0.0.0/8080": "172.28.64.10/8080"})
    took = []
    for n in range(11, 16):
        guest.run(f"ip addr del 172.28.64.{n - 1}/20 dev eth0; "
                  f"ip addr add 172.28.64.{n}/20 dev eth0; "
                  f"ip route replace default via {GATEWAY} dev eth0")
        wait_rules(stage, {"0.0.0.0/8080": f"172.28.64.{n}/8080"})
        guest.within(30, "true", guest.has(f'.guest.ipv4.address == "172.28.64.{n}" and '
                                           f'.services[0].state == "active"'))
        took.append(guest.status()["last_update"]["usec"])
    number("guest's address event -> RESULT of the helper under Wine, through two relays: "
           + ", ".join(f"{t / 1000:.0f}" for t in sorted(took)) + " ms, emulated")


def test_an_address_outside_the_switch_is_refused(stage, guest):
    guest.run("ip addr add 192.0.2.77/24 dev eth0; ip addr del 172.28.64.15/20 dev eth0; "
              "ip route replace default via 192.0.2.1 dev eth0")
    wait_rules(stage, {})
    guest.within(30, "true", guest.has('.services[0].state != "active"'))
    assert "virtual switch" in guest.service("web")["text"]
    guest.run("ip addr del 192.0.2.77/24 dev eth0; ip addr add 172.28.64.20/20 dev eth0; "
              f"ip route replace default via {GATEWAY} dev eth0")
    wait_rules(stage, {"0.0.0.0/8080": "172.28.64.20/8080"})


def test_rules_go_when_the_agent_stops(stage, guest):
    guest.run("systemctl disable --quiet --now wslbridge-agent")
    wait_rules(stage, {})
