# SPDX-License-Identifier: MIT
"""wslbridgectl with the real agent and the helper's core: what it changes, what it waits for, and its
exit codes."""
import json
import os
import secrets
import stat
import subprocess
import time

import pytest

from guest import MAX_DELAY, wait_until

FOLDER = "etc/wslbridge/services.d"


def exists(guest, name, folder=FOLDER):
    return os.path.lexists(os.path.join(guest.root, folder, name))


def test_expose_waits_for_the_host(up):
    guest, host, control = up
    code, output = control.run("expose", "2222:22", "--name=ssh", "--description=OpenSSH")
    assert code == 0
    assert output.startswith(f"Wrote /{FOLDER}/ssh.ini.\n")
    assert output.splitlines()[2].split() == ["ssh", "0.0.0.0:2222", "22", "active",
                                              "portproxy"]
    assert host.rules() == {"0.0.0.0/2222": "10.9.0.2/22"}
    assert guest.service_status("ssh")["description"] == "OpenSSH"
    mode = os.stat(os.path.join(guest.root, FOLDER, "ssh.ini")).st_mode
    assert stat.S_IMODE(mode) == 0o644
    assert os.listdir(os.path.join(guest.root, FOLDER)) == ["ssh.ini"]  # nothing else is left


def test_expose_again_answers_for_the_new_request(up):
    """It does not answer with what the agent still says about the previous file."""
    _, host, control = up
    for port in (22, 23, 24, 24):
        code, output = control.run("expose", f"2222:{port}")
        assert code == 0 and output.splitlines()[2].split()[2] == str(port)
        assert host.rules() == {"0.0.0.0/2222": f"10.9.0.2/{port}"}
    host.command("foreign-set v4tov4 0.0.0.0/2223 10.1.2.3/9090")
    code, output = control.run("expose", "2223:24", "--name=port-2222")
    assert code == 1 and "conflict" in output


def test_expose_shows_the_conflict(up):
    _, host, control = up
    host.command("foreign-set v4tov4 0.0.0.0/9090 10.1.2.3/9090")
    code, output = control.run("expose", "9090")
    assert code == 1
    assert output.splitlines()[2].split() == ["port-9090", "0.0.0.0:9090", "9090", "conflict",
                                              "portproxy"]
    assert "wslbridge did not make" in output
    assert host.rules() == {"0.0.0.0/9090": "10.1.2.3/9090"}


def test_expose_with_everything(up):
    guest, host, control = up
    code, _ = control.run("expose", "8000-8001:9000-9001", "--listen=192.0.2.1", "--listen=::",
                          "--firewall=none", "--remote=10.0.0.0/8")
    assert code == 0
    assert host.rules() == {"192.0.2.1/8000": "10.9.0.2/9000", "192.0.2.1/8001": "10.9.0.2/9001"}
    assert guest.check().returncode == 0


def test_expose_without_a_helper_ends_in_time(guest, control):
    guest.start()
    begin = time.monotonic()
    code, output = control.run("expose", "8080", "--timeout=5")
    assert code == 5 and 4.9 < time.monotonic() - begin < 25  # without the option it is 30 s
    assert "pending" in output and "doctor" in output
    assert control.run("expose", "8081", "--no-wait") == (0, f"Wrote /{FOLDER}/port-8081.ini.\n")


def test_expose_does_not_wait_for_a_helper_that_refuses(guest, host, control, key):
    guest.remove("etc/wslbridge/key")
    host.start()
    guest.start()
    guest.wait_helper("refused")
    code, output = control.run("expose", "8080")
    assert code == 1 and "does not admit this guest" in output


def test_expose_without_an_agent(guest, control):
    code, output = control.run("expose", "8080")
    assert code == 3 and "does not run" in output
    assert exists(guest, "port-8080.ini")


def test_expose_leaves_other_files_alone(up):
    guest, host, control = up
    guest.service("web", "listen = 8080")
    guest.wait_state("web", "active")
    code, output = control.run("expose", "8081", "--name=web")
    assert code == 1 and "--force" in output
    assert host.rules() == {"0.0.0.0/8080": "10.9.0.2/8080"}
    assert control.run("expose", "8081", "--name=web", "--force")[0] == 0
    assert host.rules() == {"0.0.0.0/8081": "10.9.0.2/8081"}
    with open(os.path.join(guest.root, FOLDER, "web.ini"), "a") as f:
        f.write("# mine now\n")
    assert control.run("expose", "8082", "--name=web")[0] == 1
    guest.write("usr/lib/wslbridge/services.d/vendor.ini", "[service]\nlisten = 90\n")
    code, output = control.run("expose", "91", "--name=vendor")
    assert code == 1 and "/usr/lib" in output


