# SPDX-License-Identifier: MIT
"""A guest goes from each networking mode, and from each kind of virtual switch, to every other one.
What it had before is gone each time: in the status, in the host's table and ledger, and in what is
carried to 127.0.0.1."""
import os

import pytest
from guest import ADDRESS, GATEWAY, LAN, PREFIX, wait_until

BEHIND = (ADDRESS, GATEWAY)
OUTSIDE = ("192.168.1.77", "192.168.1.1")

DIRECT = ("active", "direct")
WITHDRAWN = ("withdrawn", "networking-mode")
FORWARDED = {"web": ("active", None), "same": ("active", None), "lo": ("active", None)}
OPENED = {"web": ("invalid", "connect-port"), "same": DIRECT, "lo": WITHDRAWN}
OWN = {"web": DIRECT, "same": DIRECT, "lo": WITHDRAWN}
NOTHING = {"web": WITHDRAWN, "same": WITHDRAWN, "lo": WITHDRAWN}

RULES = {"0.0.0.0/8080": f"{ADDRESS}/80", "0.0.0.0/8081": f"{ADDRESS}/8081",
         "0.0.0.0/8082": f"{ADDRESS}/8082"}

# What wslinfo says, the address; the states of the services, the rules, how many entries the ledger
# has, how the ports are reached. After an unknown word, a guest has what one of plain Hyper-V has: no mode.
NO_MODE = "wormhole"
PLACES = {
    "nat": ("nat", BEHIND, FORWARDED, RULES, 3, "forwarded"),
    "mirrored": ("mirrored", BEHIND, OPENED, {}, 1, "shared"),
    "virtioproxy": ("virtioproxy", BEHIND, OPENED, {}, 1, "relayed"),
    "consomme": ("consomme", BEHIND, OPENED, {}, 1, "relayed"),
    "bridged": ("bridged", BEHIND, OWN, {}, 0, "own"),
    "bridged elsewhere": ("bridged", OUTSIDE, OWN, {}, 0, "own"),
    "none": ("none", BEHIND, NOTHING, {}, 0, "none"),
    "Default Switch": (NO_MODE, BEHIND, FORWARDED, RULES, 3, "forwarded"),
    "external switch": (NO_MODE, OUTSIDE, OWN, {}, 0, "own"),
}


@pytest.fixture
def moving(guest, host):
    """The guest and its host, which is in a local network, too."""
    guest.service("web", "listen = 8080\nconnect-port = 80")
    guest.service("same", "listen = 8081")
    guest.service("lo", "listen = 8082\nconnect = loopback")
    host.start(switch=f"{GATEWAY}/{PREFIX}", adapter=f"{LAN}/24")
    return guest


def move(guest, address, gateway):
    """Connect the machine to another switch, where it gets another address."""
    if address == guest.address:
        return
    guest.ip(f"addr del {guest.address}/{PREFIX} dev eth0\naddr add {address}/{PREFIX} dev eth0\n"
             f"route replace default via {gateway}\n")
    guest.address = address


def seen(guest, host):
    status = guest.status()
    states = {s["name"]: (s["state"], s["reason"]) for s in status.get("services", [])}
    carried = os.path.exists(os.path.join(guest.state, "loopback.wanted"))
    return (states, host.rules(), len(host.command("ledger")["entries"]),
            status.get("guest", {}).get("reach"), carried)


def expect(guest, host, name, before):
    _, (address, _), states, rules, n_ledger, reach = PLACES[name]
    expected = (states, rules, n_ledger, reach, reach == "forwarded")
    wait_until(lambda: seen(guest, host) == expected,
               lambda: f"from {before} to {name}: {seen(guest, host)}\n{guest.log()}")
    if reach == "own":
        wait_until(lambda: f"own address, {address}, port 80" in (guest.service_status("web")["text"] or ""),
                   "the address in the text")


def walk(names):
    """Each of @names behind each of the others, in one walk."""
    for i, name in enumerate(names):
        yield name
        for other in names[i + 1:]:
            yield from (other, name)


def test_the_walk_is_complete():
    way = list(walk(list(PLACES)))
    assert {(a, b) for a in PLACES for b in PLACES if a != b} <= set(zip(way, way[1:]))


