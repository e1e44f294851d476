# SPDX-License-Identifier: MIT
"""All of setup: from a distro and a Windows without wslbridge to an answered request, and back."""

import contextlib
import re
import socket

from conftest import GUEST, HOST, TASKS
from waiting import wait_until

PORT = 28700
SERVER = "import socket\ns = socket.create_server(('', 80))\nwhile True:\n s.accept()[0].sendall(b'here\\n')\n"


def owner_of(guest):
    return "/".join(guest.status()["agent"][k] for k in ("agent_id", "distro"))


def answer_now(port):
    with contextlib.suppress(OSError):
        return answer(port)


def answer(port):
    """What a client of the host gets from a port."""
    with socket.create_connection((HOST, port), timeout=10) as client:
        return client.makefile().readline()


def test_from_a_bare_root_to_an_answered_request_and_back(bare, guest, version):
    guest.call("touch", "/etc/wslbridge/mine")
    done = bare.setup("Debian", "--text")
    assert done.code == 0, done.output
    print(done.output)
    lines = re.findall(r"^(\S+) +(done|already so)", done.output, re.MULTILINE)
    assert lines == [("distro", "already so"), ("service", "done"), ("package", "done"),
                     ("pair", "done"), ("start", "done")]
    assert "\nSet up. In the distro, 'sudo wslbridgectl expose 8080' makes a service reachable." in done.output
    assert guest.run("dpkg-query", "-W", "-f", "${Version}", "wslbridge") == version
    assert guest.status()["helper"]["connected"]
    assert list(bare.keys()) == [owner_of(guest)]

    # A port of the distro is reachable.
    guest.serve(SERVER)
    guest.run("wslbridgectl", "expose", f"{PORT}:80", "--name=web")
    assert bare.registry.rules() == {("v4tov4", f"0.0.0.0/{PORT}"): f"{GUEST}/80"}
    assert wait_until(lambda: answer(PORT), what="the answer") == "here\n"

    # The second time nothing is to do, and nobody is asked for administrator rights.
    before = bare.registry.stamps()
    again = bare.setup("Debian", env={"WSLBRIDGE_TEST_FAULT": "elevation:before"})
    assert again.code == 0, again.output
    assert set(again.states().values()) == {"already"} and again.report["result"] == "already"
    assert bare.registry.stamps() == before and answer(PORT) == "here\n"

    # Nor when the distro is only just starting, so that the agent connects a moment later.
    guest.run("systemctl", "stop", "wslbridge-agent")
    guest.run("systemd-run", "--quiet", "--on-active=2",
              "--timer-property=AccuracySec=100ms", "systemctl", "start", "wslbridge-agent")
    again = bare.setup("Debian", env={"WSLBRIDGE_TEST_FAULT": "elevation:before"})
    assert set(again.states().values()) == {"already"}, again.output

    # And back. The configuration stays, because nobody can be asked about it.
    look = bare.setup("Debian", "--undo", "--dry-run")
    assert look.states()["package"] == look.states()["pair"] == "would"
    assert bare.keys() and guest.status()["helper"]["connected"]
    undone = bare.setup("Debian", "--undo")
    assert undone.code == 0, undone.output
    assert undone.states()["package"] == undone.states()["pair"] == "done"
    assert bare.keys() == {}
    assert guest.call("sh", "-c", "command -v wslbridgectl").returncode != 0
    assert guest.run("ls", "/etc/wslbridge/mine", "/etc/wslbridge/services.d/web.ini")
    wait_until(lambda: bare.registry.rules() == {}, what="the withdrawal")
    assert set(bare.setup("Debian", "--undo").states().values()) == {"already"}

    # The port is reachable again when the agent is.
    again = bare.setup("Debian")
    assert [again.states()[p] for p in ("package", "pair", "start")] == ["done"] * 3, again.output
    assert wait_until(lambda: answer_now(PORT), what="the answer") == "here\n"


def test_dry_run_changes_nothing(bare, guest):
    """It says what setup would do, and the distro, the registry and the files are as before."""
    def trees():
        return (guest.run("find", "/etc", "/usr", "/var/lib/dpkg", "/var/tmp", "-xdev", "-printf",
                          "%p %s %T@\n"), bare.registry.stamps(), bare.service.query(),
                bare.folder.exists())

    before = trees()
    done = bare.setup("Debian", "--dry-run", "--yes")
    assert done.code == 0, done.output
    assert done.states() == {"service": "would", "distro": "already", "package": "would",
                             "pair": "would", "start": "would"}
    assert done.report["result"] == "would"
    assert trees() == before


