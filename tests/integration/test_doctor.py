# SPDX-License-Identifier: MIT
"""wslbridgectl doctor in made-up situations, and its output and the tables on terminals of several
widths. tests/unit/agent/ctl/doctor/test-guest-checks.c tests the conclusions themselves."""
import os
import re
import socket
import subprocess
import threading
import time

import pytest

from control import plain
from guest import wait_until


def write(guest, path, text=""):
    full = os.path.join(guest.root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w") as f:
        f.write(text)

STAYS = "[general]\r\ninstanceIdleTimeout=-1\r\n"


@pytest.fixture
def machine(guest):
    """A root with the files of a healthy WSL distribution."""
    write(guest, "proc/1/comm", "systemd\n")
    write(guest, "proc/sys/kernel/osrelease", "5.15.167.4-microsoft-standard-WSL2\n")
    write(guest, "sys/bus/vmbus/devices/x")
    write(guest, "dev/vsock")
    os.makedirs(os.path.join(guest.root, "run/systemd/system"))
    write(guest, "mnt/c/Users/me/.wslconfig", STAYS)
    return guest


@pytest.fixture
def doctor(control):
    def ask():
        code, report = control.json("doctor")
        assert (report["schema"], report["program"]) == (2, "wslbridgectl")
        for finding in report["findings"]:
            assert set(finding) == {"rank", "id", "subject", "seen", "advice"}
            assert finding["seen"] and finding["advice"]
        bad = [f for f in report["findings"] if f["rank"] in ("broken", "problem")]
        assert report["bad"] == bool(bad) and code == (1 if bad else 0)
        return [f["id"] + (f":{f['subject']}" if f["subject"] else "") for f in report["findings"]]

    return ask


def listener(guest, address, port):
    """A listening socket inside the guest."""
    return guest.namespace.popen(
        "/usr/bin/python3", "-c", "import socket, time\n"
        f"s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
        f"s.bind(('{address}', {port})); s.listen(); print(flush=True); time.sleep(600)",
        stdout=-1)


def test_all_is_well(machine, host, control, doctor, program):
    machine.service("web", "listen = 8080")
    host.start()
    machine.start()
    machine.wait_state("web", "active")
    assert doctor() == ["port-silent:web"]
    server = listener(machine, "127.0.0.1", 8080)
    server.stdout.readline()
    assert doctor() == ["port-loopback:web"]
    # The command that it names does what it says, for a service of 'expose'.
    machine.remove_service("web")
    wait_until(lambda: not machine.service_status("web"), "the service is gone")
    assert control.run("expose", "8080", "--name=web")[0] == 0
    said = " ".join(control.run("doctor")[1].split())
    command = re.search(r"sudo wslbridgectl (expose \S+ \S+ --loopback)", said)[1]
    starter = threading.Thread(target=program.start_when_wanted)
    starter.start()
    code = control.run(*command.split())[0]
    starter.join()
    assert code == 0
    assert machine.service_status("web")["options"]["connect"] == "loopback"
    assert control.run("unexpose", "web")[0] == 0
    assert program.ended() == 0
    program.process = None
    machine.service("web", "listen = 8080")
    machine.wait_state("web", "active")
    server.kill()
    server.communicate()
    server = listener(machine, "0.0.0.0", 8080)
    server.stdout.readline()
    try:
        assert doctor() == []
        assert control.run("doctor") == (0, "No problem found; 1 service active "
                                            "(portproxy, the default).\n")
        write(machine, "mnt/c/Users/me/.wslconfig", "[wsl2]\nmemory=4GB\n")
        assert doctor() == ["idle-stop"]
        assert "\n                instanceIdleTimeout=-1\n" in control.run("doctor")[1]
        write(machine, "mnt/c/Users/me/.wslconfig", STAYS)
        # With root=/ below [automount] in /etc/wsl.conf.
        os.rename(os.path.join(machine.root, "mnt/c"), os.path.join(machine.root, "c"))
        write(machine, "proc/self/mounts", "C:\\134 /c 9p rw 0 0\n")
        assert doctor() == []
        write(machine, "proc/uptime", "3.10 2.00\n")
        assert doctor() == []
        write(machine, "proc/uptime", "3600.10 2.00\n")
        assert doctor() == ["idle-stop"]
        assert "has changed since WSL was started" in " ".join(control.run("doctor")[1].split())
    finally:
        server.kill()
        server.communicate()


@pytest.mark.parametrize("script, doubted", [("echo 2.5.6.0", True), ("echo 2.5.7.0", False), ("exit 1", True)])
def test_a_wsl_that_may_not_know_the_timeout(machine, control, script, doubted):
    """One that does not tell its version is older than all that do."""
    write(machine, "mnt/c/Users/me/.wslconfig", STAYS)
    write(machine, "tools/wslinfo", f'#!/bin/sh\n[ "$*" = --wsl-version ] || exit 9\n{script}\n')
    tools = os.path.join(machine.root, "tools")
    os.chmod(os.path.join(tools, "wslinfo"), 0o755)
    said = control.run("doctor", env={"PATH": f"{tools}:{os.environ['PATH']}"})[1]
    assert ("WSL before 2.5.7 may not know how" in " ".join(said.split())) is doubted


def test_drive_that_does_not_answer(machine, host, control, dev_tree, tmp_path):
    """It is named, and the doctor waits neither for the drive nor for who asks it."""
    machine.service("web", "listen = 8080")
    host.start()
    machine.start()
    machine.wait_state("web", "active")
    silent = {"LD_PRELOAD": os.path.join(dev_tree, "tests/faults/libwslbridge-silent-drive.so"),
              "ASAN_OPTIONS": "verify_asan_link_order=0", "SILENT_FILE": str(tmp_path / "silent")}
    begin = time.monotonic()
    code, said = control.run("doctor", env=silent)
    assert time.monotonic() - begin < 5
    assert (tmp_path / "silent").exists()
    assert "drive C: does not answer" in " ".join(said.split()) and "idle" not in said
    assert code == 1 and "port 8080" in said  # what else is wrong


def test_without_an_agent(machine, control, doctor):
    assert doctor() == ["agent-stopped"]
    os.rmdir(os.path.join(machine.root, "run/systemd/system"))
    write(machine, "proc/1/comm", "init\n")
    assert doctor() == ["no-systemd"]
    assert "[boot]" in control.run("doctor")[1]
    machine.remove("etc/wslbridge/agent.conf")  # the default is vsock
    machine.remove("sys/bus/vmbus/devices/x")
    assert doctor() == ["no-hyperv", "no-systemd"]
    write(machine, "sys/bus/vmbus/devices/x")
    machine.remove("dev/vsock")
    assert doctor() == ["no-vsock", "no-systemd"]
    write(machine, "proc/sys/kernel/osrelease", "6.1.0-13-amd64\n")
    assert "[boot]" not in control.run("doctor")[1]
    machine.start(wait=False)  # after a crash, the file stays
    wait_until(machine.status, "the first status")
    machine.kill()
    assert doctor() == ["no-vsock", "no-systemd"]


def test_systemd_in_wsl_conf(machine, control):
    """Advice after a look at the file: not to add what is there already."""
    os.rmdir(os.path.join(machine.root, "run/systemd/system"))
    write(machine, "usr/lib/systemd/systemd")
    write(machine, "etc/wsl.conf", "[boot]\nsystemd=true\n")
    assert "'systemd-sysv'" in control.run("doctor")[1]  # WSL starts /sbin/init
    os.makedirs(os.path.join(machine.root, "sbin"))
    os.symlink("/lib/systemd/systemd", os.path.join(machine.root, "sbin/init"))
    assert "'systemd-sysv'" not in control.run("doctor")[1]
    for text, wanted in (("[boot]\r\nsystemd = true\r\n", "wsl --version"),
                         ("[boot]\nsystemd=false\n", "Change that line"),
                         ("[boot]\nsystemd=yes\n", "Replace that line"),
                         ("# a\n; b\n[boot]\nsystemd=true\n", "Mend line 2 of /etc/wsl.conf"),
                         ("[user]\ndefault=me\n", "Add these lines")):
        write(machine, "etc/wsl.conf", text)
        output = control.run("doctor")[1]
        assert wanted in " ".join(output.split())
        assert ("Add these lines" in output) == (wanted == "Add these lines")


def test_ports_of_containers(machine, host, control, doctor):
    """k3s, or Docker without its proxy, publishes ports without a socket."""
    machine.service("web", "listen = 8080")
    host.start()
    machine.start()
    machine.wait_state("web", "active")
    write(machine, "sys/class/net/docker0/operstate", "down\n")
    write(machine, "sys/class/net/eth0/operstate", "up\n")
    assert doctor() == ["port-silent:web"]
    write(machine, "sys/class/net/cni0/operstate", "up\n")
    assert doctor() == ["port-container:web"]
    assert control.run("doctor")[0] == 0
    assert "(cni0)" in control.run("doctor")[1]


def test_firewall_of_the_guest(machine, host, control, doctor):
    """One hint for all services; none while nobody serves them, or when it is turned off."""
    machine.service("web", "listen = 8080\nconnect-port = 80")
    machine.service("dns", "listen = 5353\nconnect-port = 53")
    host.start()
    machine.start()
    for name in ("web", "dns"):
        machine.wait_state(name, "active")
    write(machine, "etc/ufw/ufw.conf", "# /etc/ufw/ufw.conf\nENABLED=yes\nLOGLEVEL=low\n")
    assert doctor() == ["port-silent:dns", "port-silent:web"]
    servers = [listener(machine, "0.0.0.0", port) for port in (53, 80)]
    try:
        for server in servers:
            server.stdout.readline()
        assert doctor() == ["guest-firewall"]
        code, said = control.run("doctor")
        assert code == 0 and "sudo ufw allow 80/tcp\n" in said and "sudo ufw allow 53/tcp\n" in said
        write(machine, "etc/ufw/ufw.conf", "ENABLED=no\n")
        assert doctor() == []
    finally:
        for server in servers:
            server.kill()
            server.communicate()


def test_how_to_start_the_agent(machine, control):
    """'systemctl' only where systemd runs."""
    start = "'sudo systemctl enable --now wslbridge-agent'"
    assert start in " ".join(control.run("expose", "8080")[1].split())
    assert start in " ".join(control.run("wait", "--timeout=0.1")[1].split())
    os.rmdir(os.path.join(machine.root, "run/systemd/system"))
    for words in (("expose", "8081"), ("wait", "--timeout=0.1")):
        output = control.run(*words)[1]
        assert "systemctl" not in output and "'wslbridgectl doctor'" in output


def test_helper_that_does_not_run(machine, control, doctor):
    machine.service("web", "listen = 8080")
    machine.start()
    assert doctor() == ["helper-silent", "port-silent:web"]
    assert re.search(r"not been connected since 2\d{3}-.*UTC, \d+ s ago: unreachable",
                     control.run("doctor")[1])


def test_not_paired_and_another_key(machine, host, control, doctor, key):
    machine.remove("etc/wslbridge/key")
    host.start()
    machine.start()
    machine.wait_helper("refused")
    assert doctor() == ["not-paired"]
    assert f"\n                .\\wslbridge-helper pair {machine.name}\n" in control.run("doctor")[1]
    machine.key("11" * 32)
    wait_until(lambda: doctor() == ["bad-key"], "the other finding")
    machine.key(key, 0o644)
    wait_until(lambda: doctor() == ["key-problem"], "the key that all can read")


def test_addresses(machine, host, control, doctor):
    host.start()
    machine.start()
    machine.wait_helper("connected")
    machine.ip("addr flush dev eth0\n")
    wait_until(lambda: doctor() == ["no-address"], "the finding")
    machine.ip("addr add 10.77.0.5/24 dev eth0\nroute add 10.9.0.1 dev eth0\n"
               "route add default via 10.9.0.1 dev eth0\n")
    wait_until(lambda: doctor() == ["off-link"], "the finding")
    assert "address 10.77.0.5/24 on eth0, gateway 10.9.0.1" in control.run("doctor")[1]


def test_vpn_that_takes_the_answers(machine, host, control, doctor):
    """The rules of a Tailscale that uses an exit node, and what its setting for local networks changes."""
    host.start()
    machine.start()
    machine.wait_helper("connected")
    assert doctor() == []
    machine.ip("link add tailscale0 type veth peer name exit0\nlink set tailscale0 up\nlink set exit0 up\n"
               "addr add 100.64.0.5/32 dev tailscale0\nroute add default dev tailscale0 table 52\n"
               "rule add pref 5270 lookup 52\n")
    assert doctor() == ["replies-elsewhere"]
    said = control.run("doctor")[1]
    assert "leaves by tailscale0, and not by eth0" in " ".join(said.split())
    command = re.search(r"  ip (route get \S+ from \S+)\n", said)[1]
    assert "dev tailscale0" in machine.namespace.run("ip", *command.split()).stdout
    machine.ip("route add throw 10.9.0.0/16 table 52\n")
    assert doctor() == []
    assert "dev eth0" in machine.namespace.run("ip", *command.split()).stdout


def test_answers_of_the_host(machine, host, doctor):
    host.start()
    machine.start()
    host.command("foreign-set v4tov4 0.0.0.0/8080 10.1.2.3/9090")
    machine.service("web", "listen = 8080")
    machine.service("rdp", "listen = 3389")
    machine.wait_state("web", "conflict")
    machine.wait_state("rdp", "refused")
    assert doctor() == ["service-refused:rdp", "service-conflict:web", "port-silent:rdp",
                        "port-silent:web"]


def test_configuration(machine, host, control, doctor):
    host.start()
    machine.service("bad", "listen = x")
    machine.start()
    machine.wait_helper("connected")
    assert doctor() == ["config-problem"]
    assert "/etc/wslbridge/services.d/bad.ini:2: listen: " in control.run("doctor")[1]
    machine.service("bad", "listen = 8080")
    machine.wait_state("bad", "active")
    machine.service("bad", "listen = y")
    wait_until(lambda: machine.status()["configuration"]["stale"], "the newer text")
    assert doctor() == ["config-stale", "port-silent:bad"]
    assert "what it said before stays in force" in control.run("doctor")[1]


# --- terminals

@pytest.fixture
def scene(machine, host):
    host.start()
    machine.start()
    host.command("foreign-set v4tov4 0.0.0.0/8080 10.1.2.3/9090")
    machine.service("a-service-with-a-long-name-in-the-line", "listen = 8080")
    machine.service("web", "listen = [2001:db8:1111:2222:3333:4444:5555:6666]:9000-9010\n"
                           "connect-port = 8000-8010\ndescription = Übersicht 日本語 " + "x" * 100)
    machine.wait_state("a-service-with-a-long-name-in-the-line", "conflict")
    return machine


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_lines_fit_the_terminal(scene, control, columns):
    for command in ("status", "list", "doctor"):
        _, output = control.on_terminal(command, columns=columns)
        assert "\x1b[" in output
        # A wide character takes two columns. A path is never broken, even if it is longer than a line.
        lines = [re.sub(r"[日本語]", "xx", line) for line in plain(output).splitlines()
                 if " " in line.strip()]
        assert max(map(len, lines)) <= columns, [line for line in lines if len(line) > columns]
        assert max(map(len, lines)) > columns - 25
    assert "…" in control.on_terminal("list", columns=60)[1]
    assert "conflict" in control.on_terminal("status", columns=60)[1]


def test_colours_only_where_they_belong(scene, control):
    red = "\x1b[31mconflict\x1b[0m"
    assert red in control.on_terminal("status")[1]
    assert "\x1b" not in control.on_terminal("status", env={"NO_COLOR": "1"})[1]
    assert red in control.on_terminal("status", env={"NO_COLOR": ""})[1]
    assert "\x1b" not in control.on_terminal("status", env={"TERM": "dumb"})[1]
    assert "\x1b" not in control.run("status", env={"TERM": "xterm"})[1]
    wide = control.run("list")[1]
    assert "x" * 100 in wide and "…" not in wide  # into a pipe nothing is cut


def test_spinner_goes_away(scene, control):
    code, output = control.on_terminal("wait", "--timeout=0.5")
    assert code == 5 and "| waiting until all are active" in output
    assert "waiting" not in plain(output)
    assert "waiting" not in control.run("wait", "--timeout=0.5")[1]
    assert "waiting" not in control.on_terminal("wait", "--timeout=0.5", env={"TERM": "dumb"})[1]


def test_texts_of_a_peer_cannot_control_the_terminal(scene, control):
    """The agent cleans them already; here another program has written the file. It takes the place of
    the link, because the agent may write its own file again at any time."""
    link = os.path.join(scene.root, "run/wslbridge/status.json")
    with open(link) as f:
        text = f.read()
    assert "wslbridge did not make" in text
    with open(link + ".new", "w") as f:
        f.write(text.replace("wslbridge did not make",
                             r"\u001b]0;title\u0007\u009b31m\u202e\r\n evil"))
    os.rename(link + ".new", link)
    for command in (["status"], ["doctor"], ["status", "--json"]):
        output = control.on_terminal(*command, env={"NO_COLOR": "1"})[1]
        assert "evil" in output
        for bad in ("\x1b", "\x07", "\x9b", "‮"):
            assert bad not in output


def test_help_fits_a_screen(control):
    code, output = control.run("--help")
    assert code == 0 and output.count("\n") <= 24
    assert max(map(len, output.splitlines())) <= 80
    assert control.run("--version")[1].startswith("wslbridgectl ")


def test_the_reader_may_leave(scene, control):
    master, slave = socket.socketpair()
    master.close()
    done = subprocess.run(control.command("list"), stdout=slave, stderr=subprocess.PIPE, text=True)
    slave.close()
    assert done.returncode == 1 and done.stderr == ""
