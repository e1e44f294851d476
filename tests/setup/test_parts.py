# SPDX-License-Identifier: MIT
"""The parts of setup beside the agent: --keep-alive, --at-logon, --import, and systemd in
/etc/wsl.conf. tests/windows/test_user_settings.py has the odd files of settings."""

import contextlib
import pathlib
import re
import socket
import subprocess
import threading

import pytest
import wine_registry
from conftest import GUEST, HOST
from waiting import wait_until

SCHEDULER = r"SOFTWARE\Classes\CLSID\{0F87369F-A4E5-4CFC-BD3E-73E6154572DD}\InprocServer32"
TASKS = rf"{wine_registry.COUNTERS}\Tasks"
PARTS = ("--keep-alive", "--at-logon", "--import")
SETTINGS = b"\xef\xbb\xbf# mine\r\n[wsl2]\r\nmemory=4GB\r\nvmIdleTimeout=60000 # a minute\r\n"
EXPECTED = (SETTINGS.replace(b"60000", b"-1") +
            b"\r\n[general]\r\ninstanceIdleTimeout=-1\r\n")
SINGLE, RANGE, STALE, STAR = 28710, range(28711, 28714), 28720, 28725
# A server for each port, in the guest's network. It answers each client with the port.
SERVER = """
import socket, sys, threading
def serve(s, port):
    while True:
        c, _ = s.accept()
        c.sendall(b"%d" % port)
        c.close()
for port in map(int, sys.argv[1:]):
    s = socket.create_server(("0.0.0.0", port))
    threading.Thread(target=serve, args=(s, port), daemon=True).start()
print("up", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def profile(prefix):
    folder = pathlib.Path(prefix.path / "drive_c/users" / prefix.env.get("USER", "root"))
    assert folder.is_dir()
    for path in folder.glob(".wslconfig*"):
        path.unlink()
    yield folder
    for path in folder.glob(".wslconfig*"):
        path.unlink()


@pytest.fixture
def scheduler(session_registry, build_win):
    """Task Scheduler of fake-taskschd.dll in place of Wine's."""
    library = str(build_win.resolve() / "tests/windows/fake-taskschd.dll")
    before = session_registry.dump(SCHEDULER)
    session_registry.set(SCHEDULER, "", "Z:" + library.replace("/", "\\"))
    yield session_registry
    session_registry.remove(TASKS)
    for name, (kind, data) in before.items():
        session_registry.set(SCHEDULER, name, data, kind)


