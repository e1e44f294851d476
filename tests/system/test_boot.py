# SPDX-License-Identifier: MIT
"""The boot, measured in the guest: from the kernel's first address until the host has the STATE, and until a
client's first request is answered.

WSL gives a guest its address before it starts systemd, and Windows is there long before. So the guest has
another /sbin/init here, which makes the address, starts the host and then becomes systemd. Beside the agent,
a unit in the same place and with the same sandbox does nothing but say when it runs. All times are of one
clock in one boot, so their ratio says something although the processor is emulated.
"""
import json

import nothing_unit
import pytest
from conftest import ADDRESS, AGENT, KEY, NETWORK, PORT

FOLDER = "/usr/local/boot"
UNITS = "/etc/systemd/system"
EARLIEST = 1.1  # times the time from the first address until the unit that does nothing runs
TRIES = 6       # boots, until one of them is not disturbed by something else on this machine

# The client asks the target of the rule as soon as the host has the rule.
CLIENT = f"""#!/bin/bash
while read -r line; do
    printf '%s\\n' "$line"
    case $line in
    *'"result"'*)
        [ ! -e /run/boot/answer ] || continue
        until exec 3<>/dev/tcp/{ADDRESS}/80; do sleep 0.05; done 2>/dev/null
        read -r answer <&3
        read -r now _ </proc/uptime
        [ "$answer" != 'the guest' ] || echo "$now" >/run/boot/answer
        ;;
    esac
done >>/run/host/answers
"""

# Fills in the identity of the guest. An adapter of QEMU may have the name still that our eth0 needs.
INIT = f"""#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec 3>&2 2>/run/boot.log
mkdir -p /run/boot /run/host
if [ -e /sys/class/net/eth0 ]; then
    ip link set eth0 down
    ip link set eth0 name user0
fi
{NETWORK}
read -r now _ </proc/uptime
echo "$now" >/run/boot/address
modprobe vsock_loopback
mkfifo /run/host/commands
{FOLDER}/wslbridge-test-host --listen vsock:{PORT} --key %s={KEY} --goodbye-ms 500 --recovery-ms 2000 \\
    --events <>/run/host/commands > >({FOLDER}/client) 2>/run/host/log 3>&- &
echo $! >/run/boot/pid
exec /lib/systemd/systemd "$@" 2>&3 3>&-
"""

PAGE = """[Unit]
DefaultDependencies=no
[Service]
ExecStart=/usr/bin/socat TCP-LISTEN:80,reuseaddr,fork SYSTEM:"echo the guest"
[Install]
WantedBy=sysinit.target
"""


@pytest.fixture
def booting(guest):
    """Its next boots are like those of a guest of WSL. The service is the page on port 80."""
    guest.run(guest.drop_in("web", ["listen = 8080", "connect-port = 80"]))
    guest.stop_host()
    agent = guest.run(f"cat /lib/systemd/system/{AGENT}.service")
    nothing = nothing_unit.made_of(agent, "/bin/cat /proc/uptime\nStandardOutput=file:/run/boot/nothing")
    guest.run(f"mkdir -p {FOLDER}; cp /package/test/wslbridge-test-host {FOLDER}")
    for path, text, mode in ((f"{FOLDER}/client", CLIENT, 0o755), (f"{FOLDER}/init", INIT % guest.owner(), 0o755),
                             (f"{UNITS}/nothing.service", nothing, 0o644), (f"{UNITS}/page.service", PAGE, 0o644)):
        guest.write(path, text, mode)
    guest.run("systemctl enable --quiet nothing page")
    guest.run(f"mv /sbin/init {FOLDER}/init.was; cp {FOLDER}/init /sbin/init; sync")
    yield guest
    guest.run(f"rm /sbin/init; mv {FOLDER}/init.was /sbin/init; systemctl disable --quiet --now nothing page; "
              f"rm -r {UNITS}/nothing.service {UNITS}/page.service {FOLDER}; systemctl daemon-reload; "
              "pid=$(cat /run/boot/pid); kill $pid; while kill -0 $pid; do sleep 0.1; done 2>/dev/null; "
              "rm -rf /run/boot /run/host")


def moments(guest):
    """{what: seconds since the start of the kernel}, in the order in which a boot should have them."""
    guest.within(60, "true", "test -s /run/boot/answer")
    events = [json.loads(line) for line in guest.run("cat /run/host/answers").splitlines()]
    address, nothing, answer = (float(guest.run(f"cat /run/boot/{name}").split()[0])
                                for name in ("address", "nothing", "answer"))
    return {"first address": address,
            "the agent's process starts": guest.shown(AGENT, "ExecMainStart"),
            "a unit that does nothing runs": nothing,
            "STATE": next(e["usec"] for e in events if e.get("event") == "state" and e["address"]) / 1e6,
            "RESULT": next(e["usec"] for e in events if e.get("event") == "result") / 1e6,
            "first answered request": answer,
            "multi-user.target": guest.shown("multi-user.target", "ActiveEnter")}


def times_the_earliest(at):
    """What the STATE needs, counted from the first address, as a multiple of what nothing needs."""
    return (at["STATE"] - at["first address"]) / (at["a unit that does nothing runs"] - at["first address"])


def test_the_host_knows_the_guest_early(booting, number):
    guest, ratios = booting, []
    while len(ratios) < TRIES and min(ratios, default=EARLIEST + 1) > EARLIEST:
        guest.machine.reboot()
        at = moments(guest)
        ratios.append(times_the_earliest(at))
        number("boot, seconds since the kernel's start, emulated: "
               + ", ".join(f"{what} {seconds:.2f}" for what, seconds in at.items())
               + f"; STATE after {ratios[-1]:.3f} times the earliest")
        assert at["first address"] < at["STATE"] < at["multi-user.target"]
        assert guest.rules() == {"0.0.0.0/8080": f"{ADDRESS}/80"}
    assert min(ratios) <= EARLIEST, ratios

    with_agent = guest.boot_seconds()
    blame = guest.run("systemd-analyze blame --no-pager | grep wslbridge || true")
    assert AGENT in blame
    sandbox, agent = guest.start_seconds()
    number(f"boot of user space {with_agent:.2f} s with the agent, emulated; "
           f"its share: {'; '.join(' '.join(b.split()) for b in blame.splitlines())}")
    number(f"of that {sandbox:.2f} s until the agent has read its configuration, most of it systemd's "
           f"sandbox, and {agent:.2f} s until it is ready")
