# SPDX-License-Identifier: MIT
"""The exe itself: its DLLs, its command line, and what it can start."""

import os
import pathlib
import pty
import re
import select
import subprocess

import pytest
from portable_executable import DELAYED, PortableExecutable

# Windows takes these from System32 whatever is in the program's own folder (fact 9.2.4). Names of
# other DLLs do not belong into the import table: win/system-dll.c loads them.
KNOWN_DLLS = {"advapi32.dll", "clbcatq.dll", "combase.dll", "comdlg32.dll", "coml2.dll",
              "difxapi.dll", "gdi32.dll", "gdiplus.dll", "imagehlp.dll", "imm32.dll", "kernel32.dll",
              "msctf.dll", "msvcrt.dll", "normaliz.dll", "nsi.dll", "ole32.dll", "oleaut32.dll",
              "psapi.dll", "rpcrt4.dll", "sechost.dll", "setupapi.dll", "shcore.dll", "shell32.dll",
              "shlwapi.dll", "user32.dll", "wldap32.dll", "ws2_32.dll"}
LOADED = (b"b\0c\0r\0y\0p\0t\0.\0d\0l\0l\0", b"i\0p\0h\0l\0p\0a\0p\0i\0.\0d\0l\0l\0")


def imports(exe):
    program = PortableExecutable(exe)
    assert program.directory(DELAYED) == (0, 0)
    return {name.lower() for name in program.imports()}


@pytest.fixture(scope="module")
def release(windows_release_tree, tmp_path_factory):
    """The exe as it ships: optimized, stripped and without the test transport."""
    built = pathlib.Path(windows_release_tree) / "windows-helper/wslbridge-helper.exe"
    assert built.exists(), "build first: ./dev build"
    exe = tmp_path_factory.mktemp("release") / built.name
    subprocess.run(["x86_64-w64-mingw32-strip", "-o", exe, built], check=True)
    return exe


def test_only_dlls_of_windows_itself(release, build_win):
    """Also of the library that Windows Installer loads into a process of its own (fact 9.6.7)."""
    folder = build_win / "windows-helper"
    for exe in (release, *(folder / f"wslbridge-{n}" for n in ("helper.exe", "relay.exe", "selftest.exe",
                                                                "announce.dll"))):
        assert imports(exe), "the table was not found"
        assert imports(exe) - KNOWN_DLLS == set()
    assert all(name in release.read_bytes() for name in LOADED)


@pytest.mark.parametrize("name", ["bcrypt.dll", "iphlpapi.dll"])
def test_a_dll_beside_the_program_is_not_loaded(name, prefix, build_win, tmp_path):
    """Where a download is started, anybody may have put a file of that name. This one is no DLL, so
    a program that takes it does not start."""
    exe = tmp_path / "wslbridge-helper.exe"
    exe.write_bytes((build_win / "windows-helper/wslbridge-helper.exe").read_bytes())
    (tmp_path / name).write_bytes(b"no DLL")
    assert prefix.run(exe, "--version").stdout.startswith("wslbridge-helper ")


@pytest.mark.parametrize("dll,command,code", [("bcrypt", "--version", 1), ("iphlpapi", "--version", 0),
                                              ("iphlpapi", "doctor", 1)])
def test_a_dll_that_is_missing_is_named(prefix, build_win, dll, command, code):
    """Only a command that needs the host's network needs iphlpapi.dll, and it says so in one line."""
    prefix.env["WINEDLLOVERRIDES"] += f";{dll}="
    try:
        done = prefix.run(build_win / "windows-helper/wslbridge-helper.exe", command, check=False)
    finally:
        prefix.env["WINEDLLOVERRIDES"] = prefix.env["WINEDLLOVERRIDES"].removesuffix(f";{dll}=")
    needed = dll == "bcrypt" or command == "doctor"
    assert done.returncode == code, done.stdout
    assert done.stdout.count(f"Cannot load {dll}.dll from System32") == needed, done.stdout


def test_the_release_has_no_test_transport(release, prefix):
    assert b"tcp:" not in release.read_bytes()
    assert b"--recovery-ms" not in release.read_bytes()
    assert b"WSLBRIDGE_TEST" not in release.read_bytes()
    done = prefix.run(release, "run", "--transport", "tcp:127.0.0.1:0", check=False)
    assert done.returncode == 1
    assert "takes no options" in done.stdout


