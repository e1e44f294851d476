# SPDX-License-Identifier: MIT
"""Real servers behind the relay read the PROXY header, and what those do that do not expect it."""

import contextlib
import os
import shutil
import subprocess
import time

import pytest
import relay_process
from waiting import wait_until

GUEST = "172.29.0.2"
LISTEN = "0.0.0.0/8080"
LISTEN_V6 = "::/8080"

NGINX = """
daemon off; pid {folder}/pid; error_log stderr; worker_processes 1; events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    server {{
        listen {guest}:8000 proxy_protocol;
        listen {guest}:8001;
        return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr\\n";
    }}
}}
"""
HAPROXY = """
global
    stats socket {folder}/stats
defaults
    mode http
    timeout client 30s
    timeout server 30s
    timeout connect 30s
frontend proxy
    bind {guest}:8000 accept-proxy
    http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst]\\n"
frontend plain
    bind {guest}:8001
    http-request return status 200 content-type text/plain string "plain"
"""
PROGRAMS = [("nginx", NGINX, "-c"), ("haproxy", HAPROXY, "-f")]
# The tests do not install it, because it would serve the machine from its next start on.
SSHD = "/usr/sbin/sshd" if os.access("/usr/sbin/sshd", os.X_OK) and os.path.isdir("/run/sshd") else None
NO_SSH = b"Invalid SSH identification string.\r\n"


@pytest.fixture
def run_server(network):
    """run_server(port, command…): in the guest, until the test ends."""
    processes = []

    def run(port, *command):
        processes.append(subprocess.Popen(network.command(*command), stdin=subprocess.DEVNULL))

        def listens():
            with contextlib.suppress(ConnectionRefusedError), \
                 network.create_socket(GUEST) as probe:
                probe.connect((GUEST, port))
                return True
            return False

        wait_until(listens, what=f"{command[0]} listening")

    yield run
    for process in processes:
        process.terminate()
        process.wait(30)


@pytest.fixture
def start_server(run_server, tmp_path):
    def start(program, template, option):
        path = shutil.which(program, path="/usr/sbin:/usr/bin")
        if not path:
            pytest.skip(f"{program} is not installed")
        config = tmp_path / "config"
        config.write_text(template.format(folder=tmp_path, guest=GUEST))
        run_server(8000, path, option, config)

    return start


def without_header(table, relay, target):
    """Let the relay lead to the same server as before, as if it were told nothing of its client."""
    table.set(LISTEN, target)
    relay.wait_line(r"Forwarding 1 endpoints \(1 have changed\)")


def get(here, may_reset=False):
    """@may_reset: the server may end the connection with a part of the request unread. Its answer may be lost
    then, as without a relay, and there is none."""
    here.sendall(b"GET / HTTP/1.0\r\nHost: test\r\n\r\n")
    answer = b""
    with contextlib.suppress(ConnectionResetError if may_reset else ()):
        while data := here.recv(65536):
            answer += data
    if may_reset and not answer:
        return None, ""
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode().strip()


@pytest.mark.parametrize("program, template, option", PROGRAMS)
@pytest.mark.parametrize("listen, to, address", [(LISTEN, "192.168.50.9", "192.168.50.3"),
                                                 (LISTEN_V6, "fd50::9", "fd50::2")])
def test_a_page_that_names_its_client(table, start_relay, start_server, client, program, template,
                                      option, listen, to, address):
    start_server(program, template, option)
    table.set(listen, f"{GUEST}/8000", options=" proxy-v2")
    start_relay()
    here = client(address, to)
    port = here.getsockname()[1]
    assert get(here) == (200, f"{address} {port} {to}")


@pytest.mark.parametrize("program, template, option", PROGRAMS)
def test_a_server_that_does_not_expect_it_answers_with_an_error(table, start_relay, start_server, client,
                                                                program, template, option):
    start_server(program, template, option)
    table.set(LISTEN, f"{GUEST}/8001", options=" proxy-v2")
    relay = start_relay()
    assert get(client(), may_reset=True)[0] in (400, None)
    without_header(table, relay, f"{GUEST}/8001")
    assert get(client())[0] == 200