def test_expose_takes_no_endpoint_of_another_service(up):
    guest, host, control = up
    guest.service("web", "listen = 8080")
    guest.wait_state("web", "active")
    for name in ("a", "z"):  # the one that sorts later has the problem
        code, output = control.run("expose", "8080:22", f"--name={name}")
        assert code == 1 and "Nothing was changed" in output and "8080 is taken" in output
        assert not exists(guest, f"{name}.ini")
    assert host.rules() == {"0.0.0.0/8080": "10.9.0.2/8080"}


def test_unexpose(up):
    guest, host, control = up
    assert control.run("expose", "8080")[0] == 0
    assert control.run("unexpose", "8080") == (0, f"Removed /{FOLDER}/port-8080.ini.\n")
    assert not guest.service_status("port-8080")
    host.wait_rules({})
    code, output = control.run("unexpose", "port-8080")
    assert code == 4 and "no service" in output
    guest.service("web", "listen = 8080")
    guest.wait_state("web", "active")
    assert control.run("unexpose", "web")[0] == 1
    assert control.run("unexpose", "web", "--force")[0] == 0
    assert guest.status()["services"] == []


def test_unexpose_masks_what_is_not_in_etc(up):
    guest, host, control = up
    guest.service("mine", "listen = 81")
    guest.write("usr/lib/wslbridge/services.d/vendor.ini", "[service]\nlisten = 90\n")
    guest.write("usr/lib/wslbridge/services.d/mine.ini", "[service]\nlisten = 91\n")
    guest.wait_state("vendor", "active")
    assert control.run("unexpose", "vendor")[0] == 0
    assert control.run("unexpose", "mine", "--force")[0] == 0  # and that below does not come up
    assert guest.status()["services"] == []
    for name in ("vendor", "mine"):
        assert os.readlink(os.path.join(guest.root, FOLDER, f"{name}.ini")) == "/dev/null"
        assert exists(guest, f"{name}.ini", "usr/lib/wslbridge/services.d")
        assert control.run("unexpose", name)[0] == 4
    host.wait_rules({})


def test_a_broken_file_is_not_in_the_way_of_others(up):
    """Neither a service that is added nor one that is removed waits for it."""
    guest, host, control = up
    guest.service("bad", "listen = x")
    guest.write(f"{FOLDER}/note.conf", "")
    wait_until(lambda: guest.status()["configuration"]["problems"], "the problem")
    assert control.run("expose", "8080")[0] == 0
    assert host.rules() == {"0.0.0.0/8080": "10.9.0.2/8080"}
    assert control.run("unexpose", "8080") == (0, f"Removed /{FOLDER}/port-8080.ini.\n")
    host.wait_rules({})


def test_wait(up):
    guest, host, control = up
    assert control.run("wait") == (0, "")  # nothing to wait for
    assert control.run("wait", "web")[0] == 4
    host.command("foreign-set v4tov4 0.0.0.0/8080 10.1.2.3/9090")
    guest.service("web", "listen = 8080")
    guest.service("other", "listen = 8081")
    guest.service("off", "listen = 8082\nenabled = no")
    guest.wait_state("web", "conflict")
    assert control.run("wait", "other") == (0, "")
    assert control.run("wait", "off")[0] == 1
    code, output = control.run("wait", "--timeout=0.3")
    assert code == 5 and "conflict" in output
    waiting = control.start("wait", "web", "other")
    time.sleep(0.3)
    assert waiting.poll() is None
    host.command("foreign-delete v4tov4 0.0.0.0/8080")
    assert waiting.communicate(timeout=MAX_DELAY)[0] == "" and waiting.returncode == 0


