# SPDX-License-Identifier: MIT
"""The installed service under a real systemd that is started as WSL starts it. The suite 'system' has
guests with a kernel of their own."""
import os
import subprocess

import pytest
from booted import BUILD_TIMEOUT, Booted

AGENT = "wslbridge-agent"
DROP_IN = f"/run/systemd/system/{AGENT}.service.d/test.conf"


@pytest.fixture(scope="module")
def system(top, tmp_path_factory):
    installed = tmp_path_factory.mktemp("installed")
    subprocess.run([os.path.join(top, "dev"), "install", f"--destdir={installed}"], check=True,
                   stdin=subprocess.DEVNULL, capture_output=True)
    with Booted(tmp_path_factory.mktemp("booted") / "system", installed) as system:
        # Not the default, which is a vsock of this machine.
        system.write("/etc/wslbridge/agent.conf", "[agent]\nhelper = unix:/run/no-helper\n")
        yield system


def test_wsl_is_seen_and_the_mounts_are_private(system):
    """The other tests here depend on this; without it they would pass for the wrong reason."""
    assert system.run("systemd-detect-virt") == "wsl"
    assert system.run("findmnt", "-no", "PROPAGATION", "/run") == "private"


def test_a_key_that_did_not_arrive_is_reported_with_the_remedy(system):
    """This happens in WSL without our second unit."""
    system.run("systemctl", "mask", "--runtime", "wslbridge-run-shared")
    system.run("systemctl", "start", AGENT)
    assert "mount --make-shared /run" in system.status()["helper"]["key_problem"]
    system.run("systemctl", "unmask", "--runtime", "wslbridge-run-shared")


def test_the_key_arrives(system):
    system.run("systemctl", "restart", AGENT)
    helper = system.status()["helper"]
    assert (helper["paired"], helper["key_problem"]) == (False, None)
    system.write("/etc/wslbridge/key", "5a" * 32 + "\n", "600")
    system.run("systemctl", "restart", AGENT)
    helper = system.status()["helper"]
    assert (helper["paired"], helper["key_problem"]) == (True, None)
    assert system.as_the_agent("cat", "/etc/os-release").returncode == 0
    assert system.as_the_agent("cat", "/etc/wslbridge/key").returncode != 0


SERVICES = "/etc/wslbridge/services.d"


def test_reload_fails_with_the_reason(system):
    """The command runs in the sandbox of the service, and as its user."""
    system.run("systemctl", "start", AGENT)
    system.write(f"{SERVICES}/good.ini", "[service]\nlisten = 8080\n")
    system.run("systemctl", "reload", AGENT)
    system.write(f"{SERVICES}/bad.ini", "[service]\nlisten = 70000\n")
    done = system.call("systemctl", "reload", AGENT)
    assert done.returncode == 1
    # The second one is the line of the service itself, which comes behind the status that 'reload' waits for.
    for text in (f"{SERVICES}/bad.ini:2: listen: there is no port 70000", "configuration has problems:"):
        system.wait(lambda: text in system.call("systemctl", "status", "--no-pager", "--full", AGENT).stdout, text)
    assert system.run("systemctl", "is-active", AGENT) == "active"
    system.run("rm", f"{SERVICES}/bad.ini")
    system.run("systemctl", "reload", AGENT)
    system.wait(lambda: "70000" not in system.run("systemctl", "show", "-P", "StatusText", AGENT), "a status without it")
    system.run("rm", f"{SERVICES}/good.ini")


@pytest.mark.parametrize("how", ["mv x.tmp {}", "ln x.tmp {} && rm x.tmp",
                                 "mv x.tmp /dev/shm/x && mv /dev/shm/x {}"])
def test_a_file_that_appears_is_loaded(system, how):
    """The root of this system is an overlay. Other ways to make a file are tested in test-watch.c."""
    file = f"{SERVICES}/new.ini"
    system.run("systemctl", "start", AGENT)
    system.wait(lambda: system.status(), "the status")
    system.write(f"{SERVICES}/x.tmp", "[service]\nlisten = 8080\n")
    system.run("sh", "-c", f"cd {SERVICES} && {how.format(file)}")
    system.wait(lambda: [s["name"] for s in system.status()["services"]] == ["new"], "the service")
    system.run("rm", file)
    system.wait(lambda: system.status()["services"] == [], "the removal")


@pytest.fixture
def no_web(system):
    """Nothing of service 'web' is left for the next test, also when this one fails."""
    yield
    system.run("rm", "-f", f"{SERVICES}/web.ini")


