# SPDX-License-Identifier: MIT
"""Installs, removes and controls the helper as a service in a Wine prefix."""

import os
import signal
import socket

import wsb_client
from waiting import wait_until
from wsb_client import listen_endpoint, service

NAME = "wslbridge-helper"
KEY = bytes(range(100, 132))
OWNER = f"{bytes(range(16)).hex()}/Debian"
V4 = "172.29.0.2/24"
STOPPED, RUNNING = 1, 4
STOP, INTERROGATE, HAND_OVER = 1, 4, 128
LOCKED = 1055  # ERROR_SERVICE_DATABASE_LOCKED


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class InstalledHelper:
    """The service, under Wine's service manager."""

    def __init__(self, prefix, build_win, registry):
        self.prefix, self.registry = prefix, registry
        self.exe = build_win / "windows-helper/wslbridge-helper.exe"
        self.call = prefix.tool(build_win / "tests/windows", "svctool.exe").call
        self.port = free_port()
        self.killed = False

    def install(self, exe=None):
        return self.prefix.run(exe or self.exe, "install", "--transport",
                               f"tcp:127.0.0.1:{self.port}", timeout=120)

    def uninstall(self, *options):
        return self.prefix.run(self.exe, "uninstall", *options, timeout=120)

    def query(self):
        return self.call("query", NAME)

    def control(self, code):
        return self.call("control", NAME, code)

    def wait_state(self, state):
        wait_until(lambda: self.query().get("state") == state, 60, f"state {state}", interval=0.1)

    def ask_to_start(self, name=NAME):
        """Returns the error, 0 for none. Wine's service manager starts one service at a time, and on a busy
        machine it refuses others meanwhile."""
        def asked():
            error = self.call("start", name).get("error", 0)
            return (error,) if error != LOCKED else None

        return wait_until(asked, 60, "a service manager that is not busy")[0]

    def start(self):
        error = self.ask_to_start()
        assert error == 0, f"error {error}"
        self.wait_state(RUNNING)

    def connect(self):
        def attempt():
            try:
                client = wsb_client.Client(self.port, key=KEY)
            except OSError:
                return None
            client.handshake()
            return client

        return wait_until(attempt, 30, "the service listening")

    def kill(self):
        """End the process as a crash would. Windows notices this at once, Wine 8 only when it sends
        the next control to the service."""
        self.killed = True
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.processes(), 10, "the end of the killed process")
        assert self.control(INTERROGATE)["error"] != 0

    def processes(self, exe="wslbridge-helper.exe"):
        """Unix process ids of the installed program."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f, \
                     open(f"/proc/{pid}/environ", "rb") as e:
                    line, environment = f.read(), e.read()
            except OSError:
                continue
            if f"Program Files\\wslbridge\\{exe}".encode() in line and \
               f"WINEPREFIX={self.prefix.path}".encode() in environment:
                found.append(int(pid))
        return found


def serve(helper_service, port=28200):
    client = helper_service.connect()
    result = client.push([service("web", [listen_endpoint(f"127.0.0.1:{port}", 80)])], v4=V4)
    assert result.states() == ["active"], result.services
    return client
