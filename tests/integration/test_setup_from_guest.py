# SPDX-License-Identifier: MIT
"""'wslbridgectl setup' starts the helper's setup through WSL's interop. Here wslpath and the exe are
scripts below a root of the test."""
import os
import subprocess
import time

import pytest

HELPER = "Program Files/wslbridge/wslbridge-helper.exe"
WINDOWS = "C:\\Program Files\\wslbridge\\wslbridge-helper.exe"
# Prints its folder and each argument on a line of its own, as the helper sees them.
EXE = '#!/bin/sh\npwd\nprintf "<%s>\\n" "$@"\nexit 7\n'


class Distro:
    def __init__(self, ctl, folder):
        self.ctl, self.root, self.tools = ctl, folder / "root", folder / "tools"
        self.root.mkdir()
        self.tools.mkdir()
        (self.root / "run/systemd/system").mkdir(parents=True)
        self.env = {"PATH": f"{self.tools}:/usr/bin:/bin", "WSLBRIDGE_WSL_FOLDER": str(self.tools),
                    "LSAN_OPTIONS": "detect_leaks=0"}

    def wslpath(self, name=None, drive=None):
        """The name of the distro, and where drive C: is, as wslpath tells them."""
        tell = f"printf '%s\\n' '\\\\wsl.localhost\\{name}\\'" if name else "exit 1"
        place = f"echo '{drive}/{HELPER}'" if drive else "exit 1"
        path = self.tools / "wslpath"
        path.write_text(f"#!/bin/sh\ncase $1:$2 in\n-w:/) {tell} ;;\n"
                        f"'-u:{WINDOWS}') {place} ;;\n*) exit 9 ;;\nesac\n", encoding="utf-8")
        path.chmod(0o755)

    def exe(self, drive="/mnt/c", content=EXE, mode=0o755):
        path = self.root / drive[1:] / HELPER
        path.parent.mkdir(parents=True)
        (self.root / drive[1:] / "Users").mkdir()
        path.write_text(content)
        path.chmod(mode)
        return path.parent

    def mounts(self, *lines):
        path = self.root / "proc/self/mounts"
        path.parent.mkdir(parents=True)
        path.write_text("".join(f"{line}\n" for line in lines))

    def run(self, *options, **env):
        done = subprocess.run([self.ctl, f"--root={self.root}", "setup", *options],
                              env={**self.env, **env}, cwd="/", capture_output=True, text=True,
                              timeout=60)
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def distro(dev_tree, tmp_path):
    return Distro(os.path.join(dev_tree, "agent", "wslbridgectl"), tmp_path)


def test_fixed_path_by_wslpath(distro):
    """The options go to Windows, each once; the exit code comes back. The working directory is one
    that Windows can use."""
    distro.wslpath("Debian", drive="/windows/c")
    folder = distro.exe("/windows/c")
    code, out, errors = distro.run("--yes", "--import", "--yes", "--keep-alive", "--json")
    assert (code, errors) == (7, "")
    assert out.splitlines() == [str(folder), "<setup>", "<Debian>", "<--json>", "<--yes>",
                                "<--keep-alive>", "<--import>"]


@pytest.mark.parametrize("variable", [True, False])
@pytest.mark.parametrize("name", ["Debian", "Mein Büro", "a'b$c"])
def test_name(distro, name, variable):
    """From the variable, or from wslpath where sudo has taken it away."""
    distro.wslpath(None if variable else name.replace("'", "'\\''"))
    distro.exe()
    code, out, _ = distro.run(**({"WSL_DISTRO_NAME": name} if variable else {}))
    assert code == 7 and f"<{name}>" in out


def test_name_after_a_warning(distro):
    distro.wslpath("Debian")
    path = distro.tools / "wslpath"
    path.write_text(path.read_text().replace("'\\\\wsl", f"'wsl: a warning' '{'long ' * 100}' '\\\\wsl"))
    distro.exe()
    code, out, _ = distro.run()
    assert (code, out.splitlines()[1:]) == (7, ["<setup>", "<Debian>"])


@pytest.mark.parametrize("place", ["wslpath is wrong", "no wslpath", "mounts"])
def test_fallbacks(distro, place):
    if place == "wslpath is wrong":
        distro.wslpath("Debian", drive="/nowhere")
    if place == "mounts":
        distro.mounts("none / ext4 rw 0 0", "drvfs /dr\\040ives/d 9p rw 0 0",
                      "C:\\134 /my\\040drives/c 9p rw,aname=drvfs;path=C:\\134 0 0")
    distro.exe("/my drives/c" if place == "mounts" else "/mnt/c")
    code, out, _ = distro.run(WSL_DISTRO_NAME="Debian")
    assert code == 7 and "<Debian>" in out


@pytest.mark.parametrize("reason", ["not installed", "interop is off", "no right to execute", "no systemd"])
def test_the_command_for_windows(distro, reason):
    """What cannot be started from here is shown, to be typed there."""
    distro.wslpath("My Debian")
    if reason == "interop is off":  # the kernel does not know the format
        distro.exe(content="MZ\x90\0not a program of Linux")
    elif reason == "no right to execute":
        distro.exe(mode=0o644)
    elif reason == "no systemd":  # setup would end the distro, and with it itself
        distro.exe()
        (distro.root / "run/systemd/system").rmdir()
    code, out, errors = distro.run("--keep-alive")
    assert (code, out) == (1, "")
    assert '\n    .\\wslbridge-helper setup "My Debian" --keep-alive\n' in errors
    assert {"not installed": "There is no C:\\Program Files", "no systemd": "systemd does not run"}.get(
        reason, "interop") in errors


def test_drive_that_does_not_answer(distro, dev_tree):
    """Setup says so, and what to type on Windows instead."""
    distro.wslpath("Debian", drive="/mnt/c")
    distro.exe()
    begin = time.monotonic()
    code, out, errors = distro.run("--yes", ASAN_OPTIONS="verify_asan_link_order=0", LD_PRELOAD=os.path.join(
        dev_tree, "tests/faults/libwslbridge-silent-drive.so"))
    assert time.monotonic() - begin < 5
    assert (code, out) == (1, "") and "drive C: does not answer" in errors
    assert '\n    .\\wslbridge-helper setup "Debian" --yes\n' in errors


def test_no_name(distro):
    distro.wslpath()
    distro.exe()
    code, out, errors = distro.run()
    assert (code, out) == (1, "") and errors.count("\n") == 1
    assert "does not tell the name" in errors


def test_not_wsl(distro):
    distro.exe()
    del distro.env["WSLBRIDGE_WSL_FOLDER"]
    if "microsoft" in os.uname().release.lower():
        pytest.skip("this is a distro of WSL")
    code, out, errors = distro.run(WSL_DISTRO_NAME="Debian")
    assert (code, out) == (1, "")
    assert "not a distro of WSL" in errors and "setup --print" in errors