def test_from_each_to_every_other(moving, host):
    """A mode that is known goes with its VM, and the agent with both. So the agent starts anew for a place
    without a mode, and elsewhere it sees the change while it runs."""
    before = None
    for name in walk(list(PLACES)):
        word, where, *_ = PLACES[name]
        moving.wsl_mode(word)
        move(moving, *where)
        if before and word == NO_MODE:
            moving.stop()
        if before is None or word == NO_MODE:
            moving.start()
        else:
            moving.reload()
        expect(moving, host, name, before)
        before = name


def test_a_guest_of_plain_hyper_v(moving, host, control, manager):
    """It has no tools of WSL. People and programs are told what that switch means."""
    moving.listen(80)
    moving.listen(53, udp=True)
    moving.start(NOTIFY_SOCKET=manager.path, without=["WSLBRIDGE_WSL_FOLDER"])
    moving.wait_state("same", "active")
    assert moving.status()["guest"]["listening"] is None
    move(moving, *OUTSIDE)
    host.wait_rules({})
    manager.wait("STATUS=direct at 192.168.1.77 on eth0; helper connected; 2 of 3")
    wait_until(lambda: moving.status()["guest"]["listening"] == {
        "tcp": [80], "n_tcp": 1, "udp": [53], "n_udp": 1}, "ports 80 and 53")
    assert len(moving.log_lines("The host sees this guest on a network of other machines: nothing "
                                "is forwarded, because")) == 1
    assert "a network of other machines: clients reach this guest themselves" in \
        moving.service_status("lo")["text"]
    output = " ".join(control.run("status")[1].split())
    assert "mode: unknown; the host sees this guest on a network of other machines" in output
    assert "listening: TCP port 80 and UDP port 53 at 192.168.1.77" in output
    assert "own address, 192.168.1.77, port 8081; no program listens on port 8081" in output
    assert "On a network of other machines, nothing is forwarded" in control.run("check")[1]
    _, found = control.json("doctor")
    found = {f["id"]: f for f in found["findings"] if f["subject"] is None}
    for ports in ("TCP ports that listen at 192.168.1.77: 80", "UDP ports that listen at 192.168.1.77: 53"):
        assert ports in found["networking-mode"]["seen"]
    assert "off-link" not in found and "candidates" not in found


def test_a_network_without_the_host(moving, host):
    """An old address, or a switch that the host does not share: no service is called active, and nobody
    there counts as the host."""
    moving.start(without=["WSLBRIDGE_WSL_FOLDER"])
    wait_until(lambda: seen(moving, host)[-1], "the loopback table")
    move(moving, "10.77.0.9", "10.77.0.1")
    invalid = dict.fromkeys(FORWARDED, ("invalid", "guest-address"))
    wait_until(lambda: seen(moving, host) == (invalid, {}, 0, "forwarded", False),
               lambda: f"{seen(moving, host)}\n{moving.log()}")
    assert "stale (renew it by DHCP)" in moving.service_status("web")["text"]
    move(moving, *BEHIND)
    wait_until(lambda: seen(moving, host)[-1], "the loopback table")


def test_without_the_helper(moving, host):
    """What it has said holds as long as the guest is on the same network."""
    moving.start(without=["WSLBRIDGE_WSL_FOLDER"])
    move(moving, *OUTSIDE)
    wait_until(lambda: moving.service_status("web")["reason"] == "direct", "direct")
    host.kill()
    moving.wait_helper("waiting")
    move(moving, "192.168.1.78", OUTSIDE[1])
    wait_until(lambda: "192.168.1.78, port 80" in moving.service_status("web")["text"], "an address")
    assert moving.service_status("web")["state"] == "active"
    move(moving, *BEHIND)
    moving.wait_state("web", "pending")
    assert moving.service_status("web")["text"] == "the helper is not connected"


def test_the_gateway_is_another_machine(moving, host):
    """On a switch of guests, one of them may route for the others. It is not let in as the host."""
    moving.start(without=["WSLBRIDGE_WSL_FOLDER"])
    wanted = os.path.join(moving.state, "loopback.wanted")
    wait_until(lambda: os.path.exists(wanted), "the host is let in")
    moving.ip(f"route replace default via {GATEWAY}9\n")
    wait_until(lambda: (moving.service_status("lo")["loopback"] or {}).get("state") == "no-host",
               lambda: f"{moving.service_status('lo')}\n{moving.log()}")
    assert not os.path.exists(wanted)
    assert host.rules() == RULES
    moving.ip(f"route replace default via {GATEWAY}\n")
    wait_until(lambda: os.path.exists(wanted), "the host is let in again")
