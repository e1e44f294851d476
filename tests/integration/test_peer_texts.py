# SPDX-License-Identifier: MIT
"""From its peer the agent takes only results, which it displays and never runs. Here every text of the
peer is one that a shell, or printf(3), would do something with."""
import os
import tempfile

import pytest

from guest import wait_until
from test_bad_helpers import BLOCKED, STATE, admit, frame, read_frame, result

BYE, REFUSED = 10, 5  # docs/protocol.md
STOPPING, INTERNAL = 1, 5


def text(folder):
    return f"$(touch {folder}/a)`touch {folder}/b`; touch {folder}/c | %s%n%n &".encode()


def notice(kind, code, said):
    return frame(kind, code.to_bytes(2, "big") + bytes([len(said)]) + said)


def say_in_a_result(connection, said):
    stream = admit(connection)
    kind, payload = read_frame(stream)
    assert kind == STATE
    connection.sendall(result(BLOCKED, payload, said))
    stream.read()


def say_in_a_goodbye(connection, said):
    stream = admit(connection)
    read_frame(stream)
    connection.sendall(notice(BYE, STOPPING, said))
    stream.read()


def say_in_a_refusal(connection, said):
    connection.recv(65536)
    connection.sendall(notice(REFUSED, INTERNAL, said))
    connection.recv(65536)


@pytest.mark.parametrize("say", [say_in_a_result, say_in_a_goodbye, say_in_a_refusal])
def test_a_text_is_shown_and_not_run(guest, peer, control, say):
    folder = tempfile.mkdtemp(prefix="wslbridge-test-", dir="/tmp")  # pytest's are too long
    said = text(folder)
    guest.service("web", "listen = 8080")
    peer(lambda connection: say(connection, said))
    guest.start()
    shown = said.decode()
    wait_until(lambda: shown in str(guest.status()), lambda: guest.status())
    assert shown in guest.log()
    for command in ("status", "doctor"):
        assert shown in " ".join(control.run(command)[1].split()), command
    control.run("wait", "--timeout=0.2")
    assert guest.process.poll() is None
    os.rmdir(folder)  # it is empty