def test_killed_after_each_part_and_run_again(bare, guest):
    """Each run is killed after the part that it has just done; the next one goes on from there."""
    for part in ("service", "package", "pair"):
        killed = bare.setup("Debian", "--text", env={"WSLBRIDGE_TEST_FAULT": f"{part}:kill"})
        assert killed.code == 99, killed.output
        assert re.findall(r"^(\S+) +done", killed.output, re.MULTILINE) in ([], [part]), killed.output
    done = bare.setup("Debian")
    assert done.code == 0, done.output
    assert done.states()["service"] == done.states()["package"] == "already"
    assert guest.status()["helper"]["connected"]


def test_undo_with_the_configuration(serving, guest):
    assert serving.setup("Debian").code == 0
    done = serving.setup("Debian", "--undo", "--yes")
    assert done.code == 0 and "with its configuration and key" in done.part("package")["text"]
    assert guest.call("ls", "/etc/wslbridge").returncode != 0


def test_an_agent_that_does_not_start(serving, guest):
    """It is not enabled then either, and the next run goes on when the cause is gone."""
    drop_in = "/etc/systemd/system/wslbridge-agent.service.d"
    guest.run("sh", "-c", f"mkdir {drop_in}; printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n' "
                          f">{drop_in}/broken.conf; systemctl daemon-reload")
    try:
        done = serving.setup("Debian")
        assert done.part("start")["text"] == "The agent does not start", done.output
        assert guest.enabled_and_active() == [False, False]
    finally:
        guest.run("sh", "-c", f"rm -r {drop_in}; systemctl daemon-reload")
    assert serving.setup("Debian").code == 0 and guest.enabled_and_active() == [True, True]


def test_a_package_that_cannot_be_removed(serving, guest):
    """The agent runs on."""
    script = "/var/lib/dpkg/info/wslbridge.prerm"
    assert serving.setup("Debian").code == 0
    guest.run("sh", "-c", f"cp -p {script} /tmp/prerm; printf '#!/bin/sh\\nexit 1\\n' >{script}")
    try:
        done = serving.setup("Debian", "--undo")
        assert done.part("package")["text"] == "The agent could not be removed", done.output
        assert guest.enabled_and_active() == [True, True]
    finally:
        guest.run("mv", "/tmp/prerm", script)
    assert serving.setup("Debian", "--undo").part("package")["state"] == "done"


def test_all_in_the_first_run(windows, guest, profile):
    """The agent is installed by the same run. What is taken back is what was set: a .wslconfig of the user's,
    of whatever kind, is no trouble then."""
    windows.registry.set_rule(f"0.0.0.0/{PORT}", f"{GUEST}/{PORT}")
    done = windows.setup("Debian", "--yes", "--import")
    assert done.code == 0 and done.states()["import"] == "done", done.output
    assert guest.run("ls", "/etc/wslbridge/services.d") == f"import-{PORT}.ini"
    assert len(windows.registry.ledger()) == 1
    odd = "[wsl2]\n".encode("utf-16")
    (profile / ".wslconfig").write_bytes(odd)
    undone = windows.setup("Debian", "--undo", "--yes")
    assert undone.code == 0 and undone.states()["keep-alive"] == "already", undone.output
    assert (profile / ".wslconfig").read_bytes() == odd


def test_the_task_of_a_distro_that_is_gone(windows, wsl, guest, profile, scheduler):
    """As after 'wsl --unregister': nothing else would ever remove it."""
    assert windows.setup("Debian", "--yes", "--at-logon").code == 0
    assert len(scheduler.strings(TASKS)) == 1
    wsl.add("Other", guest.command, default=True)
    wsl.distros.pop("Debian")
    wsl.register()
    undone = windows.setup("Debian", "--undo", "--yes")
    assert undone.code == 1 and undone.part("distro")["text"] == "You have no distro 'Debian'"
    assert undone.part("at-logon")["state"] == "done" and scheduler.strings(TASKS) == {}