@pytest.mark.parametrize("link", ["/mnt/c", "/run/user/5", "/tmp", "/dev/shm", "../../../mnt/c",
                                  "../../../tmp"])
@pytest.mark.usefixtures("no_web")
def test_a_link_to_what_the_sandbox_hides(system, link):
    """The agent names the cause and the way, and the check at a shell agrees with it."""
    folder = os.path.normpath(os.path.join(SERVICES, link))
    system.run("systemctl", "start", AGENT)
    system.write(f"{folder}/web.ini", "[service]\nlisten = 8080\n")
    system.run("ln", "-s", f"{link}/web.ini", f"{SERVICES}/web.ini")
    says = f"{SERVICES}/web.ini: is a link to '{link}/web.ini', which the agent cannot read"
    done = system.call("systemctl", "reload", AGENT)
    assert done.returncode == 1 and says in system.journal()
    done = system.call("wslbridgectl", "check")
    assert done.returncode == 1 and says in done.stderr and "copy the file" in done.stderr
    done = system.call("wslbridgectl", "wait", "--timeout=10")
    assert done.returncode == 1 and says in done.stderr  # it does not wait for what cannot be
    system.run("systemctl", "stop", AGENT)
    done = system.call("wslbridgectl", "check")
    assert done.returncode == 1 and "copy the file" in done.stderr
    system.run("rm", f"{SERVICES}/web.ini", f"{folder}/web.ini")
    system.run("systemctl", "start", AGENT)
    assert system.run("wslbridgectl", "check").endswith("no problems")


def test_the_service_does_not_start_beside_an_agent_that_was_started_by_hand(system):
    """Each end of the service takes its folder away, with the lock that the other agent has in it."""
    system.run("systemctl", "stop", AGENT)
    agent = system.run("systemctl", "show", "-P", "ExecStart", AGENT).split("path=")[1].split()[0]
    for fresh in (True, False):
        if fresh:  # as before the first start of the service
            system.run("rm", "-rf", "/var/lib/wslbridge", "/var/lib/private/wslbridge")
        system.run("systemd-run", "--quiet", "--collect", "--unit=by-hand", agent)
        system.wait(lambda: system.status(), "the status")
        pid = system.run("systemctl", "show", "-P", "MainPID", "by-hand")
        for _ in range(3):
            assert system.call("systemctl", "restart", AGENT).returncode != 0
            assert f"process {pid}" in system.run("systemctl", "show", "-P", "StatusText", AGENT)
            doctor = " ".join(system.call("wslbridgectl", "doctor").stdout.split())
            assert "started by hand" in doctor, doctor
        system.run("systemctl", "kill", "--signal=KILL", "by-hand")  # the lock's file stays
        system.wait(lambda: system.call("systemctl", "start", AGENT).returncode == 0, "the service")
        assert system.run("pgrep", "-xc", "wslbridge-agent") == "1"
        system.run("systemctl", "stop", AGENT)
    system.run("systemctl", "start", AGENT)


def test_where_the_agent_could_write(system):
    """Only in its own folder and in its private ones. Root tries it in the agent's mounts, so that the
    mounts decide and not the permissions."""
    pid = system.main_pid()
    mounts = system.run("awk", "{ print $5 }", f"/proc/{pid}/mountinfo").split()
    script = 'for d; do touch "$d/probe" 2>/dev/null && rm "$d/probe" && echo "$d"; done; true'
    found = system.run("nsenter", "-t", pid, "-m", "--", "sh", "-c", script, "sh", "/etc", "/usr",
                       "/usr/bin", "/var/lib", "/run/wslbridge", "/run/lock", "/opt", *mounts).split()
    assert set(found) - {"/dev/mqueue", "/dev/hugepages"} == {
        "/run/wslbridge/agent", "/var/lib/private/wslbridge", "/tmp", "/var/tmp"}


def test_privileges_of_the_agent(system):
    text = system.run("cat", f"/proc/{system.main_pid()}/status")
    fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(fields[name], 16) == 1 << 10, name  # CAP_NET_BIND_SERVICE
    assert fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2"
    assert "0" not in fields["Uid"].split() + fields["Gid"].split()


