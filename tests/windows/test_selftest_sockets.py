# SPDX-License-Identifier: MIT
"""What the self-test does with Hyper-V sockets, with consent to shut WSL down, and while the machine
sleeps. The sockets are TCP sockets here: tests/windows/tcp-for-hyperv.c."""

import itertools
import os
import re
import signal
import socket
import subprocess
import threading

import pytest
from installed_helper import free_port
from selftest_process import NOTHING, lines, start, verdicts
from waiting import wait_until
from wine_registry import COUNTERS

VM = "7a312c50-1234-5678-9abc-def012345678"
PENDING, IN_USE, ABORTED, NOT_CONNECTED = 997, 10048, 10053, 10057
STATUS_CONNECTION_ABORTED = 0xC0000241


class Distro:
    """Connects to the port until two of its connections were accepted, as the distro's program does once
    wsl.exe was asked to run it. A connection before that could be taken for an accept that another
    step has just given up."""

    def __init__(self, port, calls):
        self.port, self.calls, self.accepted, self.ended = port, calls, 0, threading.Event()
        self.thread = threading.Thread(target=self._connect, daemon=True)
        self.thread.start()

    def _asked(self):
        return self.calls.exists() and "/bin/sh" in self.calls.read_text()

    def _connect(self):
        while self.accepted < 2 and not self.ended.wait(0.02):
            if not self._asked():
                continue
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
                    self.accepted += connection.recv(1) == b""
            except OSError:
                pass

    def wait(self):
        """Until both have come."""
        self.thread.join(60)

    def end(self):
        self.ended.set()
        self.thread.join()


@pytest.fixture
def distro(prefix, registry):
    port = free_port()
    registry.set(COUNTERS, "HypervPort", port)
    calls = prefix.path / "drive_c/wsl-calls.txt"
    calls.unlink(missing_ok=True)
    made = Distro(port, calls)
    yield made
    made.end()
    registry.delete(COUNTERS, "HypervPort")


@pytest.fixture
def sleepy(registry):
    """sleepy(process): the machine sleeps for a minute, again and again, until the process ends. Or Windows
    tells that it has slept, and then again and again that somebody has come."""
    def sleep(process, sign="SleptSeconds", numbers=None):
        for number in numbers or itertools.count(60, 60):
            registry.set(COUNTERS, sign, number)
            try:
                return process.wait(0.5)
            except subprocess.TimeoutExpired:
                pass

    yield sleep
    registry.set(COUNTERS, "SleptSeconds", 0)


def codes(report, key, passing):
    """Those of its lines; None: it was not done."""
    return [x["code"] if x["done"] else None for x in lines(report, key, passing)]


RUNNING = [{"Id": VM, "SystemType": "VirtualMachine", "Owner": "WSL", "RuntimeId": VM, "State": "Running"}]
# A program of wsl.exe runs until its input ends, and long enough to be seen.
PROGRAM = "pause 300\nread WslRead\n"


