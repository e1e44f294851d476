# SPDX-License-Identifier: MIT
"""The agent uses the answers of WSL's tools: the networking mode decides what it asks for, and the name of the distribution is part of the identity. Here the tools are scripts."""
import os
import time

import pytest

from disturbed import Clock
from faults import ASAN
from guest import wait_until

HOUR = 3600
TOOL_LIMIT = 2  # seconds; WSL_LIMIT_USEC of the agent

RULE = {"0.0.0.0/8080": "10.9.0.2/80"}


def wait_mode(guest, mode):
    wait_until(lambda: guest.status().get("guest", {}).get("mode") == mode,
               f"mode {mode}\n{guest.log()}")


@pytest.fixture
def web(guest):
    guest.service("web", "listen = 8080\nconnect-port = 80")
    return guest


@pytest.mark.parametrize("word, mode, state, text, summary", [
    ("mirrored", "mirrored", "active", "direct: the guest has the host's addresses",
     "direct (networking mode mirrored)"),
    ("virtioproxy", "virtioproxy", "active", "direct: WSL listens on this host",
     "direct (networking mode virtioproxy)"),
    ("consomme", "virtioproxy", "active", "direct: WSL listens on this host",
     "direct (networking mode virtioproxy)"),
    ("bridged", "bridged", "active", "at the guest's own address, 10.9.0.2, port 8080",
     "direct at 10.9.0.2 on eth0"),
    ("none", "none", "withdrawn", "no network", "no network (networking mode none)"),
    ("wsl1", "mirrored", "active", "direct: the guest has the host's addresses",
     "direct (networking mode mirrored)")])
def test_modes_without_rules(guest, host, manager, word, mode, state, text, summary):
    """There is no rule even for a moment: the host's own address is never published."""
    guest.service("web", "listen = 8080")
    guest.wsl_mode(word)
    host.start()
    guest.start(NOTIFY_SOCKET=manager.path)
    guest.wait_state("web", state)
    guest.wait_helper("connected")
    service, status = guest.service_status("web"), guest.status()
    assert service["reason"] == ("direct" if state == "active" else "networking-mode")
    assert text in service["text"]
    assert (status["guest"]["mode"], status["guest"]["mode_word"]) == (mode, word)
    assert status["guest"]["wsl"] is True
    n_active = 1 if state == "active" else 0
    manager.wait(f"STATUS={summary}; helper connected; {n_active} of 1")
    assert host.rules() == {}
    assert len(guest.log_lines(f"Networking mode is {mode} (WSL reports '{word}'): nothing is "
                               "forwarded, because")) == 1


def test_no_advice_that_would_turn_a_service_off(web, host, control):
    """'connect = loopback' withdraws a service in this mode, so neither the journal nor 'check' leads to it."""
    web.wsl_mode("mirrored")
    web.listen(80, "127.0.0.1")
    web.service("web", "listen = 80")
    web.service("far", "listen = 81\nconnect = loopback")
    host.start(heartbeat_ms=1000)
    web.start()
    web.wait_state("far", "withdrawn")
    assert "far.ini: not in this mode" in control.run("check")[1]
    assert "connect = loopback" not in web.wait_log("accepts connections from inside this guest only")[0]


def test_another_port_in_a_mode_without_rules(web, host, control):
    """The service says why it cannot work, and so do 'check' and 'expose'."""
    web.wsl_mode("mirrored")
    host.start()
    web.start()
    web.wait_state("web", "invalid")
    assert "8080 cannot lead to port 80" in web.service_status("web")["text"]
    code, output = control.run("check")
    assert code == 0
    assert "In networking mode mirrored, nothing is forwarded, because" in output
    assert "web.ini: not in this mode" in output
    code, output = control.run("expose", "8090")
    assert code == 0
    assert "In networking mode mirrored, nothing is forwarded" in output
    assert "direct: the guest has the host's addresses" in " ".join(output.split())
    code, output = control.run("expose", "8091:91")
    assert code == 1
    assert "8091 cannot lead to port 91" in " ".join(output.split())


def test_states_without_a_helper(web):
    """What needs the helper waits for it. What does not is told without one."""
    web.service("web", "listen = 8080")
    web.wsl_mode("mirrored")
    web.start()
    web.wait_state("web", "pending")
    web.wait_log("Cannot reach the helper")
    wait_until(lambda: "opens the port in Windows Firewall" in (web.service_status("web")["text"] or ""),
               "the new mode's text")
    web.wsl_mode("bridged")
    web.reload()
    web.wait_state("web", "active")
    web.service("other", "listen = 8081")  # a new service too
    web.wait_state("other", "active")
    address = web.new_address()
    wait_until(lambda: f"{address}, port 8081" in (web.service_status("other")["text"] or ""),
               "the new address")
    web.wsl_mode("none")
    web.reload()
    web.wait_state("web", "withdrawn")
    web.wsl_mode("nat")
    web.reload()
    web.wait_state("web", "pending")
    assert web.service_status("web")["text"] == "the helper is not connected"


