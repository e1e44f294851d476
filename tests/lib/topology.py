# SPDX-License-Identifier: MIT
"""Three network namespaces, each of which represents a machine:

    client ──── LAN 192.168.50.0/24 ──── host ──── NAT 172.28.64.0/20 ──── guest
    .50.2                           .50.1    .64.1                      .64.10

On the host, the NAT's link is called vEthernet-WSL, because the helper recognizes a virtual switch
by its name. The host does not forward packets, so the client can reach the guest only through a
port of the host.
"""
import ipaddress
import os
import subprocess

import janitor
import vswitch
from vswitch import ADAPTER

CLIENT_ADDRESS = "192.168.50.2"
HOST_ADDRESS = "192.168.50.1"
GATEWAY = "172.28.64.1"
GUEST_ADDRESS = "172.28.64.10"
NAT_PREFIX = 20

SETUP = f"""
link add eth0 netns {{client}} type veth peer name lan0 netns {{host}}
link add {ADAPTER} netns {{host}} type veth peer name eth0 netns {{guest}}
"""
INSIDE = {
    "client": f"addr add {CLIENT_ADDRESS}/24 dev eth0\nlink set eth0 up\n",
    "host": f"addr add {HOST_ADDRESS}/24 dev lan0\nlink set lan0 up\n"
            f"addr add {GATEWAY}/{NAT_PREFIX} dev {ADAPTER}\nlink set {ADAPTER} up\n",
    "guest": f"addr add {GUEST_ADDRESS}/{NAT_PREFIX} dev eth0\nlink set eth0 up\n"
             f"route add default via {GATEWAY}\n",
}


def ip_batch(lines, namespace=None):
    """Run all commands in one process, so that a change of address takes one millisecond instead of
    twenty. It goes before everything else on a busy machine: an address that is away for longer than
    the agent's window is a lost address, not a replaced one."""
    command = ["nice", "--adjustment=-20", "ip"] + (["-n", namespace] if namespace else []) + ["-batch", "-"]
    done = subprocess.run(command, input=lines, text=True, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}\n{lines}")


class Namespace:
    def __init__(self, role):
        self.role = role
        self.name = f"{janitor.PREFIX}{os.path.basename(janitor.current_run())}-{os.getpid()}-{role}"

    def command(self, *arguments):
        """A command line that runs @arguments in the namespace, without a process in between."""
        return ["ip", "netns", "exec", self.name, *arguments]

    def run(self, *arguments, **options):
        options = {"check": True, "capture_output": True, "text": True, **options}
        return subprocess.run(self.command(*arguments), **options)

    def pids(self):
        """All processes in the namespace."""
        done = subprocess.run(["ip", "netns", "pids", self.name], check=True, capture_output=True,
                              text=True)
        return [int(pid) for pid in done.stdout.split()]

    def popen(self, *arguments, **options):
        return subprocess.Popen(self.command(*arguments), **options)

    def ip(self, lines):
        ip_batch(lines, self.name)

    def create_server(self, address):
        """A socket that listens in the namespace."""
        with open(f"/run/netns/{self.name}", "rb") as namespace:
            return vswitch.create_server_in(namespace.fileno(), address)


class Topology:
    """with Topology() as net: net.client, net.host, net.guest are Namespaces."""

    def __init__(self):
        self.client, self.host, self.guest = (Namespace(r) for r in ("client", "host", "guest"))
        self.guest_address = GUEST_ADDRESS

    def __enter__(self):
        spaces = (self.client, self.host, self.guest)
        try:
            for space in spaces:
                subprocess.run(["ip", "netns", "add", space.name], check=True)
                space.ip("link set lo up\n")
            ip_batch(SETUP.format(**{s.role: s.name for s in spaces}))
            for space in spaces:
                space.ip(INSIDE[space.role])
            self.host.run("sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for space in (self.client, self.host, self.guest):
            if space.name in janitor.namespaces():
                janitor.remove_namespace(space.name)

    def plug_in_tap(self):
        """Put a tap in the place of the host's end of the NAT, for a guest that QEMU runs. The namespace of
        the guest is empty then. Returns the tap's name."""
        self.host.ip(f"link delete {ADAPTER}\n")
        self.host.run("ip", "tuntap", "add", "dev", ADAPTER, "mode", "tap")
        self.host.ip(f"addr add {GATEWAY}/{NAT_PREFIX} dev {ADAPTER}\nlink set {ADAPTER} up\n")
        return ADAPTER

    def change_guest_address(self, address=None):
        """Change the address as a restart of the NAT network does: the old address and its routes
        go, then the new address and the default route come. Default: the next address."""
        address = address or str(ipaddress.ip_address(self.guest_address) + 1)
        self.guest.ip(f"addr del {self.guest_address}/{NAT_PREFIX} dev eth0\n"
                      f"addr add {address}/{NAT_PREFIX} dev eth0\n"
                      f"route replace default via {GATEWAY}\n")
        self.guest_address = address
        return address
