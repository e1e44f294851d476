# SPDX-License-Identifier: MIT
"""The exe itself: its DLLs, its size and its command line."""

import pathlib
import re
import subprocess

import pytest

# All are part of Windows, in System32, and none is optional. Any other would have to be shipped.
DLLS = {"ADVAPI32.dll", "bcrypt.dll", "IPHLPAPI.DLL", "KERNEL32.dll", "msvcrt.dll", "ole32.dll",
        "OLEAUT32.dll", "SHELL32.dll", "WS2_32.dll"}
SIZE_MAX = 400 * 1024


def imports(exe):
    text = subprocess.run(["x86_64-w64-mingw32-objdump", "-p", exe], check=True,
                          capture_output=True, text=True).stdout
    return set(re.findall(r"DLL Name: (\S+)", text))


@pytest.fixture(scope="module")
def release(windows_release_tree, tmp_path_factory):
    """The exe as it ships: optimized, stripped and without the test transport."""
    built = pathlib.Path(windows_release_tree) / "windows-helper/wslbridge-helper.exe"
    assert built.exists(), "build first: ./dev build"
    exe = tmp_path_factory.mktemp("release") / built.name
    subprocess.run(["x86_64-w64-mingw32-strip", "-o", exe, built], check=True)
    return exe


def test_only_dlls_of_windows_itself(release, build_win):
    assert imports(release) == DLLS
    assert imports(build_win / "windows-helper/wslbridge-helper.exe") == DLLS


def test_the_release_is_small(release):
    size = release.stat().st_size
    print(f"stripped release exe: {size / 1024:.0f} KiB")
    assert size <= SIZE_MAX


def test_the_release_has_no_test_transport(release, prefix):
    assert b"tcp:" not in release.read_bytes()
    assert b"--recovery-ms" not in release.read_bytes()
    done = prefix.run(release, "run", "--transport", "tcp:127.0.0.1:0", check=False)
    assert done.returncode == 1
    assert "takes no options" in done.stdout


@pytest.mark.parametrize("arguments,code,text", [
    (["--help"], 0, "run                   run in the foreground"),
    (["--version"], 0, "wslbridge-helper "),
    ([], 1, "Usage: wslbridge-helper COMMAND"),
    (["fly"], 1, "Unknown command 'fly'"),
    (["run", "--transport", "tcp:0.0.0.0:0"], 1, "Bad option"),
    (["run", "--transport", "tcp:127.0.0.1:65536"], 1, "Bad option"),
    (["run", "--transport", "tcp:127.0.0.1:"], 1, "Bad option"),
    (["run", "--transport", "udp:127.0.0.1:1"], 1, "Bad option"),
    (["run", "--goodbye-ms", "soon"], 1, "Bad option"),
    (["run", "--goodbye-ms"], 1, "needs a value"),
])
def test_command_line(prefix, build_win, arguments, code, text):
    done = prefix.run(build_win / "windows-helper/wslbridge-helper.exe", *arguments, check=False)
    assert done.returncode == code
    assert text in done.stdout