def test_the_sandbox_lets_wslinfo_work(system):
    """The tool here is a link to /init that starts a child and asks over WSL's socket, like wslinfo. The
    unit itself runs it, in place of the agent's call."""
    server = ("import os, socket\n"
              "os.makedirs('/run/WSL', 0o777, exist_ok=True)\n"
              "os.umask(0)\n"
              "s = socket.socket(socket.AF_UNIX); s.bind('/run/WSL/1_interop'); s.listen()\n"
              "if os.fork(): raise SystemExit\n"
              "os.setsid(); os.closerange(0, 3)\n"
              "c = s.accept()[0]; c.recv(100); c.send(b'nat')\n")
    client = ("#!/usr/bin/python3\n"
              "import socket, subprocess, sys\n"
              "s = socket.socket(socket.AF_UNIX); s.connect('/run/WSL/1_interop')\n"
              "s.send(sys.argv[1].encode())\n"
              "subprocess.run(['echo', 'wslinfo says ' + s.recv(100).decode()], check=True)\n")
    system.write("/init", client, "755")
    system.run("ln", "-s", "/init", "/usr/bin/wslinfo")
    system.run("/usr/bin/python3", "-c", server)
    system.write(DROP_IN, "[Service]\nExecStartPre=wslinfo --networking-mode\n")
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "restart", AGENT)
    assert "wslinfo says nat" in system.journal()
    system.run("rm", DROP_IN, "/usr/bin/wslinfo", "/init")
    system.run("systemctl", "daemon-reload")


def test_drop_ins_in_run_outlive_the_service(system):
    system.write("/run/wslbridge/services.d/web.ini", "[service]\nlisten = 8080\n")
    system.run("systemctl", "reload", AGENT)
    system.wait(lambda: system.status()["services"], "the drop-in is read")
    system.run("systemctl", "stop", AGENT)
    assert system.run("ls", "/run/wslbridge").split() == ["services.d", "status.json"]
    assert system.run("readlink", "/run/wslbridge/status.json") == "agent/status.json"
    assert system.run("ls", "/run/wslbridge/services.d") == "web.ini"
    assert system.status() == {}


def test_it_comes_back_after_a_crash_but_not_after_a_wrong_command_line(system):
    system.run("systemctl", "start", AGENT)
    before = system.main_pid()
    system.run("kill", "-KILL", before)
    system.wait(lambda: system.main_pid() not in ("0", before) and system.status(), "a new agent")
    assert system.run("systemctl", "show", "-P", "NRestarts", AGENT) == "1"

    system.write(DROP_IN, f"[Service]\nExecStart=\nExecStart=/usr/sbin/{AGENT} --nonsense\n")
    system.run("systemctl", "daemon-reload")
    assert system.call("systemctl", "restart", AGENT).returncode != 0
    assert system.run("systemctl", "show", "-P", "ActiveState", AGENT) == "failed"
    system.run("rm", DROP_IN)


def test_systemd_does_not_complain_about_our_files(system):
    """Unknown options and odd lines of tmpfiles would be in the journal with the name of the file."""
    complaints = [line for line in system.journal().splitlines()
                  if "wslbridge" in line and ("nknown" in line or "ignoring" in line)]
    assert complaints == []
    failed = system.run("systemctl", "list-units", "--failed", "--plain", "--no-legend")
    assert [line.split()[0] for line in failed.splitlines()] in ([], [f"{AGENT}.service"])


def test_dev_install_and_uninstall(system):
    """People do it like this, without a DESTDIR. The new agent replaces the running one. Afterwards all
    files are gone except those of the administrator."""
    dev = "/project/dev"

    def install():  # the first time, this builds everything
        return system.run(dev, "install", timeout=BUILD_TIMEOUT)

    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "reset-failed")
    assert "systemctl enable --now wslbridge-agent" in install()
    system.run("systemctl", "enable", "--now", AGENT)
    before = system.main_pid()
    assert "is running in its new version" in install()
    assert system.main_pid() not in ("0", before)
    assert "Windows" in system.run("journalctl", "-x", "--no-pager", "-u", AGENT, "-g", "Address is")

    system.run(dev, "install", "--destdir=/tmp/elsewhere")  # which is not what is removed
    system.run(dev, "uninstall")
    assert system.run("sh", "-c", "test -x /tmp/elsewhere/usr/sbin/wslbridge-agent && echo there") == "there"
    assert system.call("systemctl", "is-active", AGENT).stdout.strip() == "inactive"
    # The folders stay, because they had files of this test in them before.
    assert system.run("find", "/usr", "/etc", "-name", "*wslbridge*", "-not", "-type", "d") == ""
    assert system.run("ls", "/etc/wslbridge").split() == ["agent.conf", "key", "services.d"]
