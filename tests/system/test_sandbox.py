# SPDX-License-Identifier: MIT
"""The sandbox that the unit promises, as the kernel sees it, and that nothing of it is in the way."""
import re

from conftest import AGENT

NET_BIND_SERVICE = 1 << 10


def live(guest):
    """A life with all that it does: start, drop-in, address change, reload, a connection lost and a
    new one, a service that listens, stop."""
    guest.run(f"systemctl restart {AGENT}")
    guest.wait_connected()
    guest.within(5, guest.drop_in("web", ["listen = 8080"]), guest.is_state("web", "active"))
    # An alias in another subnet takes the default route along, and gives it back.
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


def denials(guest, since):
    return [line for line in guest.run(
        f"journalctl -k --since=@{since} -o cat; "
        f"journalctl _TRANSPORT=audit --since=@{since} -o cat").splitlines()
        if "SECCOMP" in line.upper()]


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


def test_no_denial_while_all_of_it_works(guest):
    """A call that the filter refuses gets an error and, with audit=1 on the kernel's command line
    and SystemCallLog= of everything that is not allowed, an entry of type SECCOMP."""
    folder = f"/run/systemd/system/{AGENT}.service.d"
    allowed = guest.run(f"systemctl show -P SystemCallFilter {AGENT}")
    assert "connect" in allowed.split()
    # The same filter again, to log instead of only to refuse: '~' lists what is not logged.
    guest.run(f"mkdir -p {folder}; printf '[Service]\\nSystemCallLog=~{allowed}\\n' "
              f"> {folder}/log.conf; systemctl daemon-reload")
    since = guest.moment()
    try:
        live(guest)
        assert denials(guest, since) == []
    finally:
        guest.run(f"rm -r {folder}; systemctl daemon-reload; systemctl start {AGENT}")
    said = guest.journal(since, "-o cat")
    assert "Configuration loaded" in said
    assert not re.search(r"denied|not permitted|SIGSYS", said, re.IGNORECASE), said


def test_the_check_above_sees_a_denial(guest):
    """The same filter, log and search, for a program that is refused: it may not change its root."""
    allowed = guest.run(f"systemctl show -P SystemCallFilter {AGENT}")
    since = guest.moment()
    code, said = guest.ask(f"systemd-run --quiet --wait --pipe -p 'SystemCallFilter={allowed}' "
                           f"-p SystemCallErrorNumber=EPERM -p 'SystemCallLog=~{allowed}' "
                           "chroot /usr true")
    assert code == 125 and "not permitted" in said, said
    assert any('comm="chroot"' in line for line in denials(guest, since))


def test_what_it_sees_of_the_files(guest):
    enter = f"nsenter -t {guest.pid()} -m"
    mounts = {fields[4]: fields[5] for fields in
              (line.split() for line in guest.run(f"cat /proc/{guest.pid()}/mountinfo").splitlines())}
    for path in ("/", "/sys"):
        assert "ro" in mounts[path].split(","), f"{path}: {mounts[path]}"
    for path in ("/etc/x", "/usr/x", "/var/x", "/run/wslbridge/x"):
        code, output = guest.ask(f"{enter} touch {path}")
        assert code == 1 and "Read-only" in output, f"{path}: {output}"
    assert guest.run(f"{enter} touch /run/wslbridge/agent/x; "
                     f"{enter} rm /run/wslbridge/agent/x") == ""
    assert guest.run(f"{enter} ls /home /root 2>/dev/null; true").split() == ["/home:", "/root:"]
    devices = guest.run(f"{enter} ls /dev").split()
    assert "vda" not in devices and "null" in devices


def test_key_is_root_alone_and_arrives(guest):
    assert guest.status()["helper"]["paired"] is True
    uid = process(guest, "status")["Uid"].split()[0]
    assert guest.ask(f"setpriv --reuid {uid} --clear-groups cat /etc/wslbridge/key")[0] == 1


def test_exposure(guest, number):
    """As systemd-analyze counts it, of the service that runs."""
    text = guest.run(f"systemd-analyze security --no-pager {AGENT} | tail -n 1")
    exposure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", text)[1])
    number(f"exposure level {exposure}")
    assert exposure <= 1.3
