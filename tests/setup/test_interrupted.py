# SPDX-License-Identifier: MIT
"""Ctrl-C, two setups at once, and what comes of a part that was interrupted."""

import json
import signal
import subprocess
import threading

from installed_helper import RUNNING
from waiting import wait_until


class Running:
    """A setup that somebody may interrupt."""

    def __init__(self, windows, *arguments):
        self.process = windows.prefix.popen(windows.program.exe, "setup", "Debian", "--json", *arguments,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL, text=True)

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def states(self):
        output = self.process.communicate(timeout=120)[0]
        report = json.loads(output)
        return {p["part"]: (p["state"], p["text"]) for p in report["parts"] if p["state"] != "open"}


def test_ctrl_c_while_the_distro_is_asked(windows, wsl, bare_root):
    wsl.hang = "/bin/sh"
    running = Running(windows)
    wait_until(lambda: wsl.calls, what="wsl.exe")
    running.interrupt()
    assert running.states() == {"distro": ("failed", "Stopped by Ctrl-C")}
    assert running.process.returncode == 1


def test_ctrl_c_while_the_service_is_installed(bare, root):
    """The elevated half ends what it has begun, and nothing follows. The next run finds the service."""
    running = Running(bare)
    wait_until(lambda: bare.service.query().get("error") is None, 60, "the entry of the service")
    running.interrupt()
    states = running.states()
    assert states["service"][0] == "done", states
    assert states["package"] == ("failed", "Stopped by Ctrl-C before it began")
    bare.service.wait_state(RUNNING)
    assert bare.setup("Debian", "--dry-run").states()["service"] == "already"


def test_ctrl_c_while_the_agent_connects(serving, guest, wsl):
    """The agent has no way to the host. What is done stays, and the next run connects it."""
    guest.disconnect()
    one = Running(serving)

    def interrupt():
        wait_until(lambda: guest.call("systemctl", "is-active", "wslbridge-agent").returncode == 0, 60,
                   "the start of the agent")
        one.interrupt()

    wsl.on_script = lambda script: ("wslbridge_wait()" in script and
                                    threading.Thread(target=interrupt, daemon=True).start())
    states = one.states()
    assert states["pair"][0] == "done" and states["start"] == ("failed", "Stopped by Ctrl-C"), states
    guest.connect(serving.service.port)
    again = serving.setup("Debian")
    assert again.code == 0, again.output
    assert guest.status()["helper"]["connected"]
    assert serving.setup("Debian", "--undo").code == 0 and serving.keys() == {}


def test_ctrl_c_while_the_package_is_installed(serving, wsl, root, version):
    """apt-get is not stopped in the middle. The parts after it are not begun, and the next run goes on."""
    running = []

    def interrupt(script):
        if "wslbridge_install()" in script and running:
            running.pop().interrupt()

    wsl.on_script = interrupt
    one = Running(serving)
    running.append(one)
    states = one.states()
    assert states["package"][0] == "done", states
    assert states["pair"] == ("failed", "Stopped by Ctrl-C before it began")
    assert root.run("dpkg-query", "-W", "-f", "${Version}", "wslbridge") == version
    assert serving.keys() == {}
    assert serving.setup("Debian", "--dry-run").states()["package"] == "already"


def test_ctrl_c_while_it_is_paired(serving, wsl, root):
    """The guest hangs before it has the key: nothing has changed at either end."""
    assert serving.setup("Debian", env={"WSLBRIDGE_TEST_FAULT": "package:kill"}).code == 99
    wsl.hang = "wslbridgectl pair"
    running = Running(serving)
    wait_until(lambda: any("wslbridgectl pair" in call for call in wsl.calls), 60, "the pairing")
    running.interrupt()
    assert running.states()["pair"][0] == "failed"
    assert serving.keys() == {} and not root.exists("/etc/wslbridge/key")


def test_two_at_once(windows, wsl, bare_root):
    """The second one says so and does nothing. After the first one was killed, the next one runs."""
    wsl.hang = "/bin/sh"
    first = Running(windows)
    wait_until(lambda: wsl.calls, what="wsl.exe")
    second = windows.setup("Debian", "--text")
    assert second.code == 1 and "Another 'wslbridge-helper setup' of yours is running" in second.output
    assert len(wsl.calls) == 1
    first.process.kill()
    first.process.wait()
    wsl.hang = None
    assert "no systemd" in windows.setup("Debian").part("distro")["text"]
