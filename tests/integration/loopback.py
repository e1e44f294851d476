# SPDX-License-Identifier: MIT
"""The way from the host to a service on the guest's loopback.

    host = HostSide(guest)            the other end of the guest's eth0, with the gateway's address
    host.connect(8080)                a connection of the gateway to the guest's published address
    host.connect(8080, STRANGER)      … of another machine on the same network
    program = Program(tree, guest)    wslbridge-loopback, as systemd starts it
    server = Server(guest, 8080)      a listener on 127.0.0.1 of the guest
"""
import contextlib
import os
import resource
import signal
import socket
import subprocess
import threading

import janitor
import topology
import vswitch
from guest import GATEWAY, MAX_DELAY, PREFIX, wait_until

STRANGER = "10.9.0.7"
CLIENTS = 1000


def inside(namespace, function):
    """Call @function in the namespace. A socket stays in the one in which it was created."""
    def call():
        with open(f"/run/netns/{namespace.name}", "rb") as f:
            vswitch._must(vswitch.libc.setns(f.fileno(), vswitch.CLONE_NEWNET), "setns")
        return function()

    return vswitch.in_thread(call)


def make_socket(namespace, kind=socket.SOCK_STREAM, family=socket.AF_INET):
    made = inside(namespace, lambda: socket.socket(family, kind))
    made.settimeout(MAX_DELAY)
    return made


class HostSide:
    def __init__(self, guest):
        self.guest = guest
        self.namespace = topology.Namespace(f"{guest.namespace.role}-host")
        subprocess.run(["ip", "netns", "add", self.namespace.name], check=True)
        guest.ip(f"link set peer0 netns {self.namespace.name}\n")
        self.namespace.ip(f"link set lo up\nlink set peer0 up\naddr add {GATEWAY}/{PREFIX} dev peer0\n"
                          f"addr add {STRANGER}/{PREFIX} dev peer0\n")

    def close(self):
        janitor.remove_namespace(self.namespace.name)

    def connect(self, port, source=GATEWAY, address=None):
        """OSError when it is refused or reset."""
        made = make_socket(self.namespace)
        try:
            made.bind((source, 0))
            made.connect((address or self.guest.address, port))
        except BaseException:
            made.close()
            raise
        return made

    def udp(self, port, source=GATEWAY):
        """A socket of UDP that is connected to a port of the guest."""
        made = make_socket(self.namespace, socket.SOCK_DGRAM)
        made.bind((source, 0))
        made.connect((self.guest.address, port))
        return made

    def flood(self, port, sources):
        """Send a datagram from each of these ports."""
        def send():
            for source in sources:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                    s.bind((GATEWAY, source))
                    s.sendto(b"flood", (self.guest.address, port))

        inside(self.namespace, send)

    def ask(self, port, text=b"ping"):
        """Send it, and return all that comes back, or None when there is no connection."""
        try:
            with self.connect(port) as s:
                s.sendall(text)
                s.shutdown(socket.SHUT_WR)
                return read_all(s)
        except OSError:
            return None

    def wait_answer(self, port, expected=b"127.0.0.1 ping"):
        wait_until(lambda: self.ask(port) == expected, lambda: f"{expected}: {self.ask(port)}")


def read_all(s):
    data = b""
    while piece := s.recv(65536):
        data += piece
    return data


def echo(connection, name):
    """Answer with the own name and everything that came, when the client has ended."""
    connection.sendall(name.encode() + b" " + read_all(connection))


class Server:
    """Listens in the guest, and calls @behave(connection, address) in a thread for each connection."""

    def __init__(self, guest, port, address="127.0.0.1", behave=echo):
        self.address, self.behave = address, behave
        self.listener = make_socket(guest.namespace,
                                    family=socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(128)
        self.listener.settimeout(None)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            self.behave(connection, self.address)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class UdpServer:
    """Answers each datagram with the same, in the guest, as long as .answer is true."""

    def __init__(self, guest, port, address="127.0.0.1"):
        self.address = address
        self.socket = make_socket(guest.namespace, socket.SOCK_DGRAM,
                                  socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.socket.bind((address, port))
        self.socket.settimeout(None)
        self.peers, self.answer = [], True
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            data, peer = self.socket.recvfrom(65535)
            if data == b"end":
                return
            self.peers.append(peer)
            if self.answer:
                self.socket.sendto(data, peer)

    def close(self):
        self.socket.sendto(b"end", self.socket.getsockname())
        self.thread.join(MAX_DELAY)
        self.socket.close()


def allow_descriptors():
    """As many as the unit allows, if the machine does."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 32768), hard))


class Program:
    def __init__(self, tree, guest):
        self.guest = guest
        self.exe = os.path.join(tree, "agent", "wslbridge-loopback")
        self.folder = os.path.join(guest.folder, "loopback")
        self.log_path = os.path.join(guest.folder, "loopback.log")
        self.process = None

    def wanted(self):
        """systemd's path unit waits for this file."""
        return os.path.exists(os.path.join(self.guest.state, "loopback.wanted"))

    def start(self, **more):
        """@more: variables of the environment."""
        os.makedirs(self.folder, exist_ok=True)
        environment = {**os.environ, "RUNTIME_DIRECTORY": self.folder, **more}
        with open(self.log_path, "ab") as log:
            self.process = self.guest.namespace.popen(
                self.exe, f"--agent={self.guest.state}", env=environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, preexec_fn=allow_descriptors)
        return self

    def start_when_wanted(self):
        wait_until(self.wanted, "the table")
        return self.start()

    def ended(self):
        """The exit code, when it has ended by itself."""
        return self.process.wait(MAX_DELAY)

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            code = self.process.wait(MAX_DELAY)
            self.process = None
            assert code == 0, self.log()

    def kill(self):
        """As a crash: systemd removes the folder of a service that has ended."""
        self.process.kill()
        self.process.wait()
        self.process = None
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.folder, "report"))
        os.rmdir(self.folder)

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def wait_log(self, text):
        wait_until(lambda: text in self.log(), lambda: f"{text!r} in {self.log()}")

    def n_sockets(self):
        """It has files open now and then, so they are not counted."""
        folder = f"/proc/{self.process.pid}/fd"
        n = 0
        for fd in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                n += os.readlink(os.path.join(folder, fd)).startswith("socket:")
        return n

    def sleeps(self):
        """How often the process went to sleep."""
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(next(line for line in f if line.startswith("voluntary")).split()[1])


def wait_loopback(guest, name, state):
    wait_until(lambda: (guest.service_status(name).get("loopback") or {}).get("state") == state,
               lambda: f"'{name}' {state}: {guest.service_status(name)}\n{guest.log()}")
