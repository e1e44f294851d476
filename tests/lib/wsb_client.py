# SPDX-License-Identifier: MIT
"""A client of the wslbridge protocol, written from docs/protocol.md with only the standard library.
It is an agent that does exactly what a test says.

    with Client(port=helper.port, key=KEY) as agent:
        agent.handshake()
        result = agent.push(services=[service("web", "127.0.0.1:8080", 80)], v4="172.20.1.2/20")
        assert result.states() == ["active"]
"""

import hashlib
import hmac
import ipaddress
import os
import socket
import struct
import time

from waiting import patient

(HELLO, CHALLENGE, PROOF, WELCOME, REFUSED, STATE, RESULT, PING, PONG, BYE) = range(1, 11)

REFUSALS = {1: "not-paired", 2: "bad-proof", 3: "version", 4: "busy", 5: "internal",
            6: "policy"}
BYES = {1: "stopping", 2: "protocol", 3: "silent", 4: "replaced", 5: "timeout", 6: "unproven",
        7: "not-admitted"}
MODES = {"unknown": 0, "nat": 1, "mirrored": 2, "bridged": 3, "virtioproxy": 4, "none": 5}
SERVICE_STATES = ("pending", "active", "withdrawn", "blocked", "conflict", "refused", "invalid")
FOREIGN_RULE, OTHER_AGENT, POLICY_PORT, IPHLPSVC, DUPLICATE = 1, 2, 16, 32, 49
LOCAL_SUBNET, ANY, LIST = range(3)

LABEL_AGENT = b"wslbridge agent proof v1\0"
LABEL_HELPER = b"wslbridge helper proof v1\0"


class Refused(Exception):
    """The helper answered REFUSED."""

    def __init__(self, code, text):
        super().__init__(f"{REFUSALS.get(code, code)}: {text}")
        self.code, self.reason, self.text = code, REFUSALS.get(code, str(code)), text


class Closed(Exception):
    """The helper sent BYE (reason is set), or the connection ended without one (reason is None)."""

    def __init__(self, code=None, text=""):
        super().__init__(f"{BYES.get(code, code)}: {text}")
        self.reason, self.text = BYES.get(code), text


def frame(kind, payload=b"", flags=0, version=1):
    return struct.pack(">BBHI", version, kind, flags, len(payload)) + payload


def _string(text):
    raw = text.encode()
    return bytes([len(raw)]) + raw


def _address(text):
    if text is None:
        return b"\0"
    address = ipaddress.ip_address(text)
    return bytes([address.version]) + address.packed


def _guest(text, gateway):
    """Encode a guest's address, such as '172.20.1.2/20', with its gateway; None for no address."""
    if text is None:
        return _address(None)
    address, _, prefix = text.partition("/")
    return _address(address) + bytes([int(prefix or 24)]) + _address(gateway)


def listen_endpoint(text, connect_port=None, count=1):
    """A listen endpoint of the host, such as '0.0.0.0:8080' or '[::1]:8080', that leads to
    connect_port in the guest."""
    address, _, port = text.rpartition(":")
    port = int(port)
    return _address(address.strip("[]")) + struct.pack(">HHH", port, count, connect_port or port)


def service(name, listen, connect_port=None, profiles=2, remote=LOCAL_SUBNET, remotes=()):
    """One service of a STATE. @listen is 'address:port' or a list of listen_endpoint()s."""
    listens = [listen_endpoint(listen, connect_port)] if isinstance(listen, str) else listen
    prefixes = [ipaddress.ip_network(r) for r in remotes]
    return (_string(name) + bytes([profiles, remote, len(listens)]) + b"".join(listens) +
            bytes([len(prefixes)]) +
            b"".join(_address(str(p.network_address)) + bytes([p.prefixlen]) for p in prefixes))


def state(sequence, services, v4=None, v6=None, mode="nat", interface="eth0", gateway=None):
    return (struct.pack(">QB", sequence, MODES[mode]) + _string(interface) + _guest(v4, gateway) +
            _guest(v6, None) + struct.pack(">I", len(services)) + b"".join(services))


