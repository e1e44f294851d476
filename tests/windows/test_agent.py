# SPDX-License-Identifier: MIT
"""The real agent and the real helper: agent → unix socket → socat → TCP → helper under Wine."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess

import fake_firewall
import pytest
from waiting import wait_until
from wine_registry import KEYS

ADDRESS = "172.29.8.2"


class Agent:
    """wslbridge-agent with a root directory of its own."""

    def __init__(self, network, exe, root):
        self.network, self.exe, self.root, self.process = network, exe, root, None
        self.socket = root / "helper.sock"
        self.write("etc/wslbridge/agent.conf",
                   f"[agent]\nhelper = unix:{self.socket}\ninterface = guest0\n")
        (root / "run/wslbridge").mkdir(parents=True)

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def service(self, name, text):
        self.write(f"etc/wslbridge/services.d/{name}.ini", "[service]\n" + text)

    def key(self, key):
        self.write("etc/wslbridge/key", key.hex() + "\n").chmod(0o600)

    def wsl_mode(self, word):
        """Write WSL's tools as a distribution in this networking mode has them."""
        for name, script in (("wslinfo", f"[ $1 = --networking-mode ] || exit 1; echo {word}"),
                             ("wslpath", "printf '%s\\n' '\\\\wsl.localhost\\Debian\\'")):
            new = self.write(f"wsl/{name}.new", f"#!/bin/sh\n{script}\n")
            new.chmod(0o755)
            new.rename(self.root / "wsl" / name)
        self.write("wsl/1_interop", "")

    def start(self):
        environment = {k: v for k, v in os.environ.items() if k != "NOTIFY_SOCKET"}
        environment["RUNTIME_DIRECTORY"] = str(self.root / "run/wslbridge")
        environment["WSLBRIDGE_WSL_FOLDER"] = str(self.root / "wsl")
        with open(self.root / "log", "ab") as log:
            self.process = subprocess.Popen(self.network.command(self.exe, f"--root={self.root}"),
                                            env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)

    def stop(self, kill=False):
        if self.process and self.process.poll() is None:
            (self.process.kill if kill else self.process.terminate)()
        return self.process.wait(timeout=20) if self.process else None

    def status(self):
        try:
            return json.loads((self.root / "run/wslbridge/status.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}

    def log(self):
        return (self.root / "log").read_text(errors="replace")


class Relay:
    """socat between the agent's unix socket and the port of the present helper."""

    def __init__(self, path):
        self.path, self.process = path, None

    def start(self, port):
        self.stop()
        self.process = subprocess.Popen(["socat", f"UNIX-LISTEN:{self.path},fork,unlink-early",
                                         f"TCP:127.0.0.1:{port},nodelay"])

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(timeout=10)
            self.process = None
        pathlib.Path(self.path).unlink(missing_ok=True)


@pytest.fixture
def agent(network, dev_tree, tmp_path_factory):
    exe = pathlib.Path(dev_tree) / "agent/wslbridge-agent"
    if not exe.exists() or not shutil.which("socat"):
        pytest.skip(f"no agent in {dev_tree}, or no socat")
    # The agent has an interface of its own, because all tests share eth0 and its addresses.
    network.ip("link add guest0 type veth peer name guest1\n"
               f"addr add {ADDRESS}/20 dev guest0\n"
               "link set guest0 up\nlink set guest1 up\n")
    made = Agent(network, exe, tmp_path_factory.mktemp("agent"))
    yield made
    made.stop(kill=True)
    network.ip("link delete guest0\n")


@pytest.fixture
def relay(agent):
    made = Relay(agent.socket)
    yield made
    made.stop()


class Pair:
    """Both halves, which can be started and ended in any order."""

    def __init__(self, start_helper, relay, agent):
        self._start_helper, self.relay, self.agent, self.helper = start_helper, relay, agent, None

    def start_helper(self):
        # After an absence of the helper, the agent may wait some seconds in its back-off.
        self.helper = self._start_helper(goodbye=5000, recovery=20000)
        self.relay.start(self.helper.port)

    def stop_helper(self):
        self.helper.stop()

    def kill_helper(self):
        self.helper.kill()

    def start_agent(self):
        self.agent.start()

    def stop_agent(self):
        self.agent.stop()

    def kill_agent(self):
        self.agent.stop(kill=True)

    def service_state(self, name):
        return {s["name"]: s["state"] for s in self.agent.status().get("services", [])}.get(name)

    def wait_state(self, name, state, timeout=40):
        try:
            wait_until(lambda: self.service_state(name) == state, timeout)
        except AssertionError:
            raise AssertionError(f"{name} is not {state}: {self.agent.status()}\n"
                                 f"{self.agent.log()}\n" + "\n".join(self.helper.lines)) from None


@pytest.fixture
def pair(start_helper, registry, relay, agent):
    """Both halves, started and paired, with one service 'web' on port 28080."""
    made = Pair(start_helper, relay, agent)
    agent.service("web", "listen = 127.0.0.1:28080\nconnect-port = 80\n")
    made.start_helper()
    made.start_agent()
    # On a busy machine an attempt before that may have taken too long, which is an error, too.
    wait_until(lambda: (agent.status().get("helper", {}).get("error") or {}).get("code") == "not-paired", 30,
               "the refusal of an agent without a key")
    assert registry.clean()
    identity, key = agent.status()["agent"], os.urandom(32)
    registry.set_key(f"{identity['agent_id']}/{identity['distro']}", key)
    agent.key(key)
    made.wait_state("web", "active")
    return made


RULE = {("v4tov4", "127.0.0.1/28080"): f"{ADDRESS}/80"}


def test_pair_change_and_stop(pair, registry, agent):
    assert registry.rules() == RULE
    agent.service("more", "listen = 127.0.0.1:28100-28110\n")
    pair.wait_state("more", "active")
    assert len(registry.rules()) == 12
    registry.set_rule("127.0.0.1/28120", "192.0.2.1/80")
    agent.service("taken", "listen = 127.0.0.1:28120\n")
    pair.wait_state("taken", "conflict")
    assert registry.rules()["v4tov4", "127.0.0.1/28120"] == "192.0.2.1/80"
    registry.delete_rule("127.0.0.1/28120")
    pair.wait_state("taken", "active")
    (agent.root / "etc/wslbridge/services.d/more.ini").unlink()
    wait_until(lambda: len(registry.rules()) == 2, 10, "the range withdrawn")
    assert agent.stop() == 0
    wait_until(registry.clean, 10, "withdrawal after the goodbye")


def test_the_address_follows_the_interface(pair, registry, network):
    for n in (3, 4, 5):
        # Remove the old address first: with it, the kernel removes the others of its subnet.
        network.ip(f"addr del 172.29.8.{n - 1}/20 dev guest0\n"
                   f"addr add 172.29.8.{n}/20 dev guest0\n")
        rule = {("v4tov4", "127.0.0.1/28080"): f"172.29.8.{n}/80"}
        wait_until(lambda: registry.rules() == rule, 10, f"{rule}")
    network.ip("addr flush dev guest0\n")
    wait_until(registry.clean, 10, "withdrawal without an address")
    pair.wait_state("web", "withdrawn")


@pytest.fixture
def firewall(registry, build_win):
    """A function that returns the rules of the firewall."""
    with fake_firewall.in_place(registry, build_win) as set_answers:
        set_answers(CONNECTED=2)
        yield lambda: fake_firewall.rules(registry)


def opened(*endpoints):
    """These endpoints as rules: by protocol and port, without a program and without a service."""
    def rule(endpoint):
        port, _, udp = endpoint.rpartition(":")[2].partition("/")
        return f"wslbridge {endpoint}", "17" if udp else "6", port, "", ""

    return sorted(rule(e) for e in endpoints)


# The helper of this test has no relay, so UDP is served where nothing has to be forwarded.
FORWARDED = ("active", "active", "refused no-relay",
             {**RULE, ("v4tov4", "0.0.0.0/28081"): f"{ADDRESS}/28081"},
             {"127.0.0.1/28080": f"|web|{ADDRESS}/80|{ADDRESS}/80",
              "0.0.0.0/28081": f"|same|{ADDRESS}/28081|{ADDRESS}/28081"},
             opened("0.0.0.0:28081"))  # none for the loopback
OPENED = ("invalid connect-port", "active direct", "active direct", {},
          {"0.0.0.0/28081": "|same|-|direct", "0.0.0.0/28082/udp": "|voice|-|direct"},
          opened("0.0.0.0:28081", "0.0.0.0:28082/udp"))
LOOK_AGAIN = 60  # seconds at most until the helper looks who listens, when nothing else happens
UNHEARD = (OPENED[0], "active not-listening", "active not-listening", *OPENED[3:])  # there is no WSL here
MODES = {"nat": FORWARDED, "mirrored": OPENED, "virtioproxy": UNHEARD, "consomme": UNHEARD,
         "bridged": ("active direct", "active direct", "active direct", {}, {}, []),
         "none": (*("withdrawn networking-mode",) * 3, {}, {}, [])}
WALK = ("nat", "mirrored", "nat", "virtioproxy", "mirrored", "consomme", "bridged", "none", "nat")


def states(agent):
    found = {s["name"]: " ".join(filter(None, (s["state"], s["reason"])))
             for s in agent.status().get("services", [])}
    return found.get("web"), found.get("same"), found.get("voice")


def start_in_mode(agent, registry, mode):
    """In WSL, with two more services. Its identity there is another one, and gets the same key."""
    agent.service("same", "listen = 0.0.0.0:28081\n")
    agent.service("voice", "listen = 0.0.0.0:28082\nprotocol = udp\n")
    agent.stop()
    agent.wsl_mode(mode)
    agent.start()
    wait_until(lambda: agent.status().get("guest", {}).get("mode_word") == mode, 30, f"mode {mode}")
    identity = agent.status()["agent"]
    [key] = {data for name, (kind, data) in registry.dump(KEYS).items()}
    registry.set_key(f"{identity['agent_id']}/{identity['distro']}", key)


@contextlib.contextmanager
def listening(prefix, build_win, tcp, udp):
    """A program that listens on these ports, in the place of WSL."""
    exe = build_win / "tests/windows/wsl-listener.exe"
    with prefix.popen(exe, tcp, udp, text=True, stdout=subprocess.PIPE) as program:
        try:
            # Wine may write a line before it.
            assert any(line.strip() == "listening" for line in program.stdout), "no ports to listen on"
            yield
        finally:
            program.kill()


def test_wsl_does_not_listen_and_then_does(prefix, build_win, firewall, pair, registry, agent):
    """In the mode in which it is to."""
    start_in_mode(agent, registry, "consomme")
    wait_until(lambda: states(agent) == UNHEARD[:3], 30, lambda: states(agent))
    wait_until(lambda: firewall() == UNHEARD[5], 30, lambda: f"open ports: {firewall()}")
    with listening(prefix, build_win, "28081", "28082"):
        wait_until(lambda: states(agent) == OPENED[:3], LOOK_AGAIN, lambda: states(agent))


def test_a_walk_through_all_modes(firewall, pair, registry, agent):
    """WSL is restarted again and again with another networking mode. After each change there is what
    this mode needs, in the registry, the ledger and the firewall, and nothing else."""
    start_in_mode(agent, registry, "nat")

    def seen():
        ledger = {name: data.partition("/Debian")[2] for name, data in registry.ledger().items()}
        return *states(agent), registry.rules(), ledger, firewall()

    for mode in WALK:
        agent.wsl_mode(mode)
        agent.process.send_signal(signal.SIGHUP)
        try:
            wait_until(lambda: seen() == MODES[mode], 30)
        except AssertionError:
            raise AssertionError(f"{mode}: {seen()}\n{agent.log()}\n"
                                 + "\n".join(pair.helper.lines)) from None
    assert agent.stop() == 0
    wait_until(lambda: registry.clean() and firewall() == [], 20, "withdrawal after the goodbye")


ORDERS = [
    ("stop_helper", "start_helper"),
    ("kill_helper", "start_helper"),
    ("stop_agent", "start_agent"),
    ("kill_agent", "start_agent"),
    ("kill_helper", "kill_agent", "start_helper", "start_agent"),
    ("kill_helper", "kill_agent", "start_agent", "start_helper"),
    ("kill_agent", "kill_helper", "start_helper", "start_agent"),
    ("kill_agent", "kill_helper", "start_agent", "start_helper"),
    ("stop_helper", "stop_agent", "start_agent", "start_helper"),
    ("stop_agent", "stop_helper", "start_helper", "start_agent"),
]


@pytest.mark.parametrize("order", ORDERS, ids=",".join)
def test_restarts_in_every_order_end_in_the_right_rules(pair, registry, agent, order):
    foreign = {("v4tov4", "127.0.0.1/28300"): "192.0.2.1/80"}
    registry.set_rule("127.0.0.1/28300", "192.0.2.1/80")
    for step in order:
        getattr(pair, step)()
        assert foreign.items() <= registry.rules().items()
    # A new service, so that the test does not see the state from before.
    agent.service("new", "listen = 127.0.0.1:28090\n")
    wait_until(lambda: registry.rules() == {**RULE, **foreign,
                                            ("v4tov4", "127.0.0.1/28090"): f"{ADDRESS}/28090"},
               40, "the right rules")
    pair.wait_state("new", "active")
    assert pair.helper.stop() == 0
    assert registry.rules() == foreign and registry.ledger() == {}
