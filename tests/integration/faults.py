# SPDX-License-Identifier: MIT
"""One call of the agent fails, during a life that touches everything: start, session, a new address, a new
service file, reload, stop. tests/faults has the library that lets it fail.

    walk = Walk(tree, folder, "0/1")
    while walk.life(): ...          each life has one more failure, at a place where none was before

The rule: whatever fails, the agent ends up in the right state by itself. It may give up only while it
starts, and when there is no memory left. Then it says why and exits with a failure, so that systemd
starts it again, which is what happens here, too.
"""
import os
import re
import secrets
import subprocess
import time

import helpers
from guest import ADDRESS, GATEWAY, LAN, PREFIX, Guest, NotifySocket
from waiting import patient

PATIENCE = patient(20)  # seconds; more than any pause after which the agent tries something once more
ASAN = "verify_asan_link_order=0:exitcode=99"
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LSAN = f"suppressions={TESTS}/faults/leaks.supp:print_suppressions=0"
SERVICES = {
    "web": "listen = 8080\nconnect-port = 80",
    "dns": "listen = 5353\nprotocol = udp",
    "inner": "listen = 9000\nconnect = loopback",
}
OTHER_ADDRESS = "10.9.0.3"
LOADED = "Configuration loaded"


class Lost(AssertionError):
    """The agent did not do what it has to after a failure."""


def source_line(line, program):
    """A line of the stack with its place in the source, where that is ours."""
    module, offset = re.match(r"at (.*) \+(0x[0-9a-f]+)", line).groups()
    if module != "program":
        return f"{os.path.basename(module)} {offset}"
    done = subprocess.run(["addr2line", "-f", "-s", "-e", program, hex(int(offset, 16) - 1)],
                          capture_output=True, text=True)
    return " ".join(done.stdout.split())


class Place:
    """Where the calls of a program fail, and what has failed."""

    def __init__(self, tree, folder, program, share, repeat=1, key=None):
        self.program, self.path = program, os.path.join(folder, "faults")
        self.environment = {
            "LD_PRELOAD": os.path.join(tree, "tests", "faults", "libwslbridge-faults.so"),
            "FAULT_PROGRAM": os.path.basename(program), "FAULT_LOG": self.path,
            "FAULT_SEEN": os.path.join(folder, "seen"), "FAULT_SHARE": share,
            "FAULT_REPEAT": str(repeat), "ASAN_OPTIONS": ASAN, "LSAN_OPTIONS": LSAN,
        }
        if key:
            self.environment["FAULT_KEY"] = key

    def forget(self):
        if os.path.exists(self.path):
            os.unlink(self.path)

    def failed(self):
        """The lines about the call that failed."""
        try:
            with open(self.path, encoding="utf-8") as f:
                lines = f.read().splitlines()
        except FileNotFoundError:
            return []
        return [line for line in lines if not line.startswith("calls ")] \
            if any(line.startswith("failed ") for line in lines) else []

    def failure(self):
        """The same for people."""
        lines = self.failed()
        return "\n".join(lines[:1] + ["    " + source_line(line, self.program) for line in lines[1:]])