def field(number, value):
    """A field of version 2; @number is its id with the bit for critical ones."""
    return struct.pack(">HH", number, len(value)) + value


def tagged_service(name, listen, *fields, profiles=2):
    """One service of a STATE of version 2, with further fields."""
    known = [field(0x8001, listen_endpoint(listen)), field(0x8002, bytes([profiles]))]
    return _string(name) + bytes([2 + len(fields)]) + b"".join([*known, *fields])


def tagged_state(sequence, services, *fields, v4=None, mode="nat", gateway=None):
    """A STATE of version 2, with further fields."""
    known = (([field(0x8001, bytes([MODES[mode]]))] if MODES[mode] else []) +
             ([field(0x8003, _guest(v4, gateway))] if v4 else []))
    return (struct.pack(">QB", sequence, len(known) + len(fields)) + b"".join([*known, *fields]) +
            struct.pack(">I", len(services)) + b"".join(services))


def _read_fields(data, at):
    """{number: value} of the list at @at, and where it ends."""
    count, at = data[at], at + 1
    fields = {}
    for _ in range(count):
        number, size = struct.unpack_from(">HH", data, at)
        fields[number & 0x7fff] = data[at + 4:at + 4 + size]
        at += 4 + size
    return fields, at


class TaggedResult:
    """A RESULT of version 2, with .services = [(state, reason, text, forwarder, why)] and .place."""

    def __init__(self, payload):
        self.sequence, = struct.unpack_from(">Q", payload)
        fields, at = _read_fields(payload, 8)
        self.place = int.from_bytes(fields.get(2, b"\0"), "big")
        n, = struct.unpack_from(">I", payload, at)
        at += 4
        self.services = []
        for _ in range(n):
            fields, at = _read_fields(payload, at)
            number = [int.from_bytes(fields.get(i, b"\0"), "big") for i in range(6)]
            text = fields.get(3, b"\0")[1:].decode()
            self.services.append((SERVICE_STATES[number[1]], number[2], text, number[4], number[5]))
        assert at == len(payload), "bytes left over in RESULT"


class Result:
    """A RESULT with .sequence, .apply_usec and .services = [(state, reason, text)]."""

    def __init__(self, payload):
        self.sequence, self.apply_usec, n = struct.unpack_from(">QII", payload)
        self.services, at = [], 16
        for _ in range(n):
            code, reason, size = struct.unpack_from(">BHB", payload, at)
            self.services.append((SERVICE_STATES[code], reason,
                                  payload[at + 4:at + 4 + size].decode()))
            at += 4 + size
        assert at == len(payload), "bytes left over in RESULT"

    def states(self):
        return [s[0] for s in self.services]

    def reasons(self):
        return [s[1] for s in self.services]


