# SPDX-License-Identifier: MIT
"""A second implementation of the wire format, written from docs/protocol.md and not from the C code.

Every builder returns a Frame: its bytes, and one line that describes them like tests/wire/describe.c.
The golden vectors consist of these frames. So an error stays unseen only if somebody makes it twice,
in two languages.
"""
import hashlib
import hmac
import ipaddress
import struct
from typing import NamedTuple

TYPES = {"HELLO": 1, "CHALLENGE": 2, "PROOF": 3, "WELCOME": 4, "REFUSED": 5, "STATE": 6,
         "RESULT": 7, "PING": 8, "PONG": 9, "BYE": 10}
MODES = ["unknown", "nat", "mirrored", "bridged", "virtioproxy", "none"]
SERVICE_STATES = ["pending", "active", "withdrawn", "blocked", "conflict", "refused", "invalid"]
REASONS = {0: "", 1: "foreign-rule", 2: "other-agent", 3: "port-in-use", 16: "policy-port",
           17: "policy-address", 18: "policy-profile", 19: "policy-remote", 20: "policy-services",
           21: "policy-protocol", 22: "policy-relay", 24: "unknown-field", 25: "helper-too-old",
           26: "no-relay",
           32: "iphlpsvc", 33: "excluded-range", 34: "write-failed", 35: "firewall",
           36: "not-listening", 37: "unreachable", 38: "firewall-off", 48: "guest-address",
           49: "duplicate", 64: "no-address", 65: "networking-mode"}
FORWARDERS = ["", "portproxy", "relay", "direct"]
WHYS = ["", "default", "asked", "protocol", "client-address", "networking-mode"]
REFUSALS = {1: "not-paired", 2: "bad-proof", 3: "version", 4: "busy", 5: "internal",
            6: "policy"}
BYES = {1: "stopping", 2: "protocol", 3: "silent", 4: "replaced", 5: "timeout", 6: "unproven",
        7: "not-admitted"}

LABEL_AGENT = b"wslbridge agent proof v1\0"
LABEL_HELPER = b"wslbridge helper proof v1\0"


class Frame(NamedTuple):
    data: bytes
    meaning: str


def frame(type_name, payload, meaning="", flags=0, length=None, fmt=1):
    number = TYPES.get(type_name, type_name)
    length = len(payload) if length is None else length
    meaning = f"{type_name} {meaning}".strip()
    return Frame(struct.pack(">BBHI", fmt, number, flags, length) + payload, meaning)


