# SPDX-License-Identifier: MIT
"""WSL's tools hang or fail, perhaps for the life of a VM (microsoft/WSL issue 41283). The guest stays the
one that the host knows, and says what is wrong. Here the tools are scripts."""
import os

import pytest

from guest import wait_until

RULE = {"0.0.0.0/8080": "10.9.0.2/80"}
QUICK = {"WSLBRIDGE_WSL_SILENT_MS": "200"}
SERVICE = ["WSL_DISTRO_NAME"]  # systemd's services do not have it


@pytest.fixture
def web(guest, host, key):
    """A guest that WSL calls Debian, and that the host knows by this name only."""
    host.options["key"] = f"{guest.owner('Debian')}={key}"
    guest.service("web", "listen = 8080\nconnect-port = 80")
    guest.wsl_mode("nat", "Debian")
    return guest


def silence(guest, script="sleep 1000"):
    guest.tool("wslinfo", script)
    guest.tool("wslpath", script)


def wait_silent(guest, silent):
    wait_until(lambda: guest.status().get("guest", {}).get("wsl_silent") is silent,
               f"silent: {silent}\n{guest.log()}")


@pytest.mark.parametrize("script", ["sleep 1000", "exit 1"])
def test_the_same_guest_after_a_restart(web, host, control, script):
    host.start()
    web.start(without=SERVICE)
    host.wait_rules(RULE)
    web.wait_state("web", "active")
    assert (web.status()["guest"]["wsl_silent"], web.status()["guest"]["kept"]) == (False, False)
    before = host.stats()
    web.kill()
    silence(web, script)
    web.start(without=SERVICE, **QUICK)
    web.wait_state("web", "active")
    wait_silent(web, True)
    status = web.status()
    assert (status["agent"]["distro"], status["guest"]["mode"]) == ("Debian", "nat")
    assert status["guest"]["kept"] is True
    after = host.stats()
    assert (after["deletes"], after["writes"]) == (before["deletes"], before["writes"])
    assert len(host.command("agents")["agents"]) == 1
    assert len(web.log_lines("WSL does not answer: wslinfo or wslpath hangs or fails. Going on as "
                             "'Debian' (WSL's answer of an earlier start) in networking mode nat")) == 1
    assert "wsl-silent" in [f["id"] for f in control.json("doctor")[1]["findings"]]

    web.wsl_mode("nat", "Debian")
    wait_silent(web, False)  # nobody has asked for it
    assert web.status()["guest"]["kept"] is False
    web.wait_log("WSL answers again")
    assert host.rules() == RULE


def test_a_mirrored_guest_stays_one(web, host):
    """Its LAN address, which is the host's own, is never offered."""
    web.wsl_mode("mirrored", "Debian")
    host.start()
    web.start(without=SERVICE)
    web.wait_state("web", "invalid")
    web.stop()
    silence(web)
    web.start(without=SERVICE, **QUICK)
    wait_silent(web, True)
    web.wait_helper("connected")
    web.wait_state("web", "invalid")
    assert web.status()["guest"]["mode"] == "mirrored"
    assert host.stats()["writes"] == 0


def test_what_wsl_says_wins_over_what_was_kept(web, host):
    """The copy of a distribution has the original's file until WSL answers."""
    host.options.pop("key")
    host.start(no_pairing=True)
    web.remove("etc/wslbridge/key")
    web.start(without=SERVICE)
    host.wait_rules(RULE)
    web.stop()
    host.wait_rules({})
    web.wsl_mode("nat", "Copy")
    web.start(without=SERVICE, **QUICK)
    # On a busy machine the first answers may come too late.
    wait_until(lambda: web.status()["agent"]["distro"] == "Copy", "the new name")
    host.wait_rules(RULE)
    wait_until(lambda: ["Debian" in a["owner"] for a in host.command("agents")["agents"]] == [False],
               "one guest with that name")
    with open(os.path.join(web.kept, "kept-name"), encoding="utf-8") as f:
        assert "distro=Copy\nmode=nat\n" in f.read()


def test_nothing_kept_yet(web, host, control):
    """At the first start of all, the name is a guess, and the host does not know it."""
    silence(web)
    host.start()
    web.start(**QUICK)
    web.wait_helper("refused")
    wait_silent(web, True)
    assert web.status()["agent"]["distro"] == web.name
    assert os.listdir(web.kept) == ["lock"]  # of the running agent
    findings = {f["id"]: f for f in control.json("doctor")[1]["findings"]}
    assert "which may be wrong" in findings["wsl-silent"]["seen"]


def test_folder_that_cannot_be_written(web, host):
    os.rmdir(web.kept)
    open(web.kept, "w").close()
    host.start()
    web.start(without=SERVICE)
    host.wait_rules(RULE)
    web.wait_log("Cannot keep WSL's answers for the next start")


def test_pairing_while_wsl_is_silent_and_the_agent_is_down(web, control, key):
    web.start(without=SERVICE)
    wait_until(lambda: "kept-name" in os.listdir(web.kept), "the kept answers")
    web.stop()
    silence(web, "exit 1")
    code, output = control.run("pair", stdin=key, env={"WSLBRIDGE_WSL_FOLDER": web.wsl})
    assert code == 0 and output.strip().endswith("/Debian")