def test_a_small_server_of_http_ends_the_connection(table, start_relay, run_server, client, tmp_path):
    """It takes the empty line with which the header begins for a request that needs no answer."""
    run_server(8001, "/usr/bin/python3", "-m", "http.server", "-b", GUEST, "-d", tmp_path, "8001")
    table.set(LISTEN, f"{GUEST}/8001", options=" proxy-v2")
    relay = start_relay()
    with contextlib.suppress(ConnectionError):
        here = client()
        here.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert here.recv(1000) == b""
    without_header(table, relay, f"{GUEST}/8001")
    assert get(client())[0] == 200


def test_a_server_that_expects_it_does_not_serve_without(table, start_relay, start_server, client):
    start_server("nginx", NGINX, "-c")
    table.set(LISTEN, f"{GUEST}/8000")
    start_relay()
    here = client()
    here.sendall(b"GET / HTTP/1.0\r\n\r\n")
    with contextlib.suppress(ConnectionResetError):
        assert here.recv(1000) == b""


@pytest.mark.parametrize("program, template, option, page", [
    (*PROGRAMS[0], ""), (*PROGRAMS[1], f"{GUEST} {{port}} {GUEST}")])
def test_a_connection_without_a_client(prefix, build_win, network, start_server, program, template, option, page):
    """Servers take the header with the command LOCAL, and who connects is the client. nginx names only those
    whom a header names."""
    start_server(program, template, option)
    header = bytes.fromhex(prefix.run(build_win / "tests/windows/proxy-header.exe").stdout)
    assert header == relay_process.SIGNATURE + b"\x20\0\0\0"
    with network.create_socket(GUEST) as here:
        here.connect((GUEST, 8000))
        here.sendall(header)
        assert get(here) == (200, page.format(port=here.getsockname()[1]))


def test_no_connection_of_its_own(table, start_relay, serve, client):
    """The relay comes to the guest when a client comes to it: it makes no health checks."""
    seen = []
    target = serve(lambda connection: seen.append(relay_process.receive_proxy_header(connection)))
    table.set(LISTEN, target, options=" proxy-v2")
    relay = start_relay()
    table.set("0.0.0.0/8081", target, options=" proxy-v2")
    relay.wait_line(r"Forwarding 2 endpoints \(1 have changed\)")
    time.sleep(3)
    assert seen == []
    here = client()
    assert here.recv(1) == b""  # the server has read the header, and ends
    assert seen == [("PROXY", here.getsockname()[:2], ("192.168.50.1", 8080))]


def like_sshd(connection):
    """What OpenSSH does until both have said their names (its function kex_exchange_identification())."""
    connection.sendall(b"SSH-2.0-like_sshd\r\n")
    line = b""
    while not line.endswith(b"\n"):
        line += relay_process.receive_exactly(connection, 1)
    connection.sendall(b"keys" if line.startswith(b"SSH-") else NO_SSH)


@pytest.fixture
def real_sshd(tmp_path):
    """For one connection, as from inetd."""
    key, config = tmp_path / "key", tmp_path / "config"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    config.write_text(f"HostKey {key}\n")
    return lambda connection: subprocess.run([SSHD, "-i", "-f", config], stdin=connection, stdout=connection,
                                             stderr=subprocess.DEVNULL, check=False)


@pytest.mark.parametrize("server", ["like_sshd"] + ["real_sshd"] * bool(SSHD))
def test_sshd_ends_the_connection(table, start_relay, serve, client, request, server):
    """The header is the first that it reads, and is not the name of a client."""
    target = serve(like_sshd if server == "like_sshd" else request.getfixturevalue(server))
    table.set(LISTEN, target, options=" proxy-v2")
    relay = start_relay()
    here, seen = client(), b""
    with contextlib.suppress(ConnectionError):
        here.sendall(b"SSH-2.0-test\r\n")
        while data := here.recv(1000):
            seen += data
    name, _, rest = seen.partition(b"\r\n")  # of which some may be lost when it ends
    assert name[:8] == b"SSH-2.0-"[:len(name)] and NO_SSH.startswith(rest)
    without_header(table, relay, target)
    here, seen = client(), b""
    here.sendall(b"SSH-2.0-test\r\n")
    while not seen.endswith(b"\r\n"):
        seen += relay_process.receive_exactly(here, 1)
    assert seen.startswith(b"SSH-2.0-")
    assert here.recv(1000) not in (b"", NO_SSH)  # it goes on, with its keys