@pytest.fixture
def servers(guest):
    """Servers in the guest, on the ports to which the forwardings lead."""
    process = subprocess.Popen(["nsenter", "-t", str(guest.pid()), "-n", "/usr/bin/python3", "-c", SERVER,
                                *map(str, [SINGLE, *RANGE, STALE, STAR])],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "up\n"
    yield process
    process.stdin.close()
    process.wait(10)


def ask(port):
    with socket.create_connection((HOST, port), timeout=10) as client:
        return client.recv(16)


class Clients:
    """Connects to each of @ports, again and again, until the end of the block."""

    def __init__(self, ports):
        self.ports, self.ended, self.answers, self.failures = ports, threading.Event(), 0, []

    def _run(self):
        while not self.ended.is_set():
            for port in self.ports:
                try:
                    answer = ask(port)
                except OSError as e:
                    answer = e
                if answer == b"%d" % port:
                    self.answers += 1
                else:
                    self.failures.append((port, answer))

    def __enter__(self):
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def forward(windows, name, target):
    windows.registry.set_rule(name, target)


def folk_script(windows, iphlpsvc):
    """One line for each port, with the guest's address of that day; and two others."""
    forward(windows, f"*/{STAR}", f"{GUEST}/{STAR}")  # as netsh stores it without listenaddress
    for port in (SINGLE, *RANGE):
        forward(windows, f"0.0.0.0/{port}", f"{GUEST}/{port}")
    forward(windows, f"0.0.0.0/{STALE}", f"10.9.0.77/{STALE}")
    forward(windows, "0.0.0.0/28730", "192.0.2.1/80")
    windows.prefix.run(iphlpsvc.svctool, "control", "iphlpsvc", 6, check=False)
    wait_until(lambda: all(map(open_port, (SINGLE, *RANGE, STAR))), what="the script's forwardings")
    iphlpsvc.settled()


def open_port(port):
    with contextlib.suppress(OSError):
        return ask(port) == b"%d" % port
    return False


def test_extras_from_nothing_to_undone(windows, guest, profile, scheduler, servers, iphlpsvc):
    """Each run does what the one before has left, and says when nothing was to do."""
    assert windows.setup("Debian", "--yes").code == 0
    folk_script(windows, iphlpsvc)
    (profile / ".wslconfig").write_bytes(SETTINGS)

    would = windows.setup("Debian", "--dry-run", "--yes", *PARTS)
    assert (would.code, [would.states()[p] for p in ("keep-alive", "at-logon", "import")]) == \
        (0, ["would"] * 3), would.output
    nobody = windows.setup("Debian", *PARTS)
    assert nobody.states()["keep-alive"] == nobody.states()["import"] == "skipped", nobody.output
    assert (profile / ".wslconfig").read_bytes() == SETTINGS
    assert guest.call("ls", "/etc/wslbridge/services.d").stdout == ""

    before = windows.registry.rules()
    with Clients([SINGLE, *RANGE]) as clients:
        done = windows.setup("Debian", "--text", "--yes", *PARTS)
        wait_until(lambda: open_port(STALE), what="the port that was stale")
    print(done.output)
    assert done.code == 0, done.output
    assert not clients.failures and clients.answers > 10
    assert "+instanceIdleTimeout=-1\n" in done.output
    assert "192.0.2.1/80: it leads to 192.0.2.1" in done.output

    assert (profile / ".wslconfig").read_bytes() == EXPECTED
    assert (profile / ".wslconfig.before-wslbridge").read_bytes() == SETTINGS
    assert '-d "Debian"' in list(scheduler.strings(TASKS).values())[0]
    files = guest.run("sh", "-c", "cd /etc/wslbridge/services.d && grep -H '^listen' *")
    assert files.splitlines() == [
        f"import-{SINGLE}-{RANGE[-1]}.ini:listen = 0.0.0.0:{SINGLE}-{RANGE[-1]}",
        f"import-{STALE}.ini:listen = 0.0.0.0:{STALE}", f"import-{STAR}.ini:listen = 0.0.0.0:{STAR}"]
    rules = windows.registry.rules()
    assert len(rules) == len(RANGE) + 4 and open_port(STAR)
    assert rules["v4tov4", f"0.0.0.0/{STALE}"] == f"{GUEST}/{STALE}"
    assert rules["v4tov4", f"0.0.0.0/{SINGLE}"] == f"{GUEST}/{SINGLE}"
    assert rules["v4tov4", "0.0.0.0/28730"] == before["v4tov4", "0.0.0.0/28730"]
    assert len(windows.registry.ledger()) == len(RANGE) + 3

    again = windows.setup("Debian", "--yes", *PARTS)
    assert set(again.states().values()) == {"already"}, again.output

    undone = windows.setup("Debian", "--undo", "--yes")
    assert undone.code == 0, undone.output
    assert (profile / ".wslconfig").read_bytes() == \
        SETTINGS.replace(b"vmIdleTimeout=60000 # a minute\r\n", b"")
    assert scheduler.strings(TASKS) == {}
    wait_until(lambda: windows.registry.rules() ==
               {("v4tov4", "0.0.0.0/28730"): "192.0.2.1/80"}, what="the rules of others")


WSL_CONFS = {
    "absent": (None, "[boot]\nsystemd=true\n"),
    "command": ("[boot]\ncommand=\"service ssh start\" # mine\n[user]\ndefault=me\n",
                "[boot]\ncommand=\"service ssh start\" # mine\nsystemd=true\n[user]\ndefault=me\n"),
    "false": ("[boot]\r\nsystemd = false\r\n", "[boot]\r\nsystemd = true\r\n"),
    "already": ("[boot]\nsystemd=true\n", "[boot]\nsystemd=true\n"),
    "link": ("[user]\ndefault=me\n", "[user]\ndefault=me\n\n[boot]\nsystemd=true\n"),
    "odd bytes": ("# 'q\"\\012%s\n[x]\nö=$HOME`id`\n", "# 'q\"\\012%s\n[x]\nö=$HOME`id`\n\n[boot]\nsystemd=true\n"),
}


@pytest.fixture
def no_systemd(root):
    """systemd is installed in the distro, and WSL's own init runs."""
    root.write("/lib/systemd/systemd", "#!/bin/sh\n", 0o755)
    return root


def read_bytes(root, path="/etc/wsl.conf"):
    with open(root.path(path), "rb") as f:
        return f.read()


@pytest.mark.parametrize("case", WSL_CONFS)
def test_systemd_is_turned_on(windows, wsl, no_systemd, case):
    """The file is changed in place, and the distro is ended. It has no systemd here all the same, so
    setup stops then."""
    root = no_systemd
    before, after = WSL_CONFS[case]
    if case == "link":
        root.write("/etc/real.conf", before, 0o640)
        root.run("ln", "-s", "real.conf", "/etc/wsl.conf")
    elif before:
        with open(root.path("/etc/wsl.conf"), "wb") as f:
            f.write(before.encode())
        root.run("chmod", "640", "/etc/wsl.conf")
        root.run("chown", "daemon:mail", "/etc/wsl.conf")
    done = windows.setup("Debian", "--yes")
    assert done.code == 1 and wsl.terminated == ["Debian"], done.output
    assert read_bytes(root).decode() == after
    if case == "link":
        assert root.run("readlink", "/etc/wsl.conf") == "real.conf\n"
    if case in ("command", "false"):
        assert root.run("stat", "-c", "%a %U %G", "/etc/wsl.conf") == "640 daemon mail\n"
    elif case == "absent":
        assert root.run("stat", "-c", "%a %U", "/etc/wsl.conf") == "644 root\n"
    assert root.run("find", "/etc", "-name", "*wslbridge-new") == ""


@pytest.mark.parametrize("case", ["dry-run", "nobody", "folder", "meanwhile", "utf-16"])
def test_systemd_is_not_turned_on(windows, wsl, no_systemd, case):
    """One clear reason, and the distro is as it was."""
    root = no_systemd
    content = b"\xff\xfe[\0" if case == "utf-16" else b"[x]\n"
    if case == "folder":
        root.run("mkdir", "/etc/wsl.conf")
    else:
        root.write("/etc/wsl.conf", "")
        with open(root.path("/etc/wsl.conf"), "wb") as f:
            f.write(content)
    if case == "meanwhile":
        def change(script):
            if re.search("wslbridge_main write", script):
                root.write("/etc/wsl.conf", "[y]\n")
        wsl.on_script = change
    words = {"dry-run": ["--dry-run", "--yes"], "nobody": []}.get(case, ["--yes"])
    done = windows.setup("Debian", *words)
    assert wsl.terminated == []
    part = done.part("distro")
    if case == "dry-run":
        assert part["state"] == "would", done.output
    else:
        assert (done.code, part["state"]) == (1, "failed")
        assert {"nobody": "turned off", "folder": "is a folder", "meanwhile": "meanwhile",
                "utf-16": "is UTF-16"}[case] in part["text"], done.output
    if case != "folder":
        assert read_bytes(root) == (b"[y]\n" if case == "meanwhile" else content)
