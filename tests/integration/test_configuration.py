# SPDX-License-Identifier: MIT
"""A saved file takes effect at once. A broken file does not affect the others. --check names every
problem."""
import os
import subprocess
import time

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


def test_broken_set_keeps_the_previous_one(connected):
    guest, host = connected
    guest.service("bad", "listen = 70000\nlisten = nonsense")
    wait_until(lambda: guest.status()["configuration"]["stale"], "the refusal")
    problems = guest.status()["configuration"]["problems"]
    assert {p["line"] for p in problems} == {2, 3}
    assert all(p["file"].endswith("services.d/bad.ini") for p in problems)
    guest.service("good", "listen = 9999")  # the set is still broken
    time.sleep(0.5)
    assert host.rules() == WEB
    assert guest.log_lines("stays in force")
    guest.service("bad", "listen = 7000")  # repaired: now all of it counts
    guest.wait_state("bad", "active")
    guest.wait_state("good", "active")
    assert guest.status()["configuration"] == {"stale": False, "problems": []}


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
        guest.service("web", lines)
        guest.wait_state("web", "pending")  # the old state does not apply to the new port
        assert guest.service_status("web")["listens"][0]["listen"] == "0.0.0.0:8081"
        assert guest.service_status("same")["state"] == "active"
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