def string(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return struct.pack(">B", len(raw)) + raw


def optional(raw):
    return b"\1" + raw if raw is not None else b"\0"


def show(raw):
    return raw.hex() if raw is not None else "none"


def address(text):
    if text is None:
        return b"\0"
    ip = ipaddress.ip_address(text)
    return struct.pack(">B", ip.version) + ip.packed


def hello(agent, boot, nonce, vm=None, distro="Debian", software="wslbridge 0.1.0", versions=(1, 1)):
    payload = (bytes(versions) + agent + boot + nonce + optional(vm) + string(distro) +
               string(software))
    return frame("HELLO", payload,
                 f"versions={versions[0]}-{versions[1]} agent={agent.hex()} boot={boot.hex()} "
                 f"nonce={nonce.hex()} vm={show(vm)} distro='{distro}' software='{software}'")


def challenge(nonce, version=1, endpoints=16384, heartbeat=30000,
              software="wslbridge-helper 0.1.0"):
    payload = (struct.pack(">B", version) + nonce + struct.pack(">II", endpoints, heartbeat) +
               string(software))
    return frame("CHALLENGE", payload, f"version={version} nonce={nonce.hex()} "
                 f"endpoints={endpoints} heartbeat={heartbeat} software='{software}'")


def proof(type_name, mac):
    return frame(type_name, optional(mac), f"mac={show(mac)}")


def mac_of(key, label, *frames):
    return hmac.new(key, label + b"".join(f.data for f in frames), hashlib.sha256).digest()


def notice(type_name, code, text=""):
    names = REFUSALS if type_name == "REFUSED" else BYES
    return frame(type_name, struct.pack(">H", code) + string(text),
                 f"code={code} ({names.get(code, 'unknown')}) text='{text}'")


def token(type_name, value):
    return frame(type_name, struct.pack(">Q", value), f"token={value}")


def field(number, value):
    """A field of a list of version 2. @number: its id, with the bit for critical ones."""
    return struct.pack(">HH", number, len(value)) + value


def field_list(*fields):
    """@fields: made by field(), or b"" for what has its default value and is not sent"""
    present = [f for f in fields if f]
    return bytes([len(present)]) + b"".join(present)


def number_field(number, value, form=">B"):
    return field(number, struct.pack(form, value)) if value else b""


class Listen(NamedTuple):
    addr: str
    port: int
    count: int = 1
    connect: int = 0  # 0: the listen port

    def encode(self):
        return address(self.addr) + struct.pack(">HHH", self.port, self.count,
                                                self.connect or self.port)

    def meaning(self):
        addr = f"[{self.addr}]" if self.addr and ":" in self.addr else self.addr
        return f"listen={addr}:{self.port}+{self.count}->{self.connect or self.port}"


class Service(NamedTuple):
    name: str
    listens: tuple
    profiles: int = 0
    remote: int = 0
    prefixes: tuple = ()
    # of version 2; an option is the number of its word
    protocol: int = 0
    client: int = 0
    connect: int = 0
    forwarder: int = 0
    more: tuple = ()  # fields that are not in the document; each made by field()
    unknown: str = ""  # what describe.c says about them

    def prefix_list(self):
        parts = (prefix.split("/") for prefix in self.prefixes)
        return b"".join(address(addr) + bytes([int(length)]) for addr, length in parts)

    def encode_v2(self):
        listens = b"".join(entry.encode() for entry in self.listens)
        return string(self.name) + field_list(
            field(0x8001, listens) if listens else b"",
            number_field(0x8002, self.profiles), number_field(0x8003, self.remote),
            field(0x8004, self.prefix_list()) if self.prefixes else b"",
            number_field(0x8005, self.protocol), number_field(0x8006, self.client),
            number_field(0x0007, self.connect), number_field(0x8008, self.forwarder), *self.more)

    def encode(self):
        out = string(self.name) + bytes([self.profiles, self.remote, len(self.listens)])
        out += b"".join(entry.encode() for entry in self.listens) + bytes([len(self.prefixes)])
        return out + self.prefix_list()

    def meaning(self):
        return " ".join([f"service='{self.name}' profiles={self.profiles} remote={self.remote}",
                         *(entry.meaning() for entry in self.listens),
                         *(f"from={prefix}" for prefix in self.prefixes), *self.options()])

    def options(self):
        words = {"protocol": ("udp", self.protocol), "client-address": ("proxy-v2", self.client),
                 "connect": ("loopback", self.connect), "forwarder": ("relay", self.forwarder)}
        return [f"{name}={word}" for name, (word, value) in words.items() if value == 1] + (
            [self.unknown] if self.unknown else [])


def guest_address(spec):
    """None, "ADDRESS/PREFIX" or "ADDRESS/PREFIX GATEWAY"."""
    if spec is None:
        return b"\0", "none"
    addr, _, gateway = spec.partition(" ")
    addr, length = addr.split("/")
    return (address(addr) + bytes([int(length)]) + address(gateway or None),
            f"{addr}/{length} via {gateway or 'none'}")


def state(sequence, services=(), mode=1, interface="eth0", v4="172.20.37.5/20 172.20.32.1",
          v6=None, announced=None):
    n = len(services) if announced is None else announced
    payload = (struct.pack(">QB", sequence, mode) + string(interface) + guest_address(v4)[0] + guest_address(v6)[0] +
               struct.pack(">I", n) + b"".join(s.encode() for s in services))
    return frame("STATE", payload, state_meaning(sequence, services, mode, interface, v4, v6))


def state_meaning(sequence, services, mode, interface, v4, v6, unknown=""):
    mode_text = MODES[mode] if mode < len(MODES) else "?"
    head = (f"sequence={sequence} mode={mode_text} interface='{interface}' "
            f"v4={guest_address(v4)[1]} v6={guest_address(v6)[1]}")
    return " ".join([head, *(s.meaning() for s in services), *([unknown] if unknown else [])])


def state_v2(sequence, services=(), mode=1, interface="eth0", v4="172.20.37.5/20 172.20.32.1",
             v6=None, announced=None, more=(), unknown=""):
    """@more: fields that are not in the document; @unknown: what describe.c says about them"""
    fields = field_list(number_field(0x8001, mode),
                        field(0x0002, string(interface)) if interface else b"",
                        field(0x8003, guest_address(v4)[0]) if v4 else b"",
                        field(0x8004, guest_address(v6)[0]) if v6 else b"", *more)
    n = len(services) if announced is None else announced
    payload = (struct.pack(">Q", sequence) + fields + struct.pack(">I", n) +
               b"".join(s.encode_v2() for s in services))
    return frame("STATE", payload, state_meaning(sequence, services, mode, interface, v4, v6,
                                                 unknown))


class Answer(NamedTuple):
    """What RESULT says about a service in version 2."""
    state: int
    reason: int = 0
    text: str = ""
    forwarder: int = 0
    why: int = 0
    more: tuple = ()
    unknown: str = ""

    def encode(self):
        return field_list(number_field(0x8001, self.state), number_field(0x8002, self.reason, ">H"),
                          field(0x0003, string(self.text)) if self.text else b"",
                          number_field(0x0004, self.forwarder), number_field(0x0005, self.why),
                          *self.more)

    def meaning(self):
        def name(names, i):
            return names[i] if i < len(names) else "unknown"
        out = (f"{name(SERVICE_STATES, self.state)}/{self.reason} "
               f"({REASONS.get(self.reason, 'unknown')}) text='{self.text}'")
        if self.forwarder:
            out += f" by {self.forwarder} ({name(FORWARDERS, self.forwarder)})"
        if self.why:
            out += f" why {self.why} ({name(WHYS, self.why)})"
        return out + (" " + self.unknown if self.unknown else "")


def result_v2(sequence, answers=(), apply=0, announced=None, more=(), unknown="", place=0):
    n = len(answers) if announced is None else announced
    payload = (struct.pack(">Q", sequence) +
               field_list(number_field(0x0001, apply, ">I"), number_field(0x0002, place), *more) +
               struct.pack(">I", n) + b"".join(a.encode() for a in answers))
    return frame("RESULT", payload, " ".join(
        [f"sequence={sequence} apply={apply}", *([f"place={place}"] if place else []),
         *(a.meaning() for a in answers),
         *([unknown] if unknown else [])]))


def result(sequence, services=(), apply=0, announced=None):
    """services: (state, reason, text) each"""
    n = len(services) if announced is None else announced
    payload = struct.pack(">QII", sequence, apply, n)
    text = f"sequence={sequence} apply={apply}"
    for service_state, reason, why in services:
        payload += struct.pack(">BH", service_state, reason) + string(why)
        name = SERVICE_STATES[service_state] if service_state < len(SERVICE_STATES) else "?"
        text += f" {name}/{reason} ({REASONS.get(reason, 'unknown')}) text='{why}'"
    return frame("RESULT", payload, text)
