# SPDX-License-Identifier: MIT
"""An address change in the guest is in force on the host; no address means no rule."""
import time

from guest import GATEWAY, PREFIX, wait_until


def rule(address):
    return {"0.0.0.0/8080": f"{address}/80"}


def test_twenty_address_changes_one_after_the_other(bridge):
    guest, host = bridge
    for _ in range(20):
        host.wait_rules(rule(guest.new_address()))
    wait_until(lambda: guest.status()["guest"]["ipv4"]["address"] == guest.address, "status")
    update = guest.status()["last_update"]
    assert 0 < update["host_usec"] <= update["usec"] < 1_000_000


def test_burst_of_5000_changes_ends_right(bridge):
    """The kernel may drop events in between; the last state counts."""
    guest, host = bridge
    lines = []
    for i in range(2500):
        address = f"10.9.{1 + i // 250}.{1 + i % 250}"
        lines += [f"addr add {address}/32 dev eth0", f"addr del {address}/32 dev eth0"]
    lines += [f"addr del {guest.address}/{PREFIX} dev eth0", f"addr add 10.9.0.77/{PREFIX} dev eth0",
              f"route replace default via {GATEWAY}"]
    before = guest.status()["counters"]
    guest.ip("\n".join(lines) + "\n")
    host.wait_rules(rule("10.9.0.77"))
    wait_until(lambda: guest.status()["guest"]["ipv4"]["address"] == "10.9.0.77", "status")
    after = guest.status()["counters"]
    assert after["events"] - before["events"] > 1000
    assert after["dumps"] - before["dumps"] < 500  # coalesced
    guest.stop()


def test_lost_address_withdraws_and_its_return_restores(bridge):
    guest, host = bridge
    guest.ip("addr flush dev eth0\n")
    host.wait_rules({})
    guest.wait_state("web", "withdrawn")
    assert guest.service_status("web")["reason"] == "no-address"
    assert guest.status()["guest"]["ipv4"] is None
    assert guest.status()["guest"]["problem"]
    guest.ip(f"addr add {guest.address}/{PREFIX} dev eth0\nroute add default via {GATEWAY}\n")
    host.wait_rules(rule(guest.address))
    guest.wait_state("web", "active")


def test_link_down_and_up(bridge):
    guest, host = bridge
    guest.ip("link set peer0 down\n")
    host.wait_rules({})
    guest.ip(f"link set peer0 up\nroute replace default via {GATEWAY}\n")
    host.wait_rules(rule(guest.address))


def test_replaced_address_is_never_told_as_none(bridge):
    """Delete and add belong together: no withdrawal in between, which would cut connections."""
    guest, host = bridge
    before = host.stats()["deletes"]
    for _ in range(5):
        host.wait_rules(rule(guest.new_address()))
    assert host.stats()["deletes"] == before
    assert not guest.log_lines("No address")


def test_replaced_address_beside_an_ipv6_one(bridge):
    """Nor do the rules go to the IPv6 address and back."""
    guest, host = bridge
    guest.ip("addr add 2001:db8::5/64 dev eth0 nodad\nroute add default via 2001:db8::1\n")
    wait_until(lambda: guest.status()["guest"]["ipv6"], "the IPv6 address")
    before = host.stats()["deletes"]
    for i in range(10):  # with a moment in between, so that the agent sees the middle
        time.sleep(0.15)  # the window of the last change is over: the agent looks at once
        guest.ip(f"addr del {guest.address}/{PREFIX} dev eth0\n")
        guest.address = f"10.9.0.{100 + i}"
        guest.ip(f"addr add {guest.address}/{PREFIX} dev eth0\nroute replace default via {GATEWAY}\n")
        host.wait_rules(rule(guest.address))
    # On a slow machine the moment may last longer than the agent waits, but not each time.
    assert host.stats()["deletes"] - before < 10


def test_configured_interface(bridge):
    guest, host = bridge
    guest.ip("link add eth1 type veth peer name peer1\nlink set eth1 up\nlink set peer1 up\n"
             "addr add 10.8.0.5/24 dev eth1\n")
    guest.agent_conf("interface = eth1\n")
    host.wait_rules(rule("10.8.0.5"))
    guest.agent_conf("interface = eth9\n")
    host.wait_rules({})
    wait_until(lambda: guest.status()["guest"]["problem"], "the reason")
    guest.agent_conf()
    host.wait_rules(rule(guest.address))


def test_interface_named_by_a_joker(bridge):
    """The kernel takes nearly any bytes for a name; the wire takes text."""
    guest, host = bridge
    guest.ip("link set eth0 down\nlink set eth0 name \N{SNOWMAN}\x01\nlink set \N{SNOWMAN}\x01 up\n"
             f"route add default via {GATEWAY}\n")
    host.wait_rules(rule(guest.address))
    wait_until(lambda: guest.status()["guest"]["interface"] == "\N{SNOWMAN}\x01", "the name")
    guest.wait_state("web", "active")


def test_no_address_names_the_interface(bridge):
    guest, host = bridge
    guest.agent_conf("interface = eth0\n")
    guest.ip("addr flush dev eth0\n")
    guest.wait_log("No address to forward to: the interface has no usable address (eth0)")
    guest.agent_conf("interface = eth9\n")
    guest.wait_log("No address to forward to: the configured interface does not exist (eth9)")


def test_address_outside_the_gateways_subnet_is_told(guest, host):
    """What a static address looks like that the virtual switch drops."""
    guest.service("web", "listen = 8080\nconnect-port = 80")
    guest.ip(f"route del default\naddr del {guest.address}/{PREFIX} dev eth0\n"
             f"addr add 192.0.2.5/24 dev eth0\nroute add default via {GATEWAY} dev eth0 onlink\n")
    host.start()
    guest.start()
    guest.wait_state("web", "active")
    assert guest.status()["guest"]["problem"]
    assert len(guest.log_lines("not in the subnet")) == 1


def test_ipv6_listen_and_guest(bridge):
    """An IPv6 port of the host leads to the guest's IPv4 address while it has one."""
    guest, host = bridge
    guest.service("six", "listen = [::]:2222\nconnect-port = 22")
    guest.wait_state("six", "active")
    assert host.rules("v6tov4") == {"::/2222": f"{guest.address}/22"}
    guest.ip(f"addr del {guest.address}/{PREFIX} dev eth0\n"
             "addr add 2001:db8::5/64 dev eth0 nodad\nroute add default via 2001:db8::1\n")
    host.wait_rules({"::/2222": "2001:db8::5/22"}, "v6tov6")
    host.wait_rules({}, "v6tov4")
