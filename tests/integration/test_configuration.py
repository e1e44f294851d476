# SPDX-License-Identifier: MIT
"""A saved file takes effect at once. A broken file does not affect the others. --check names every
problem."""
import os
import signal
import subprocess

import pytest

from guest import wait_until

WEB = {"0.0.0.0/8080": "10.9.0.2/80"}


def test_drop_in_added_changed_removed(connected):
    guest, host = connected
    guest.service("db", "listen = 127.0.0.1:5432\n")
    guest.wait_state("db", "active")
    host.wait_rules({**WEB, "127.0.0.1/5432": "10.9.0.2/5432"})
    guest.service("db", "listen = 127.0.0.1:5433\n")
    host.wait_rules({**WEB, "127.0.0.1/5433": "10.9.0.2/5433"})
    guest.remove_service("db")
    host.wait_rules(WEB)
    wait_until(lambda: not guest.service_status("db"), "the removed service to go")
    guest.wait_state("web", "active")


def test_range_and_several_listen_lines(connected):
    guest, host = connected
    guest.service("many", "listen = 9000-9002\nlisten = 127.0.0.1:9000-9002\n"
                          "connect-port = 7000-7002")
    guest.wait_state("many", "active")
    expected = {f"{address}/{9000 + i}": f"10.9.0.2/{7000 + i}"
                for address in ("0.0.0.0", "127.0.0.1") for i in range(3)}
    assert host.rules() == {**WEB, **expected}
    assert [x["listen"] for x in guest.service_status("many")["listens"]] == [
        "0.0.0.0:9000-9002", "127.0.0.1:9000-9002"]


def test_disabled_and_enabled(connected):
    guest, host = connected
    guest.service("web", "listen = 8080\nconnect-port = 80\nenabled = no")
    host.wait_rules({})
    guest.wait_state("web", "disabled")
    guest.service("web", "listen = 8080\nconnect-port = 80\nenabled = yes")
    host.wait_rules(WEB)
    guest.wait_state("web", "active")


def test_masking_and_precedence(connected):
    guest, host = connected
    guest.write("usr/lib/wslbridge/services.d/ssh.ini", "[service]\nlisten = 2222\n")
    guest.wait_state("ssh", "active")
    guest.write("run/wslbridge/services.d/ssh.ini", "[service]\nlisten = 2223\n")
    host.wait_rules({**WEB, "0.0.0.0/2223": "10.9.0.2/2223"})
    mask = os.path.join(guest.root, "etc/wslbridge/services.d/ssh.ini")
    os.symlink("/dev/null", mask)
    host.wait_rules(WEB)
    os.unlink(mask)
    host.wait_rules({**WEB, "0.0.0.0/2223": "10.9.0.2/2223"})


def problems(guest):
    """{file name: what is in force of it}"""
    return {os.path.basename(p["file"]): p["in_force"]
            for p in guest.status()["configuration"]["problems"]}


def test_broken_file_does_not_affect_the_others(connected):
    guest, host = connected
    guest.service("bad", "listen = 70000\nlisten = nonsense")
    wait_until(lambda: problems(guest) == {"bad.ini": "nothing"}, "the problem")
    found = guest.status()["configuration"]["problems"]
    assert {p["line"] for p in found} == {2, 3}
    assert all(p["file"].endswith("services.d/bad.ini") for p in found)
    assert guest.status()["configuration"]["stale"] is False
    assert len(guest.log_lines("bad.ini:2: listen: there is no port 70000; ports are 1 to 65535 "
                               "(it is left out)")) == 1
    guest.service("good", "listen = 9999")  # it does not wait for the other file
    guest.wait_state("good", "active")
    assert host.rules() == {**WEB, "0.0.0.0/9999": "10.9.0.2/9999"}
    assert len(guest.log_lines("bad.ini:2")) == 1  # nothing new about it
    guest.service("bad", "listen = 7000")  # repaired
    guest.wait_state("bad", "active")
    assert guest.status()["configuration"]["problems"] == []


