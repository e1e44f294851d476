# SPDX-License-Identifier: MIT
"""WSL's virtual switch, for the tests of the helper. The network namespace of this process is the
host, with the adapter vEthernet-WSL. Behind it is a namespace with an address for each guest.

    vswitch.enter_host()                      this process and all that it starts, including Wine
    with vswitch.VirtualSwitch() as switch:
        switch.create_server("172.29.0.2", 80)
    with vswitch.VirtualSwitch(*vswitch.LAN) as lan:
        lan.create_socket("192.168.50.2", socket.SOCK_DGRAM)

The helper forwards only to neighbours on a virtual switch, never to an address of the host. So
guests on the host's loopback interface would prove nothing.
"""
import ctypes
import os
import pathlib
import socket
import subprocess
import threading

ADAPTER = "vEthernet-WSL"
HOST_ADDRESSES = ("172.29.0.1/20", "fd29::1/64")
GUESTS = ("172.29.0.2/20", "172.29.0.3/20", "172.29.0.4/20", "fd29::2/64", "fd29::3/64")

# Other machines in the host's network, which knows the host by three addresses of each kind.
LAN = ("lan0",
       ("192.168.50.1/24", "192.168.50.9/24", "192.168.51.1/24", "fd50::1/64", "fd50::9/64", "fd51::1/64"),
       ("192.168.50.2/24", "192.168.50.3/24", "192.168.51.2/24", "fd50::2/64", "fd50::3/64", "fd51::2/64"))

CLONE_NEWNET, CLONE_NEWUSER = 0x40000000, 0x10000000

libc = ctypes.CDLL(None, use_errno=True)


def _must(result, what):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def enter_host():
    """Enter a new network namespace with the whole process. Rules can then listen on any port
    without a conflict with anything else on the machine. The namespace ends with the process."""
    uid, gid = os.getuid(), os.getgid()
    _must(libc.unshare(CLONE_NEWNET | (CLONE_NEWUSER if uid != 0 else 0)), "unshare")
    if uid != 0:
        # Without the maps the programs started below would have no rights in the namespace.
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def in_thread(function):
    """Call @function in a thread of its own, because a thread that enters a namespace never leaves
    it. Returns what it returns, or raises what it raises."""
    result, error = [], []

    def run():
        try:
            result.append(function())
        except BaseException as e:
            error.append(e)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if error:
        raise error[0]
    return result[0]


def in_namespace(namespace, function):
    """Call @function in another network namespace, of which @namespace is a descriptor, and return what
    it returns. A socket stays in the namespace in which it was created."""
    def call():
        _must(libc.setns(namespace, CLONE_NEWNET), "setns")
        return function()

    return in_thread(call)


def create_server_in(namespace, address, family=socket.AF_INET, **options):
    """A socket that listens in another network namespace, of which @namespace is a descriptor."""
    return in_namespace(namespace, lambda: socket.create_server(address, family=family, **options))


def _new_namespace():
    _must(libc.unshare(CLONE_NEWNET), "unshare")
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class VirtualSwitch:
    """The namespace of the guests, or of other machines behind an adapter of the host. It has no
    name and ends with its last socket and this object's descriptor."""

    def __init__(self, adapter=ADAPTER, host=HOST_ADDRESSES, others=GUESTS):
        self.adapter, self.host, self.others = adapter, host, others

    def __enter__(self):
        self.namespace = in_thread(_new_namespace)
        self.path = f"/proc/{os.getpid()}/fd/{self.namespace}"
        try:
            self._connect()
        except BaseException:
            os.close(self.namespace)
            raise
        return self

    def _connect(self):
        run_ip([], f"link add {self.adapter} type veth peer name eth0\n"
                   f"link set eth0 netns {self.path}\n"
                   + "".join(f"addr add {a} dev {self.adapter}{nodad(a)}\n" for a in self.host)
                   + f"link set {self.adapter} up\n")
        gateway = self.host[0].partition("/")[0]
        self.ip("link set lo up\n"
                + "".join(f"addr add {a} dev eth0{nodad(a)}\n" for a in self.others)
                + f"link set eth0 up\nroute add default via {gateway}\n")

    def __exit__(self, *_):
        # Deleting one end deletes both. Sockets may keep the namespace for a moment longer.
        run_ip([], f"link delete {self.adapter}\n")
        os.close(self.namespace)

    def command(self, *arguments):
        """A command line that runs @arguments in the guests' namespace, without a process in
        between."""
        return ["nsenter", f"--net={self.path}", "--", *map(str, arguments)]

    def ip(self, lines):
        """Run lines of 'ip -batch' in the guests' namespace."""
        run_ip(self.command(), lines)

    def inside(self, function):
        """Call @function in the namespace, and return what it returns."""
        return in_namespace(self.namespace, function)

    def create_server(self, address, port=0):
        """A socket that listens in the namespace."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return create_server_in(self.namespace, (address, port), family, backlog=128)

    def create_socket(self, address, kind=socket.SOCK_STREAM, port=0):
        """A socket in the namespace, bound to one of its addresses."""
        made = self.inside(lambda: socket.socket(
            socket.AF_INET6 if ":" in address else socket.AF_INET, kind))
        made.bind((address, port))
        return made


def nodad(address):
    """With this option, an IPv6 address can be bound at once, without waiting for duplicate address
    detection."""
    return " nodad" if ":" in address else ""


def run_ip(wrapper, lines):
    done = subprocess.run([*wrapper, "ip", "-batch", "-"], input=lines, text=True,
                          capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"ip: {done.stderr.strip()}\n{lines}")
