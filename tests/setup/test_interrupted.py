# SPDX-License-Identifier: MIT
"""Ctrl-C at each part, and two setups at once. After Ctrl-C a part is done, or all is as it was before it."""

import contextlib
import json
import signal
import subprocess

import pytest
from conftest import GUEST, SYSTEMCTL, TASKS
from installed_helper import RUNNING
from waiting import wait_until

AS_BEFORE = ("failed", "Stopped by Ctrl-C; all is as it was before this part")
NOT_BEGUN = ("failed", "Stopped by Ctrl-C before it began")
FORWARDING = ("v4tov4", "0.0.0.0/28740")


LIMIT = 600  # seconds for a whole setup, only to end what hangs


class Running:
    """A setup that somebody may interrupt; it gives its JSON, or asks questions where @json is False."""

    def __init__(self, windows, folder, *arguments, fault="", json=True):
        self.windows, self.waits = windows, windows.prefix.path / "drive_c/wslbridge-test-waits"
        self.paths = [folder / name for name in ("output", "errors")]
        words = ["setup", "Debian", *(["--json"] if json else []), *arguments]
        env = {"WSLBRIDGE_TEST_FAULT": fault, **({} if json else {"WSLBRIDGE_TEST_ASK": "1"})}
        with open(self.paths[0], "wb") as output:
            self.process = windows.prefix.popen_started(windows.program.exe, *words, errors=self.paths[1], env=env,
                                                        stdout=output, stdin=subprocess.PIPE, text=True)

    def output(self):
        return self.paths[0].read_text()

    def interrupt(self):
        """Returns when setup knows of it."""
        self.process.send_signal(signal.SIGINT)
        wait_until(lambda: "Ctrl-C: setup stops" in self.paths[1].read_text(), 60, "the Ctrl-C")

    def interrupt_question(self, question):
        wait_until(lambda: self.output().rstrip().endswith(f"{question} [y/n]"), 60, question)
        self.interrupt()
        self.process.stdin.close()  # as Ctrl-C ends the read of a console

    def interrupt_fault(self):
        """At the step that "wait" is ordered for, which goes on then."""
        wait_until(self.waits.exists, 60, "the step")
        self.interrupt()
        self.waits.unlink()

    def end(self):
        """Returns the exit code, and what people see."""
        code = self.process.wait(LIMIT)
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        return code, self.output()

    def report(self):
        return json.loads(self.end()[1][self.output().index("{\n"):])

    def states(self):
        return {p["part"]: (p["state"], p["text"]) for p in self.report()["parts"] if p["state"] != "open"}


@pytest.fixture
def start(windows, tmp_path):
    """Starts a setup: start("--undo", fault="elevation:wait")"""
    started = []

    def begin(*arguments, **options):
        started.append(Running(windows, tmp_path, *arguments, **options))
        return started[-1]

    yield begin
    for running in started:
        running.process.kill()
        running.end()


@pytest.fixture
def interrupt_in(wsl, start):
    """Starts a setup, and interrupts it when the script with this text has arrived, before it runs."""
    def begin(text, *arguments, **options):
        running = []

        def on_script(script):
            if text in script and running:
                running.pop().interrupt()

        running.append(start(*arguments, **options))
        started = running[0]
        wsl.on_script = on_script
        return started

    return begin


# --- distro


def test_while_the_distro_is_asked(windows, wsl, bare_root, start):
    wsl.hang = "/bin/sh"
    running = start()
    wait_until(lambda: wsl.calls, what="wsl.exe")
    running.interrupt()
    assert running.states() == {"distro": ("failed", "Stopped by Ctrl-C; nothing has changed")}
    assert running.report()["result"] == "stopped" and running.process.returncode == 1


def test_while_systemd_is_turned_on(bare, wsl, no_systemd, interrupt_in):
    """What is written counts only when the distro is started anew, so that belongs to it."""
    running = interrupt_in("wb_main write", "--yes")
    interrupt = wsl.on_script

    def on_script(script):
        interrupt(script)
        if wsl.terminated:
            no_systemd.write("/usr/bin/systemctl", SYSTEMCTL, mode=0o755)
            no_systemd.run("mkdir", "-p", "/run/systemd/system")

    wsl.on_script = on_script
    states = running.states()
    assert states["distro"][0] == "done" and states["service"] == NOT_BEGUN, states
    assert no_systemd.read("/etc/wsl.conf") == "[boot]\nsystemd=true\n" and wsl.terminated == ["Debian"]


