# SPDX-License-Identifier: MIT
"""How long a client is without its page when the guest's address changes, and where the time goes.

The way of a change is cut at what can be seen from outside (the kernel's event, the STATE on its way
into the helper's socket, the client's answers), and at what the helper and the stand-in for iphlpsvc
say about themselves (service/trace.h, fake-iphlpsvc.c). Theirs is another clock, so the distance of
the two is taken at each change. Each stage begins where the one before it ends.
"""
import contextlib
import os
import socket
import struct
import subprocess
import threading
import time

import vswitch
import wine_prefix
from common import TOP
from stage import PAGE_PORT, end
from wine_registry import COUNTERS
from wsb_client import STATE

LISTEN = f"0.0.0.0/{PAGE_PORT}"
WEB = f"[service]\nlisten = 0.0.0.0:{PAGE_PORT}\n"
TURNS = 2                      # of all that is compared
CHANGES = 20                   # of the address, in each turn
INTERVAL_MS = 5                # between two requests of the client, on a quiet machine
POLLING = {1: 5, 5: 2}         # period of a polling script in seconds: changes in a turn
ONCE = 5                       # the period that takes so long that it is in the first turn only
RTMGRP_IPV4_IFADDR, RTM_NEWADDR, ETH_P_IP = 0x10, 20, 0x0800
STAGES = ("the agent: from the kernel's event until the STATE is at the helper's socket",
          "Wine: until the helper has read it",
          "the helper: until the ledger is written",
          "the helper: until the value is written",
          "Wine's service manager: until iphlpsvc's stand-in has the control",
          "the stand-in: until it has read the values",
          "the client: until its first answer")


class Watch:
    """Notes when something was received on a socket in a namespace."""

    def __init__(self, namespace, make, matches):
        with open(f"/run/netns/{namespace.name}", "rb") as n:
            self.socket = vswitch.in_namespace(n.fileno(), make)
        self.matches, self.seen = matches, []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        with contextlib.suppress(OSError):
            while data := self.socket.recv(65536):
                if found := self.matches(data):
                    self.seen.append((time.monotonic(), found))

    def first(self, since, wanted=None):
        return next((t for t, found in self.seen if t >= since and wanted in (None, found)), None)

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def new_address(data):
    """The address in a message of the kernel that says that there is one."""
    kind, = struct.unpack_from("=H", data, 4)
    at = 16 + 8  # behind the headers
    while kind == RTM_NEWADDR and at + 4 <= len(data):
        n, attribute = struct.unpack_from("=HH", data, at)
        if attribute == 2:  # IFA_LOCAL
            return socket.inet_ntoa(data[at + 4:at + 8])
        at += (max(n, 4) + 3) & ~3
    return None


def netlink():
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    s.bind((0, RTMGRP_IPV4_IFADDR))
    return s


def state_to(port):
    def matches(data):
        ip = data[14:]
        if len(ip) < 40 or ip[9] != socket.IPPROTO_TCP:
            return False
        tcp = ip[4 * (ip[0] & 15):]
        payload = tcp[4 * (tcp[12] >> 4):]
        return struct.unpack_from(">H", tcp, 2)[0] == port and len(payload) > 1 and payload[1] == STATE
    return matches


def packets():
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
    s.bind(("lo", ETH_P_IP))
    return s


def clocks():
    """How far the clock of QueryPerformanceCounter() is ahead of the one of this module."""
    return time.clock_gettime(time.CLOCK_MONOTONIC_RAW) - time.monotonic()


