# SPDX-License-Identifier: MIT
"""The unit's sandbox as the kernel sees it. It must not stop anything that the agent does."""
import contextlib
import os
import re

from conftest import AGENT

NET_BIND_SERVICE = 1 << 10
COMM_MAX = 15  # bytes of the name that the kernel keeps of a program


def do_everything(guest):
    """Make the agent do everything that it can do: start, drop-in, address change, reload, a connection
    that is lost and comes back, a service that listens, stop."""
    guest.run(f"systemctl restart {AGENT}")
    guest.wait_connected()
    guest.within(5, guest.drop_in("web", ["listen = 8080"]), guest.is_state("web", "active"))
    # An address in another subnet takes over the default route and then gives it back.
    guest.within(20, "ip addr add 172.28.80.1/20 dev eth0 && "
                     "ip route replace default via 172.28.80.2 dev eth0 && "
                     "ip addr del 172.28.64.10/20 dev eth0",
                 guest.has('.guest.ipv4.address == "172.28.80.1" and .services[0].state == "active"'))
    guest.within(20, "ip addr add 172.28.64.10/20 dev eth0 && "
                     "ip route replace default via 172.28.64.1 dev eth0 && "
                     "ip addr del 172.28.80.1/20 dev eth0",
                 guest.has('.guest.ipv4.address == "172.28.64.10" and .services[0].state == "active"'))
    guest.run(f"systemctl reload {AGENT}")
    guest.stop_host()
    guest.within(20, "true", guest.is_state("web", "pending"))
    guest.start_host()
    guest.within(60, "true", guest.is_state("web", "active"))
    guest.run(f"systemctl stop {AGENT}")


TRACE = "/sys/kernel/tracing"
CALLS, EXEC = f"{TRACE}/events/raw_syscalls", f"{TRACE}/events/sched/sched_process_exec"
EVENT = re.compile(r"^ *(\S.*)-(\d+) .*?: (sys_enter|sys_exit|sched_process_exec): (.*)$", re.MULTILINE)
# EPERM, EACCES, EROFS, ENOSYS, EAFNOSUPPORT: every refusal has one of these, be it from the list of
# calls, of address families or of namespaces, for memory that is both writable and executable, for a
# missing capability or a read-only mount. The audit log has none of them, because systemd asks the
# kernel to log only the calls that end a process.
REFUSALS = " || ".join(f"ret == -{errno}" for errno in (1, 13, 30, 38, 97))
# For each message to the journal and the manager, libsystemd tries SO_SNDBUFFORCE: setsockopt(fd, 1,
# 32 …). Only CAP_NET_ADMIN allows that send buffer, and libsystemd works without it.
SETSOCKOPT, BUFFER = 54, r"sys_enter: NR 54 \(\w+, 1, 20, "


@contextlib.contextmanager
def refused(guest):
    """Gives a list that is filled at the end: (program, line of the trace) for each call in the whole
    guest that the kernel refused in the meantime. Until the first event that a process becomes another
    program, it counts as what it is at the end: so the systemd-executor of systemd 254 and later, which
    becomes the program of a unit, is told from that."""
    found, before, programs = [], {}, {}
    guest.run(f"echo '{REFUSALS}' > {CALLS}/sys_exit/filter; echo > {TRACE}/trace\n"
              f"echo 'id == {SETSOCKOPT}' > {CALLS}/sys_enter/filter; echo 1 > {EXEC}/enable; "
              f"echo 1 > {CALLS}/enable")
    try:
        yield found
    finally:
        lines = guest.run(f"echo 0 > {CALLS}/enable; echo 0 > {EXEC}/enable; cat {TRACE}/trace")
    written = re.search(r"entries-in-buffer/entries-written: (\d+)/(\d+)", lines)
    assert written and written[1] == written[2], "the kernel's buffer was too small"
    for match in EVENT.finditer(lines):
        name, process, event, what = match.groups()
        if event == "sched_process_exec":
            programs[process] = os.path.basename(re.match(r"filename=(\S+)", what)[1])[:COMM_MAX]
        elif event == "sys_exit" and not re.search(BUFFER, before.get(process, "")):
            found.append((programs.get(process, name), match[0].strip()))
        before[process] = match[0]


