# SPDX-License-Identifier: MIT
"""The status says whether anything in the guest listens on the ports that the host forwards to, and
which interfaces there are."""
import time

import pytest

from guest import wait_until


def wait_guest(guest, name, state, port):
    wait_until(lambda: (guest.service_status(name).get("guest"),
                        guest.service_status(name).get("guest_port")) == (state, port),
               f"'{name}' {state} {port}: {guest.service_status(name)}\n{guest.log()}")


def test_kinds_of_listeners(guest, host, control):
    guest.listen(8001)
    guest.listen(8002, "127.0.0.1")
    guest.listen(8003, guest.address)
    guest.listen(8004, "::", "AF_INET6")
    guest.listen(8005, "::1", "AF_INET6")
    for port in range(8001, 8007):
        guest.service(f"s{port}", f"listen = {port}")
    guest.service("several", "listen = 9101-9106\nconnect-port = 8001-8006")
    guest.service("elsewhere", "listen = 9001\nconnect-port = 8001")
    guest.service("off", "listen = 9002\nenabled = no")
    host.start(heartbeat_ms=1000)
    guest.start()
    wait_guest(guest, "s8001", "listening", None)
    wait_guest(guest, "s8002", "loopback-only", 8002)
    wait_guest(guest, "s8003", "listening", None)
    wait_guest(guest, "s8004", "not-listening", 8004)  # create_server(): IPv6 only
    wait_guest(guest, "s8005", "loopback-only", 8005)
    wait_guest(guest, "s8006", "not-listening", 8006)
    wait_guest(guest, "several", "not-listening", 8004)  # the first port with the worst state
    wait_guest(guest, "elsewhere", "listening", None)
    wait_guest(guest, "off", "unknown", None)
    # All are active on the host: the rules are right, only the guest's programs are not.
    wait_until(lambda: all(guest.service_status(f"s{p}")["state"] == "active"
                           for p in range(8001, 8007)), "all active")
    guest.wait_log("No program in this guest listens on port 8006 of service 's8006'")
    assert len(guest.log_lines("Port 8002 of service 's8002'")) == 1
    assert "or add 'connect = loopback' to the service" in guest.log_lines("Port 8002 of service")[0]
    assert len(guest.log_lines("No program in this guest listens on port 8006 of service 's8006'")) == 1
    # A rule of the kernel could lead the port elsewhere, and only root can see it. So nobody says that it
    # does not work.
    output = " ".join(control.run("status")[1].split())
    assert "no program listens on port 8006 of the guest; it works only if a rule of the kernel (DNAT)" in output
    assert guest.log_lines("it works only if a rule of the kernel (DNAT) leads it elsewhere")
    assert not guest.log_lines("port 8001")


def test_known_without_a_helper(guest):
    guest.listen(8001)
    guest.service("up", "listen = 8001")
    guest.service("down", "listen = 8002")
    guest.start()
    wait_guest(guest, "up", "listening", None)
    wait_guest(guest, "down", "not-listening", 8002)
    # Nothing is forwarded yet, so this is not a problem.
    assert not guest.log_lines("No program in this guest listens")


def test_heartbeats_refresh_it(guest, host):
    """The agent needs no wake-up of its own for this, because the helper's PING wakes it."""
    server = guest.listen(8001)
    guest.service("web", "listen = 8001")
    host.start(heartbeat_ms=200)
    guest.start()
    wait_guest(guest, "web", "listening", None)
    guest.end_server(server)
    wait_guest(guest, "web", "not-listening", 8001)
    server = guest.listen(8001, "127.0.0.1")
    wait_guest(guest, "web", "loopback-only", 8001)
    guest.end_server(server)
    guest.listen(8001)
    wait_guest(guest, "web", "listening", None)


@pytest.mark.parametrize("occasion", ["reload", "file", "address"])
def test_occasions_that_refresh_it_at_once(guest, host, occasion):
    guest.service("web", "listen = 8001")
    host.start()  # the heartbeat is in 30 s
    guest.start()
    wait_guest(guest, "web", "not-listening", 8001)
    guest.listen(8001)
    begin = time.monotonic()
    if occasion == "reload":
        guest.reload()
    elif occasion == "file":
        guest.service("web", "description = A page\nlisten = 8001")
    else:
        guest.new_address()
    wait_guest(guest, "web", "listening", None)
    assert time.monotonic() - begin < 20


def test_listener_on_the_old_address(guest, host):
    guest.listen(8001, guest.address)
    guest.service("web", "listen = 8001")
    host.start()
    guest.start()
    wait_guest(guest, "web", "listening", None)
    guest.new_address()
    wait_guest(guest, "web", "not-listening", 8001)


def test_candidates_follow_the_interfaces(guest):
    guest.start()
    eth0 = {"interface": "eth0", "address": guest.address, "default_route": True, "vmbus": False}
    assert guest.status()["guest"]["candidates"] == [eth0]
    guest.ip("link add docker0 type veth peer name peer1\nlink set docker0 up\n"
             "addr add 172.17.0.1/16 dev docker0\n")
    docker = {"interface": "docker0", "address": "172.17.0.1", "default_route": False,
              "vmbus": False}
    wait_until(lambda: sorted(guest.status()["guest"]["candidates"], key=str) ==
               sorted([docker, eth0], key=str), "both")
    guest.ip("link del docker0\n")
    wait_until(lambda: guest.status()["guest"]["candidates"] == [eth0], "one again")
