# SPDX-License-Identifier: MIT
"""Measures the cost of the installed service in a guest like a real one. The tests assert nothing about
speed, because emulation is some ten times slower than a machine."""
import json
import re

from conftest import AGENT

IDLE = 60  # seconds


def switches(guest):
    return int(guest.run(f"awk '/^voluntary_ctxt/ {{ print $2 }}' /proc/{guest.pid()}/status"))


def cpu_usec(guest):
    """The CPU time, which is exact, unlike the ticks of /proc/PID/stat."""
    return int(guest.run("awk '/^usage_usec/ { print $2 }' "
                         f"/sys/fs/cgroup/system.slice/{AGENT}.service/cpu.stat"))


def boot_seconds(guest):
    """The boot time of user space, without the kernel's."""
    text = guest.run("systemd-analyze time")
    match = re.search(r"\+ (?:(\d+)min )?([\d.]+)s \(userspace\)", text)
    return 60 * int(match[1] or 0) + float(match[2])


def test_idle(guest, number):
    guest.within(5, guest.drop_in("web", ["listen = 8080"]), guest.is_state("web", "active"))
    guest.run("sleep 2")
    woken, usec = switches(guest), cpu_usec(guest)
    guest.run(f"sleep {IDLE}", timeout=IDLE + 60)
    woken, usec = switches(guest) - woken, cpu_usec(guest) - usec
    memory = dict(re.findall(r"^(\w+): +(\d+) kB", guest.run(
        f"cat /proc/{guest.pid()}/smaps_rollup"), re.MULTILINE))
    number(f"idle wake-ups in {IDLE} s: {woken}; CPU: {usec / 1000:.1f} ms, emulated "
           f"({usec / 1e6 * 3600 / IDLE:.2f} s an hour)")
    number(f"PSS {memory['Pss']} KiB, RSS {memory['Rss']} KiB, private dirty "
           f"{memory['Private_Dirty']} KiB")
    # There is a heartbeat every 30 s. One more wake-up may fall on an edge or belong to the start.
    assert woken <= 4
    assert int(memory["Rss"]) <= 8192


def test_drop_in_to_result(guest, number):
    """From the moment before the drop-in is saved until the helper has written its answer."""
    took = []
    for n in range(5):
        guest.run(": > /run/host/answers.mark; stat -c %s /run/host/answers > /run/host/answers.mark")
        saved = float(guest.run("cut -d ' ' -f 1 /proc/uptime; "
                                + guest.drop_in(f"n{n}", [f"listen = {8200 + n}"])).split()[0])
        guest.within(5, "true", guest.is_state(f"n{n}", "active"))
        lines = guest.run("tail -c +$(( $(cat /run/host/answers.mark) + 1 )) /run/host/answers")
        events = [json.loads(line) for line in lines.splitlines()]
        result = next(e for e in events if e.get("event") == "result")
        took.append(result["usec"] / 1e6 - saved)
    number("saving a drop-in -> RESULT of the host: "
           + ", ".join(f"{t * 1000:.0f}" for t in sorted(took)) + " ms, emulated")
    assert min(took) > 0  # the answer is to this drop-in


def start_seconds(guest):
    """(time until the agent logs its first line, time from there until it is ready). The first part is
    mostly systemd making the sandbox; the agent logs when it has read its configuration."""
    begin, ready = (int(usec) for usec in guest.run(
        f"systemctl show -P ExecMainStartTimestampMonotonic {AGENT}; "
        f"systemctl show -P ActiveEnterTimestampMonotonic {AGENT}").split())
    entry = json.loads(guest.run(f"journalctl -b -u {AGENT} -o json | grep -m 1 ' started: '"))
    said = int(entry["__MONOTONIC_TIMESTAMP"])
    return (said - begin) / 1e6, (ready - said) / 1e6


def test_boot(guest, number):
    """As systemd counts it, with the agent and without."""
    guest.machine.reboot()
    with_agent = boot_seconds(guest)
    blame = guest.run("systemd-analyze blame --no-pager | grep wslbridge || true")
    assert AGENT in blame
    sandbox, agent = start_seconds(guest)
    guest.run(f"systemctl disable --quiet {AGENT}")
    guest.machine.reboot()
    without = boot_seconds(guest)
    number(f"boot of user space {with_agent:.2f} s with the agent, {without:.2f} s without, "
           f"emulated; its share: {'; '.join(' '.join(b.split()) for b in blame.splitlines())}")
    number(f"of that {sandbox:.2f} s until the agent has read its configuration, most of it systemd's "
           f"sandbox, and {agent:.2f} s until it is ready")