def systemd_version(guest):
    return int(re.match(r"systemd (\d+)", guest.run("systemctl --version"))[1])


def process(guest, name):
    return dict(re.findall(r"^(\w+):\s*(.*)$", guest.run(f"cat /proc/{guest.pid()}/{name}"),
                           re.MULTILINE))


def test_capabilities_and_filters(guest):
    status = process(guest, "status")
    for kind in ("CapEff", "CapPrm", "CapAmb", "CapInh", "CapBnd"):
        assert int(status[kind], 16) == NET_BIND_SERVICE, f"{kind} {status[kind]}"
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"  # a filter
    assert int(status["Seccomp_filters"]) > 1
    assert status["Uid"].split()[0] not in ("0", "65534")


def test_the_kernel_refuses_no_call(guest):
    """The unit as installed, from its start on."""
    since = guest.moment()
    try:
        with refused(guest) as calls:
            do_everything(guest)
        assert [line for name, line in calls if name in (AGENT, "wslbridgectl")] == []
    finally:
        guest.run(f"systemctl start {AGENT}")
    said = guest.journal(since, "-o cat")
    assert "Configuration loaded" in said
    assert not re.search(r"denied|not permitted|SIGSYS", said, re.IGNORECASE), said


def test_the_check_above_sees_a_refused_call(guest):
    """The unit's own lists, applied to programs that do things that the agent does not do."""
    show = f"systemctl show -P {{}} {AGENT}"
    with refused(guest) as calls:
        for option, command in (("SystemCallFilter", "chroot /usr true"),
                                ("RestrictAddressFamilies", "socat - TCP:127.0.0.1:9")):
            value = guest.run(show.format(option))
            code, said = guest.ask(f"systemd-run --quiet --wait --pipe -p '{option}={value}' "
                                   f"-p SystemCallErrorNumber=EPERM {command}")
            assert code != 0 and "not " in said, said
    found = {name: line for name, line in calls}
    assert "NR 161 = -1" in found["chroot"]
    assert "NR 41 = -97" in found["socat"]


def test_view_of_the_files(guest):
    enter = f"nsenter -t {guest.pid()} -m"
    mounts = {fields[4]: fields[5] for fields in
              (line.split() for line in guest.run(f"cat /proc/{guest.pid()}/mountinfo").splitlines())}
    assert "ro" in mounts["/"].split(","), mounts["/"]
    # The unit asks for /sys to be read-only, and systemd 257 of Debian 13 leaves it writable for root all
    # the same, also with ReadOnlyPaths=/sys. So /sys is not tested on systemd 254 and later. There the agent
    # is kept from writing to it because it is not root.
    if systemd_version(guest) < 254:
        assert "ro" in mounts["/sys"].split(","), mounts["/sys"]
    for path in ("/etc/x", "/usr/x", "/var/x", "/run/wslbridge/x"):
        code, output = guest.ask(f"{enter} touch {path}")
        assert code == 1 and "Read-only" in output, f"{path}: {output}"
    assert guest.run(f"{enter} touch /run/wslbridge/agent/x; "
                     f"{enter} rm /run/wslbridge/agent/x") == ""
    assert guest.run(f"{enter} ls /home /root 2>/dev/null; true").split() == ["/home:", "/root:"]
    devices = guest.run(f"{enter} ls /dev").split()
    assert "vda" not in devices and "null" in devices


def test_only_root_reads_the_key_and_it_arrives(guest):
    assert guest.status()["helper"]["paired"] is True
    uid = process(guest, "status")["Uid"].split()[0]
    assert guest.ask(f"setpriv --reuid {uid} --clear-groups cat /etc/wslbridge/key")[0] == 1


def test_exposure(guest, number):
    """As systemd-analyze counts it for the running service."""
    text = guest.run(f"systemd-analyze security --no-pager {AGENT} | tail -n 1")
    exposure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", text)[1])
    number(f"exposure level {exposure}")
    assert exposure <= 1.3