def test_a_wrong_name_is_reported_as_long_as_it_is_there(connected):
    guest, host = connected
    for path in ("etc/wslbridge/services.d/note.conf", "etc/wslbridge/services.d/agent.conf",
                 "etc/wslbridge/agent.conf.txt"):
        guest.write(path, "")
        wait_until(lambda: problems(guest) == {os.path.basename(path): "nothing"}, "the problem")
        assert guest.status()["configuration"]["stale"] is False
        guest.remove(path)
        wait_until(lambda: problems(guest) == {}, "the end of the problem")
    assert host.rules() == WEB


def test_broken_file_keeps_what_it_had(connected):
    guest, host = connected
    guest.service("web", "listen = 8081\nconnect-port = 80\ncolour = red")
    wait_until(lambda: problems(guest) == {"web.ini": "previous"}, "the problem")
    assert guest.status()["configuration"]["stale"] is True
    assert guest.service_status("web")["stale"] is True
    assert guest.service_status("web")["state"] == "active" and host.rules() == WEB
    assert guest.log_lines("unknown key; known keys are: description, listen, connect-port, "
                           "protocol, client-address, connect, forwarder, firewall, remote, enabled "
                           "(what it said before stays in force)")
    guest.reload()
    guest.service("web", "listen = 8081\nconnect-port = 80")
    host.wait_rules({"0.0.0.0/8081": "10.9.0.2/80"})
    # It was active all the time, so its state alone does not say that this status is the new one.
    wait_until(lambda: guest.service_status("web").get("stale") is False, "the new status")
    guest.wait_state("web", "active")


CLOSE = {"removed": lambda guest: guest.remove_service("web"),
         "disabled": lambda guest: guest.service("web", "listen = 8080\nenabled = no"),
         "disabled and broken": lambda guest: guest.service("web", "colour = red\nenabled = no"),
         "disabled below enabled": lambda guest: guest.service(
             "web", "listen = 8080\nenabled = yes\nenabled = no"),
         "emptied": lambda guest: guest.write("etc/wslbridge/services.d/web.ini", ""),
         "masked": lambda guest: os.symlink(
             "/dev/null", os.path.join(guest.root, "etc/wslbridge/services.d/vendor.ini"))}
BREAK = {"service": lambda guest: guest.service("bad", "listen = x"),
         "copy of the Explorer": lambda guest: guest.service("web - Copy", "listen = 8080"),
         "desktop.ini": lambda guest: guest.write("etc/wslbridge/services.d/desktop.ini",
                                                  "[.ShellClassInfo]\r\nIconFile=x\r\n"),
         "note.conf": lambda guest: guest.write("etc/wslbridge/services.d/note.conf", "note"),
         "agent.conf": lambda guest: guest.agent_conf("colour = red\n"),
         "clash": lambda guest: (guest.service("a", "listen = 8080"),
                                 guest.service("zz", "listen = 8090\nconnect-port = 91"))}


@pytest.mark.parametrize("how", CLOSE)
@pytest.mark.parametrize("broken", BREAK)
def test_closing_never_waits(connected, how, broken):
    """Whatever else is broken: what is removed, disabled or masked is withdrawn."""
    guest, host = connected
    guest.write("usr/lib/wslbridge/services.d/vendor.ini", "[service]\nlisten = 8090\n")
    vendor = {"0.0.0.0/8090": "10.9.0.2/8090"}
    host.wait_rules({**WEB, **vendor})
    BREAK[broken](guest)
    guest.reload()
    wait_until(lambda: guest.status()["configuration"]["problems"], "the problem")
    assert host.rules() == {**WEB, **vendor}
    CLOSE[how](guest)
    closed, clashed = ("0.0.0.0/8090", "10.9.0.2/91") if how == "masked" else ("0.0.0.0/8080", "10.9.0.2/8080")
    rules = {**WEB, **vendor}
    del rules[closed]
    if broken == "clash":  # the file that clashed gets what is free now
        rules[closed] = clashed
    host.wait_rules(rules)