def test_mode_changes_with_the_address(web, host):
    web.wsl_mode("nat")
    host.start()
    web.start()
    host.wait_rules(RULE)
    web.wait_state("web", "active")
    assert web.status()["guest"]["mode"] == "nat"
    web.wsl_mode("mirrored")
    web.new_address()
    host.wait_rules({})
    web.wait_state("web", "invalid")
    assert web.service_status("web")["reason"] == "connect-port"
    web.wsl_mode("nat")
    web.new_address()
    host.wait_rules({"0.0.0.0/8080": f"{web.address}/80"})
    web.wait_state("web", "active")
    assert len(web.log_lines("Networking mode is mirrored")) == 1
    assert len(web.log_lines("Networking mode is nat")) == 2


def test_mode_changes_with_the_connection(web, host):
    web.wsl_mode("nat")
    host.start()
    web.start()
    host.wait_rules(RULE)
    host.kill()
    web.wait_helper("waiting")
    web.wsl_mode("mirrored")
    host.start()
    web.wait_state("web", "invalid")
    host.wait_rules({})
    host.stop()
    web.wsl_mode("nat")
    host.start()
    host.wait_rules(RULE)


def test_mode_changes_with_a_reload(web, host):
    web.wsl_mode("mirrored")
    host.start()
    web.start()
    web.wait_state("web", "invalid")
    web.wsl_mode("nat")
    web.reload()
    host.wait_rules(RULE)
    web.wsl_mode("bridged")
    web.reload()
    host.wait_rules({})


def test_an_address_change_never_waits_for_the_mode(web, host):
    web.wsl_mode("nat")
    host.start()
    web.start()
    host.wait_rules(RULE)
    web.tool("wslinfo", "sleep 1000")
    times = []
    for _ in range(3):
        begin = time.monotonic()
        host.wait_rules({"0.0.0.0/8080": f"{web.new_address()}/80"})
        times.append(time.monotonic() - begin)
    assert min(times) < TOOL_LIMIT, times  # a busy machine may be slow, but not every time
    assert web.status()["guest"]["mode"] == "nat"  # the last known mode stays


def test_slow_tools_do_not_delay_ready(web, host, manager):
    """When the agent kills the tools, it goes on as in an old WSL."""
    web.tool("wslinfo", "sleep 1000")
    web.tool("wslpath", "sleep 1000")
    web.interop()
    host.start()
    for _ in range(3):  # a busy machine may be slow, but not every time
        begin = time.monotonic()
        web.start(NOTIFY_SOCKET=manager.path)
        manager.wait("READY=1")
        rules = host.rules()
        if time.monotonic() - begin < TOOL_LIMIT:
            break
        web.stop()
        host.wait_rules({})
        manager.forget()
    else:
        pytest.fail("READY waits for the tools")
    assert rules == {}  # the agent asks only when it knows its identity
    host.wait_rules(RULE)
    web.wait_state("web", "active")
    assert web.status()["guest"]["mode"] == "unknown"
    assert web.status()["agent"]["distro"] == web.name  # from the environment


def test_tools_and_their_children_end_with_the_agent(web):
    """A tool that hangs is killed with all that it has started: after its time, and at once when the
    agent stops."""
    web.tool("wslinfo", "sleep 1000 &\nsleep 1000")
    web.start()
    wait_until(lambda: "sleep" in web.processes(), "a tool that hangs")
    wait_until(lambda: web.processes() == ["wslbridge-agent"], "the end of its time")
    web.reload()
    wait_until(lambda: "sleep" in web.processes(), "a tool that hangs again")
    web.stop()
    wait_until(lambda: web.processes() == [], "the end of all")


def test_a_tool_that_has_ended_leaves_nothing_behind(web):
    web.tool("wslinfo", "sleep 1000 &\necho mirrored")
    web.start()
    wait_mode(web, "mirrored")
    wait_until(lambda: web.processes() == ["wslbridge-agent"], "the end of its child")


def test_without_the_tools(web, host):
    """In an old WSL and in a plain Hyper-V guest there is nothing to wait for."""
    host.start()
    web.start()
    host.wait_rules(RULE)
    web.wait_state("web", "active")
    guest = web.status()["guest"]
    assert (guest["mode"], guest["mode_word"]) == ("unknown", None)