def test_connections_a_shutdown_and_a_sleep(selftest, wsl, compute, distro, sleepy, tmp_path):
    """The VM runs only with a program of a distro: the self-test keeps one until the service has looked."""
    wsl(b"", then=PROGRAM)
    compute(RUNNING, with_wsl=True)
    path = tmp_path / "report.json"
    with selftest.patient():
        process = selftest.prefix.popen_started(
            selftest.exe, "selftest", "--shutdown", "--watch", "4s", "--report",
            "Z:" + str(path).replace("/", "\\"), errors=tmp_path / "errors",
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        distro.wait()
    assert sleepy(process) == 0
    report = selftest.read(path)
    assert report["ended"] and report["left"] is None
    assert selftest.left() == NOTHING and distro.accepted == 2
    assert codes(report, "store.hold", "user") == codes(report, "store.vm", "user") == [0, 0]
    assert codes(report, "store.vm", "service") == [0]
    held = [re.search("--exec cat|--shutdown", call) for call in distro.calls.read_text().splitlines()]
    assert [x[0] for x in held if x] == ["--exec cat", "--shutdown", "--exec cat"]
    assert selftest.holding() == []
    for key, code in {"hyperv.socket": 0, "hyperv.suspend": 0, "hyperv.acceptex": 0,
                      "hyperv.bind.vm": 0, "hyperv.bind.second": IN_USE,
                      "hyperv.again.vm": 0}.items():
        assert codes(report, key, "user") == codes(report, key, "service") == [code], key
    # The distro is seen in the user's pass, and is gone in the other one.
    assert codes(report, "accept", "user") == [0] and codes(report, "accept", "service") == [None]
    assert codes(report, "accept.context", "user") == [0]
    assert codes(report, "accept.found", "user") == [1]  # no address of a VM in those of TCP
    assert codes(report, "accept.ephemeral", "user") == [1]
    assert codes(report, "accept.again", "user") == [0]
    # WSL is shut down once, and nothing of the sort is done in the service's pass.
    assert codes(report, "life.shutdown", "user") == [0]
    assert "still waits" in lines(report, "life.pending", "user")[0]["text"]
    assert codes(report, "life.next", "user") == [None] and codes(report, "life.cpu", "user") == [0]
    assert codes(report, "life.pending", "service") == [None]
    # The service watches for a sleep, and sees one.
    assert codes(report, "sleep.clocks", "user") == [None]
    slept = [int(re.search(r"has slept for (\d+) s", x["text"])[1])
             for x in lines(report, "sleep.clocks", "service")]
    assert slept and min(slept) >= 59
    wall, biased, unbiased = map(int, re.match(
        r"time of day (\d+) s, GetTickCount64 (\d+) s, unbiased (\d+) s, longest pause \d+ s",
        lines(report, "sleep.both", "service")[0]["text"]).groups())
    assert biased >= unbiased + sum(slept) - 1 and abs(wall - unbiased) <= 2
    assert codes(report, "sleep.event", "service")[0] == 1  # Wine sends none
    assert "still waits" in lines(report, "sleep.pending", "service")[0]["text"]


def test_a_vm_that_does_not_go(selftest, wsl, compute, distro):
    """'wsl --shutdown' has not worked: nothing is known of what a listener is told."""
    wsl(b"", then="exit 1\n")
    compute(RUNNING)
    with selftest.only(7):
        report = selftest.report("--shutdown")
    assert "exit code 1" in lines(report, "life.shutdown", "user")[0]["text"]
    assert codes(report, "life.pending", "user") == [None] and codes(report, "life.early", "user") == []
    assert "the list of VMs does not show" in lines(report, "life.pending", "user")[0]["text"]


SLEEP_STEP = 13


@pytest.fixture
def watched(selftest, compute, distro, registry, tmp_path):
    """watched(before, sleep): starts the self-test, calls before() and then sleep(process), which waits for
    its end. Returns the report."""
    def watch(before, sleep):
        compute(RUNNING)
        path = tmp_path / "report.json"
        with selftest.only(SLEEP_STEP):
            process, _ = start(selftest, "--watch", "6s", "--report", "Z:" + str(path).replace("/", "\\"))
            before()
            assert sleep(process) == 0
            process.stdout.close()
        return selftest.read(path)

    yield watch
    registry.set(COUNTERS, "HypervBind", 0)


def connected(port):
    """The service's accept, which waits for a sleep, has ended."""
    def attempt():
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=20)
        except ConnectionRefusedError:
            return None

    return wait_until(attempt, 60, "a listener")


@pytest.mark.parametrize("stays", [True, False])
def test_sockets_of_a_vm_after_a_sleep(watched, compute, distro, sleepy, registry, stays):
    """Those of a VM that has gone are no dead ones."""
    def before():
        connected(distro.port).close()
        registry.set(COUNTERS, "HypervBind", NOT_CONNECTED)
        if not stays:
            compute([])

    report = watched(before, sleepy)
    found = lines(report, "sleep.listener", "service")
    assert found and all(x["code"] == NOT_CONNECTED if stays else "it has gone" in x["text"] for x in found), found
    assert verdicts(report)["2.6.1"] == ("holds" if stays else "not seen")


def test_no_listener_before_a_sleep(watched, sleepy, registry):
    """So one behind it says nothing."""
    registry.set(COUNTERS, "HypervBind", IN_USE)
    report = watched(lambda: None, sleepy)
    assert codes(report, "sleep.listener", "service") == [None] and verdicts(report)["2.6.1"] == "not seen"
    assert "error 10048" in lines(report, "sleep.listener", "service")[0]["text"]


def test_a_sleep_of_which_only_windows_tells(watched, distro, power, sleepy):
    """As Modern Standby may be: the clocks run on, and services get no event. It is one sleep, however often
    somebody comes."""
    report = watched(lambda: connected(distro.port), lambda process: sleepy(
        process, "Resumed", itertools.chain([1], itertools.count(2, 2))))
    assert codes(report, "sleep.clocks", "service") == [1], lines(report, "sleep.clocks", "service")
    assert verdicts(report)["9.1.2"] == "does not hold"
    assert codes(report, "sleep.pending", "service") == [0] and 0 in codes(report, "sleep.listener", "service")


