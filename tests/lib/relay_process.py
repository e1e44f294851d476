# SPDX-License-Identifier: MIT
"""The relay under Wine, with its table in the registry, and servers in the guest for it."""

import contextlib
import errno
import signal
import socket
import statistics
import struct
import threading
import time

import helper_process
from waiting import PATIENCE, wait_until

TABLE = r"SOFTWARE\wslbridge\Relay"
LIMITS = rf"{TABLE}\Limits"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
IDLE_LIMIT = 30 * PATIENCE


class Table:
    """The relay's table in the registry, as the helper would write it."""

    def __init__(self, registry):
        self.registry = registry

    @staticmethod
    def key(listen, connect, protocol):
        return rf"{TABLE}\v{6 if ':' in listen else 4}tov{6 if ':' in connect else 4}\{protocol}"

    def set(self, listen, connect, protocol="tcp", options=""):
        """Endpoints are "address/port"."""
        self.registry.set(self.key(listen, connect, protocol), listen, connect + options)

    def delete(self, listen, connect, protocol="tcp"):
        self.registry.delete(self.key(listen, connect, protocol), listen)

    def limit(self, **limits):
        for name, value in limits.items():
            self.registry.set(LIMITS, name.replace("_", "-"), str(value))


def outcome(connection):
    """"end", or the name of the error with which it was cut."""
    try:
        while connection.recv(65536):
            pass
        return "end"
    except OSError as e:
        return errno.errorcode[e.errno]


def outcome_of(connect):
    """The same for a new connection, which may be cut before connect() has returned."""
    try:
        return outcome(connect())
    except ConnectionResetError as e:
        return errno.errorcode[e.errno]


def is_served(connect):
    try:
        connection = connect()
        connection.sendall(b"z")
        return connection.recv(1) == b"z"
    except OSError:
        return False


class Relay(helper_process.Program):
    """A running 'wslbridge-relay.exe run'."""

    def __init__(self, prefix, exe, own_sockets=True):
        super().__init__(prefix, exe, "run",
                         env={"WSLBRIDGE_TEST_OWN_SOCKETS": "1"} if own_sockets else {})
        self.prefix = prefix
        self.wait_started("The relay has started")

    def kill(self):
        """TerminateProcess(). After kill -9 Wine may keep a port for ever (fact 10.1.16)."""
        self.prefix.run("taskkill", "/F", "/IM", "wslbridge-relay.exe")
        return self.wait_end()

    def wait_idle(self):
        """Wait until half a second passes without a wake-up."""
        def is_idle():
            before = self.wakeups()
            time.sleep(0.5)
            return self.wakeups() == before

        wait_until(is_idle, IDLE_LIMIT, "half a second without a wake-up")

    def own_wakeups(self):
        """Of the relay's only thread. One of Wine's thread pool wakes up every five seconds."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt_switches"))

    def sockets(self):
        """How many UDP sockets it has; it is the only program of the host's namespace that has many."""
        with open("/proc/net/udp", encoding="ascii") as table:
            return len(table.readlines()) - 1

    def stop_with_many_sockets(self):
        """Press Ctrl-C, and wait for as long as it goes on closing them: for each operation that is
        cancelled, Wine looks through those of all sockets. Returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        while self.process.poll() is None:
            n = self.sockets()
            wait_until(lambda: self.process.poll() is not None or self.sockets() < n, IDLE_LIMIT,
                       f"the end of the relay, or of one of its {n} sockets")
        return self.wait_end()

    def memory(self):
        """Private memory in use, in bytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) * 1024

    def memory_without_wines(self):
        """The same without what Wine itself takes from Linux' heap. For a send that waits Wine 10 makes a copy
        of the bytes there (fact 10.1.24)."""
        return sum(n for (_, file), n in self.mappings().items() if file != "[heap]") * 1024

    def mappings(self):
        """That private memory by mapping: {(where it begins, its file): KiB}."""
        found = {}
        with open(f"/proc/{self.process.pid}/smaps", encoding="utf-8") as maps:
            for line in maps:
                word, *others = line.split()
                if not word.endswith(":"):
                    mapping = (word.split("-")[0], " ".join(others[4:]))
                elif word == "Anonymous:":
                    found[mapping] = int(others[0])
        return found


def server(network, address, handle, port=0):
    """A TCP server in the guest, which calls handle(connection) for each connection, in a thread of
    its own. Returns its listening socket."""
    listener = network.create_server(address, port)

    def serve(connection):
        with contextlib.suppress(OSError), connection:
            handle(connection)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener


def close_server(listener):
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)  # close() alone does not wake accept()
    listener.close()


def echo(connection):
    while data := connection.recv(65536):
        connection.sendall(data)


def reset(connection):
    """Close it so that the other end gets a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def receive_exactly(connection, n):
    data = b""
    while len(data) < n:
        more = connection.recv(n - len(data))
        assert more, f"the end after {len(data)} of {n} bytes"
        data += more
    return data


def receive_proxy_header(connection):
    """Read a PROXY header, version 2, by HAProxy's specification. Returns ("PROXY", client, asked)
    with endpoints as (address, port), or ("LOCAL", None, None)."""
    fixed = receive_exactly(connection, 16)
    assert fixed[:12] == SIGNATURE
    command, family, size = fixed[12], fixed[13], int.from_bytes(fixed[14:], "big")
    rest = receive_exactly(connection, size) if size else b""
    if command == 0x20:
        return "LOCAL", None, None
    assert command == 0x21
    kind, n = {0x11: (socket.AF_INET, 4), 0x21: (socket.AF_INET6, 16)}[family]
    assert size == 2 * n + 4
    ports = struct.unpack("!HH", rest[2 * n:])
    client, asked = (socket.inet_ntop(kind, rest[i * n:(i + 1) * n]) for i in (0, 1))
    return "PROXY", (client, ports[0]), (asked, ports[1])


def milliseconds(function, *arguments, times=1):
    """The median of how long it takes."""
    taken = []
    for _ in range(times):
        begin = time.monotonic()
        function(*arguments)
        taken.append((time.monotonic() - begin) * 1000)
    return statistics.median(taken)


class UdpServer:
    """Answers each datagram in the guest with what answer(data, client) returns: bytes, a list of
    them, or None."""

    def __init__(self, network, address, answer=lambda data, client: data, port=0):
        self.socket = network.create_socket(address, socket.SOCK_DGRAM, port)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.answer, self.seen = answer, []
        self.address, self.port = self.socket.getsockname()[:2]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                data, client = self.socket.recvfrom(65536)
                if client is None:  # close()
                    return
                self.seen.append((data, client))
                answers = self.answer(data, client)
                for one in answers if isinstance(answers, list) else [answers]:
                    if one is not None:
                        with contextlib.suppress(ConnectionRefusedError):
                            self.socket.sendto(one, client)

    @property
    def endpoint(self):
        return f"{self.address}/{self.port}"

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