def test_wait_for_an_agent_that_comes_later(guest, host, control):
    """This also works when the folder of the status appears with the agent."""
    guest.service("web", "listen = 8080")
    os.rmdir(guest.state)
    host.start()
    waiting = control.start("wait")
    time.sleep(0.3)
    assert waiting.poll() is None
    guest.start()
    guest.wait_state("web", "active")
    assert waiting.wait(MAX_DELAY) == 0


def test_wait_sleeps(guest, control):
    """It does not poll: there is no wake-up while nothing happens."""
    guest.service("web", "listen = 8080")
    guest.start()
    waiting = control.start("wait")

    def wake_ups():
        with open(f"/proc/{waiting.pid}/status") as f:
            return int(next(line for line in f if line.startswith("voluntary")).split()[1])

    def sleeps():
        before = wake_ups()
        time.sleep(1)
        return wake_ups() - before <= 1

    wait_until(sleeps, "a second without a wake-up, when it has started")
    assert waiting.poll() is None
    waiting.kill()
    waiting.communicate()


def test_status_and_its_exit_codes(up):
    guest, host, control = up
    host.command("foreign-set v4tov4 0.0.0.0/8081 10.1.2.3/9090")
    guest.service("web", "listen = 8080\nlisten = [::]:8080\nconnect-port = 80")
    guest.service("taken", "listen = 8081")
    guest.wait_state("taken", "conflict")
    code, output = control.run("status")
    assert code == 0
    assert "10.9.0.2/24 on eth0, gateway 10.9.0.1" in output and "connected since" in output
    lines = output.splitlines()
    head = lines.index("NAME   LISTEN        GUEST PORT  STATE     FORWARDER")
    assert lines[head + 1].split() == ["taken", "0.0.0.0:8081", "8081", "conflict",
                                       "portproxy"]
    assert "wslbridge did not make" in lines[head + 2]
    assert lines[head + 3].split() == ["web", "0.0.0.0:8080", "80", "active", "portproxy"]
    assert lines[head + 4].split() == ["[::]:8080", "80"]
    assert control.run("status", "web")[0] == 0
    assert control.run("status", "web", "taken")[0] == 3
    assert control.run("status", "web", "nobody")[0] == 4
    assert control.json("status") == (0, guest.status())
    guest.kill()  # the file stays
    code, output = control.run("status")
    assert code == 3 and "left by process" in output
    assert control.json("status") == (3, None)
    os.unlink(os.path.join(guest.state, "status.json"))
    assert control.run("status")[0] == 3


def test_another_process_of_that_number_is_not_the_agent(guest, control):
    other = subprocess.Popen(["sleep", "60"])
    try:
        with open(os.path.join(guest.state, "status.json"), "w") as f:
            json.dump({"schema": 1, "agent": {"pid": other.pid}}, f)
        assert control.run("status")[0] == 3
        assert control.run("pair", stdin=secrets.token_hex(32))[0] == 0
        time.sleep(1.5)
        assert other.poll() is None  # no SIGHUP
    finally:
        other.kill()
        other.wait()


def test_status_that_cannot_be_understood(guest, control):
    for text, says in (("{", "not what wslbridge-agent writes"),
                       ('{"schema": 9, "agent": {}}', "newer agent")):
        with open(os.path.join(guest.state, "status.json"), "w") as f:
            f.write(text)
        code, output = control.run("status")
        assert code == 1 and says in output
        assert control.run("doctor")[0] == 1


def test_list(up):
    guest, _, control = up
    guest.service("web", "listen = 8080\nlisten = [::]:8080\ndescription = A page")
    guest.service("off", "listen = 8081\nenabled = no")
    guest.wait_state("web", "active")
    code, output = control.run("list")
    assert code == 0
    assert [line.split() for line in output.splitlines()[1:]] == [
        ["off", "-", "disabled"],
        ["web", "0.0.0.0:8080,", "[::]:8080", "active", "A", "page"]]
    assert [s["state"] for s in control.json("list")[1]] == ["disabled", "active"]
    guest.stop()
    assert control.json("list")[1][1]["state"] == "not-running"
    guest.service("bad", "x = 1")
    code, output = control.run("list")
    assert code == 0 and "wslbridgectl check" in output