def test_an_accept_that_ends_although_the_vm_stays(selftest, wsl, compute, distro, registry):
    """The report has its error. It says nothing of what a listener is told when its VM goes."""
    wsl(b"")
    compute(RUNNING)
    registry.set(COUNTERS, "HypervAccept", STATUS_CONNECTION_ABORTED)
    try:
        with selftest.only(7):
            report = selftest.report("--shutdown")
    finally:
        registry.set(COUNTERS, "HypervAccept", 0)
    assert codes(report, "life.early", "user") == [ABORTED]
    assert codes(report, "life.pending", "user") == [None] and verdicts(report)["1.3.6"] == "not seen"
    assert codes(report, "life.next", "user") == [PENDING]


STORE_STEP = 4


def test_the_service_waits_for_a_vm(selftest, wsl, compute, tmp_path):
    """The user's process holds a distro, whose VM may take its time to start anew."""
    wsl(b"", then=PROGRAM)
    compute(RUNNING)
    path = tmp_path / "report.json"
    with selftest.only(STORE_STEP):
        process, until = start(selftest, "--report", "Z:" + str(path).replace("/", "\\"))
        until(f"{STORE_STEP} Registry list of virtual machines (as this user)")
        compute([])
        with selftest.patient():
            wait_until(lambda: "error" not in selftest.services.call("query", "wslbridge-selftest"), 60, "the service")
            assert process.poll() is None
            compute(RUNNING)
            process.stdout.read()
            assert process.wait(60) == 0
    report = selftest.read(path)
    assert codes(report, "store.vm", "service") == [0] and codes(report, "store.lists", "service") == [1]
    assert codes(report, "store.hold", "user") == [0]


@pytest.mark.parametrize("there, held", [(True, 3), (False, 2)])
def test_nothing_waits_for_a_vm_without_a_distro(selftest, compute, request, there, held):
    """wsl.exe says that there is none, and ends; or is not there. The report shows that."""
    if there:
        request.getfixturevalue("wsl")("keine Distributionen\n".encode("utf-16-le"), then="exit 3\n")
    compute([])
    with selftest.only(STORE_STEP), selftest.patient():
        report = selftest.report()
    (hold,) = lines(report, "store.hold", "user")
    assert hold["code"] == held and ("with exit code 3" in hold["text"]) == there
    (vm,) = lines(report, "store.vm", "service")
    assert vm["code"] == 1
    assert max(x["ms"] for x in lines(report, "store.start") + [hold, vm]) < 10000


def test_a_distro_that_does_not_hold(selftest, wsl, compute):
    wsl(b"", then="exit 0\n")
    compute(RUNNING)
    with selftest.only(STORE_STEP):
        report = selftest.report()
    assert codes(report, "store.hold", "user") == [1] and codes(report, "store.vm", "service") == [0]


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_no_distro_is_held_beyond_the_end(selftest, wsl, compute, how):
    wsl(b"", then=PROGRAM)
    compute(RUNNING, with_wsl=True)
    fault = {"WSLBRIDGE_TEST_FAULT": "rule:kill"} if how == "killed" else {}
    process, until = start(selftest, **fault)
    try:
        until("5 Hyper-V sockets")
        assert len(selftest.holding()) == 1
    finally:
        if how == "stopped":
            os.killpg(process.pid, signal.SIGINT)
        process.stdout.read()
        code = process.wait(120)
    assert code == (1 if how == "stopped" else 99)
    wait_until(lambda: selftest.holding() == [], 10, "the end of the program")
    assert selftest.run("--clean")[0] == 0
    assert selftest.left() == NOTHING


def test_a_free_port_without_listening(prefix, build_win):
    """So Windows Firewall does not ask the user (fact 5.1.19)."""
    done = prefix.run(build_win / "tests/windows/test-free-port.exe", check=False)
    assert done.returncode == 0 and "FAILED" not in done.stdout and "ok none is free" in done.stdout, done.stdout


@pytest.mark.parametrize("step, options, asks", [(16, [], True), (8, ["--mapping"], False), (14, [], False),
                                                 (14, ["--mapping"], True)])
def test_a_question_of_the_firewall_is_announced(selftest, step, options, asks):
    """Before the steps that listen on all addresses, as the user only; with the command that takes its
    rules back."""
    with selftest.only(step):
        code, output = selftest.run(*options)
    assert code == 0, output
    before, _, after = output.partition(f"{step} ")
    path = "Z:" + str(selftest.exe.with_name("wslbridge-selftest.exe")).replace("/", "\\")
    command = f'netsh advfirewall firewall delete rule name=all program="{path}"'
    assert output.count("Windows Firewall may ask now") == output.count(command) == int(asks), output
    assert after and (command in before) == asks, output
