# SPDX-License-Identifier: MIT
"""Real servers behind the relay read the PROXY header, and one that does not expect it says so."""

import contextlib
import shutil
import socket
import subprocess

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
"""


@pytest.fixture
def start_server(network, tmp_path):
    processes = []

    def start(program, template, option):
        if not shutil.which(program, path="/usr/sbin:/usr/bin"):
            pytest.skip(f"{program} is not installed")
        config = tmp_path / "config"
        config.write_text(template.format(folder=tmp_path, guest=GUEST))
        processes.append(subprocess.Popen(
            network.command(shutil.which(program, path="/usr/sbin:/usr/bin"), option, config),
            stdin=subprocess.DEVNULL))

        def listens():
            with contextlib.suppress(ConnectionRefusedError), \
                 network.create_socket(GUEST) as probe:
                probe.connect((GUEST, 8000))
                return True
            return False

        wait_until(listens, what=f"{program} listening")

    yield start
    for process in processes:
        process.terminate()
        process.wait(30)


def get(here):
    here.sendall(b"GET / HTTP/1.0\r\nHost: test\r\n\r\n")
    answer = b""
    while data := here.recv(65536):
        answer += data
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode().strip()


@pytest.mark.parametrize("program, template, option", [("nginx", NGINX, "-c"), ("haproxy", HAPROXY, "-f")])
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


def test_a_server_that_does_not_expect_it_answers_with_an_error(table, start_relay, start_server,
                                                                client):
    start_server("nginx", NGINX, "-c")
    table.set(LISTEN, f"{GUEST}/8001", options=" proxy-v2")
    start_relay()
    assert get(client())[0] == 400


def test_a_server_that_expects_it_does_not_serve_without(table, start_relay, start_server, client):
    start_server("nginx", NGINX, "-c")
    table.set(LISTEN, f"{GUEST}/8000")
    start_relay()
    here = client()
    here.sendall(b"GET / HTTP/1.0\r\n\r\n")
    with contextlib.suppress(ConnectionResetError):
        assert here.recv(1000) == b""


def test_a_server_of_another_protocol_reads_the_header_first(table, start_relay, serve, client):
    """It is the first that such a server reads, and begins with empty lines, so that it is no command
    of a text protocol."""
    seen = []

    def read(connection):
        connection.sendall(b"SSH-2.0-test\r\n")
        while data := connection.recv(1000):
            seen.append(data)

    table.set(LISTEN, serve(read), options=" proxy-v2")
    start_relay()
    here = client()
    assert relay_process.receive_exactly(here, 14) == b"SSH-2.0-test\r\n"
    here.shutdown(socket.SHUT_WR)
    assert here.recv(1) == b""
    assert b"".join(seen)[:12] == relay_process.SIGNATURE
