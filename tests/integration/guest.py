# SPDX-License-Identifier: MIT
"""A guest for the tests: a network namespace with the real agent in it.

    guest = Guest(tree, folder)       a namespace with eth0 10.9.0.2/24, gateway 10.9.0.1; no agent yet
    guest.service("web", "listen = 8080")
    guest.start()
    guest.wait_state("web", "active")
"""
import ctypes
import ipaddress
import itertools
import json
import os
import signal
import socket
import subprocess
import time

import identity
import janitor
import topology
from waiting import patient

ADDRESS = "10.9.0.2"
GATEWAY = "10.9.0.1"
PREFIX = 24
LAN = "192.168.1.20"  # the host's address on its own network
MAX_DELAY = patient(20)  # seconds; nothing takes this long unless something is broken
SYS_PIDFD_GETFD = 438

_numbers = itertools.count(1)


def wait_until(condition, what, seconds=MAX_DELAY):
    """Poll until @condition() is true. Return: its value. @what may be a function, for a text that
    is made when it did not come true."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, \
            f"not within {seconds} s: {what() if callable(what) else what}"
        time.sleep(0.01)


def copy_descriptor(pid, fd):
    """A descriptor of this process for the same open file as @fd of process @pid."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    copy = libc.syscall(SYS_PIDFD_GETFD, pidfd, fd, 0)
    error = ctypes.get_errno()
    os.close(pidfd)
    assert copy >= 0, os.strerror(error)
    return copy


