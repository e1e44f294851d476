# SPDX-License-Identifier: MIT
"""Programs of others through the relay of wslbridge, while the guest's address changes."""
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios

import pytest
import topology
import vswitch
from stage import Stage
from waiting import wait_until

QUIC_PORT, MOSH_PORT, WEB_PORT, TUNNEL_PORT, ECHO_PORT, NAMES_PORT = 4433, 60001, 8090, 51820, 7007, 5353
HOST = topology.HOST_ADDRESS
UPLOAD, BEGUN = 16 << 20, 1 << 18
PATIENCE = 90


@pytest.fixture(scope="module")
def stage():
    with Stage(goodbye=15000, recovery=20000) as playing:
        playing.add_forwarder()  # the helper looks for it when it starts
        playing.start()
        yield playing


def program(name):
    path = shutil.which(name, path="/usr/sbin:/usr/bin")
    if not path:
        pytest.skip(f"{name} is not installed")
    return path


def publish(stage, name, text):
    stage.add_drop_in(name, f"[service]\n{text}")
    stage.wait_state(name, "active")


def received(stage):
    """Bytes that the guest's adapter has received."""
    return int(stage.net.guest.run("cat", "/sys/class/net/eth0/statistics/rx_bytes").stdout)


def test_an_upload_over_quic_goes_on(stage, tmp_path):
    """HTTP/3 with the client and the server of ngtcp2. The client has one connection, and exits with 0
    when the server has answered its only request. (During a download it sends nothing, so this server would
    not learn its own new address.)"""
    server, client = program("gtlsserver"), program("gtlsclient")
    page, key, certificate = tmp_path / "page", tmp_path / "key", tmp_path / "certificate"
    page.write_bytes(os.urandom(UPLOAD))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-subj", "/CN=guest", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    stage._spawn(stage.net.guest, "quic", server, "-q", "-d", str(tmp_path), "*", str(QUIC_PORT), str(key),
                 str(certificate))
    publish(stage, "quic", f"listen = {QUIC_PORT}\nprotocol = udp\n")
    first = received(stage)
    uploading = stage.net.client.popen(client, "-q", "--exit-on-all-streams-close", "--http-method=POST",
                                       f"--data={page}", HOST, str(QUIC_PORT), f"https://{HOST}:{QUIC_PORT}/page",
                                       stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: received(stage) > first + BEGUN, PATIENCE, "the begin of the upload", gently=False)
        stage.net.change_guest_address()
        assert received(stage) < first + UPLOAD, "it was over too soon to show anything"
        assert uploading.wait(PATIENCE) == 0
        assert received(stage) > first + UPLOAD
    finally:
        uploading.kill()
        uploading.wait()
        stage.remove_drop_in("quic")


class Terminal:
    """A program that runs in a terminal of its own."""

    def __init__(self, namespace, *command, **environment):
        self.end, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = namespace.popen(*command, stdin=theirs, stdout=theirs, stderr=theirs,
                                       env={**os.environ, "TERM": "xterm", **environment})
        os.close(theirs)
        self.seen = b""

    def read(self):
        if select.select([self.end], [], [], 0)[0]:
            self.seen += os.read(self.end, 65536)
        return self.seen

    def say(self, line, answer):
        os.write(self.end, line + b"\r")
        wait_until(lambda: answer in self.read(), PATIENCE, f"{answer} on the screen")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.end)


def test_a_terminal_over_mosh_goes_on(stage):
    server, client = program("mosh-server"), program("mosh-client")
    locale = {"LC_ALL": "C.UTF-8"}
    started = stage.net.guest.run(server, "new", "-i", "0.0.0.0", "-p", str(MOSH_PORT), "--", "/bin/sh", "-c",
                                  "while read word; do echo heard-$word; done",
                                  env={**os.environ, **locale}, stdin=subprocess.DEVNULL)
    key = re.search(rf"MOSH CONNECT {MOSH_PORT} (\S+)", started.stdout).group(1)
    process = int(re.search(r"pid = (\d+)", started.stdout + started.stderr).group(1))
    publish(stage, "mosh", f"listen = {MOSH_PORT}\nprotocol = udp\n")
    terminal = Terminal(stage.net.client, client, HOST, str(MOSH_PORT), MOSH_KEY=key,
                        MOSH_PREDICTION_DISPLAY="never", **locale)
    try:
        terminal.say(b"one", b"heard-one")
        stage.net.change_guest_address()
        terminal.say(b"two", b"heard-two")
    finally:
        terminal.close()
        os.kill(process, signal.SIGKILL)
        stage.remove_drop_in("mosh")


def wireguard_key(folder, name):
    """The file of a new private key, and the public key."""
    private = subprocess.run([program("wg"), "genkey"], check=True, capture_output=True).stdout
    path = folder / name
    path.write_bytes(private)
    public = subprocess.run([program("wg"), "pubkey"], input=private, check=True, capture_output=True).stdout
    return str(path), public.decode().strip()


def open_tunnel(stage, namespace, name, address, key, *peer):
    """One end of a WireGuard tunnel, by the program that needs no module of the kernel."""
    stage._spawn(namespace, name, program("wireguard-go"), "-f", name, env={**os.environ, "LOG_LEVEL": "error"})
    wait_until(lambda: os.path.exists(f"/run/wireguard/{name}.sock"), PATIENCE, f"the tunnel {name}")
    namespace.run("wg", "set", name, "private-key", key, *peer)
    namespace.ip(f"addr add {address}/24 dev {name}\nlink set {name} up\n")


