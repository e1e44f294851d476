# SPDX-License-Identifier: MIT
"""'pair DISTRO' against everything that wsl.exe and a distro may say, and against each end failing
after the other has stored the key. A stand-in for wsl.exe follows a script; see fake-wsl.c."""

import pytest
import test_pairing
import wine_registry
from test_pairing import ID, keys

command = test_pairing.command  # a fixture
OWNER = f"{ID}/Debian"
OLD = bytes(range(32))
PAIRED, CONFIRMED = f"paired {OWNER}\n", f"confirmed {OWNER}\n"
GERMAN = "wsl: Fehler beim Verarbeiten von „C:\\Übung“; überspringe den Eintrag in fstab.\r\n"
JAPANESE = "wsl: 以上の設定は、この上では使えません。プロキシ\r\n"
RUSSIAN = "wsl: Обнаружена конфигурация прокси-сервера localhost.\r\n"


def say(stream, text, encoding="utf-8"):
    return f"{stream} {text.encode(encoding).hex() if isinstance(text, str) else text.hex()}"


@pytest.fixture
def script(prefix):
    path = prefix.path / "drive_c/wsl-script.txt"

    def write(*lines):
        path.write_text("".join(line + "\n" for line in lines))

    yield write
    path.unlink(missing_ok=True)


@pytest.fixture(params=[None, OLD], ids=["new", "paired-before"])
def before(request, registry):
    """What the registry has when the test begins."""
    if request.param:
        registry.set_key(OWNER, request.param)
    return {OWNER: request.param} if request.param else {}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-8"])
@pytest.mark.parametrize("text", [GERMAN, JAPANESE, RUSSIAN], ids=["de", "ja", "ru"])
@pytest.mark.parametrize("stream", ["out", "err"])
def test_warnings_around_the_answer(command, script, registry, stream, text, encoding):
    warning = say(stream, text, encoding)
    script(warning, warning, "read WslKey", say("out", "a line of the distro\n"), warning,
           say("out", PAIRED), warning, "read WslAnswer", warning, say("out", CONFIRMED), warning)
    code, output = command("pair", "Debian")
    assert code == 0 and f"Paired: {OWNER}" in output
    seen = registry.strings(wine_registry.COUNTERS)
    assert seen["WslAnswer"] == "stored"
    assert seen["WslEnvironment"] == "1 1"
    assert keys(registry) == {OWNER: bytes.fromhex(seen["WslKey"])}


@pytest.mark.parametrize("lines", [
    ["flood 20000"],  # 1 MB: nobody may wait for a pipe that is full
    [say("out", "Gr\xfc\xdfe\n", "latin-1"), say("err", b"\xff\xfe\x00\xd8\n")],
    [say("out", "wsl: no end of line", "utf-16-le")],
], ids=["1 MB", "not UTF-8", "no end of line"])
def test_odd_text_around_the_answer(command, script, registry, lines):
    script("read WslKey", *lines, say("out", PAIRED), "read WslAnswer", *lines,
           say("out", CONFIRMED[:-1]))
    code, output = command("pair", "Debian")
    assert code == 0, output
    key = registry.strings(wine_registry.COUNTERS)["WslKey"]
    assert keys(registry) == {OWNER: bytes.fromhex(key)}


@pytest.mark.parametrize("text", [GERMAN, JAPANESE, RUSSIAN], ids=["de", "ja", "ru"])
def test_the_message_of_wsl_is_shown_readable(command, script, registry, before, text):
    script(say("out", text, "utf-16-le"), "exit -1")
    code, output = command("pair", "Nirgendwo")
    assert code == 1
    assert text.strip() in output and "(exit code -1)" in output and "wsl --list" in output
    assert keys(registry) == before


# The points at which a pairing can fail: what the guest does, whether it gets our word, and what the
# message says. The registry has afterwards what it had before.
FAILURES = {
    "ends before the key": (["exit 1"], None, "Nothing has changed"),
    "cannot store the key": (["read WslKey", say("err", "wslbridgectl: /etc is read-only\n"),
                              "exit 1"], None, "/etc is read-only"),
    "gives no answer": (["read WslKey", "exit 0"], None, "Nothing has changed"),
    "answers something else": (["read WslKey", say("out", "paired by magic\n"), "exit 0"], None,
                               "paired by magic"),
    "answers half a line": (["read WslKey", say("out", PAIRED[:30]), "exit 0"], None,
                            "Nothing has changed"),
    "hangs before the key": (["hang"], None, "no answer in time"),
    "hangs after the key": (["read WslKey", "hang"], None, "no answer in time"),
    "writes without end": (["read WslKey", "flood 1000000000"], None, "no answer in time"),
    "ends after its answer": (["read WslKey", say("out", PAIRED), "exit 1"], None,
                              "This host has what it had before"),
    "cannot replace the key": (["read WslKey", say("out", PAIRED), "read WslAnswer",
                                say("err", "wslbridgectl: no space\n"), "exit 1"], "stored",
                               "no space"),
    "hangs after our word": (["read WslKey", say("out", PAIRED), "read WslAnswer", "hang"],
                             "stored", "until you pair it again"),
    "confirms for another": (["read WslKey", say("out", PAIRED), "read WslAnswer",
                              say("out", f"confirmed {ID}/Other\n")], "stored",
                             "This host has what it had before"),
}


# How long the host waits for each word, in milliseconds. What gives no answer costs that time; what hangs
# after one has to start before, and the rest ends by itself.
LIMITS = {"hangs before the key": 1500, "hangs after the key": 1500, "writes without end": 1500,
          "hangs after our word": 8000}
ENDS_ITSELF = 60000


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_leaves_the_host_as_it_was(command, script, registry, before, prefix,
                                             monkeypatch, failure):
    lines, word, says = FAILURES[failure]
    monkeypatch.setitem(prefix.env, "WSLBRIDGE_TEST_PAIR_MS", str(LIMITS.get(failure, ENDS_ITSELF)))
    script(*lines)
    code, output = command("pair", "Debian")
    assert code == 1
    assert says in output
    assert keys(registry) == before
    assert registry.strings(wine_registry.COUNTERS).get("WslAnswer") == word
    script("read WslKey", say("out", PAIRED), "read WslAnswer", say("out", CONFIRMED))
    monkeypatch.delitem(prefix.env, "WSLBRIDGE_TEST_PAIR_MS")
    assert command("pair", "Debian")[0] == 0  # the next try works
    key = registry.strings(wine_registry.COUNTERS)["WslKey"]
    assert keys(registry) == {OWNER: bytes.fromhex(key)}


def test_an_older_guest_is_named(command, script, registry, before):
    script(say("err", "wslbridgectl: unrecognized option '--confirm'\n"), "exit 2")
    code, output = command("pair", "Debian")
    assert code == 1 and "is older than this program" in output
    assert keys(registry) == before
