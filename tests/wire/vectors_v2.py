# SPDX-License-Identifier: MIT
"""The golden vectors of version 2; make-vectors.py writes them. Each is a frame of reference.py, or
such a frame with one thing in it that is wrong or unknown."""
import struct

import reference as ref
from reference import Listen, Service
from samples import (AGENT, AGENT_NONCE, ANY, BOOT, HELPER_NONCE, KEY, KEYS, SSH, UDP, WEB)


def good():
    state, result = ref.state_v2, ref.result_v2
    lonely = Service("s", (ANY,))
    return {
        "v2-state-empty": state(1, mode=0, interface="", v4=None),
        "v2-state-no-address": state(2, (SSH,), v4=None),
        "v2-state-no-gateway": state(3, (SSH,), v4="172.20.37.5/32"),
        "v2-state-both-families": state(4, (SSH,), v6="fd00::5/64 fe80::1"),
        "v2-state-ipv6-only": state(5, (SSH,), v4=None, v6="2001:db8::5/128"),
        **{f"v2-state-mode-{name}": state(6, mode=i) for i, name in enumerate(ref.MODES)},
        "v2-state-services": state(2**64 - 1, (SSH, WEB)),
        "v2-state-least-service": state(7, (lonely,)),
        "v2-state-udp": state(8, (UDP,)),
        "v2-state-client-address": state(9, (lonely._replace(client=1),)),
        "v2-state-connect-loopback": state(10, (lonely._replace(connect=1),)),
        "v2-state-forwarder-relay": state(11, (lonely._replace(forwarder=1),)),
        "v2-state-all-keys": state(12, (KEYS, UDP)),
        "v2-state-64-listens": state(13, (SSH._replace(listens=tuple(
            Listen("0.0.0.0", 1000 + i) for i in range(64))),)),
        "v2-state-64-remotes": state(14, (WEB._replace(prefixes=tuple(
            f"10.{i}.0.0/16" for i in range(64))),)),
        "v2-result-empty": result(1),
        "v2-result-apply": result(1, apply=2**32 - 1),
        "v2-result-outside": result(1, (ref.Answer(1),), place=1),
        "v2-result-place-of-the-future": result(1, apply=1, place=255),
        **{f"v2-result-{name}": result(2, (ref.Answer(i),)) for i, name
           in enumerate(ref.SERVICE_STATES)},
        "v2-result-reasons": result(3, tuple(ref.Answer(4, code, name) for code, name
                                             in ref.REASONS.items()), apply=1),
        **{f"v2-result-by-{name or 'none'}": result(4, (ref.Answer(1, forwarder=i),)) for i, name
           in enumerate(ref.FORWARDERS)},
        "v2-result-whys": result(5, tuple(ref.Answer(1, 0, "", 2, i) for i
                                          in range(len(ref.WHYS)))),
        "v2-result-numbers-of-the-future": result(6, (ref.Answer(6, 65535, "é" * 127, 255, 255),)),
    }


def newer():
    """Frames of a peer that knows more: the fields of the future have the numbers 9 and 32767."""
    state, result, field = ref.state_v2, ref.result_v2, ref.field
    one, fine = Service("s", (ANY,)), ref.Answer(1)
    may, must = field(0x0009, b"x"), field(0x8009, b"x" * 4096)
    return {
        "v2-state-field-to-ignore": state(1, (SSH,), more=(may,), unknown="ignored=1"),
        "v2-state-field-to-refuse": state(1, (SSH,), more=(must,), unknown="unknown=0x8009"),
        "v2-state-highest-number": state(1, more=(field(0xffff, b"x"),), unknown="unknown=0xffff"),
        "v2-service-field-to-ignore": state(1, (one._replace(more=(may,)),), unknown="ignored=1"),
        "v2-service-field-to-refuse": state(1, (one._replace(more=(must,),
                                                             unknown="unknown=0x8009"), SSH)),
        "v2-service-first-of-two": state(1, (one._replace(
            more=(must, field(0xffff, b"x")), unknown="unknown=0x8009"),)),
        "v2-service-32-fields": state(1, (one._replace(more=tuple(
            field(0x0100 + i, b"x") for i in range(31))),), unknown="ignored=31"),
        "v2-service-word-to-refuse": state(1, (one._replace(protocol=2,
                                                            unknown="unknown=0x8005"),)),
        "v2-service-word-to-ignore": state(1, (one._replace(connect=9),), unknown="ignored=1"),
        "v2-service-without-listens": state(1, (Service("s", (), more=(must,),
                                                        unknown="unknown=0x8009"),)),
        "v2-result-field-to-ignore": result(1, (fine,), more=(may,), unknown="ignored=1"),
        "v2-result-field-to-refuse": result(1, (fine,), more=(must,), unknown="unknown=0x8009"),
        "v2-answer-field-to-ignore": result(1, (fine._replace(more=(may,)),),
                                            unknown="ignored=1"),
        "v2-answer-field-to-refuse": result(1, (fine._replace(more=(must,),
                                                              unknown="unknown=0x8009"), fine)),
    }