@pytest.mark.parametrize("arguments,code,text", [
    (["--help"], 0, "run                   run in the foreground"),
    (["--version"], 0, "wslbridge-helper "),
    (["-h"], 0, "Usage: wslbridge-helper COMMAND"),
    (["/?"], 0, "Usage: wslbridge-helper COMMAND"),
    (["help"], 0, "Usage: wslbridge-helper COMMAND"),
    (["version"], 0, "wslbridge-helper "),
    (["help", "pair"], 0, "Pairing again makes a new key."),
    (["help", "fly"], 1, "Unknown command 'fly'"),
    (["rules", "--fly"], 1, "Usage: wslbridge-helper rules [--netsh | --json]"),
    (["adopt", "::1:80"], 1, "'::1:80' is not an endpoint"),
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


def test_text_in_a_console_window(prefix, build_win):
    """A console shows Unicode characters whatever its code page is, on both streams."""
    master, slave = pty.openpty()
    with prefix.popen(build_win / "windows-helper/wslbridge-helper.exe", "Bücher…",
                      stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        assert process.wait(60) == 1
    seen = b""
    while select.select([master], [], [], 1)[0]:
        try:
            seen += os.read(master, 65536)
        except OSError:  # all of the other end is closed
            break
    os.close(master)
    assert "Unknown command 'Bücher…'" in seen.decode()


def test_each_command_explains_itself(prefix, build_win):
    """--help, /? and -h do nothing but that. 'uninstall /?' must not uninstall."""
    exe = build_win / "windows-helper/wslbridge-helper.exe"
    overview = prefix.run(exe, "help").stdout
    commands = set(re.findall(r"^  ([a-z]+) ", overview, re.MULTILINE)) - {"help", "version"}
    assert commands == {"install", "uninstall", "run", "pair", "unpair", "status", "doctor",
                        "rules", "adopt", "selftest", "setup"}
    for command in sorted(commands):
        text = prefix.run(exe, command, "--help").stdout
        assert text.startswith(f"Usage: wslbridge-helper {command}")
        assert len(text.splitlines()) >= 3
        assert prefix.run(exe, "help", command).stdout == text
    for asked in ("/?", "-h"):
        assert prefix.run(exe, "uninstall", asked).stdout.startswith("Usage: wslbridge-helper uni")


# Whatever can start a program, by import or by name.
STARTS = re.compile(r"(CreateProcess\w*|ShellExecute\w*|WinExec|LoadModule|NtCreateUserProcess|"
                    r"RtlCreateUserProcess|_?w?system|_?w?popen|_?w?(?:spawn|exec)[lv]p?e?)")


def object_name(where):
    """Of a path, or of a member of a library."""
    return re.split("[/:]", where)[-1]


class Objects:
    """The objects of which a program is linked: which needs which."""

    def __init__(self, tree, program="wslbridge-helper"):
        self.needs, self.defines = {}, {}
        files = sorted(tree.glob(f"windows-helper/{program}.exe.p/*.obj"))
        files += sorted(tree.glob("**/lib*.a"))
        listed = subprocess.run(["x86_64-w64-mingw32-nm", "-A", "-g", *files], check=True,
                                capture_output=True, text=True).stdout
        for where, kind, name in re.findall(r"^(\S+):[0-9a-f ]+ (\w) (\S+)$", listed, re.MULTILINE):
            if kind == "U":
                self.needs.setdefault(where, set()).add(name)
            else:
                self.defines[name] = where

    def behind(self, name):
        """The objects that may run when the function @name does."""
        found, new = set(), {self.defines[name]}
        while new:
            found |= new
            new = {self.defines[n] for o in new for n in self.needs.get(o, ()) if n in self.defines}
            new -= found
        return found

    def names_behind(self, name):
        return {object_name(o) for o in self.behind(name)}

    def starters(self, name):
        """What these need that starts programs: {function: object}."""
        return {n.removeprefix("__imp_"): object_name(o) for o in self.behind(name)
                for n in self.needs.get(o, ()) if STARTS.fullmatch(n.removeprefix("__imp_"))}


def test_the_service_starts_no_program(build_win):
    """Nothing that the service can reach needs a function that starts a program. Commands do: 'pair'
    starts wsl.exe, and 'selftest' a program of ours."""
    objects = Objects(build_win)
    assert objects.starters("command_pair") == {"CreateProcessW": "vm_wsl-run.c.obj"}
    assert objects.starters("command_selftest") == {"CreateProcessW": "program_sibling.c.obj"}
    assert {"service_helper.c.obj", "vm_vms.c.obj", "host_firewall-com.c.obj"} <= \
        objects.names_behind("service_run"), "the objects were not found"
    assert objects.starters("service_run") == {}
    assert objects.starters("command_run") == {}


def test_only_the_doctor_and_the_self_test_ask_wmi(build_win, top):
    """Its providers are others' code, and slow. Of the helper nothing but the command 'doctor' can reach
    what loads it, and so neither the service nor the relay."""
    loads = "host_wmi.c.obj"
    helper = Objects(build_win)
    commands = {name for name in helper.defines if name.startswith("command_")}
    assert {"command_run", "command_setup", "command_status"} <= commands, "the commands were not found"
    assert {c for c in commands if loads in helper.names_behind(c)} == {"command_doctor"}
    assert loads not in helper.names_behind("service_run")
    assert loads not in Objects(build_win, "wslbridge-relay").names_behind("wmain")
    assert loads in Objects(build_win, "wslbridge-selftest").names_behind("wmain")
    sources = pathlib.Path(top) / "windows-helper"
    makes = {str(s.relative_to(sources)) for s in sources.rglob("*.[ch]") if "<wbemcli.h>" in s.read_text()}
    assert makes == {loads.removesuffix(".obj").replace("_", "/"), "selftest/tools/wmi.c"}


def test_the_relay_starts_no_program_and_writes_nothing(build_win):
    """It imports nothing that starts a program or writes a file, and calls nothing of ours that writes
    to the registry."""
    folder = build_win / "windows-helper"
    table = subprocess.run(["x86_64-w64-mingw32-objdump", "-p", folder / "wslbridge-relay.exe"],
                           check=True, capture_output=True, text=True).stdout
    imported = set(re.findall(r"^\s+[0-9a-f]+\s+(?:\d+|<none>\s+[0-9a-f]+)\s+(\w+)$", table, re.MULTILINE))
    assert {"RegQueryInfoKeyW", "RegOpenKeyExW", "WSARecv"} <= imported, "the table was not found"
    files = re.compile(r"(Create|Copy|Move|Delete|Replace)File\w*|CreateDirectory\w*")
    assert {f for f in imported if STARTS.fullmatch(f) or files.fullmatch(f)} == set()
    needed = subprocess.run(["x86_64-w64-mingw32-nm", "-u",
                             *sorted(folder.glob("wslbridge-relay.exe.p/*.obj"))],
                            check=True, capture_output=True, text=True).stdout.split()
    assert "registry_each" in needed
    assert [f for f in needed if re.match(r"registry_(set|create|delete|flush)|Reg[A-Z]", f)] == []


def test_no_program_is_started_by_a_name(top):
    """Functions can also be looked up by name, and an object of COM can be a program of its own. The
    list of networks is a Windows service; the self-test asks it, and runs elevated, where COM takes no
    class from a user's part of the registry."""
    sources = pathlib.Path(top) / "windows-helper"
    named, contexts, asks = set(), set(), set()
    for source in sources.rglob("*.[ch]"):
        text = source.read_text()
        if any(STARTS.fullmatch(s) for s in re.findall(r'L?"(\w+)"', text)):
            named.add(source.name)
        contexts |= set(re.findall(r"CLSCTX_\w+", text))
        if "CLSCTX_LOCAL_SERVER" in text:
            asks.add(str(source.relative_to(sources)))
    assert named == set()
    assert contexts == {"CLSCTX_INPROC_SERVER", "CLSCTX_LOCAL_SERVER"}
    assert asks == {"selftest/steps/step-networks.c"}


def test_lines_that_anybody_can_cause(prefix, build_win):
    done = prefix.run(build_win / "tests/windows/test-log-limits.exe", check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok ") == 7 and "\n0 failed" in done.stdout


def test_one_that_sends_without_a_pause(prefix, build_win):
    done = prefix.run(build_win / "tests/windows/test-stream.exe", check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok ") == 9
