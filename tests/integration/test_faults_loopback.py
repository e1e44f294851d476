# SPDX-License-Identifier: MIT
"""Each call of wslbridge-loopback that can fail does so once. A failed call may cost a connection, but every
port is open again soon, and the table of ports is the one in force."""
import os
import re
import subprocess
import time

from faults import Place
from loopback import Server, UdpServer
from test_faults import KEY, LONG, enough, parts

FIRST, SECOND, UDP = 8080, 8081, 8090
PATIENCE = 20  # seconds
PARTS = 9  # in each of which are about 20 places


class Life:
    """One life of the program, with one failed call."""

    def __init__(self, guest, outside, program, place):
        self.guest, self.outside, self.program, self.place = guest, outside, program, place
        self.restarted = False

    def wait(self, condition, what):
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

    def answers(self, port):
        return self.outside.ask(port) == b"127.0.0.1 ping"

    def answers_udp(self):
        with self.outside.udp(UDP) as s:
            s.settimeout(0.5)
            try:
                s.send(b"ping")
                return s.recv(64) == b"ping"
            except OSError:
                return False

    def live(self):
        self.guest.service("web", f"listen = {FIRST}\nconnect = loopback")
        self.wait_table(FIRST)
        self.program.start(**self.place.environment)
        self.wait(lambda: self.answers(FIRST), "the first port")
        self.wait(self.answers_udp, "the port of UDP")
        self.guest.service("web", f"listen = {SECOND}\nconnect = loopback")
        self.wait(lambda: self.answers(SECOND), "the new port")
        self.wait(lambda: not self.answers(FIRST), "the end of the first port")
        self.program.process.terminate()
        assert self.program.process.wait(PATIENCE) in (0, 1), "its end"
        log = self.program.log()
        assert "Sanitizer" not in log and "runtime error" not in log, "a sanitizer has something to say"

    def wait_table(self, port):
        path = os.path.join(self.guest.state, "loopback.table")
        end = time.monotonic() + PATIENCE
        while True:
            if os.path.exists(path):
                with open(path, encoding="ascii") as f:
                    if re.search(rf"\b{port}\b", f.read()):
                        return
            assert time.monotonic() < end, "the agent writes no table"
            time.sleep(0.01)


def test_wslbridge_loopback_comes_through_when_any_call_fails(guest, host, outside, program, dev_tree, tmp_path,
                                                              number):
    share, = parts(PARTS)
    place = Place(dev_tree, str(tmp_path), program.exe, share, repeat=100 if LONG else 1, key=KEY)
    guest.service("names", f"listen = {UDP}\nprotocol = udp\nconnect = loopback")
    host.start(relay=True)
    guest.start()
    guest.wait_helper("connected")
    servers = [Server(guest, FIRST), Server(guest, SECOND), UdpServer(guest, UDP)]
    lives = 0
    try:
        while True:
            place.forget()
            if os.path.exists(program.log_path):
                os.unlink(program.log_path)
            life = Life(guest, outside, program, place)
            try:
                life.live()
            except (AssertionError, subprocess.TimeoutExpired) as e:
                raise AssertionError(f"{e}\n{place.failure()}\n{program.log()}") from e
            finally:
                program.process.kill()
                program.process.wait()
                program.process = None
            if not place.failed():
                break
            lives += 1
            if KEY:
                break
    finally:
        for server in servers:
            server.close()
    assert enough(lives), f"only {lives} calls have failed"
    number(f"{lives} lives of wslbridge-loopback, each with one failed call")
