# SPDX-License-Identifier: MIT
"""'wslbridgectl wait' and 'reload' answer for the files that are on the disk, not for those that the
agent has read some time ago."""
import os
import signal

from guest import MAX_DELAY, wait_until

FOLDER = "etc/wslbridge/services.d"


def test_wait_needs_the_newest_files(up):
    """An agent that has not read them cannot answer for them."""
    guest, host, control = up
    guest.service("web", "listen = 8080")
    guest.wait_state("web", "active")
    assert control.run("wait") == (0, "")
    guest.process.send_signal(signal.SIGSTOP)
    guest.service("db", "listen = 5432")
    guest.service("web", "listen = 8081")
    for names in ([], ["web"]):
        code, output = control.run("wait", "--timeout=0.3", *names)
        assert code == 5 and "wslbridgectl reload" in output
    waiting = [control.start("wait"), control.start("wait", "web", "db")]
    guest.process.send_signal(signal.SIGCONT)
    for one in waiting:
        assert one.communicate(timeout=MAX_DELAY)[0] == "" and one.returncode == 0
        assert host.rules() == {"0.0.0.0/8081": "10.9.0.2/8081", "0.0.0.0/5432": "10.9.0.2/5432"}


def test_wait_fails_while_a_file_is_not_in_force(up):
    guest, host, control = up
    guest.service("bad", "listen = x")
    place = f"/{FOLDER}/bad.ini:2: listen: 'x' is not a port"
    for names in ([], ["bad"]):  # right after the file was saved
        code, output = control.run("wait", *names)
        assert code == 1 and place in output and "(it is left out)" in output
    guest.service("web", "listen = 8080")
    assert control.run("wait", "web") == (0, "")
    assert control.run("wait")[0] == 1
    guest.service("web", "listen = 8081\ncolour = red")
    code, output = control.run("wait", "web")
    assert code == 1 and "(what it said before stays in force)" in output
    assert host.rules() == {"0.0.0.0/8080": "10.9.0.2/8080"}
    guest.service("web", "listen = 8081")
    guest.remove_service("bad")
    assert control.run("wait") == (0, "")
    assert host.rules() == {"0.0.0.0/8081": "10.9.0.2/8081"}


def test_wait_knows_who_has_an_endpoint(up):
    """The files alone do not show it: 'a' comes first by name."""
    guest, host, control = up
    guest.service("web", "listen = 8080")
    guest.wait_state("web", "active")
    guest.service("a", "listen = 8080")
    assert control.run("wait", "a")[0] == 1
    assert control.run("wait", "web") == (0, "")


def test_a_file_that_only_the_agent_cannot_read(up):
    """As the sandbox of the service hides it. Nothing waits for the agent to read what it cannot."""
    guest, host, control = up
    guest.service("web", "listen = 8080")
    guest.wait_state("web", "active")
    with open(os.path.join(guest.folder, "elsewhere.ini"), "w", encoding="utf-8") as f:
        f.write("[service]\nlisten = 5432\n")
    os.symlink("/proc/self/cwd/elsewhere.ini", os.path.join(guest.root, FOLDER, "db.ini"))
    wait_until(lambda: guest.status()["configuration"]["problems"], "the problem")
    here = {"cwd": guest.folder}  # where this link leads to a file, which it does not for the agent
    assert control.run("wait", "--timeout=20", "web", **here) == (0, "")
    code, output = control.run("wait", "--timeout=20", "db", **here)
    assert code == 1 and "which does not exist" in output and "(it is left out)" in output
    assert control.run("wait", "--timeout=20", **here)[0] == 1
    for command in ("check", "doctor"):
        assert "not read" not in control.run(command, **here)[1]
    guest.process.send_signal(signal.SIGSTOP)
    guest.service("web", "listen = 8081")
    code, output = control.run("wait", "--timeout=0.3", "web", **here)
    assert code == 5 and "wslbridgectl reload" in output
    guest.process.send_signal(signal.SIGCONT)


def test_reload_says_what_is_not_in_force(up):
    guest, host, control = up
    target = os.path.join(guest.folder, "target.ini")
    with open(target, "w", encoding="utf-8") as f:
        f.write("[service]\nlisten = 6000\n")
    os.symlink(target, os.path.join(guest.root, FOLDER, "linked.ini"))
    guest.wait_state("linked", "active")
    with open(target, "w", encoding="utf-8") as f:
        f.write("[service]\nlisten = 6001\n")
    assert control.run("reload") == (0, "All files are in force: 1 service.\n")
    assert guest.service_status("linked")["listens"][0]["listen"] == "0.0.0.0:6001"
    with open(target, "w", encoding="utf-8") as f:
        f.write("[service]\nlisten = 0\n")
    code, output = control.run("reload")
    assert code == 1
    assert output.splitlines()[1:] == [
        f"/{FOLDER}/linked.ini:2: listen: there is no port 0; ports are 1 to 65535 (what it said "
        "before stays in force)"]
    host.wait_rules({"0.0.0.0/6001": "10.9.0.2/6001"})


def test_reload_of_an_agent_that_does_not_answer(up):
    guest, host, control = up
    guest.process.send_signal(signal.SIGSTOP)
    code, output = control.run("reload", "--timeout=0.3")
    assert code == 5 and "journalctl" in output
    guest.process.send_signal(signal.SIGCONT)
    guest.stop()
    code, output = control.run("reload")
    assert code == 3 and "does not run" in output


def test_status_names_a_file_that_is_not_in_force(up):
    guest, host, control = up
    guest.service("web", "listen = 8080")
    guest.wait_state("web", "active")
    guest.service("web", "listen = 0")
    wait_until(lambda: guest.service_status("web").get("stale"), "the problem")
    code, output = control.run("status")
    assert code == 0 and "its file has a problem" in output
    assert f"/{FOLDER}/web.ini:2: listen: there is no port 0" in output
