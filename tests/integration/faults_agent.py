# SPDX-License-Identifier: MIT
"""The agent, of which one call fails: faults.py. lives.py says what happens in its lives.

The rule: whatever fails, the agent ends up in the right state by itself. It may give up only while it
starts, and when there is no memory left. Then it says why and exits with a failure, so that systemd
starts it again, which is what happens here, too.
"""
import functools
import os
import re
import secrets
import time

import helpers
from disturbed import Clock
from faults import Place, Walk
from guest import ADDRESS, GATEWAY, LAN, PREFIX, Guest, NotifySocket
from lives import LIVES, WEB
from waiting import patient

PATIENCE = patient(20)  # seconds; more than any pause after which the agent tries something once more
SERVICES = {
    "web": WEB.format(8080),
    "dns": "listen = 5353\nprotocol = udp",
    "inner": "listen = 9000\nconnect = loopback",
}
OTHER_ADDRESS = "10.9.0.3"
WATCHDOG_USEC = 400_000  # a quarter of it is shorter than a life


class AgentWalk(Walk):
    def __init__(self, tree, folder, share, lives=LIVES, **options):
        """@options: as Place has them."""
        self.folder = str(folder)
        self.guest = Guest(tree, folder, name="faults")
        self.notify_path = os.path.join(self.folder, "notify")
        super().__init__(Place(tree, folder, self.guest.exe, share, **options),
                         {live.__name__: functools.partial(live, self) for live in lives})
        self.clock = Clock(self.folder, tree)
        faults, clock = self.place.environment["LD_PRELOAD"], self.clock.environment
        self.place.environment.update(clock, LD_PRELOAD=f"{faults}:{clock['LD_PRELOAD']}")
        secret = secrets.token_hex(32)
        self.guest.key(secret + "\n")
        self.guest.listen(80)
        self.host = helpers.TestHost(tree, self.guest.socket, key=f"{self.guest.owner()}={secret}",
                                     switch=f"{GATEWAY}/{PREFIX}", adapter=f"{LAN}/24", relay=True,
                                     goodbye_ms=1, recovery_ms=1, heartbeat_ms=1000)
        self.host.start()
        self.restarts = 0

    def close(self):
        self.guest.close()
        self.host.kill()
        self.clock.close()

    # --- one life

    def _begin(self):
        for path in (self.guest.log_path, self.notify_path):
            if os.path.exists(path):
                os.unlink(path)
        self.manager = NotifySocket(self.notify_path)
        self.restarted = False
        for name, lines in SERVICES.items():
            self.guest.service(name, lines)
        self.guest.wsl_mode("nat")

    def _end(self):
        self.manager.socket.close()
        self.restarts += self.restarted

    def _clean_up(self):
        self.guest.kill()
        self.host.kill()
        self.host.start()

    def _log(self):
        return self.guest.log()

    # --- what happens in it

    def start(self):
        """In a process that is started after a call has failed, no other one does."""
        more = self.clock.environment if self.place.failed() else {}
        self.manager.forget()
        self.guest.start(wait=False, NOTIFY_SOCKET=self.notify_path, WATCHDOG_USEC=str(WATCHDOG_USEC),
                         **{**self.place.environment, **more})

    def stop(self):
        process = self.guest.process
        process.terminate()
        self.wait(lambda: process.poll() is not None, "the stop", restart=False)
        assert process.returncode == 0 or self._may_give_up(), \
            f"exit code {process.returncode} at the stop"
        self.guest.process = None
        self.wait(lambda: not self.host.rules(), "the end of the rules", restart=False)
        left = [name for folder in (self.guest.state, self.guest.kept) for name in os.listdir(folder)
                if name.endswith(".new")]
        assert not left, f"files that were begun and never finished: {left}"
        log = self._log()
        assert "Sanitizer" not in log and "runtime error" not in log, "a sanitizer has something to say"

    def move(self):
        """To the other one of two addresses."""
        old = self.guest.address
        self.guest.address = OTHER_ADDRESS if old == ADDRESS else ADDRESS
        self.guest.ip(f"addr del {old}/{PREFIX} dev eth0\naddr add {self.guest.address}/{PREFIX} dev eth0\n"
                      f"route replace default via {GATEWAY}\n")

    def wait_news(self, text, n_before, what):
        """Until the log has @text once more than it had, or a new agent has begun with everything as it is."""
        self.wait(lambda: self.restarted or len(self.guest.log_lines(text)) > n_before, what)

    def wait(self, condition, what, restart=True):
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"not within {PATIENCE} s: {what}\n{self.guest.status()}"
            if restart and self.guest.process.poll() is not None:
                assert not self.restarted, "it has given up once more"
                assert self._may_give_up(), f"it gave up: {what}"
                self.restarted = True
                self.start()
            self.manager.poll()  # what nobody takes stops the agent
            time.sleep(0.005)

    # --- what is right

    def right(self, port):
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
        services = {s["name"]: (s["state"], [one["listen"].split(":")[1] for one in s["listens"]], s["guest"])
                    for s in status["services"]}
        return services == {"web": ("active", [str(port)], "listening"),
                            "dns": ("active", ["5353"], "not-listening"),
                            "inner": ("active", ["9000"], "not-listening")} \
            and self.guest.reported_ipv4() == self.guest.address \
            and status["helper"]["state"] == "connected" and status["configuration"]["problems"] == []

    def _table(self):
        try:
            with open(os.path.join(self.guest.state, "loopback.table"), encoding="ascii") as f:
                text = f.read()
        except FileNotFoundError:
            return False
        return self.guest.address in text and "9000" in text

    def mirrored(self):
        """Whether the host forwards nothing, because the guest has the host's addresses."""
        status = self.guest.status()
        states = {s["name"]: s["state"] for s in status.get("services", [])}
        return not self.host.rules() and not self.host.rules("relay-udp-v4tov4") \
            and status and status["guest"]["mode"] == "mirrored" \
            and status["helper"]["state"] == "connected" and self.manager.count("READY=1") \
            and states == {"web": "invalid", "dns": "active", "inner": "withdrawn"}

    def _may_give_up(self):
        """Whether this was the right end of a process that could not go on."""
        reason = [line for line in self.guest.log().splitlines() if re.search(r": \w.+", line)]
        starting = not self.manager.count("READY=1")
        return self.guest.process.returncode == 1 and reason and \
            (starting or "Cannot allocate memory" in reason[-1])