class Stages:
    """Cuts the way of each change."""

    def __init__(self, stage):
        self.stage = stage
        self.trace = os.path.join(stage.prefix.path, "drive_c", "iphlpsvc-trace.txt")
        self.kernel = Watch(stage.net.guest, netlink, new_address)
        self.states = Watch(stage.net.host, packets, state_to(stage.helper.port))
        self.times = {what: [] for what in STAGES}

    def close(self):
        self.kernel.close()
        self.states.close()

    def _ticks(self, lines, since):
        """The first line of ticks of which the first is after @since, in seconds of this module."""
        ahead = clocks()
        for line in lines:
            times = [int(t) / 1e7 - ahead if int(t) else None for t in line.split()]
            if times and times[0] and times[0] >= since:
                return times
        return None

    def note(self, address, since, answered):
        """A change that began at @since, and was seen by the client at @answered."""
        event = self.kernel.first(since, address)
        state = self.states.first(event) if event else None
        helper = [line[6:] for line in self.stage.helper.lines if line.startswith("trace ")]
        ours = self._ticks(helper, state - 0.001) if state else None
        with open(self.trace, encoding="ascii") as f:
            theirs = self._ticks(f, ours[2]) if ours and ours[2] else None
        if not theirs:
            return  # somebody was seen too late, or not at all
        received, ledger, value = ours[:3]
        marks = [event, state, received, ledger, value, theirs[0], theirs[2], answered]
        for what, begin, done in zip(STAGES, marks, marks[1:]):
            self.times[what].append(max(0, done - begin) * 1000)


def interval_ms():
    """What Wine can take: requests that it accepts too late pile up, and are all that it does then."""
    return max(INTERVAL_MS, round(INTERVAL_MS * os.getloadavg()[0] / os.cpu_count()))


def ours(stage, stages, progress):
    outages = []
    with stage.probe(PAGE_PORT, interval_ms=interval_ms()) as probe:
        probe.wait_for(stage.net.guest_address, 0)
        for i in range(CHANGES):
            progress(f"outage of the client: change {i + 1} of {CHANGES}")
            since = time.monotonic()
            address, seen, outage = stage.change_address(probe)
            assert seen, "the client did not see its page again"
            outages.append(outage * 1000)
            time.sleep(0.2)
            with probe.news:
                answered = min(s["end"] for s in probe.samples
                               if s["page"] == address and s["end"] >= since)
            stages.note(address, since, answered)
    return outages


def polling(stage, period, changes, progress):
    """The outages of the same changes with a polling script instead of wslbridge."""
    apply_rule = os.path.join(os.path.dirname(stage.tools), "bench", "windows", "apply-rule.exe")
    script = subprocess.Popen(
        [os.path.join(TOP, "tests", "bench", "poll.sh"), str(period), stage.net.guest.name,
         str(PAGE_PORT), *stage.net.host.command(wine_prefix.wine_program("wine64"), apply_rule)],
        env=stage.prefix.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    outages = []
    try:
        stage.wait_rule(LISTEN, f"{stage.net.guest_address}/{PAGE_PORT}")
        stage.wait_page(PAGE_PORT)
        with stage.probe(PAGE_PORT, interval_ms=max(20, interval_ms())) as probe:
            probe.wait_for(stage.net.guest_address, 0)
            for i in range(changes):
                progress(f"in turn, polling every {period} s: change {i + 1} of {changes}")
                # The changes are spread evenly over the period of the script.
                time.sleep(period * (i + 0.5) / changes)
                outages.append(stage.change_address(probe)[2] * 1000)
    finally:
        end(script)
        # What it made is nobody's, and would be in the way of ours.
        stage.registry.delete_rule(LISTEN)
    return outages


def measure(stage, progress):
    """Returns {"ours_ms", "polling_ms": {period: …}, "stages_ms": {stage: …}}."""
    seen = {"ours_ms": [], "polling_ms": {period: [] for period in POLLING}}
    stage.prefix.env["WSLBRIDGE_TEST_TRACE"] = "1"
    stage.proxy.stop()
    stage.registry.set(COUNTERS, "Trace", 1)
    stage.proxy.start()
    stage.start()
    stage.add_drop_in("web", WEB)
    with contextlib.closing(Stages(stage)) as stages:
        for turn in range(TURNS):
            if not stage.agent:
                stage.start_agent()
            stage.wait_state("web", "active")
            stage.wait_page(PAGE_PORT)
            seen["ours_ms"] += ours(stage, stages, progress)
            stage.stop_agent()
            stage.wait_rule(LISTEN, None)
            for period, changes in POLLING.items():
                if turn > 0 and period == ONCE:
                    continue
                seen["polling_ms"][period] += polling(stage, period, changes, progress)
        seen["stages_ms"] = stages.times
    return seen
