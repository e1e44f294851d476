# SPDX-License-Identifier: MIT
"""wslbridge-loopback, of which one call fails: faults.py. That may cost a connection, but every port is open again
soon, and the table of ports is the one in force."""
import os
import re
import secrets
import time

import helpers
from faults import Place, Walk
from guest import GATEWAY, LAN, PREFIX, Guest
from loopback import HostSide, Program, Server, UdpServer
from waiting import patient

FIRST, SECOND, UDP = 8080, 8081, 8090
PATIENCE = patient(20)  # seconds


class LoopbackWalk(Walk):
    def __init__(self, tree, folder, share, **options):
        """@options: as Place has them."""
        guest = self.guest = Guest(tree, folder, name="loopback")
        self.outside = HostSide(guest)
        self.program = Program(tree, guest)
        super().__init__(Place(tree, folder, self.program.exe, share, **options), {"carry": self.carry})
        secret = secrets.token_hex(32)
        guest.key(secret + "\n")
        guest.service("names", f"listen = {UDP}\nprotocol = udp\nconnect = loopback")
        self.host = helpers.TestHost(tree, guest.socket, key=f"{guest.owner()}={secret}",
                                     switch=f"{GATEWAY}/{PREFIX}", adapter=f"{LAN}/24", relay=True)
        self.host.start()
        guest.start()
        guest.wait_helper("connected")
        self.servers = [Server(guest, FIRST), Server(guest, SECOND), UdpServer(guest, UDP)]

    def close(self):
        for server in self.servers:
            server.close()
        self.outside.close()
        self.guest.close()
        self.host.kill()

    def _begin(self):
        self.restarted = False
        if os.path.exists(self.program.log_path):
            os.unlink(self.program.log_path)

    def _end(self):
        if self.program.process:
            self.program.process.kill()
            self.program.process.wait()
            self.program.process = None

    def _log(self):
        return self.program.log()

    def carry(self):
        self.guest.service("web", f"listen = {FIRST}\nconnect = loopback")
        self._wait_table(FIRST)
        self.program.start(**self.place.environment)
        self._wait(lambda: self._answers(FIRST), "the first port")
        self._wait(self._answers_udp, "the port of UDP")
        self.guest.service("web", f"listen = {SECOND}\nconnect = loopback")
        self._wait(lambda: self._answers(SECOND), "the new port")
        self._wait(lambda: not self._answers(FIRST), "the end of the first port")
        self.program.process.terminate()
        assert self.program.process.wait(PATIENCE) in (0, 1), "its end"
        log = self.program.log()
        assert "Sanitizer" not in log and "runtime error" not in log, "a sanitizer has something to say"

    def _wait(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"not within {PATIENCE} s: {what}"
            code = self.program.process.poll()
            if code is not None:
                last = self.program.log().splitlines()[-1:]
                assert not self.restarted and code == 1, f"exit code {code}: {what}"
                assert last and re.search(r"Giving up: \w", last[0]), f"it gives up without a word: {what}"
                self.restarted = True
                self.program.start()
            time.sleep(0.01)

    def _answers(self, port):
        return self.outside.ask(port) == b"127.0.0.1 ping"

    def _answers_udp(self):
        with self.outside.udp(UDP) as s:
            s.settimeout(0.5)
            try:
                s.send(b"ping")
                return s.recv(64) == b"ping"
            except OSError:
                return False

    def _wait_table(self, port):
        path = os.path.join(self.guest.state, "loopback.table")
        end = time.monotonic() + PATIENCE
        while True:
            if os.path.exists(path):
                with open(path, encoding="ascii") as f:
                    if re.search(rf"\b{port}\b", f.read()):
                        return
            assert time.monotonic() < end, "the agent writes no table"
            time.sleep(0.01)