def test_closing_does_not_wait_for_a_broken_folder(connected):
    """Nobody knows what a folder has that cannot be listed, so what was in force from it stays. A
    folder that is gone has nothing."""
    guest, host = connected
    guest.write("run/wslbridge/services.d/db.ini", "[service]\nlisten = 5432\n")
    rules = {**WEB, "0.0.0.0/5432": "10.9.0.2/5432"}
    host.wait_rules(rules)
    folder = os.path.join(guest.root, "etc/wslbridge/services.d")
    os.symlink("loop", os.path.join(guest.root, "etc/wslbridge/loop"))
    guest.process.send_signal(signal.SIGSTOP)  # in between, the folder is gone
    os.rename(folder, folder + ".away")
    os.symlink("loop", folder)
    guest.process.send_signal(signal.SIGCONT)
    wait_until(lambda: guest.status()["configuration"]["problems"], "the problem")
    guest.remove("run/wslbridge/services.d/db.ini")
    host.wait_rules(WEB)
    os.unlink(folder)
    host.wait_rules({})


def test_who_has_an_endpoint_keeps_it(connected):
    """A newcomer does not take it, whatever its name. When the agent starts, the first by name has it."""
    guest, host = connected
    guest.service("a", "listen = 8080")
    wait_until(lambda: problems(guest) == {"a.ini": "nothing"}, "the problem")
    assert "is taken by /etc/wslbridge/services.d/web.ini:2" in guest.log()
    assert host.rules() == WEB and not guest.service_status("a")
    guest.reload()
    wait_until(lambda: guest.log().count("Configuration loaded") >= 2, "the reload")
    assert host.rules() == WEB
    guest.stop()
    guest.start()
    guest.wait_state("a", "active")
    host.wait_rules({"0.0.0.0/8080": "10.9.0.2/8080"})
    assert problems(guest) == {"web.ini": "nothing"}


def test_two_files_exchange_their_endpoints(connected):
    """A set without problems is in force as it is."""
    guest, host = connected
    guest.service("db", "listen = 5432")
    guest.wait_state("db", "active")
    guest.process.send_signal(signal.SIGSTOP)
    guest.service("db", "listen = 8080")
    guest.service("web", "listen = 5432")
    guest.process.send_signal(signal.SIGCONT)
    host.wait_rules({"0.0.0.0/5432": "10.9.0.2/5432", "0.0.0.0/8080": "10.9.0.2/8080"})
    assert guest.status()["configuration"]["problems"] == []


def test_agent_conf_is_never_half_in_force(connected):
    guest, host = connected
    guest.agent_conf("log-level = err\ninterface = eth0,eth1\n")
    wait_until(lambda: problems(guest) == {"agent.conf": "previous"}, "the problem")
    assert guest.status()["helper"]["address"] == f"unix:{guest.socket}"
    guest.service("db", "listen = 5432")
    guest.wait_state("db", "active")
    assert guest.log_lines("'db' is active")  # nor is its log-level in force


def test_agent_starts_without_the_broken_file(guest, host):
    guest.service("web", "listen = 8080\nconnect-port = 80")
    guest.service("bad", "listen = 0\ncolour = red")
    host.start()
    guest.start()
    guest.wait_state("web", "active")
    assert host.rules() == WEB
    assert len(guest.status()["configuration"]["problems"]) == 2
    assert guest.log_lines("bad.ini:2") and guest.log_lines("bad.ini:3")


def test_directories_that_come_later(guest, host):
    subprocess.run(["rm", "-r", os.path.join(guest.root, "etc/wslbridge/services.d")], check=True)
    host.start()
    guest.start()
    guest.wait_helper("connected")
    os.mkdir(os.path.join(guest.root, "etc/wslbridge/services.d"))
    guest.service("web", "listen = 8080\nconnect-port = 80")
    guest.wait_state("web", "active")
    os.rename(os.path.join(guest.root, "etc/wslbridge/services.d"),
              os.path.join(guest.root, "etc/wslbridge/away"))
    host.wait_rules({})
    os.rename(os.path.join(guest.root, "etc/wslbridge/away"),
              os.path.join(guest.root, "etc/wslbridge/services.d"))
    host.wait_rules(WEB)