def test_check_is_that_of_the_agent(guest, control):
    guest.service("web", "listen = 8080")
    assert control.run("check") == (0, "1 service, 1 endpoint: no problems\n")
    guest.service("bad", "listen = 8080\nx = 1")
    code, output = control.run("check")
    done = guest.check()
    assert (code, output) == (done.returncode, done.stdout + done.stderr)
    assert code == 1 and output.startswith(f"/{FOLDER}/bad.ini:3: x: ")


def test_pair_as_the_helper_does_it(guest, host, control, key):
    """One line in, one line out. Without systemd, the agent gets the key without a restart."""
    guest.remove("etc/wslbridge/key")
    guest.service("web", "listen = 8080")
    host.start()
    guest.start()
    guest.wait_helper("refused")
    identity = guest.status()["agent"]
    code, output = control.run("pair", stdin=key + "\n")
    assert (code, output) == (0, f"paired {identity['agent_id']}/{identity['distro']}\n")
    path = os.path.join(guest.root, "etc/wslbridge/key")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with open(path) as f:
        assert f.read() == key + "\n"
    guest.wait_state("web", "active")


def test_pair_asks_again_after_the_host_has_the_key(guest, host, control):
    """The helper stores its key after it has our answer. An agent that is too early is refused and
    would try again half a minute later."""
    key = secrets.token_hex(32)
    guest.service("web", "listen = 8080")
    host.start()
    guest.start()
    guest.wait_state("web", "active")
    begin = time.monotonic()
    assert control.run("pair", stdin=key + "\r\n")[0] == 0
    host.kill()
    host.start(key=f"{guest.owner()}={key}")
    guest.wait_state("web", "active")
    assert time.monotonic() - begin < 20


def test_pair_without_an_agent_prints_the_same_identity(guest, control):
    code, output = control.run("pair", stdin=secrets.token_hex(32), env={"WSL_DISTRO_NAME": "Debian"})
    assert code == 0
    guest.start()
    assert output == f"paired {guest.status()['agent']['agent_id']}/Debian\n"


@pytest.mark.parametrize("text", ["", "\n", "unpaired\n", "ab" * 31, "ab" * 33, "zz" * 32, "x" * 9999])
def test_pair_with_something_else(guest, control, key, text):
    code, output = control.run("pair", stdin=text)
    assert code == 1 and "paired " not in output
    with open(os.path.join(guest.root, "etc/wslbridge/key")) as f:
        assert f.read() == key + "\n"


def test_pair_restarts_the_service(guest, control, tmp_path):
    """Its key is a credential, which is read at the start. The test provides the cgroup below the
    root, and systemctl."""
    tool = tmp_path / "bin" / "systemctl"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\necho \"$@\" >> {tmp_path}/called\n")
    tool.chmod(0o755)
    guest.start()
    guest.write(f"proc/{guest.process.pid}/cgroup", "0::/system.slice/wslbridge-agent.service\n")
    path = {"PATH": f"{tool.parent}:{os.environ['PATH']}"}
    assert control.run("pair", stdin=secrets.token_hex(32), env=path)[0] == 0
    called = tmp_path / "called"
    wait_until(lambda: called.exists() and called.read_text(), "systemctl")
    assert called.read_text() == "--no-block try-restart wslbridge-agent.service\n"


def test_only_root_writes(guest, control):
    os.chmod(os.path.dirname(os.path.dirname(guest.root)), 0o755)
    for arguments in (["expose", "8080"], ["pair"]):
        done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "--regid=65534",
                               control.exe, *arguments], input=secrets.token_hex(32), text=True,
                              capture_output=True, cwd="/")
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1 and "sudo" in done.stderr, done.stderr
        assert "paired" not in done.stdout


@pytest.mark.parametrize("arguments,says", [
    (["frobnicate"], "no command"), (["expose"], "PORT[:GUESTPORT]"), (["expose", "web"], "is not PORT"),
    (["status", "--force"], "no option --force"), (["list", "x"], "Too many"),
    (["wait", "--timeout=0"], "seconds"), (["expose", "80", "--firewall=privat"], "'private'"),
    (["expose", "80", "--name=../x"], "cannot be a name"), (["--frobnicate"], "unrecognized"),
    (["expose", "80-81:9"], "same length"),
])
def test_wrong_use(guest, control, arguments, says):
    code, output = control.run(*arguments)
    assert code == 2 and says in output
    assert os.listdir(os.path.join(guest.root, FOLDER)) == []