class NotifySocket:
    """The messages that a service manager receives from the agent."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.messages = []

    def poll(self):
        while True:
            try:
                self.messages.append(self.socket.recv(4096, socket.MSG_DONTWAIT).decode())
            except BlockingIOError:
                return self.messages

    def wait(self, text):
        return wait_until(lambda: next((m for m in self.poll() if text in m), None),
                          f"notification {text!r} in {self.messages}")

    def count(self, text):
        return sum(text in m.split("\n") for m in self.poll())

    def forget(self):
        self.poll()
        self.messages = []


class Guest:
    def __init__(self, tree, folder, name="guest"):
        self.exe = os.path.join(tree, "agent", "wslbridge-agent")
        self.name = name
        self.folder = str(folder)
        self.root = os.path.join(self.folder, "root")
        self.state = os.path.join(self.folder, "run")
        self.kept = os.path.join(self.root, "var/lib/wslbridge")
        self.socket = os.path.join(self.folder, "helper")
        self.log_path = os.path.join(self.folder, "log")
        self.wsl = os.path.join(self.folder, "wsl")  # folder of WSL's tools, empty at first
        self.address = ADDRESS
        self.process = None
        self.servers = []
        self.namespace = topology.Namespace(f"{name}{next(_numbers)}")
        os.makedirs(os.path.join(self.root, "etc/wslbridge/services.d"))
        os.makedirs(self.state)
        os.makedirs(self.kept)
        self.agent_conf()
        subprocess.run(["ip", "netns", "add", self.namespace.name], check=True)
        self.ip(f"link set lo up\nlink add eth0 type veth peer name peer0\n"
                f"link set peer0 up\nlink set eth0 up\n"
                f"addr add {ADDRESS}/{PREFIX} dev eth0\nroute add default via {GATEWAY}\n")

    def close(self):
        self.kill()
        for server in list(self.servers):
            self.end_server(server)
        # Tools of an agent that was killed still run: it could not end them.
        janitor.remove_namespace(self.namespace.name)

    # --- network

    def ip(self, lines):
        self.namespace.ip(lines)

    def new_address(self, address=None):
        """Change the address as a renewed lease does: delete the old one, then add the new one, @address or
        the next one."""
        old, self.address = self.address, address or str(ipaddress.ip_address(self.address) + 1)
        self.ip(f"addr del {old}/{PREFIX} dev eth0\naddr add {self.address}/{PREFIX} dev eth0\n"
                f"route replace default via {GATEWAY}\n")
        return self.address

    # --- configuration

    def write(self, path, text, mode=0o644):
        """Write a file below the root; it replaces the old one in one step, as editors do it."""
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        data = text if isinstance(text, bytes) else text.encode()
        fd = os.open(full + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(fd, "wb") as f:
            f.write(data)
        os.rename(full + ".new", full)

    def remove(self, path):
        os.unlink(os.path.join(self.root, path))

    def agent_conf(self, more=""):
        """Write agent.conf, always with 'helper': the default would be a vsock of this machine."""
        self.write("etc/wslbridge/agent.conf", f"[agent]\nhelper = unix:{self.socket}\n{more}")

    def service(self, name, lines):
        self.write(f"etc/wslbridge/services.d/{name}.ini", f"[service]\n{lines}\n")

    def remove_service(self, name):
        self.remove(f"etc/wslbridge/services.d/{name}.ini")

    def owner(self, name=None):
        """The identity under which a helper knows this guest, as the agent with this name has it."""
        with open("/etc/machine-id", encoding="ascii") as f:
            return identity.owner(f.read(), name or self.name)

    def key(self, text, mode=0o600):
        self.write("etc/wslbridge/key", text, mode)

    # --- WSL

    def tool(self, name, script):
        """Write one of WSL's tools as a shell script, in one step, because it may be running."""
        os.makedirs(self.wsl, exist_ok=True)
        path = os.path.join(self.wsl, name)
        fd = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o755)
        with os.fdopen(fd, "w", encoding="utf-8") as f:
            f.write(f"#!/bin/sh\n{script}\n")
        os.rename(path + ".new", path)

    def wsl_mode(self, word, name=None):
        """Write WSL's tools as a running distribution has them."""
        self.tool("wslinfo", f"[ $1 = --networking-mode ] || exit 1\necho '{word}'")
        self.tool("wslpath", f"printf '%s\\n' '\\\\wsl.localhost\\{name or self.name}\\'")
        self.interop()

    def interop(self):
        open(os.path.join(self.wsl, "1_interop"), "w").close()

    def listen(self, port, address="0.0.0.0", family="AF_INET", udp=False):
        """Start a server in the guest. It ends when its standard input ends."""
        opened = (f"socket.socket(socket.{family}, socket.SOCK_DGRAM); s.bind(('{address}', {port}))"
                  if udp else f"socket.create_server(('{address}', {port}), family=socket.{family})")
        script = f"import socket, sys\ns = {opened}\nprint('up', flush=True)\nsys.stdin.read()"
        server = self.namespace.popen("/usr/bin/python3", "-c", script, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        self.servers.append(server)
        assert server.stdout.readline() == "up\n"
        return server

    def end_server(self, server):
        server.stdin.close()
        server.wait(MAX_DELAY)
        server.stdout.close()
        self.servers.remove(server)

    # --- the agent

    def start(self, wait=True, without=(), **environment):
        env = {k: v for k, v in os.environ.items() if k not in ("NOTIFY_SOCKET", "WATCHDOG_USEC")}
        # The tests may run in a WSL distribution; do not use the tools of that one.
        env.update(RUNTIME_DIRECTORY=self.state, STATE_DIRECTORY=self.kept, WSL_DISTRO_NAME=self.name,
                   WSLBRIDGE_WSL_FOLDER=self.wsl)
        env.update(environment)
        for name in without:
            del env[name]
        with open(self.log_path, "ab") as log:
            self.process = self.namespace.popen(self.exe, f"--root={self.root}", env=env,
                                                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            wait_until(self.status, "the first status")
        return self

    def stop(self):
        """End it with SIGTERM. The exit code shows a sanitizer's report or any other failure."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(MAX_DELAY)
        self.process = None
        assert code == 0, self.log()

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def processes(self):
        """The names of all processes in the namespace."""
        names = []
        for pid in self.namespace.pids():
            try:
                with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
                    names.append(f.read().strip())
            except (FileNotFoundError, ProcessLookupError):
                pass  # it has just ended
        return sorted(names)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def check(self, *arguments):
        return subprocess.run([self.exe, f"--root={self.root}", "--check", *arguments],
                              capture_output=True, text=True)

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def log_lines(self, text):
        return [line for line in self.log().splitlines() if text in line]

    def wait_log(self, text):
        return wait_until(lambda: self.log_lines(text),
                          lambda: f"log line with {text!r} in {self.log()}")

    # --- status.json

    def status(self):
        """The status; {} while there is none, or only the one of a killed agent."""
        try:
            with open(os.path.join(self.state, "status.json"), encoding="utf-8") as f:
                status = json.load(f)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        return status if self.process and status["agent"]["pid"] == self.process.pid else {}

    def reported_ipv4(self):
        """The address in the status, or None."""
        return (self.status().get("guest", {}).get("ipv4") or {}).get("address")

    def service_status(self, name):
        return next((s for s in self.status().get("services", []) if s["name"] == name), {})

    def wait_state(self, name, state, seconds=MAX_DELAY):
        wait_until(lambda: self.service_status(name).get("state") == state,
                   lambda: f"service '{name}' {state}: {self.service_status(name)}\n{self.log()}",
                   seconds)

    def wait_helper(self, state):
        wait_until(lambda: self.status().get("helper", {}).get("state") == state,
                   lambda: f"helper {state}: {self.status().get('helper')}\n{self.log()}")

    # --- costs

    def wake_ups(self):
        """How often the process went to sleep."""
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(next(line for line in f if line.startswith("voluntary")).split()[1])
