# SPDX-License-Identifier: MIT
"""All of wslbridge on three simulated machines (topology.py), for the end-to-end tests, the demo
and the benchmark.

    with Stage() as stage:         namespaces, Windows (Wine) with its port proxy, the guest's page
        stage.start()              start helper, relay and agent, and pair them
        stage.add_drop_in("web", "[service]\\nlisten = 8080\\n")

Both halves, the registry, the service manager, netlink and TCP are real. TCP and a relay (socat)
replace AF_VSOCK, and the tests' own service replaces the iphlpsvc of Windows.
"""
import contextlib
import json
import os
import secrets
import subprocess
import time

import janitor
import probe
import topology
import fake_iphlpsvc
import helper_process
import wine_prefix
import wine_registry
from waiting import wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIB = os.path.dirname(os.path.abspath(__file__))
DISTRO = "guest"
PAGE_PORT = 8080
DNS_PORT, WHO_PORT = 5300, 8081
LOOKUP_SOURCE = 40000  # the client's port

FETCH = """
import sys, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=float(sys.argv[2])).read().decode(), end="")
except OSError:
    sys.exit(1)
"""


class HostPrefix(wine_prefix.Prefix):
    """Wine with all its processes in the host's namespace. Wine's server must be there too, because
    it opens the sockets of Windows programs."""

    def __init__(self, namespace, path):
        super().__init__(path)
        self.namespace = namespace

    def spawn(self, *command, **options):
        return self.namespace.popen(*command, **options)


