# SPDX-License-Identifier: MIT
"""What a service manager sees. The agent also runs without one."""
import json
import os
import re
import signal
import subprocess
import threading
import time

from guest import MAX_DELAY, wait_until


def test_ready_status_reload_stop(guest, host, manager):
    guest.service("web", "listen = 8080")
    guest.start(NOTIFY_SOCKET=manager.path)
    manager.wait("READY=1")  # without any helper
    assert manager.wait("STATUS=10.9.0.2 on eth0; helper not connected; 0 of 1 services active")
    host.start()
    manager.wait("STATUS=10.9.0.2 on eth0; helper connected; 1 of 1 services active")

    manager.forget()
    guest.reload()
    reloading = manager.wait("RELOADING=1")
    assert "MONOTONIC_USEC=" in reloading
    manager.wait("READY=1")
    order = "".join(manager.messages)
    assert order.index("RELOADING=1") < order.index("READY=1")

    manager.forget()
    guest.stop()
    assert manager.count("STOPPING=1") == 1


def test_ready_even_without_an_address(guest, manager):
    guest.ip("addr flush dev eth0\n")
    guest.start(NOTIFY_SOCKET=manager.path)
    manager.wait("READY=1")
    assert manager.wait("STATUS=no address (")


def test_watchdog_is_fed_and_stops_when_the_agent_hangs(guest, manager):
    guest.start(NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="400000")
    wait_until(lambda: manager.count("WATCHDOG=1") >= 3, "three pings")
    guest.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, guest.process.pid, os.WSTOPPED)
    manager.forget()
    time.sleep(0.8)
    assert manager.count("WATCHDOG=1") == 0
    guest.process.send_signal(signal.SIGCONT)
    wait_until(lambda: manager.count("WATCHDOG=1") >= 1, "pings again")


def test_foreground_without_systemd(guest, host):
    """There is no notification socket and no runtime directory, and Ctrl-C ends the agent."""
    guest.service("web", "listen = 8080")
    host.start()
    guest.start()
    guest.wait_state("web", "active")
    guest.process.send_signal(signal.SIGINT)
    assert guest.process.wait(MAX_DELAY) == 0
    guest.process = None
    assert guest.status() == {}  # no old file that misleads anybody
    host.wait_rules({})


def test_status_directory_that_cannot_be_written(guest, host):
    """The agent reports it once and does its work."""
    guest.service("web", "listen = 8080")
    os.rmdir(guest.state)
    open(guest.state, "w").close()
    host.start()
    guest.start(wait=False)
    host.wait_rules({"0.0.0.0/8080": "10.9.0.2/8080"})
    guest.new_address()
    host.wait_rules({"0.0.0.0/8080": f"{guest.address}/8080"})
    assert len(guest.log_lines("Cannot write")) == 1


def test_without_privileges(guest, host, tmp_path):
    """An ordinary user can run the agent too: it needs only netlink and the socket."""
    guest.service("web", "listen = 8080")
    guest.remove("etc/wslbridge/key")
    host.options.pop("key")
    host.start(no_pairing=True)
    for path in (guest.folder, guest.state, guest.socket, guest.log_path):
        if os.path.exists(path):
            os.chmod(path, 0o777)
    parent = tmp_path.parent
    while parent != parent.parent and parent.stat().st_uid == 0 and str(parent) != "/tmp":
        parent.chmod(0o755)
        parent = parent.parent
    exe, guest.exe = guest.exe, "setpriv"
    command = guest.namespace.command("setpriv", "--reuid=65534", "--regid=65534",
                                      "--clear-groups", exe, f"--root={guest.root}")
    env = {**os.environ, "RUNTIME_DIRECTORY": guest.state, "WSL_DISTRO_NAME": "plain"}
    with open(guest.log_path, "ab") as log:
        guest.process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    guest.wait_state("web", "active")


def test_started_without_standard_files(guest, host):
    """Otherwise the first socket would be descriptor 0, 1 or 2 and receive the lines of the log."""
    guest.service("web", "listen = 8080")
    guest.remove("etc/wslbridge/key")
    host.options.pop("key")
    host.start(no_pairing=True)
    exe, guest.exe = guest.exe, os.path.join(guest.folder, "bare")
    with open(guest.exe, "w") as f:
        f.write(f'#!/bin/sh\nexec {exe} "$@" <&- >&- 2>&-\n')
    os.chmod(guest.exe, 0o755)
    guest.start()
    guest.wait_state("web", "active")
    guest.new_address()
    host.wait_rules({"0.0.0.0/8080": f"{guest.address}/8080"})
    assert guest.status()["counters"]["connects"] == 1


def test_agent_survives_a_log_that_nobody_reads(guest, host):
    """For example the other end of a shell's pipe is gone; the agent keeps its rules."""
    guest.service("web", "listen = 8080")
    host.start()
    open(guest.log_path, "w").close()
    reader, writer = os.pipe()
    env = {**os.environ, "RUNTIME_DIRECTORY": guest.state, "WSL_DISTRO_NAME": guest.name}
    guest.process = guest.namespace.popen(guest.exe, f"--root={guest.root}", env=env, stderr=writer)
    os.close(writer)
    guest.wait_state("web", "active")
    os.close(reader)
    host.wait_rules({"0.0.0.0/8080": f"{guest.new_address()}/8080"})  # this also writes a line to the log
    host.wait_rules({"0.0.0.0/8080": f"{guest.new_address()}/8080"})
    guest.stop()


def test_stderr_has_levels_for_a_service_manager(guest):
    guest.start()
    guest.wait_log("Cannot reach the helper")
    assert all(line[0] == "<" and line[2] == ">" for line in guest.log().splitlines())


