# SPDX-License-Identifier: MIT
"""What setup says before Windows asks for an administrator's consent. tests/setup runs the whole of it."""

import shutil

import pytest

LXSS = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Lxss"
DISTRO = rf"{LXSS}\{{00000001-0000-4000-8000-000000000000}}"
# What the probe of setup finds in the distro.
PROBE = {"id": "debian", "name": "Debian", "dpkg": "yes", "arch": "amd64", "init": "running", "end": "yes"}


@pytest.fixture
def debian(prefix, build_win, registry):
    """A user with one distro."""
    wsl = prefix.path / "drive_c/windows/system32/wsl.exe"
    shutil.copy(build_win / "tests/windows/fake-wsl.exe", wsl)
    lines = "".join(f"wslbridge-setup: {key}={value}\n" for key, value in PROBE.items())
    (prefix.path / "drive_c/wsl-script.txt").write_text(f"out {lines.encode().hex()}\n")
    for name, kind, data in (("DistributionName", "REG_SZ", "Debian"), ("Flags", "REG_DWORD", "15"),
                             ("State", "REG_DWORD", "1")):
        prefix.run("reg.exe", "add", DISTRO, "/v", name, "/t", kind, "/d", data, "/f")
    yield
    prefix.run("reg.exe", "delete", LXSS, "/f")
    wsl.unlink()


@pytest.mark.parametrize("administrator", [False, True])
def test_the_user_is_told_of_the_question(debian, prefix, build_win, administrator):
    """An administrator is asked nothing."""
    tool = [] if administrator else [build_win / "tests/windows/as-user.exe"]
    prefix.env["WSLBRIDGE_TEST_FAULT"] = "elevation:before"
    try:
        done = prefix.run(*tool, build_win / "windows-helper/wslbridge-helper.exe", "setup", "Debian",
                          "--yes", check=False)
    finally:
        del prefix.env["WSLBRIDGE_TEST_FAULT"]
    output = " ".join(done.stdout.split())
    assert "Administrator rights were not given" in output, output
    question = "asks for an administrator's consent. If you see no question, look at the task bar"
    assert (question in output) == (not administrator)
    if not administrator:
        assert output.index(question) < output.index("were not given")


def test_what_windows_answers(prefix, build_win):
    """The user's no, a policy, and any other error."""
    done = prefix.run(build_win / "tests/windows/test-elevated.exe", check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok ") == 3 and "\n0 failed" in done.stdout