@pytest.mark.parametrize("typed", ["", "y\n"])
def test_at_a_question_about_systemd(windows, wsl, no_systemd, start, typed):
    """At the first and at the second one nothing is written yet."""
    running = start(json=False)
    question = "Write this?"
    if typed:
        wait_until(lambda: question in running.output(), 60, question)
        running.process.stdin.write(typed)
        running.process.stdin.flush()
        question = "Do that now?"
    running.interrupt_question(question)
    code, output = running.end()
    assert code == 1 and f"FAILED     {AS_BEFORE[1]}." in output, output
    assert "Run this again, and it continues where it stopped; 'wslbridge-helper setup \"Debian\" " \
        "--undo' takes back what was done" in output
    assert not no_systemd.exists("/etc/wsl.conf") and wsl.terminated == []


# --- service


def test_instead_of_the_consent(bare, root, start):
    """Windows' question can be answered with yes afterwards. Nothing is installed all the same."""
    running = start(fault="elevation:wait")
    running.interrupt_fault()
    assert running.states() == {"distro": ("already", running.states()["distro"][1]), "service": AS_BEFORE}
    assert not bare.folder.exists() and "error" in bare.service.query()


def test_while_the_service_is_installed(bare, root, start):
    """The elevated half ends what it has begun, and nothing follows. The next run finds the service."""
    running = start(fault="entry:wait")
    running.interrupt_fault()
    states = running.states()
    assert states["service"][0] == "done" and states["package"] == NOT_BEGUN, states
    bare.service.wait_state(RUNNING)
    assert bare.setup("Debian", "--dry-run").states()["service"] == "already"
    assert bare.service.call("delete", "wslbridge-relay") == {}  # one of both services is not enough
    assert bare.setup("Debian", "--dry-run").states()["service"] == "would"


# --- package


def test_while_the_package_is_installed_and_removed(serving, root, interrupt_in, version):
    """apt-get is not stopped in the middle, and the user is told so. The parts after it are not begun, and
    the next run goes on."""
    running = interrupt_in("wb_install()")
    states = running.states()
    assert "apt-get is at work in the distro" in running.paths[1].read_text()
    assert states["package"][0] == "done" and states["pair"] == NOT_BEGUN, states
    assert root.run("dpkg-query", "-W", "-f", "${Version}", "wslbridge") == version
    assert serving.keys() == {}
    assert serving.setup("Debian", "--dry-run").states()["package"] == "already"
    running = interrupt_in("wb_remove()", "--undo")
    assert running.states()["package"][0] == "done" and running.report()["result"] == "done"
    assert not root.exists("/usr/bin/wslbridgectl")


# --- pair


def test_while_the_guest_takes_the_key(serving, wsl, root, start):
    """The guest hangs before it has the key: nothing has changed at either end."""
    assert serving.setup("Debian", env={"WSLBRIDGE_TEST_FAULT": "package:kill"}).code == 99
    wsl.hang = "wslbridgectl pair"
    running = start()
    wait_until(lambda: any("wslbridgectl pair" in call for call in wsl.calls), 60, "the pairing")
    running.interrupt()
    assert running.states()["pair"] == AS_BEFORE
    assert serving.keys() == {} and not root.exists("/etc/wslbridge/key")


def test_while_both_ends_agree_about_the_key(serving, wsl, guest, start):
    """The host has stored it, and the guest is told so: both have it in the end."""
    assert serving.setup("Debian", env={"WSLBRIDGE_TEST_FAULT": "package:kill"}).code == 99
    running = []
    wsl.on_input = lambda part: b"stored" in part and running[0].interrupt()
    running.append(start())
    states = running[0].states()
    assert states["pair"][0] == "done" and states["start"] == NOT_BEGUN, states
    key, = serving.keys().values()
    assert guest.run("cat", "/etc/wslbridge/key") == key.hex()


# --- start


def test_while_the_agent_connects(serving, guest, interrupt_in):
    """It has no way to the host. It is stopped and disabled again, and the next run connects it."""
    guest.disconnect()
    running = interrupt_in("wb_main 90 start")
    states = running.states()
    assert states["pair"][0] == "done" and states["start"] == AS_BEFORE, states
    assert guest.enabled_and_active() == [False, False]
    guest.connect(serving.service.port)
    again = serving.setup("Debian")
    assert again.code == 0 and again.states()["package"] == "already", again.output
    assert guest.status()["helper"]["connected"] and guest.enabled_and_active() == [True, True]
    assert serving.setup("Debian", "--undo").code == 0 and serving.keys() == {}