class Walk:
    def __init__(self, tree, folder, share, repeat=1, key=None):
        self.folder = str(folder)
        self.tree = tree
        self.guest = Guest(tree, folder, name="faults")
        self.notify_path = os.path.join(self.folder, "notify")
        self.place = Place(tree, self.folder, self.guest.exe, share, repeat, key)
        secret = secrets.token_hex(32)
        self.guest.key(secret + "\n")
        self.guest.wsl_mode("nat")
        self.host = helpers.TestHost(tree, self.guest.socket, key=f"{self.guest.owner()}={secret}",
                                     switch=f"{GATEWAY}/{PREFIX}", adapter=f"{LAN}/24", relay=True,
                                     goodbye_ms=1, recovery_ms=1, heartbeat_ms=1000)
        self.host.start()
        self.lives = self.restarts = 0

    def close(self):
        self.guest.close()
        self.host.kill()

    # --- one life

    def life(self):
        """Return: whether a call has failed in it."""
        self.place.forget()
        for path in (self.guest.log_path, self.notify_path):
            if os.path.exists(path):
                os.unlink(path)
        self.manager = NotifySocket(self.notify_path)
        try:
            self.restarted = False
            self._live()
            self._check_log()
        except (AssertionError, ValueError) as e:  # the latter: a status that is not JSON
            self._clean_up()
            raise Lost(f"{e}\n{self.place.failure()}\nthe log:\n{self.guest.log()}") from e
        finally:
            self.manager.socket.close()
        self.lives += 1
        self.restarts += self.restarted
        return bool(self.place.failed())

    def _live(self):
        guest = self.guest
        for name, lines in SERVICES.items():
            guest.service(name, lines)
        guest.start(wait=False, NOTIFY_SOCKET=self.notify_path, **self.place.environment)
        self._wait(self._right(8080), "the start")
        self._move()
        self._wait(self._right(8080), "the new address")
        guest.service("web", "listen = 8081\nconnect-port = 80")
        self._wait(self._right(8081), "the saved file")
        loaded = len(guest.log_lines(LOADED))
        guest.reload()
        self._wait(lambda: self.restarted or len(guest.log_lines(LOADED)) > loaded, "the reload")
        self._wait(self._right(8081), "the state after the reload")
        guest.process.terminate()
        self._wait(lambda: guest.process.poll() is not None, "the stop", restart=False)
        assert guest.process.returncode == 0 or self._may_give_up(), \
            f"exit code {guest.process.returncode} at the stop"
        guest.process = None
        self._wait(lambda: not self.host.rules(), "the end of the rules", restart=False)

    def _move(self):
        """To the other one of two addresses."""
        old = self.guest.address
        self.guest.address = OTHER_ADDRESS if old == ADDRESS else ADDRESS
        self.guest.ip(f"addr del {old}/{PREFIX} dev eth0\naddr add {self.guest.address}/{PREFIX} dev eth0\n"
                      f"route replace default via {GATEWAY}\n")

    def _clean_up(self):
        """For the next life, after one that went wrong."""
        self.guest.kill()
        self.host.kill()
        self.host.start()

    def _right(self, port):
        """A condition: the host has the rules, the status says so, and the loopback's table is there."""
        guest = self.guest

        def condition():
            rules = {f"0.0.0.0/{port}": f"{guest.address}/80",
                     "0.0.0.0/9000": f"{guest.address}/9000"}
            status = guest.status()
            return self.host.rules() == rules \
                and self.host.rules("relay-udp-v4tov4") == {"0.0.0.0/5353": f"{guest.address}/5353"} \
                and self._status_is_right(status, port) and self._table() and self.manager.count("READY=1")
        return condition

    def _status_is_right(self, status, port):
        if not status or status["guest"]["mode"] != "nat":
            return False
        listens = {s["name"]: (s["state"], [one["listen"].split(":")[1] for one in s["listens"]])
                   for s in status["services"]}
        return listens == {"web": ("active", [str(port)]), "dns": ("active", ["5353"]),
                           "inner": ("active", ["9000"])} \
            and self.guest.reported_ipv4() == self.guest.address \
            and status["helper"]["state"] == "connected" and status["configuration"]["problems"] == []

    def _table(self):
        try:
            with open(os.path.join(self.guest.state, "loopback.table"), encoding="ascii") as f:
                text = f.read()
        except FileNotFoundError:
            return False
        return self.guest.address in text and "9000" in text

    def _wait(self, condition, what, restart=True):
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"not within {PATIENCE} s: {what}"
            if restart and self.guest.process.poll() is not None:
                assert not self.restarted, "it has given up once more"
                assert self._may_give_up(), f"it gave up: {what}"
                self.restarted = True
                self.guest.start(wait=False, NOTIFY_SOCKET=self.notify_path)
            time.sleep(0.005)

    def _may_give_up(self):
        """Whether this was the right end of a process that could not go on."""
        reason = [line for line in self.guest.log().splitlines() if re.search(r": \w.+", line)]
        starting = not self.manager.count("READY=1")
        return self.guest.process.returncode == 1 and reason and \
            (starting or "Cannot allocate memory" in reason[-1])

    def _check_log(self):
        log = self.guest.log()
        assert "Sanitizer" not in log and "runtime error" not in log, "a sanitizer has something to say"
