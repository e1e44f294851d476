# SPDX-License-Identifier: MIT
"""The scripts that 'wslbridge-helper setup' runs in a distro, where a real systemd starts the real agent. In
tests/setup the helper itself runs them."""

import base64
import hashlib
import os
import re

from conftest import AGENT, SERVICES, TOP

MARKER = re.compile(r"^wslbridge-setup: (\w+)=(.*)$", re.MULTILINE)


def script(guest, name, arguments, payload=""):
    """Run it as windows-helper/setup/guest-script.c does. Returns its answers."""
    with open(os.path.join(TOP, "windows-helper/setup/scripts", f"{name}.sh"), encoding="utf-8") as f:
        text = (f.read() + "\nwslbridge_payload() {\ncat <<'WSLBRIDGE_END'\n" + payload
                + "WSLBRIDGE_END\n}\n{ wslbridge_main " + arguments + "; exit; }\n")
    guest.write("/run/setup.sh", text)
    return dict(MARKER.findall(guest.ask("/bin/sh < /run/setup.sh")[1]))


def test_probe(guest):
    found = script(guest, "probe", "")
    assert found["end"] == "yes" and found["id"] == "debian" and found["arch"] == "amd64"
    assert found["init"] == "running" and found["dpkg"] == "yes"
    assert found["enabled"] == found["active"] == found["connected"] == "yes"
    assert found["owner"] == guest.owner()
    assert found["package"] == guest.run("dpkg-query -W -f '${Version}' wslbridge")


def test_removed_installed_and_started(guest, package):
    """The configuration and the key stay, so the agent connects again."""
    guest.run(f"printf '[service]\\nlisten = 28900\\n' > {SERVICES}/kept.ini")
    assert script(guest, "remove", "keep look") == {"result": "would"}
    assert script(guest, "remove", "keep remove") == {"result": "done"}
    assert guest.ask("command -v wslbridgectl")[0] != 0
    assert guest.ask(f"systemctl is-active {AGENT}")[1] == "inactive\n"
    assert script(guest, "remove", "keep remove") == {"result": "none"}
    probe = script(guest, "probe", "")
    assert probe["package"] == probe["files"] == "" and probe["active"] == "no"

    with open(os.path.join(package, "wslbridge.deb"), "rb") as f:
        deb = f.read()
    version = guest.run("dpkg-deb -f /package/wslbridge.deb Version")
    arguments = f"{version} {hashlib.sha256(deb).hexdigest()}"
    text = base64.encodebytes(deb).decode()
    assert script(guest, "install", f"{arguments} look", text)["result"] == "would"
    assert script(guest, "install", f"{arguments} install", text)["result"] == "done"
    assert script(guest, "install", f"{arguments} install", text)["result"] == "same"
    assert script(guest, "start", "1 look") == {"active": "no", "connected": "no"}
    started = script(guest, "start", "90 start")
    assert started["changed"] == started["active"] == started["connected"] == "yes"
    guest.within(30, "true", guest.is_state("kept", "active"))
    assert script(guest, "start", "90 start")["changed"] == "no"
