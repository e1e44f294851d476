# SPDX-License-Identifier: MIT
"""The relay follows its table, as a program and as a service."""

import socket
import time

import pytest
from waiting import wait_until

CREATE = 3  # SERVICE_DEMAND_START
STOPPED, RUNNING = 1, 4
STOP, PARAMCHANGE = 1, 6
NAME = "wslbridge-relay"
OWN_PROCESS = 0x10


def is_served(client, port):
    try:
        here = client(port=port)
        here.sendall(b"z")
        return here.recv(1) == b"z"
    except OSError:
        return False


def test_it_reads_while_somebody_writes(prefix, build_win):
    """Nobody's endpoint is closed because another one's value went meanwhile, or because the registry failed;
    the table is read again."""
    done = prefix.run(build_win / "tests/windows/test-relay-reading.exe", check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok ") == 11 and "\n0 failed" in done.stdout


def test_it_follows_the_registry(table, start_relay, serve, client):
    """Endpoints come and go without anybody telling the relay, and the others notice nothing."""
    guest = serve()
    relay = start_relay()  # there is no table yet
    assert not is_served(client, 8080)
    table.set("0.0.0.0/8080", guest)
    wait_until(lambda: is_served(client, 8080), what="the first endpoint")
    stays = client(port=8080)
    stays.sendall(b"1")
    assert stays.recv(1) == b"1"
    table.set("0.0.0.0/8081", guest)
    wait_until(lambda: is_served(client, 8081), what="the second endpoint")
    table.delete("0.0.0.0/8081", guest)
    wait_until(lambda: not is_served(client, 8081), what="its end")
    stays.sendall(b"2")
    assert stays.recv(1) == b"2"
    assert relay.stop() == 0
    assert not is_served(client, 8080)


def test_a_bad_value_is_named_and_costs_nothing_else(table, start_relay, serve, client):
    guest = serve()
    table.set("0.0.0.0/8080", guest)
    table.set("0.0.0.0/8081", "127.0.0.1/1")
    table.set("eight/8082", guest)
    table.set("0.0.0.0/8083", guest, options=" proxy-v9")
    table.registry.set(table.key("0.0.0.0/1", guest, "tcp"), "0.0.0.0/8084", 5)
    table.limit(connections="many")
    relay = start_relay()
    for name in ("0.0.0.0/8081", "eight/8082", "0.0.0.0/8083", "0.0.0.0/8084", "connections"):
        assert any(f"The value '{name}' of the relay's table is left out" in line
                   for line in relay.lines), relay.lines
    assert is_served(client, 8080)


def test_a_port_that_is_taken_is_tried_again(network, table, start_relay, serve, client):
    taken = socket.create_server(("0.0.0.0", 8080))
    table.set("0.0.0.0/8080", serve())
    table.set("0.0.0.0/8081", serve())
    relay = start_relay()
    assert any("Cannot listen on 0.0.0.0:8080," in line for line in relay.lines), relay.lines
    assert is_served(client, 8081)
    taken.close()
    relay.wait_line(r"Listening on 0\.0\.0\.0:8080 at last")
    assert is_served(client, 8080)


def test_all_addresses_and_one_of_them(prefix, build_win):
    """Both are open, whichever comes first, as Windows has it; Linux refuses the second one."""
    done = prefix.run(build_win / "tests/windows/test-relay-sharing.exe", check=False)
    print(done.stdout)
    assert done.returncode == 0
    assert done.stdout.count("ok ") == 2 * 4 + 2 * 9


LOG_BURST, LOG_REFILL = 20, 6  # lines, and seconds for one more; windows-helper/win/log.h


def test_what_comes_again_and_again_does_not_fill_the_log(network, table, start_relay, serve, client):
    """A guest may ask for ports that are taken as often as it likes, and each of its changes is a
    reading of the whole table, in which somebody may have left what is no good."""
    guest = serve()
    taken = [socket.create_server(("0.0.0.0", 8100 + i)) for i in range(60)]
    for i in range(60):
        table.set(f"0.0.0.0/{8100 + i}", guest)
        table.set(f"eight/{8200 + i}", guest)
    started = time.monotonic()
    relay = start_relay()
    for i in range(3):
        table.set(f"0.0.0.0/{8300 + i}", guest)
        wait_until(lambda port=8300 + i: is_served(client, port), what="another reading")
    for text in ("Cannot listen on 0.0.0.0:8", "The value 'eight/8"):
        n = sum(text in line for line in relay.lines)
        most = LOG_BURST + 1 + (time.monotonic() - started) / LOG_REFILL
        assert LOG_BURST <= n <= most, (n, text)
    time.sleep(LOG_REFILL)
    table.set("0.0.0.0/8303", guest)
    relay.wait_line("[0-9]+ lines like the next one were left out")
    for listener in taken:
        listener.close()


def test_tcp_and_udp_have_ports_of_their_own(table, start_relay, serve, serve_udp, client,
                                             udp_client):
    table.set("0.0.0.0/8080", serve())
    table.set("0.0.0.0/8080", serve_udp().endpoint, "udp")
    start_relay()
    assert is_served(client, 8080)
    here = udp_client()
    here.sendto(b"u", ("192.168.50.1", 8080))
    assert here.recv(10) == b"u"


@pytest.fixture
def service(prefix, build_win):
    """Calls svctool with the relay as a service."""
    call = prefix.tool(build_win / "tests/windows", "svctool.exe").call
    exe = build_win / "windows-helper/wslbridge-relay.exe"
    prefix.run("sc", "create", NAME, "type=", "own", "start=", "demand", "binPath=",
               f"\"Z:{str(exe).replace('/', chr(92))}\" run --service")
    yield call
    if call("query", NAME).get("state") == RUNNING:
        call("control", NAME, STOP)
        wait_until(lambda: call("query", NAME).get("state") == STOPPED, 60, "the end", 0.1)
    prefix.run("sc", "delete", NAME)


def test_as_a_service(table, serve, client, service):
    guest = serve()
    table.set("0.0.0.0/8080", guest)
    assert service("start", NAME) == {}
    wait_until(lambda: service("query", NAME).get("state") == RUNNING, 60, "the service", 0.1)
    # STOP, SHUTDOWN, PARAMCHANGE
    assert service("query", NAME)["accepts"] == 0x1 | 0x4 | 0x8
    assert is_served(client, 8080)
    table.set("0.0.0.0/8081", guest)
    assert service("control", NAME, PARAMCHANGE) == {}
    wait_until(lambda: is_served(client, 8081), what="the new endpoint")
    assert service("control", NAME, STOP) == {}
    wait_until(lambda: service("query", NAME).get("state") == STOPPED, 60, "the end", 0.1)
    assert not is_served(client, 8080)