class Stage:
    def __init__(self, agent_tree=None, **helper_options):
        """@agent_tree: the build tree of the agent; the default is WSLBRIDGE_BUILD.
        @helper_options: milliseconds, for example goodbye=500; see helper_process.Helper."""
        agent_tree = agent_tree or os.environ.get("WSLBRIDGE_BUILD", f"{TOP}/build/dev")
        windows_tree = os.environ.get("WSLBRIDGE_BUILD_WIN", f"{TOP}/build/windows")
        self.agent_exe = os.path.join(agent_tree, "agent", "wslbridge-agent")
        self.ctl_exe = os.path.join(agent_tree, "agent", "wslbridgectl")
        self.helper_exe = os.path.join(windows_tree, "windows-helper", "wslbridge-helper.exe")
        self.tools = os.path.join(windows_tree, "tests", "windows")
        self.helper_options = helper_options
        # Another suite of the same run may have a stage, too, in a process of its own.
        self.folder = os.path.join(janitor.current_run(), f"stage-{os.getpid()}")
        self.root = os.path.join(self.folder, "guest")  # the guest's / for the agent
        self.state_folder = os.path.join(self.root, "run", "wslbridge")
        # Below /tmp, wherever the clone is, because a socket's path has at most 107 bytes.
        self.socket = f"/tmp/{janitor.PREFIX}{os.path.basename(janitor.current_run())}-{os.getpid()}.sock"
        self.agent_environment = {}  # more variables for the agent
        self.helper = self.relay = self.agent = self.asking = None
        self.stack = contextlib.ExitStack()

    # --- setting up

    def __enter__(self):
        with self.stack:
            self.stack.callback(janitor.remove_tree, self.folder)
            os.makedirs(self.state_folder)
            os.makedirs(os.path.join(self.root, "etc/wslbridge/services.d"))
            self.net = self.stack.enter_context(topology.Topology())
            self.prefix = HostPrefix(self.net.host, os.path.join(self.folder, "wine")).create()
            self.stack.callback(self.prefix.stop)
            self.registry = wine_registry.Registry(self.prefix, self.tools)
            self.stack.callback(self.registry.close)
            self.proxy = fake_iphlpsvc.FakeIphlpsvc(self.prefix, self.tools, self.registry)
            self.proxy.install()
            self.proxy.start()
            self._spawn(self.net.guest, "page", "/usr/bin/python3", os.path.join(LIB, "page.py"),
                        str(PAGE_PORT))
            self.stack.callback(self._stop_all)
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def _spawn(self, namespace, name, *command, **options):
        """Start a process that is ended with the stage. Its output goes to a log."""
        log = self.stack.enter_context(open(os.path.join(self.folder, f"{name}.log"), "ab"))
        process = namespace.popen(*command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                  **options)
        self.stack.callback(end, process)
        return process

    def _stop_all(self):
        for stop in (self.stop_agent, self.stop_helper):
            stop()

    def log(self, name):
        with open(os.path.join(self.folder, f"{name}.log"), errors="replace") as f:
            return f.read()

    def add_forwarder(self):
        """The relay of wslbridge, as a service of Windows. The installation makes it with fewer rights."""
        exe = f"Z:{os.path.dirname(self.helper_exe)}/wslbridge-relay.exe".replace("/", "\\")
        self.prefix.run("sc", "create", "wslbridge-relay", "start=", "demand", "binPath=",
                        f'"{exe}" run --service')
        for server, port in (("dns", DNS_PORT), ("who", WHO_PORT)):
            self._spawn(self.net.guest, server, "/usr/bin/python3",
                        os.path.join(LIB, "guest_servers.py"), server, str(port))

    # --- the two halves

    def start(self, pair=True):
        self.start_helper()
        self.write("etc/wslbridge/agent.conf", f"[agent]\nhelper = unix:{self.socket}\n")
        self.start_agent()
        if pair:
            self.pair()
            self.wait_connected()

    def start_helper(self):
        self.helper = helper_process.Helper(self.prefix, self.helper_exe, **self.helper_options)
        self.relay = self._spawn(self.net.host, "relay", "socat",
                                 f"UNIX-LISTEN:{self.socket},fork,unlink-early",
                                 f"TCP:127.0.0.1:{self.helper.port},nodelay")
        wait_until(lambda: os.path.exists(self.socket), what="the relay")

    def stop_helper(self, kill=False):
        if self.helper:
            (self.helper.kill if kill else self.helper.stop)()
            end(self.relay)
            self.helper = self.relay = None

    def start_agent(self):
        environment = {k: v for k, v in os.environ.items() if k != "NOTIFY_SOCKET"}
        environment.update(RUNTIME_DIRECTORY=self.state_folder, WSL_DISTRO_NAME=DISTRO,
                           **self.agent_environment)
        self.agent = self._spawn(self.net.guest, "agent", self.agent_exe, f"--root={self.root}",
                                 env=environment)
        wait_until(self.status, what="the agent's first status")

    def stop_agent(self, kill=False):
        if self.agent:
            if kill:
                self.agent.kill()
            end(self.agent)
            self.agent = None

    def pair(self):
        """Store the same new key at both ends, for the identity that the agent reports."""
        key = secrets.token_bytes(32)
        identity = self.status()["agent"]
        self.registry.set_key(f"{identity['agent_id']}/{identity['distro']}", key)
        self.write("etc/wslbridge/key", key.hex() + "\n", mode=0o600)

    # --- the guest

    def write(self, path, text, mode=0o644):
        """Write a file below the guest's root, replacing it in one step as editors do."""
        full = os.path.join(self.root, path)
        descriptor = os.open(full + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w") as f:
            f.write(text)
        os.rename(full + ".new", full)

    def read(self, path):
        """The content of a file below the guest's root."""
        with open(os.path.join(self.root, path), encoding="utf-8") as f:
            return f.read()

    def add_drop_in(self, name, text):
        self.write(f"etc/wslbridge/services.d/{name}.ini", text)

    def remove_drop_in(self, name):
        os.unlink(os.path.join(self.root, f"etc/wslbridge/services.d/{name}.ini"))

    def control(self, *arguments):
        """Run wslbridgectl in the guest. Returns (exit code, output)."""
        done = self.net.guest.run(self.ctl_exe, f"--root={self.root}", *arguments, check=False)
        return done.returncode, done.stdout + done.stderr

    def status(self):
        """The agent's status.json; {} when there is none."""
        try:
            with open(os.path.join(self.state_folder, "status.json"), encoding="utf-8") as f:
                return json.load(f)
        except FileNotFoundError:
            return {}

    def service(self, name):
        return next((s for s in self.status().get("services", []) if s["name"] == name), {})

    def reported_address(self):
        return (self.status()["guest"]["ipv4"] or {}).get("address")

    def wait_connected(self, timeout=30):
        wait_until(lambda: self.status().get("helper", {}).get("connected"), timeout,
                        "the agent's connection to the helper")

    def wait_refused(self, code, timeout=30):
        wait_until(lambda: (self.status().get("helper", {}).get("error") or {})
                        .get("code") == code, timeout, f"refusal '{code}'")

    def wait_state(self, name, state, timeout=30):
        wait_until(lambda: self.service(name).get("state") == state, timeout,
                        f"service '{name}' {state}")

    # --- the host

    def rules(self):
        """The rules from IPv4 to IPv4 as {"LISTEN/PORT": "CONNECT/PORT"}."""
        return {name: data for (family, name), data in self.registry.rules().items()
                if family == "v4tov4"}

    def wait_rule(self, listen, connect, timeout=30):
        """Wait for the rule @listen -> @connect, or until there is none if @connect is None."""
        wait_until(lambda: self.rules().get(listen) == connect, timeout,
                        f"rule {listen} -> {connect}")

    # --- the client

    def fetch(self, port, timeout=3.0):
        """The page that the client gets from the host's port, or None."""
        done = self.net.client.run("/usr/bin/python3", "-c", FETCH,
                                   f"http://{topology.HOST_ADDRESS}:{port}/", str(timeout),
                                   check=False)
        return done.stdout if done.returncode == 0 else None

    def lookup(self):
        """The address that the guest's name server gives to the client, or ''. All questions come from one
        socket of the client."""
        if not self.asking:
            self.asking = self.net.client.popen(
                "/usr/bin/python3", os.path.join(LIB, "guest_servers.py"), "ask", topology.HOST_ADDRESS,
                str(DNS_PORT), str(LOOKUP_SOURCE), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.stack.callback(end, self.asking)
        print(file=self.asking.stdin, flush=True)
        return self.asking.stdout.readline().strip()

    def wait_page(self, port, timeout=30):
        return wait_until(lambda: self.fetch(port), timeout, f"a page on port {port}")

    @contextlib.contextmanager
    def probe(self, port, **options):
        running = probe.Probe(self.net.client, topology.HOST_ADDRESS, port, **options)
        try:
            yield running
        finally:
            running.stop()

    def change_address(self, running):
        """Change the guest's address while a probe is running. Returns (address, whether the client
        saw the page from there, seconds of outage)."""
        since = time.monotonic()
        address = self.net.change_guest_address()
        seen = running.wait_for(address, since)
        return address, seen is not None, running.outage(address, since, time.monotonic())


def end(process, grace=20):
    """Send SIGTERM, then SIGKILL. Children of the process in other namespaces are not touched."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
