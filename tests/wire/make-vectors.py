#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes the golden vectors of tests/wire/vectors and the seeds of tests/fuzz/corpus.

    make-vectors.py [--check]

Run it once for each change of the format and commit the result. --check only compares; the static
tests do that. Every vector is a frame of reference.py, or such a frame with one error in it.
"""
import os
import struct
import sys

import reference as ref
import vectors_v2
from reference import Listen, Service
from samples import (AGENT, AGENT_NONCE, ANY, BOOT, HELPER_NONCE, KEY, KEYS, MAC, SSH, UDP, VM, WEB)

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.path.join(HERE, "vectors")
CORPUS = os.path.join(os.path.dirname(HERE), "fuzz", "corpus")


def good_vectors():
    hello, notice = ref.hello, ref.notice
    border = Service("A-Z_0.9", (Listen("0.0.0.0", 65535), Listen("::1", 1, 1, 65535),
                                 Listen("10.0.0.1", 1, 16382)), remote=1)
    return {
        "hello": hello(AGENT, BOOT, AGENT_NONCE),
        "hello-with-vm-id": hello(AGENT, BOOT, AGENT_NONCE, vm=VM),
        "hello-newer-agent": hello(AGENT, BOOT, AGENT_NONCE, versions=(1, 255)),
        "hello-longest-names": hello(AGENT, BOOT, AGENT_NONCE, distro="d" * 64, software="s" * 32),
        "hello-utf-8": hello(AGENT, BOOT, AGENT_NONCE, distro="Käse €\U0001f427"),
        "challenge": ref.challenge(HELPER_NONCE),
        "challenge-least": ref.challenge(HELPER_NONCE, endpoints=1, heartbeat=100, software="x"),
        "challenge-most": ref.challenge(HELPER_NONCE, version=255, heartbeat=3600000),
        "proof": ref.proof("PROOF", MAC),
        "proof-without-key": ref.proof("PROOF", None),
        "welcome": ref.proof("WELCOME", MAC),
        "welcome-without-key": ref.proof("WELCOME", None),
        **{f"refused-{name}": notice("REFUSED", code, "because") for code, name
           in ref.REFUSALS.items()},
        "refused-code-of-the-future": notice("REFUSED", 65535, "t" * 255),
        **{f"bye-{name}": notice("BYE", code) for code, name in ref.BYES.items()},
        "bye-code-of-the-future": notice("BYE", 4711, "text"),
        "ping": ref.token("PING", 0x0102030405060708),
        "pong": ref.token("PONG", 2**64 - 1),
        "state-empty": ref.state(1, mode=0, interface="", v4=None),
        "state-no-address": ref.state(2, (SSH,), v4=None),
        "state-no-gateway": ref.state(3, (SSH,), v4="172.20.37.5/32"),
        "state-both-families": ref.state(4, (SSH,), v6="fd00::5/64 fe80::1"),
        "state-ipv6-only": ref.state(5, (SSH,), v4=None, v6="2001:db8::5/128"),
        **{f"state-mode-{name}": ref.state(6, mode=i) for i, name in enumerate(ref.MODES)},
        "state-services": ref.state(2**64 - 1, (SSH, WEB)),
        "state-any-order-of-names": ref.state(7, (WEB, SSH, SSH._replace(name="a"))),
        "state-all-endpoints": ref.state(8, (border,), interface="i" * 15),
        "state-one-range": ref.state(9, (Service("r", (Listen("0.0.0.0", 1, 16384, 49152),)),)),
        "state-longest-name": ref.state(10, (SSH._replace(name="n" * 64),)),
        "state-prefix-borders": ref.state(11, (WEB._replace(prefixes=(
            "0.0.0.0/0", "::/0", "255.255.255.255/32", "128.0.0.0/1", "2001:db8::1/128")),)),
        "state-64-listens": ref.state(12, (SSH._replace(listens=tuple(
            Listen("0.0.0.0", 1000 + i) for i in range(64))),)),
        "state-64-remotes": ref.state(13, (WEB._replace(prefixes=tuple(
            f"10.{i}.0.0/16" for i in range(64))),)),
        "result-empty": ref.result(1),
        **{f"result-{name}": ref.result(2, ((i, 0, ""),)) for i, name
           in enumerate(ref.SERVICE_STATES)},
        "result-reasons": ref.result(3, tuple((4, code, name) for code, name
                                              in ref.REASONS.items()), apply=2**32 - 1),
        "result-reason-of-the-future": ref.result(2**64 - 1, ((6, 65535, "é" * 127),)),
    }


def bad_payloads():
    """Frames with one wrong field."""
    hello, state, one = ref.hello, ref.state, Service("s", (ANY,))
    ids = (AGENT, BOOT, AGENT_NONCE)

    def listens(*entries):
        return state(1, (Service("s", entries),))

    def named(*names):
        return state(1, tuple(Service(name, (ANY,)) for name in names))

    def prefixes(*texts, remote=2):
        return state(1, (one._replace(remote=remote, prefixes=texts),))

    def text(raw):
        return ref.frame("BYE", struct.pack(">H", 1) + ref.string(raw))

    return {
        "hello-version-0": hello(*ids, versions=(0, 1)),
        "hello-versions-reversed": hello(*ids, versions=(2, 1)),
        "hello-without-distro": hello(*ids, distro=""),
        "hello-distro-too-long": hello(*ids, distro="d" * 65),
        "hello-software-too-long": hello(*ids, software="s" * 33),
        "challenge-version-0": ref.challenge(HELPER_NONCE, version=0),
        "challenge-no-endpoints": ref.challenge(HELPER_NONCE, endpoints=0),
        "challenge-too-many-endpoints": ref.challenge(HELPER_NONCE, endpoints=16385),
        "challenge-heartbeat-too-short": ref.challenge(HELPER_NONCE, heartbeat=99),
        "challenge-heartbeat-too-long": ref.challenge(HELPER_NONCE, heartbeat=3600001),
        "refused-code-0": ref.notice("REFUSED", 0),
        "bye-code-0": ref.notice("BYE", 0),
        "text-with-line-break": text(b"a\nb"),
        "text-with-nul": text(b"a\0b"),
        "text-with-escape": text(b"\x1b[31m"),
        "text-with-c1-control": text(b"\xc2\x85"),
        "text-not-utf-8": text(b"\xff"),
        "text-overlong": text(b"\xc0\xaf"),
        "text-surrogate": text(b"\xed\xa0\x80"),
        "text-beyond-unicode": text(b"\xf4\x90\x80\x80"),
        "text-cut-character": text(b"\xe2\x82"),
        "state-sequence-0": state(0),
        "state-mode-6": state(1, mode=6),
        "state-interface-too-long": state(1, interface="i" * 16),
        "state-ipv6-in-place-of-ipv4": state(1, v4="2001:db8::5/64"),
        "state-ipv4-in-place-of-ipv6": state(1, v6="10.0.0.1/8"),
        "state-prefix-33": state(1, v4="10.0.0.1/33"),
        "state-prefix-129": state(1, v6="2001:db8::5/129"),
        "state-gateway-of-other-family": state(1, v4="10.0.0.1/8 fe80::1"),
        "state-more-services-than-bytes": state(1, (one,), announced=2),
        "state-fewer-services-than-bytes": state(1, (one, one._replace(name="t")), announced=1),
        "state-announces-16384-services": state(1, announced=16384),
        "state-announces-16385-services": state(1, announced=16385),
        "state-announces-2-to-the-32": state(1, announced=2**32 - 1),
        "state-name-empty": named(""),
        "state-name-too-long": named("n" * 65),
        "state-name-with-slash": named("a/b"),
        "state-name-with-space": named("a b"),
        "state-name-not-ascii": named("é"),
        "state-name-with-leading-dot": named(".a"),
        "state-name-with-leading-dash": named("-a"),
        "state-name-twice": named("a", "a"),
        "state-name-twice-apart": named("b", "a", "c", "b"),
        "state-profiles-8": state(1, (one._replace(profiles=8),)),
        "state-remote-3": state(1, (one._replace(remote=3),)),
        "state-no-listen": listens(),
        "state-65-listens": listens(*(Listen("0.0.0.0", 1000 + i) for i in range(65))),
        "state-listen-without-address": listens(Listen(None, 80)),
        "state-port-0": ref.frame("STATE", state(1, (one,)).data[8:].replace(
            struct.pack(">HHH", 2222, 1, 22), struct.pack(">HHH", 0, 1, 22))),
        "state-connect-port-0": ref.frame("STATE", state(1, (one,)).data[8:].replace(
            struct.pack(">HHH", 2222, 1, 22), struct.pack(">HHH", 2222, 1, 0))),
        "state-count-0": listens(Listen("0.0.0.0", 80, 0)),
        "state-range-past-65535": listens(Listen("0.0.0.0", 65535, 2, 80)),
        "state-connect-range-past-65535": listens(Listen("0.0.0.0", 80, 2, 65535)),
        "state-16385-endpoints": listens(Listen("0.0.0.0", 1, 16385)),
        "state-16385-endpoints-in-two": listens(Listen("0.0.0.0", 1, 16384), ANY),
        "state-65-remotes": prefixes(*(f"10.{i}.0.0/16" for i in range(65))),
        "state-list-of-no-remotes": prefixes(),
        "state-remotes-without-list": prefixes("10.0.0.0/8", remote=1),
        "state-remote-with-host-bits": prefixes("10.0.0.1/8"),
        "state-remote-prefix-33": prefixes("10.0.0.0/33"),
        "state-remote-prefix-129": prefixes("2001:db8::/129"),
        "result-sequence-0": ref.result(0),
        "result-state-7": ref.result(1, ((7, 0, ""),)),
        "result-more-services-than-bytes": ref.result(1, ((1, 0, ""),), announced=2),
        "result-announces-16385-services": ref.result(1, announced=16385),
    }


def bad_frames():
    """Correct payloads in wrong frames, and wrong fields that reference.py cannot make."""
    ping = ref.token("PING", 1).data
    frame, hello = ref.frame, ref.hello(AGENT, BOOT, AGENT_NONCE).data[8:]
    state = ref.state(1, (SSH,), v4=None).data[8:]
    return {
        "header-format-0": frame("PING", ping[8:], fmt=0),
        "header-format-2": frame("PING", ping[8:], fmt=2),
        "header-undefined-flag": frame("PING", ping[8:], flags=2),
        "header-known-type-ignorable": frame("PING", ping[8:], flags=1),
        "unknown-type": frame(11, b""),
        "type-0": frame(0, b""),
        "ping-too-short": frame("PING", ping[8:-1]),
        "ping-trailing-byte": frame("PING", ping[8:] + b"\0"),
        "hello-trailing-byte": frame("HELLO", hello + b"\0"),
        "hello-too-short": frame("HELLO", hello[:-1]),
        "hello-vm-id-flag-2": frame("HELLO", hello[:66] + b"\2" + hello[67:]),
        "proof-flag-2": frame("PROOF", b"\2" + MAC),
        "proof-flag-without-mac": frame("PROOF", b"\1"),
        "proof-mac-without-flag": frame("PROOF", b"\0" + MAC),
        "welcome-empty": frame("WELCOME", b""),
        "state-address-family-5": frame("STATE", state[:14] + b"\5" + state[15:]),
    }, {
        "ping-of-1025-bytes": frame("PING", b"", length=1025),
        "hello-of-1025-bytes": frame("HELLO", b"", length=1025),
        "unknown-type-of-1025-bytes": frame(200, b"", flags=1, length=1025),
        "state-of-4194305-bytes": frame("STATE", b"", length=4194305),
        "result-of-4243473-bytes": frame("RESULT", b"", length=4243473),
        "state-of-2-to-the-32-bytes": frame("STATE", b"", length=2**32 - 1),
    }


def worked_session():
    """The session of docs/protocol.md. Each name begins with the end that sends."""
    hello = ref.hello(AGENT, BOOT, AGENT_NONCE)
    challenge = ref.challenge(HELPER_NONCE)
    services = (SSH, Service("web", (Listen("0.0.0.0", 8080, 1, 80),), profiles=2))
    return {
        "agent-hello": hello,
        "helper-challenge": challenge,
        "agent-proof": ref.proof("PROOF", ref.mac_of(KEY, ref.LABEL_AGENT, hello, challenge)),
        "helper-welcome": ref.proof("WELCOME", ref.mac_of(KEY, ref.LABEL_HELPER, hello,
                                                          challenge)),
        "agent-state": ref.state(1, services),
        "helper-result": ref.result(1, ((1, 0, ""), (4, 1, "0.0.0.0:8080 has a rule that is not "
                                                           "ours")), apply=1840),
        "helper-ping": ref.token("PING", 1),
        "agent-pong": ref.token("PONG", 1),
        "agent-bye": ref.notice("BYE", 1, "agent stops"),
    }


def session_seeds():
    """Programs for tests/fuzz/fuzz-session.c: a byte of setup, then (operation, argument) pairs."""
    start, to_helper, to_agent, inject_helper, inject_agent, wait, admit, refuse, push, result, \
        ping, agent_bye, helper_bye = range(13)
    hello = [start, 0, to_helper, 255, to_agent, 255, to_helper, 255]
    welcome = [*hello, admit, 0, to_agent, 255]
    work = [push, 2, to_helper, 255, result, 2, to_agent, 255, ping, 0, to_agent, 255, to_helper,
            255]
    skip = ref.frame(200, b"abc", flags=1).data
    state = ref.state(1, (SSH, WEB)).data
    state_v2 = ref.state_v2(1, (KEYS, UDP)).data
    newer = next(iter(vectors_v2.newer().values())).data
    return {
        "paired": [11, *welcome, *work, agent_bye, 0, to_helper, 255],
        "keyless": [0, *welcome, *work, helper_bye, 0, to_agent, 255],
        "keyless-refused": [8, *hello, to_agent, 255],
        "wrong-key": [15, *hello, to_agent, 255],
        "few-endpoints": [27, *welcome, *work],
        "busy": [11, *hello, refuse, 0, to_agent, 255],
        "byte-by-byte": [11, start, 0, *[to_helper, 1] * 98, *[to_agent, 1] * 72,
                         *[to_helper, 1] * 41, admit, 0, *[to_agent, 1] * 41, *work],
        "timeout": [11, start, 0, wait, 101],
        "silence": [11, *welcome, wait, 32, wait, 32, wait, 35],
        "skipped": [11, inject_helper, len(skip), *skip, *welcome, inject_agent, len(skip), *skip],
        "injected-state": [32, *welcome, inject_helper, len(state), *state],
        "injected-state-v2": [0, *welcome, inject_helper, len(state_v2), *state_v2],
        "injected-newer-state": [0, *welcome, inject_helper, len(newer), *newer],
        "old-agent": [11 + 32, *welcome, *work, agent_bye, 0, to_helper, 255],
        "violation": [11, inject_helper, 8, *ref.state(1).data[:8], to_agent, 255],
    }


def hex_lines(data):
    """The header on a line of its own, then the payload with 32 bytes a line."""
    parts = [data[:8]] + [data[i:i + 32] for i in range(8, len(data), 32)]
    return "".join(f"{part.hex()}\n" for part in parts)


def wrapped(meaning):
    """The meaning in '=' lines of at most 100 columns, which the reader joins by one space."""
    lines = [""]
    for word in meaning.split(" "):
        if lines[-1] and len(lines[-1]) + len(word) > 96:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return "".join(f"= {line}\n" for line in lines)


NO_MEANING = ("bad", "bad-v2", "too-large")


def text_of(title, vectors, kind="good", keys=()):
    out = f"# SPDX-License-Identifier: MIT\n# {title}\n# Made by make-vectors.py; read by vectors.c.\n"
    for name, value in keys:
        out += f"\nvalue {name}\n{value.hex()}\n"
    for name, vector in vectors.items():
        out += f"\n{kind} {name}\n" + ("" if kind in NO_MEANING else wrapped(vector.meaning))
        out += hex_lines(vector.data)
    return out


def all_files():
    """{path: content} of all files that this program makes."""
    good, session, (bad, large) = good_vectors(), worked_session(), bad_frames()
    bad = {**bad_payloads(), **bad}
    more = {"good-v2": vectors_v2.good(), "newer-v2": vectors_v2.newer(),
            "bad-v2": vectors_v2.bad()}
    files = {
        "good-v2.txt": text_of("Frames of version 2 that mean something.", more["good-v2"],
                               "good-v2"),
        "newer-v2.txt": text_of("Frames of version 2 with what we do not know.", more["newer-v2"],
                                "newer-v2"),
        "bad-v2.txt": text_of("Frames that are malformed in version 2.", more["bad-v2"], "bad-v2"),
        "session-v2.txt": text_of("The worked session of docs/protocol.md in version 2.",
                                  vectors_v2.worked_session(), "good-v2",
                                  keys=(("key", KEY), ("helper-nonce", HELPER_NONCE))),
        "good.txt": text_of("Frames that mean something.", good),
        "bad.txt": text_of("Frames that are malformed.", bad, "bad"),
        "too-large.txt": text_of("Headers that announce more than the type may have.", large,
                                 "too-large"),
        "session.txt": text_of("The worked session of docs/protocol.md.", session,
                               keys=(("key", KEY), ("helper-nonce", HELPER_NONCE))),
    }
    out = {os.path.join(VECTORS, name): text.encode() for name, text in files.items()}
    for name, vector in {**good, **more["good-v2"], **more["newer-v2"],
                         **{f"bad-{n}": v for n, v in
                            {**bad, **large, **more["bad-v2"]}.items()}}.items():
        out[os.path.join(CORPUS, "wire", name)] = vector.data
    for name, program in session_seeds().items():
        out[os.path.join(CORPUS, "session", name)] = bytes(program)
    return out


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    stale = []
    for path, content in all_files().items():
        try:
            with open(path, "rb") as f:
                same = f.read() == content
        except FileNotFoundError:
            same = False
        if same:
            continue
        stale.append(os.path.relpath(path))
        if not check:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(content)
    if check and stale:
        sys.exit(f"out of date, run tests/wire/make-vectors.py: {', '.join(stale)}")


if __name__ == "__main__":
    main()
