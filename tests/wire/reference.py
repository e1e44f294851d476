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
           32: "iphlpsvc", 33: "excluded-range", 34: "write-failed", 35: "firewall",
           36: "not-listening", 48: "guest-address",
           49: "duplicate", 64: "no-address", 65: "networking-mode"}
REFUSALS = {1: "not-paired", 2: "bad-proof", 3: "version", 4: "busy", 5: "internal",
            6: "policy"}
BYES = {1: "stopping", 2: "protocol", 3: "silent", 4: "replaced", 5: "timeout", 6: "unproven"}

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

    def encode(self):
        out = string(self.name) + bytes([self.profiles, self.remote, len(self.listens)])
        out += b"".join(entry.encode() for entry in self.listens) + bytes([len(self.prefixes)])
        for prefix in self.prefixes:
            addr, length = prefix.split("/")
            out += address(addr) + bytes([int(length)])
        return out

    def meaning(self):
        return " ".join([f"service='{self.name}' profiles={self.profiles} remote={self.remote}",
                         *(entry.meaning() for entry in self.listens),
                         *(f"from={prefix}" for prefix in self.prefixes)])


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
    v4_bytes, v4_text = guest_address(v4)
    v6_bytes, v6_text = guest_address(v6)
    n = len(services) if announced is None else announced
    payload = (struct.pack(">QB", sequence, mode) + string(interface) + v4_bytes + v6_bytes +
               struct.pack(">I", n) + b"".join(s.encode() for s in services))
    mode_text = MODES[mode] if mode < len(MODES) else "?"
    return frame("STATE", payload, " ".join(
        [f"sequence={sequence} mode={mode_text} interface='{interface}' v4={v4_text} v6={v6_text}",
         *(s.meaning() for s in services)]))


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