def test_an_agent_that_ran_goes_on(serving, guest, interrupt_in):
    """It was enabled and ran, but was not connected. Ctrl-C leaves it so."""
    assert serving.setup("Debian").code == 0
    guest.disconnect()
    guest.run("systemctl", "restart", "wslbridge-agent")
    running = interrupt_in("wb_main 15 look")
    assert running.states()["pair"] == AS_BEFORE
    assert guest.enabled_and_active() == [True, True]


# --- keep-alive, at-logon


@pytest.fixture
def paired(serving, guest):
    """All parts are done, except those that somebody has to ask for."""
    assert serving.setup("Debian").code == 0
    return serving


def test_while_settings_are_written(paired, profile, scheduler, start):
    running = start("--yes", "--keep-alive", "--at-logon", fault="keep-alive:wait")
    running.interrupt_fault()
    assert running.states()["keep-alive"] == AS_BEFORE  # it had not asked yet
    assert not (profile / ".wslconfig").exists() and scheduler.strings(TASKS) == {}
    running = start("--at-logon", fault="at-logon:wait")
    running.interrupt_fault()
    assert running.states()["at-logon"][0] == "done" and running.process.returncode == 0
    assert len(scheduler.strings(TASKS)) == 1
    running = start("--undo", fault="at-logon:wait")
    running.interrupt_fault()
    assert running.states()["at-logon"][0] == "done"
    assert running.states()["keep-alive"] == NOT_BEGUN and "package" not in running.states()
    assert scheduler.strings(TASKS) == {}


def test_at_the_question_about_the_settings(paired, profile, start):
    (profile / ".wslconfig").write_bytes(b"[wsl2]\r\nmemory=4GB\r\n")
    running = start("--keep-alive", json=False)
    running.interrupt_question("Write this?")
    code, output = running.end()
    assert code == 1 and f"keep-alive FAILED     {AS_BEFORE[1]}." in output, output
    assert [p.name for p in profile.glob(".wslconfig*")] == [".wslconfig"]
    assert (profile / ".wslconfig").read_bytes() == b"[wsl2]\r\nmemory=4GB\r\n"


# --- import


@pytest.fixture
def forwarding(paired):
    """One that leads to the guest, and is not ours."""
    paired.registry.set_rule(FORWARDING[1], f"{GUEST}/80")
    yield paired
    paired.registry.delete_rule(FORWARDING[1])


@pytest.mark.parametrize("script,files,mine", [("wb_main list", "", False),
                                              ("wb_main write", "import-28740.ini", True)])
def test_while_forwardings_are_imported(forwarding, guest, interrupt_in, script, files, mine):
    """While it looks, nothing has changed. Once the services are written, the forwarding is adopted, too."""
    running = interrupt_in(script, "--yes", "--import")
    part = running.states()["import"]
    assert part[0] == "done" if mine else part == AS_BEFORE, \
        (part, guest.call("wslbridgectl", "status").stdout)
    assert guest.run("ls", "/etc/wslbridge/services.d") == files
    assert bool(forwarding.registry.ledger()) == mine
    assert forwarding.registry.rules()[FORWARDING] == f"{GUEST}/80"


def test_import_without_administrator_rights(forwarding, guest):
    """The services are not written either: they would only be in conflict with the forwarding."""
    done = forwarding.setup("Debian", "--yes", "--import", env={"WSLBRIDGE_TEST_FAULT": "elevation:before"})
    assert "stay as they are: Administrator rights were not given" in done.part("import")["text"], done.output
    assert guest.run("ls", "/etc/wslbridge/services.d") == "" and not forwarding.registry.ledger()


# --- two at once


def test_two_at_once(windows, wsl, bare_root, start):
    """The second one says so and does nothing. After the first one was killed, the next one runs."""
    wsl.hang = "/bin/sh"
    first = start()
    wait_until(lambda: wsl.calls, what="wsl.exe")
    second = windows.setup("Debian", "--text")
    assert second.code == 1 and "Another 'wslbridge-helper setup' of yours is running" in second.output
    assert len(wsl.calls) == 1
    first.process.kill()
    first.process.wait()
    wsl.hang = None
    assert "no systemd" in windows.setup("Debian").part("distro")["text"]