def test_a_tunnel_of_wireguard_goes_on(stage, tmp_path):
    """A connection within the tunnel lives on. What WireGuard had under way is sent again by TCP."""
    ends = {name: f"wsb{name}{os.getpid() % 100000}" for name in ("s", "c")}
    (server_key, server), (client_key, client) = (wireguard_key(tmp_path, name) for name in ends)
    open_tunnel(stage, stage.net.guest, ends["s"], "10.77.0.1", server_key, "listen-port", str(TUNNEL_PORT),
                "peer", client, "allowed-ips", "10.77.0.2/32")
    open_tunnel(stage, stage.net.client, ends["c"], "10.77.0.2", client_key, "peer", server,
                "allowed-ips", "10.77.0.1/32", "endpoint", f"{HOST}:{TUNNEL_PORT}")
    stage._spawn(stage.net.guest, "echo", "socat", f"TCP-LISTEN:{ECHO_PORT},bind=10.77.0.1", "EXEC:cat")
    publish(stage, "tunnel", f"listen = {TUNNEL_PORT}\nprotocol = udp\n")
    inside = stage.net.client.popen("socat", "-", f"TCP:10.77.0.1:{ECHO_PORT},retry=50,interval=0.2",
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    try:
        for word in (b"one\n", b"two\n"):
            inside.stdin.write(word)
            assert select.select([inside.stdout], [], [], PATIENCE)[0], f"no {word} came back"
            assert inside.stdout.readline() == word
            if word == b"one\n":
                stage.net.change_guest_address()
    finally:
        inside.kill()
        inside.wait()
        stage.remove_drop_in("tunnel")


NGINX = """
daemon off; pid {folder}/pid; error_log stderr; worker_processes 1; events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    server {{
        listen 127.0.0.1:{port} proxy_protocol;
        return 200 "$proxy_protocol_addr $proxy_protocol_server_addr $server_addr\\n";
    }}
}}
"""
HAPROXY = """
defaults
    mode http
    timeout client 30s
    timeout server 30s
    timeout connect 30s
frontend proxy
    bind 127.0.0.1:{port} accept-proxy
    http-request return status 200 content-type text/plain lf-string "%[src] %[dst] 127.0.0.1\\n"
"""


def start_carrier(stage):
    """wslbridge-loopback in the guest, as systemd would start it."""
    folder = os.path.join(stage.folder, "loopback")
    os.makedirs(folder, exist_ok=True)
    wait_until(lambda: os.path.exists(f"{stage.state_folder}/loopback.wanted"), PATIENCE, "the table")
    exe = os.path.join(os.path.dirname(stage.agent_exe), "wslbridge-loopback")
    return stage._spawn(stage.net.guest, "loopback", exe, f"--agent={stage.state_folder}",
                        env={**os.environ, "RUNTIME_DIRECTORY": folder})


def socket_in(namespace):
    with open(f"/run/netns/{namespace.name}", "rb") as file:
        made = vswitch.in_namespace(file.fileno(), lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    made.settimeout(1)
    return made


def is_answered(client, server, word):
    """@server answers in the guest; what is lost on the way is sent again."""
    try:
        client.sendto(word, (HOST, NAMES_PORT))
        while True:
            data, peer = server.recvfrom(100)
            server.sendto(b"heard " + data, peer)
            if client.recv(100) == b"heard " + word:
                return True
    except OSError:
        return False


def test_datagrams_for_a_server_on_the_loopback(stage):
    """By the relay and wslbridge-loopback; a client goes on with its socket when the guest's address changes."""
    with socket_in(stage.net.guest) as server, socket_in(stage.net.client) as client:
        server.bind(("127.0.0.1", NAMES_PORT))
        stage.add_drop_in("names", f"[service]\nlisten = {NAMES_PORT}\nprotocol = udp\nconnect = loopback\n")
        carrying = start_carrier(stage)
        stage.wait_state("names", "active")
        try:
            for word in (b"one", b"two", b"three"):
                wait_until(lambda: is_answered(client, server, word),  # pylint: disable=cell-var-from-loop
                           PATIENCE, f"an answer to {word}")
                stage.net.change_guest_address()
        finally:
            stage.remove_drop_in("names")
            wait_until(lambda: carrying.poll() is not None, PATIENCE, "the end of wslbridge-loopback")
    assert carrying.returncode == 0


@pytest.mark.parametrize("name", ["nginx", "haproxy"])
def test_a_server_on_the_loopback_learns_who_the_client_is(stage, tmp_path, name):
    """The relay's header goes through wslbridge-loopback as it is. The server must expect it. The page is still
    there when the guest's address has changed, and still names its client."""
    path = tmp_path / "config"
    config, option = {"nginx": (NGINX, "-c"), "haproxy": (HAPROXY, "-f")}[name]
    path.write_text(config.format(folder=tmp_path, port=WEB_PORT))
    server = stage._spawn(stage.net.guest, name, program(name), option, str(path))
    stage.add_drop_in("own", f"[service]\nlisten = {WEB_PORT}\nconnect = loopback\n"
                             "client-address = proxy-v2\n")
    carrying = start_carrier(stage)
    stage.wait_state("own", "active")
    try:
        for _ in range(3):
            assert stage.wait_page(WEB_PORT) == f"{topology.CLIENT_ADDRESS} {HOST} 127.0.0.1\n"
            stage.net.change_guest_address()
    finally:
        stage.remove_drop_in("own")
        wait_until(lambda: carrying.poll() is not None, PATIENCE, "the end of wslbridge-loopback")
        server.terminate()
        server.wait()
    assert carrying.returncode == 0