class Client:
    """One connection. It answers PINGs while it waits for something, for @timeout seconds at most. On a
    busy machine a look who listens on 300 ports takes seconds under Wine, and the helper then waits nine
    times as long before the next one."""

    def __init__(self, port, key=None, agent_id=bytes(range(16)), distro="Debian", timeout=60.0,
                 source="127.0.0.1"):
        self.key, self.agent_id, self.distro, self.timeout = key, agent_id, distro, timeout
        self.sequence = 0
        self.version = None
        self.results = []
        self.pings = 0
        self.answer_pings = True
        self.input = b""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout,
                                               source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    @property
    def owner(self):
        return f"{self.agent_id.hex()}/{self.distro}"

    def send(self, data):
        self.socket.settimeout(self.timeout)
        self.socket.sendall(data)

    def _read_frame(self, deadline):
        while True:
            if len(self.input) >= 8:
                version, kind, _, n = struct.unpack_from(">BBHI", self.input)
                assert version == 1, f"frame format {version}"
                if len(self.input) >= 8 + n:
                    whole, self.input = self.input[:8 + n], self.input[8 + n:]
                    return kind, whole
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("nothing from the helper")
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(1 << 20)
            except ConnectionError:
                raise Closed() from None
            if not data:
                raise Closed()
            self.input += data

    def receive(self, timeout=None):
        """Receive the next frame as (type, frame bytes). PING is answered and not returned; REFUSED
        and BYE are raised as exceptions."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while True:
            kind, whole = self._read_frame(deadline)
            payload = whole[8:]
            if kind == PING:
                self.pings += 1
                if self.answer_pings:
                    self.send(frame(PONG, payload))
                continue
            if kind in (REFUSED, BYE):
                code, size = struct.unpack_from(">HB", payload)
                raise (Refused if kind == REFUSED else Closed)(code, payload[3:3 + size].decode())
            return kind, whole

    def expect(self, kind, timeout=None):
        found, whole = self.receive(patient(timeout or self.timeout))
        assert found == kind, f"frame of type {found} where {kind} was due"
        return whole

    def hello(self, versions=(1, 1)):
        payload = (bytes(versions) + self.agent_id + bytes(16) + os.urandom(32) + b"\0" +
                   _string(self.distro) + _string("test client"))
        return frame(HELLO, payload)

    def mac(self, label, *frames):
        return hmac.new(self.key, label + b"".join(frames), hashlib.sha256).digest()

    def handshake(self, versions=(1, 1)):
        """Shake hands, from HELLO to WELCOME, and check the helper's proof. Returns the heartbeat of
        the CHALLENGE in seconds. .version becomes the version that the helper has chosen."""
        hello = self.hello(versions)
        self.send(hello)
        challenge = self.expect(CHALLENGE)
        self.version = challenge[8]
        heartbeat_ms, = struct.unpack_from(">I", challenge, 8 + 1 + 32 + 4)
        proof = b"\1" + self.mac(LABEL_AGENT, hello, challenge) if self.key else b"\0"
        self.send(frame(PROOF, proof))
        welcome = self.expect(WELCOME)
        if self.key:
            expected = frame(WELCOME, b"\1" + self.mac(LABEL_HELPER, hello, challenge))
            assert hmac.compare_digest(welcome, expected), "the helper does not know the key"
        return heartbeat_ms / 1000

    def send_state(self, services, **rest):
        self.sequence += 1
        self.send(frame(STATE, state(self.sequence, services, **rest)))
        return self.sequence

    def push(self, services, timeout=None, settle=True, **rest):
        """Send STATE and wait for its RESULT. With @settle, wait for the RESULT in which no service is
        pending any more, because iphlpsvc needs a moment to listen."""
        sequence = self.send_state(services, **rest)
        while True:
            result = self.result(timeout)
            if result.sequence == sequence and not (settle and "pending" in result.states()):
                return result

    def result(self, timeout=None):
        return Result(self.expect(RESULT, timeout)[8:])

    def send_tagged(self, services, *fields, **rest):
        """Send a STATE of version 2, and wait for nothing."""
        self.sequence += 1
        self.send(frame(STATE, tagged_state(self.sequence, services, *fields, **rest)))

    def push_tagged(self, services, *fields, **rest):
        """Send a STATE of version 2, and wait until no service is pending any more."""
        self.send_tagged(services, *fields, **rest)
        while True:
            result = TaggedResult(self.expect(RESULT)[8:])
            if result.sequence == self.sequence and "pending" not in [s[0] for s in
                                                                      result.services]:
                self.place = result.place
                return result.services

    def idle(self, seconds):
        """Answer PINGs for a while. RESULTs are kept in .results; anything else is raised."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                kind, whole = self.receive(left)
            except TimeoutError:
                return
            assert kind == RESULT
            self.results.append(Result(whole[8:]))

    def answer_pings_until(self, n):
        """Answer PINGs until there were so many in all."""
        deadline = time.monotonic() + patient(20)
        while self.pings < n:
            assert time.monotonic() < deadline, f"{self.pings} PINGs instead of {n}"
            self.idle(0.1)

    def bye(self, reason=1, text=""):
        self.send(frame(BYE, struct.pack(">H", reason) + _string(text)))
        self.close()
