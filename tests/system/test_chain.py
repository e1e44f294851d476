# SPDX-License-Identifier: MIT
"""The whole chain: agent in a booted guest -> kernel vsock -> relay -> helper under Wine -> registry.
The tests' stage takes the place of Windows, the relay takes the place of Hyper-V, and a tap that of the
virtual switch. At the end, 'wslbridge-helper setup' makes all of it."""
import os
import re

import guest_process
import janitor
import pytest
from conftest import ADDRESS, AGENT, GATEWAY, PORT, PREFIX, SERVICES, TOP, Guest, set_up
from setup_host import Program, Windows, guest_deb
from stage import Stage
from virtual_machine import TAP_MAC, USER_MAC, Machine
from waiting import wait_until
from wsl_host import WslHost

# A page for a request that comes on standard input.
PAGE = r"""
while read -r line && [ "${#line}" -gt 1 ]; do :; done
printf 'HTTP/1.0 200 OK\r\n\r\nthe guest\n'
"""
HOST = "10.0.2.2"  # the loopback of the namespace that QEMU runs in, as its user network has it

# The guest's end of the virtual switch. Fills in its name.
NETWORK = f"""
    ip link set lo up
    ip link set %s down name eth0
    ip link set eth0 up
    ip addr add {ADDRESS}/{PREFIX} dev eth0
    ip route add default via {GATEWAY} dev eth0
    """


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

    with Machine(image, folder, package, start=in_the_host, name="chain",
                 tap=stage.net.plug_in_tap()) as machine:
        guest = set_up(Guest(machine), NETWORK % machine.adapter(TAP_MAC))
        user = machine.adapter(USER_MAC)
        machine.run(f"ip link set {user} up; ip addr add 10.0.2.15/24 dev {user}; "
                    "modprobe vsock_loopback")
        start_relay(guest, stage.helper.port)
        pair(guest, stage)
        yield guest
    janitor.remove_tree(folder)


def start_relay(guest, port):
    """In the place of Hyper-V: whoever connects to the host's vsock gets to this port of the host."""
    guest.run(f"""
        ! systemctl -q is-active relay || systemctl stop relay
        systemd-run --quiet --collect --unit=relay \\
            socat VSOCK-LISTEN:{PORT},fork TCP:{HOST}:{port},nodelay
        """)


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
    guest.within(30, "true", guest.has('.services[0] | .state == "invalid" '
                                       'and (.text | contains("is on no network of this host"))'))
    guest.run("ip addr del 192.0.2.77/24 dev eth0; ip addr add 172.28.64.20/20 dev eth0; "
              f"ip route replace default via {GATEWAY} dev eth0")
    wait_rules(stage, {"0.0.0.0/8080": "172.28.64.20/8080"})


def test_rules_go_when_the_agent_stops(stage, guest):
    guest.run("systemctl disable --quiet --now wslbridge-agent")
    wait_rules(stage, {})


@pytest.fixture
def windows(stage, guest, build_win, tmp_path):
    """The stage without the helper, whose place somebody has just unpacked."""
    stage.stop_helper()
    stage.registry.clear()
    made = Windows(stage.prefix, build_win, stage.registry, Program(build_win, tmp_path, guest_deb(TOP)))
    yield made
    made.clear()


@pytest.fixture
def bare_guest(windows, guest):
    """The guest without wslbridge. Only its configuration says that the host is behind the relay."""
    guest.run(f"ip addr flush dev eth0; {NETWORK % 'eth0'}\n"
              "DEBIAN_FRONTEND=noninteractive dpkg --purge wslbridge; "
              "rm -rf /etc/wslbridge /var/lib/wslbridge; mkdir /etc/wslbridge")
    guest.write("/etc/wslbridge/agent.conf", f"[agent]\nhelper = vsock:1:{PORT}\n")
    start_relay(guest, windows.service.port)
    return guest


@pytest.fixture
def distro(stage, bare_guest, build_win):
    """The guest, as WSL's distro "Debian"."""
    def create_server(address):
        return stage.net.host.create_server(address)

    with WslHost(stage.prefix, build_win / "tests/windows", create_server) as wsl, \
            create_server(("127.0.0.1", 0)) as server:
        wsl.add("Debian", start=guest_process.starter(bare_guest.machine, server, HOST))
        wsl.register()
        yield bare_guest


def test_setup_from_a_bare_guest_to_an_answered_request_and_back(stage, windows, distro):
    """The package is installed by apt-get, systemd starts the agent, and a client gets an answer."""
    assert distro.ask("command -v wslbridgectl")[0] != 0
    done = windows.setup("Debian", "--text")
    assert done.code == 0, done.output
    print(done.output)
    lines = re.findall(r"^(\S+) +(done|already so)", done.output, re.MULTILINE)
    assert lines == [("distro", "already so"), ("service", "done"), ("package", "done"),
                     ("pair", "done"), ("start", "done")]
    assert distro.run("dpkg-query -W -f '${Version}' wslbridge") == windows.program.deb.name.split("_")[1]
    assert distro.run(f"systemctl is-enabled {AGENT}; systemctl is-active {AGENT}") == "enabled\nactive"
    agent = distro.status()["agent"]
    assert distro.status()["helper"]["connected"]
    assert list(windows.keys()) == [f"{agent['agent_id']}/{agent['distro']}"]

    distro.write("/run/page", PAGE)
    distro.run("systemd-run --quiet --collect --unit=page socat TCP-LISTEN:80,fork EXEC:'bash /run/page'")
    distro.run("wslbridgectl expose 8080:80 --name=web")
    wait_rules(stage, {"0.0.0.0/8080": f"{ADDRESS}/80"})
    assert wait_until(lambda: stage.fetch(8080, timeout=20), 60, "the answer") == "the guest\n"
    assert set(windows.setup("Debian").states().values()) == {"already"}

    undone = windows.setup("Debian", "--undo")
    assert undone.states()["package"] == undone.states()["pair"] == "done", undone.output
    assert windows.keys() == {}
    wait_rules(stage, {})
    assert distro.ask(f"command -v wslbridgectl; systemctl is-active {AGENT}")[1] == "inactive\n"
    assert distro.run(f"ls {SERVICES}") == "web.ini"  # nobody could be asked about the configuration
