# SPDX-License-Identifier: MIT
"""The agent and the test host alone, in a guest's namespace, without Windows or forwarding. It is
for measurements, which Wine would only disturb.

    with LoneAgent(tree, rules=100) as agent:
        total_usec, host_usec = agent.change_address()

Several with different numbers of rules may run at the same time.
"""
import json
import os
import subprocess
import time

import janitor
import topology
from waiting import wait_until

FIRST_PORT = 10000
# Longer than the throttle's windows, so that each change comes alone, as in real life.
SPACING = 0.08


class LoneAgent:
    def __init__(self, tree, rules):
        self.tree, self.rules = tree, rules
        self.folder = os.path.join(janitor.current_run(), f"lone-{rules}")
        self.state_folder = os.path.join(self.folder, "state")
        self.socket = f"/tmp/{janitor.PREFIX}{os.path.basename(janitor.current_run())}.lone{rules}"
        self.namespace = topology.Namespace(f"lone{rules}")
        self.number = 0  # of the subnet, one of 16

    def __enter__(self):
        services = os.path.join(self.folder, "etc/wslbridge/services.d")
        os.makedirs(services)
        os.makedirs(self.state_folder)
        for i in range(self.rules):
            with open(os.path.join(services, f"s{i:05}.ini"), "w") as f:
                f.write(f"[service]\nlisten = 0.0.0.0:{FIRST_PORT + i}\n")
        with open(os.path.join(self.folder, "etc/wslbridge/agent.conf"), "w") as f:
            f.write(f"[agent]\nhelper = unix:{self.socket}\n")
        subprocess.run(["ip", "netns", "add", self.namespace.name], check=True)
        self.namespace.ip("link set lo up\n"
                          "link add eth0 type veth peer name far0\n"
                          f"addr add {self.address()}/20 dev eth0\n"
                          "link set far0 up\nlink set eth0 up\n"
                          "route add default dev eth0\n")
        self.log = open(os.path.join(self.folder, "log"), "ab")
        self.host = self._start(os.path.join(self.tree, "tests/host/wslbridge-test-host"),
                                "--listen", f"unix:{self.socket}", "--no-pairing",
                                "--max-endpoints", "16384")
        wait_until(lambda: os.path.exists(self.socket), what="the test host")
        self.process = self._start(os.path.join(self.tree, "agent/wslbridge-agent"),
                                   f"--root={self.folder}")
        wait_until(self.settled, 60, "all services active")
        return self

    def _start(self, *command):
        environment = {k: v for k, v in os.environ.items() if k != "NOTIFY_SOCKET"}
        return self.namespace.popen(*command, stdin=subprocess.PIPE, stdout=self.log,
                                    stderr=self.log,
                                    env={**environment, "RUNTIME_DIRECTORY": self.state_folder})

    def __exit__(self, *_):
        for process in (getattr(self, "process", None), getattr(self, "host", None)):
            if process:
                process.kill()
                process.wait()
        self.log.close()
        janitor.remove_namespace(self.namespace.name)
        janitor.remove_tree(self.folder)

    def address(self):
        """The present address. Each is in a subnet of its own, so each is a primary address, and
        the first one is the guest's."""
        return f"172.28.{16 * self.number}.10"

    def status(self):
        try:
            with open(os.path.join(self.state_folder, "status.json"), encoding="utf-8") as f:
                return json.load(f)
        except FileNotFoundError:
            return {}

    def settled(self):
        """The status when every service is active at the present address, else None."""
        status = self.status()
        services = status.get("services", [])
        address = ((status.get("guest") or {}).get("ipv4") or {}).get("address")
        if (len(services) == self.rules and address == self.address()
                and all(s["state"] == "active" for s in services)):
            return status
        return None

    def change_address(self, replace=False):
        """Change the guest's address. Returns (microseconds from the kernel's event to the helper's
        answer, microseconds spent on the host). The new address is added before the old one is
        removed, so one event changes it. With @replace the old one is removed first, so for a moment
        there is none."""
        old, self.number = self.address(), (self.number + 1) % 16
        add, remove = (f"addr add {self.address()}/20 dev eth0\n",
                       f"addr del {old}/20 dev eth0\n")
        before = self.status()["last_update"]
        late = time.monotonic() + 3
        if replace:
            self.namespace.ip(remove + add + "route replace default dev eth0\n")
        else:
            self.namespace.ip(add)
            time.sleep(SPACING)
            self.namespace.ip(remove)

        def answered():
            status = self.settled()
            update = status and status["last_update"]
            # Two updates may take exactly the same time. After a while, this must be the case.
            return update if update and (update != before or time.monotonic() > late) else None

        update = wait_until(answered, 30, "the helper's answer", interval=0.02)
        time.sleep(SPACING)
        return update["usec"], update["host_usec"]