def test_reload_sees_what_inotify_cannot(connected):
    """The agent does not see a change of a link's target; SIGHUP makes it read the target."""
    guest, host = connected
    target = os.path.join(guest.folder, "target.ini")
    with open(target, "w") as f:
        f.write("[service]\nlisten = 6000\n")
    os.symlink(target, os.path.join(guest.root, "etc/wslbridge/services.d/linked.ini"))
    guest.wait_state("linked", "active")
    with open(target, "w") as f:
        f.write("[service]\nlisten = 6001\n")
    guest.reload()
    host.wait_rules({**WEB, "0.0.0.0/6001": "10.9.0.2/6001"})


def test_changed_service_is_pending_until_it_is_answered(guest, host):
    """The answer to the old request does not apply to the new one. A service that did not change keeps
    its answer."""
    guest.service("same", "listen = 7000")
    guest.service("web", "listen = 8080")
    host.start(delay_ms=1500)
    guest.start()
    guest.wait_state("web", "active")
    for lines, then in (("listen = 8081", "active"),
                        ("listen = 8081\nconnect-port = 81", "active"),
                        ("listen = 8081\nlisten = 8082\nconnect-port = 81", "active"),
                        ("listen = 8081\nfirewall = none", "active"),
                        ("listen = 8081\nremote = 192.0.2.0/24", "refused"),  # by the host's policy
                        ("listen = 8081\nremote = 192.0.3.0/24", "refused")):
        host.process.send_signal(signal.SIGSTOP)
        guest.service("web", lines)
        guest.wait_state("web", "pending")  # the old state does not apply to the new port
        assert guest.service_status("web")["listens"][0]["listen"] == "0.0.0.0:8081"
        assert guest.service_status("same")["state"] == "active"
        host.process.send_signal(signal.SIGCONT)
        guest.wait_state("web", then)


def test_helper_moves(connected, dev_tree):
    """agent.conf names another address: the agent says goodbye here and connects there."""
    guest, host = connected
    old, guest.socket = guest.socket, guest.socket + "2"
    host.path = guest.socket
    guest.agent_conf()
    host.wait_rules({})
    guest.wait_helper("waiting")
    host.kill()
    host.start()
    guest.wait_state("web", "active")
    assert old != guest.socket


def test_files_of_windows_editors(connected):
    guest, host = connected
    guest.write("etc/wslbridge/services.d/win.ini",
                b"\xef\xbb\xbf[service]\r\nlisten = 7070\r\nconnect-port = 70\r\n")
    host.wait_rules({**WEB, "0.0.0.0/7070": "10.9.0.2/70"})


def test_check_names_every_problem(guest):
    good = guest.check()
    assert (good.returncode, good.stdout, good.stderr) == (
        0, "0 services, 0 endpoints: no problems\n", "")
    guest.service("web", "listen = 8000-8010\nlisten = [::]:9000")
    assert guest.check().stdout == "1 service, 12 endpoints: no problems\n"
    guest.service("bad", "listen = 0\ncolour = red\nfirewall = everyone")
    bad = guest.check()
    assert bad.returncode == 1
    lines = bad.stderr.splitlines()
    for number, key in ((2, "listen"), (3, "colour"), (4, "firewall")):
        place = f"/etc/wslbridge/services.d/bad.ini:{number}: {key}: "
        assert [line for line in lines if line.startswith(place)], lines


def test_command_line(guest):
    def run(*arguments):
        return subprocess.run([guest.exe, *arguments], capture_output=True, text=True)

    assert run("--version").stdout.startswith("wslbridge-agent ")
    assert "--check" in run("--help").stdout
    for wrong in (["--nonsense"], ["extra"], ["--root=relative"], ["--root"]):
        done = run(*wrong)
        assert done.returncode == 2 and done.stderr, wrong
    assert run("--check", f"--root={guest.root}//").returncode == 0