def test_one_line_per_change_not_per_try(guest, host):
    guest.service("web", "listen = 8080")
    guest.start()
    time.sleep(2.5)  # four tries or more
    assert len(guest.log_lines("Cannot reach the helper")) == 1
    host.start()
    guest.new_address()
    guest.wait_state("web", "active")
    host.kill()
    guest.wait_helper("waiting")
    time.sleep(2)
    host.start()
    guest.wait_state("web", "active")
    assert len(guest.log_lines("Cannot reach the helper")) == 1
    assert len(guest.log_lines("Lost the helper")) == 1
    assert len(guest.log_lines("Connected to the helper")) == 2
    assert len(guest.log_lines("Service 'web' is active")) == 1  # the same answer again is not logged
    assert len(guest.log_lines("Address is")) == 2


def test_status_is_never_seen_half_written(connected):
    guest, host = connected
    path = os.path.join(guest.state, "status.json")
    problems, reads, stop = [], [], threading.Event()

    def read():
        while not stop.is_set():
            try:
                with open(path, encoding="utf-8") as f:
                    reads.append(json.load(f)["written"]["time"])
            except (OSError, ValueError, KeyError) as e:
                problems.append(e)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(30):
        guest.new_address()
        time.sleep(0.03)
    stop.set()
    reader.join()
    assert not problems and len(set(reads)) > 5, problems
    wait_until(lambda: sorted(os.listdir(guest.state)) == ["lock", "status.json"],
               "the end of the last writing")


def test_contents_of_the_status(connected):
    guest, host = connected
    guest.service("web", "description = The page\nlisten = 8080\nlisten = 9000-9001\n"
                         "listen = [::]:80\nconnect-port = 80")
    wait_until(lambda: guest.service_status("web")["description"] == "The page"
               or guest.status()["configuration"]["problems"], "the new text")
    status = guest.status()
    assert status["schema"] == 1
    assert status["agent"]["pid"] == guest.process.pid
    assert status["guest"]["interface"] == "eth0"
    assert status["guest"]["ipv4"] == {"address": "10.9.0.2", "prefix": 24, "gateway": "10.9.0.1"}
    assert status["guest"]["mode"] == "unknown"
    assert status["helper"]["address"] == f"unix:{guest.socket}"
    assert status["helper"]["connected"] is True and status["helper"]["software"]
    assert status["helper"]["since"]["time"].endswith("Z")
    assert status["helper"]["since"]["monotonic_usec"] <= status["written"]["monotonic_usec"]
    assert set(status["counters"]) == {"events", "dumps", "lost", "failed_dumps", "connects"}


def watched(guest):
    """The inodes that the agent watches with inotify."""
    folder = f"/proc/{guest.process.pid}/fdinfo"
    lines = ""
    for fd in os.listdir(folder):
        try:
            with open(os.path.join(folder, fd)) as f:
                lines += f.read()
        except FileNotFoundError:
            pass  # it has just been closed
    return {int(inode, 16) for inode in re.findall(r"^inotify .*?\bino:([0-9a-f]+)", lines, re.M)}


def test_writing_the_status_does_not_wake_the_agent(guest, host):
    """The service runs like this: /run/wslbridge belongs to root and is watched, and the status is in a
    folder below it. The files that root puts there count, and they stay after the stop."""
    run = os.path.join(guest.root, "run/wslbridge")
    guest.state = os.path.join(run, "agent")
    os.makedirs(os.path.join(run, "services.d"))
    os.makedirs(guest.state)
    os.symlink("agent/status.json", os.path.join(run, "status.json"))
    host.start()
    guest.start()
    guest.write("run/wslbridge/services.d/web.ini", "[service]\nlisten = 8080\n")
    guest.wait_state("web", "active")

    inodes = watched(guest)
    assert {os.stat(run).st_ino, os.stat(os.path.join(run, "services.d")).st_ino} <= inodes
    assert os.stat(guest.state).st_ino not in inodes
    before = os.stat(run).st_mtime_ns
    host.wait_rules({"0.0.0.0/8080": f"{guest.new_address()}/8080"})
    wait_until(lambda: guest.reported_ipv4() == guest.address, "the new status")
    assert os.stat(run).st_mtime_ns == before  # no entry came or went, so there was no event
    with open(os.path.join(run, "status.json"), encoding="utf-8") as f:
        assert json.load(f)["agent"]["pid"] == guest.process.pid

    guest.stop()
    assert sorted(os.listdir(run)) == ["agent", "services.d", "status.json"]
    assert os.listdir(os.path.join(run, "services.d")) == ["web.ini"]
    assert os.listdir(guest.state) == []


def test_started_by_hand_where_the_service_is_installed(guest):
    """The agent finds the link that tmpfiles made and writes to its target instead of replacing it."""
    exe, guest.exe = guest.exe, os.path.join(guest.folder, "by-hand")
    with open(guest.exe, "w") as f:
        f.write("#!/bin/sh\nunset RUNTIME_DIRECTORY\n"
                "mount -t tmpfs none /run && mkdir /run/wslbridge || exit 1\n"
                "ln -s agent/status.json /run/wslbridge/status.json\n"
                f'umask 077\nexec {exe} "$@"\n')
    os.chmod(guest.exe, 0o755)
    guest.start(wait=False)
    # The namespace has its own mounts. This is the guest's /run, seen from here.
    guest.state = os.path.join("/proc", str(guest.process.pid), "root", "run/wslbridge")
    wait_until(guest.status, "a status behind the link")
    assert os.readlink(os.path.join(guest.state, "status.json")) == "agent/status.json"
    assert os.stat(os.path.join(guest.state, "status.json")).st_mode & 0o777 == 0o644