def test_not_wsl(web, host):
    """A plain Hyper-V guest has an ordinary kernel."""
    web.start(without=["WSLBRIDGE_WSL_FOLDER"])
    assert web.status()["guest"]["wsl"] is ("microsoft" in os.uname().release.lower())


def test_unknown_word_is_reported(web, host):
    web.wsl_mode("wormhole")
    host.start()
    web.start()
    host.wait_rules(RULE)
    web.wait_state("web", "active")
    wait_until(lambda: web.status()["guest"]["mode_word"] == "wormhole", "the word")
    assert web.status()["guest"]["mode"] == "unknown"
    assert len(web.log_lines("'wormhole'")) == 1


def test_a_warning_before_the_answer(web, host):
    web.tool("wslinfo", "echo 'wsl: a localhost proxy was found'; echo mirrored")
    host.start()
    web.start()
    wait_until(lambda: web.status()["guest"]["mode_word"] == "mirrored", "the word")
    assert web.status()["guest"]["mode"] == "mirrored"


def test_wsl_that_is_not_ready_yet(web, host):
    """While a distribution starts, the tools fail. The agent waits for their first answer."""
    web.tool("wslinfo", f"[ -e {web.wsl}/1_interop ] || exit 1\necho mirrored")
    web.tool("wslpath", f"[ -e {web.wsl}/1_interop ] || exit 1\n"
                        "printf '%s\\n' '\\\\wsl.localhost\\Late\\'")
    host.options.pop("key")
    host.start(no_pairing=True)
    web.remove("etc/wslbridge/key")
    web.start()
    time.sleep(0.5)
    assert web.status()["helper"]["connected"] is False
    web.interop()
    web.wait_state("web", "invalid")
    assert web.status()["agent"]["distro"] == "Late"
    assert host.stats()["writes"] == 0


def test_distro_is_part_of_the_identity(web, host):
    """The name comes from wslpath, even if the environment has another one."""
    web.wsl_mode("nat")
    web.tool("wslpath", "printf '%s\\n' '\\\\wsl.localhost\\Debian\\'")
    host.options.pop("key")
    host.start(no_pairing=True)
    web.remove("etc/wslbridge/key")
    web.start()
    host.wait_rules(RULE)
    web.wait_state("web", "active")
    assert web.status()["agent"]["distro"] == "Debian"
    assert all(m.startswith(("listening on", "notice: 'Debian' (")) for m in host.messages)


@pytest.mark.parametrize("output", ["C:\\\\", "", "\\\\\\\\wsl.localhost\\\\My Distro\\\\"])
def test_output_that_is_not_a_name(web, host, output):
    web.wsl_mode("nat")
    web.tool("wslpath", f"printf '{output}\\n'")
    host.start()
    web.start()
    host.wait_rules(RULE)
    web.wait_state("web", "active")
    assert web.status()["agent"]["distro"] == web.name


@pytest.fixture
def clock(dev_tree, tmp_path):
    """The agent's wall clock. Setting that of the machine that runs the tests would have the same effect."""
    clock = Clock(str(tmp_path), dev_tree)
    clock.environment["ASAN_OPTIONS"] = ASAN
    yield clock
    clock.close()


def test_after_a_sleep_everything_is_asked_again(web, host, clock):
    """Not after a small step: Docker Desktop makes one every 30 s (fact 7.1.5)."""
    web.wsl_mode("nat")
    host.start()
    web.start(**clock.environment)
    host.wait_rules(RULE)
    dumps = web.status()["counters"]["dumps"]
    for seconds in 3, 6, 3:
        clock.set(seconds)
        clock.wait_read()
    web.wsl_mode("mirrored")
    clock.set(HOUR)
    host.wait_rules({})
    web.wait_state("web", "invalid")
    assert web.status()["counters"]["dumps"] > dumps
    web.wsl_mode("nat")
    clock.set(0)
    host.wait_rules(RULE)
    assert len(web.log_lines("The clock was set")) == 2


def test_resume_tries_the_helper_at_once(web, host, peer, clock):
    web.wsl_mode("nat")
    bad = peer(lambda connection: connection.close())
    web.start(**clock.environment)
    wait_until(lambda: bad.n_connections >= 6, "the sixth try", 60)  # the next is in 6 to 8 s
    begin = time.monotonic()
    bad.close()
    host.start()
    clock.set(HOUR)
    wait_until(lambda: web.status()["helper"]["connected"], "connected at once", 6)
    assert time.monotonic() - begin < 6
