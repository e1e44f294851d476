# SPDX-License-Identifier: MIT
"""Many services; and an agent that costs nothing while nothing happens."""
import itertools
import os
import time

from guest import wait_until

N = 10_000
MANY_DELAY = 120  # seconds for something with all of them


def test_ten_thousand_services(guest, host):
    write_services(guest, N)
    host.start(max_endpoints=N)
    guest.start()
    wait_until(lambda: len(host.rules()) == N, "all rules", MANY_DELAY)
    guest.wait_state(f"s{N - 1:05}", "active", MANY_DELAY)
    services = guest.status()["services"]
    assert len(services) == N
    assert {s["state"] for s in services} == {"active"}
    address = guest.new_address()
    wait_until(lambda: set(v.split("/")[0] for v in host.rules().values()) == {address},
               "all rules changed", MANY_DELAY)
    assert len(guest.log().splitlines()) < 200  # not one line for each service
    guest.stop()
    wait_until(lambda: host.rules() == {}, "all withdrawn", MANY_DELAY)


def write_services(guest, n):
    folder = os.path.join(guest.root, "etc/wslbridge/services.d")
    for i in range(n):
        with open(os.path.join(folder, f"s{i:05}.ini"), "w") as f:
            f.write(f"[service]\nlisten = {10000 + i}\n")


def test_changes_without_an_end_do_not_hide_the_status(guest, host):
    """The status of so many services takes longer to make than it is from one change to the next."""
    write_services(guest, N)
    host.start(max_endpoints=N)
    guest.start()
    guest.wait_state(f"s{N - 1:05}", "active", MANY_DELAY)
    written, end = set(), time.monotonic() + MANY_DELAY
    for address in itertools.cycle(("10.9.0.101", "10.9.0.102")):  # every few milliseconds
        if len(written) == 4:
            break
        guest.new_address(address)
        written.add(os.stat(os.path.join(guest.state, "status.json")).st_mtime_ns)
        assert time.monotonic() < end, "the status is never written"


def start_alone(guest):
    """The agent looks when something is mounted, and this keeps the mounts of other programs of this
    machine away from it."""
    exe, guest.exe = guest.exe, os.path.join(guest.folder, "alone")
    with open(guest.exe, "w") as f:
        f.write(f'#!/bin/sh\nmount --make-rprivate / && exec {exe} "$@"\n')
    os.chmod(guest.exe, 0o755)
    guest.start()


def wait_quiet(guest, seconds, wake_ups):
    """Wait for that many seconds with so few wake-ups. One that polls is never quiet."""
    def quiet():
        before = guest.wake_ups()
        time.sleep(seconds)
        return guest.wake_ups() - before <= wake_ups

    wait_until(quiet, f"at most {wake_ups} wake-ups in {seconds} s", 10 * seconds)


def test_idle_agent_sleeps(guest, host):
    """Between two heartbeats (30 s) nothing wakes the agent."""
    guest.service("web", "listen = 8080")
    host.start()
    start_alone(guest)
    guest.wait_state("web", "active")
    # At first the kernel is still busy with the new interface's IPv6 addresses.
    wait_quiet(guest, 4, 0)


def test_agent_without_a_helper_sleeps_between_tries(guest):
    start_alone(guest)
    guest.wait_log("Cannot reach the helper")
    time.sleep(4)  # the next tries are seconds apart
    wait_quiet(guest, 2, 2)