def bad():
    """Frames of version 2 with one wrong thing."""
    state, field, one = ref.state_v2, ref.field, Service("s", (ANY,))

    def listens(*entries):
        return state(1, (Service("s", entries),))

    def fields(*list_of, count=None):
        """A service with exactly these fields."""
        body = ref.string("s") + bytes([len(list_of) if count is None else count])
        return ref.frame("STATE", struct.pack(">QBI", 1, 0, 1) + body + b"".join(list_of))

    def whole(*list_of):
        """A STATE without services with exactly these fields."""
        return ref.frame("STATE", struct.pack(">QB", 1, len(list_of)) + b"".join(list_of) +
                         bytes(4))

    def answer(*list_of):
        return ref.frame("RESULT", struct.pack(">QBIB", 1, 0, 1, len(list_of)) + b"".join(list_of))

    some, udp = field(0x8001, ANY.encode()), field(0x8005, b"\1")
    return {
        "v2-state-sequence-0": state(0),
        "v2-state-empty-payload": ref.frame("STATE", b""),
        "v2-state-of-version-1": ref.state(1, (SSH,)),
        "v2-result-of-version-1": ref.result(1, ((1, 0, ""),)),
        "v2-state-default-mode": whole(field(0x8001, b"\0")),
        "v2-state-empty-interface": whole(field(0x0002, b"\0")),
        "v2-state-interface-too-long": state(1, interface="i" * 16),
        "v2-state-address-none": whole(field(0x8003, b"\0")),
        "v2-state-ipv6-in-place-of-ipv4": state(1, v4="2001:db8::5/64"),
        "v2-state-prefix-33": state(1, v4="10.0.0.1/33"),
        "v2-state-more-services-than-bytes": state(1, (one,), announced=2),
        "v2-state-fewer-services-than-bytes": state(1, (one, one._replace(name="t")), announced=1),
        "v2-state-announces-16385-services": state(1, announced=16385),
        "v2-state-name-twice": state(1, (one, one)),
        "v2-state-name-empty": state(1, (one._replace(name=""),)),
        "v2-service-no-fields": fields(),
        "v2-service-no-listens": fields(udp),
        "v2-service-33-fields": fields(some, *(field(0x0100 + i, b"x") for i in range(32))),
        "v2-service-more-fields-than-bytes": fields(some, count=2),
        "v2-service-fewer-fields-than-bytes": fields(some, udp, count=1),
        "v2-service-fields-not-in-order": fields(udp, some),
        "v2-service-order-by-critical-bit": fields(field(0x0007, b"\1"), some),
        "v2-service-field-twice": fields(some, udp, udp),
        "v2-service-unknown-field-twice": fields(some, field(9, b"x"), field(9, b"x")),
        "v2-service-unknown-field-in-both-kinds": fields(some, field(9, b"x"), field(0x8009, b"x")),
        "v2-service-field-0": fields(field(0, b"x"), some),
        "v2-service-critical-field-0": fields(field(0x8000, b"x"), some),
        "v2-service-known-field-not-critical": fields(some, field(0x0005, b"\1")),
        "v2-service-known-field-critical": fields(some, field(0x8007, b"\1")),
        "v2-service-empty-value": fields(some, field(0x8005, b"")),
        "v2-service-value-too-long": fields(some, field(0x8005, b"\1\1")),
        "v2-service-unknown-value-of-4097-bytes": fields(some, field(9, b"x" * 4097)),
        "v2-service-length-past-the-end": fields(some, struct.pack(">HH", 9, 2) + b"x"),
        **{f"v2-service-default-of-{number}": fields(some, field(number | (
            0 if number == 7 else 0x8000), b"\0")) for number in (2, 3, 5, 6, 7, 8)},
        "v2-service-65-listens": listens(*(Listen("0.0.0.0", 1000 + i) for i in range(65))),
        "v2-service-listen-cut": fields(field(0x8001, ANY.encode()[:-1])),
        "v2-service-listen-without-address": listens(Listen(None, 80)),
        "v2-service-count-0": listens(Listen("0.0.0.0", 80, 0)),
        "v2-service-16385-endpoints": listens(Listen("0.0.0.0", 1, 16385)),
        "v2-service-65-prefixes": state(1, (one._replace(remote=2, prefixes=tuple(
            f"10.{i}.0.0/16" for i in range(65))),)),
        "v2-service-list-of-no-prefixes": fields(some, field(0x8003, b"\2")),
        "v2-service-prefixes-without-list": state(1, (one._replace(remote=1,
                                                                  prefixes=("10.0.0.0/8",)),)),
        "v2-service-unknown-field-beside-bad-port": state(1, (Service(
            "s", (Listen("0.0.0.0", 80, 0),), more=(field(0x8009, b"x"),)),)),
        "v2-result-sequence-0": ref.result_v2(0),
        "v2-result-default-apply": ref.frame("RESULT", struct.pack(
            ">QBHHII", 1, 1, 1, 4, 0, 0)),
        "v2-result-usual-place": ref.frame("RESULT", struct.pack(">QBHHBI", 1, 1, 2, 1, 0, 0)),
        "v2-result-more-services-than-bytes": ref.result_v2(1, (ref.Answer(1),), announced=2),
        "v2-result-announces-16385-services": ref.result_v2(1, announced=16385),
        "v2-answer-default-state": answer(field(0x8001, b"\0")),
        "v2-answer-default-reason": answer(field(0x8002, b"\0\0")),
        "v2-answer-empty-text": answer(field(0x0003, b"\0")),
        "v2-answer-text-not-utf-8": answer(field(0x0003, b"\1\xff")),
        "v2-answer-default-forwarder": answer(field(0x0004, b"\0")),
        "v2-answer-default-why": answer(field(0x0005, b"\0")),
    }


def worked_session():
    """The session of docs/protocol.md in version 2; what follows RESULT is as in version 1."""
    hello = ref.hello(AGENT, BOOT, AGENT_NONCE, versions=(1, 2))
    challenge = ref.challenge(HELPER_NONCE, version=2)
    dns = Service("dns", (Listen("0.0.0.0", 53),), profiles=2, protocol=1)
    return {
        "agent-hello": hello,
        "helper-challenge": challenge,
        "agent-proof": ref.proof("PROOF", ref.mac_of(KEY, ref.LABEL_AGENT, hello, challenge)),
        "helper-welcome": ref.proof("WELCOME", ref.mac_of(KEY, ref.LABEL_HELPER, hello,
                                                          challenge)),
        "agent-state": ref.state_v2(1, (SSH, dns)),
        "helper-result": ref.result_v2(1, (
            ref.Answer(1, forwarder=1, why=1),
            ref.Answer(5, 26, "'protocol = udp' needs the relay")), apply=1840),
        "helper-ping": ref.token("PING", 1),
        "agent-pong": ref.token("PONG", 1),
        "agent-bye": ref.notice("BYE", 1, "agent stops"),
    }
