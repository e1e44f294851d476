# SPDX-License-Identifier: MIT
"""'wslbridge-helper setup' under Wine, with a wsl.exe that runs everything in real roots of Debian
(tests/lib/wsl_host.py). The guest's package is that of './dev package'."""

import contextlib
import os
import pathlib
import shutil
import subprocess

import installed_helper
import pytest
import setup_host
import vswitch
import windows_host
import wine_registry
from booted import Booted
from debian_root import DebianRoot, pristine
from waiting import wait_until
from wsl_host import WslHost

SUITE = "bookworm"
# What a guest has of the host: the adapter's address, and the path of the relay's socket in the guest.
HOST, GUEST = "10.9.0.1", "10.9.0.2"
SOCKET = "/run/wslbridge-test.sock"
SCHEDULER = r"SOFTWARE\Classes\CLSID\{0F87369F-A4E5-4CFC-BD3E-73E6154572DD}\InprocServer32"
TASKS = rf"{wine_registry.COUNTERS}\Tasks"


@pytest.fixture(scope="session")
def network():
    vswitch.enter_host()


prefix, session_registry, iphlpsvc = windows_host.fixtures("session", "setup")


@pytest.fixture(scope="session")
def deb(top):
    return setup_host.guest_deb(top)


@pytest.fixture(scope="session")
def version(deb):
    return deb.name.split("_")[1]


def repack(deb, folder, version, **files):
    """The same package as another version. @files: the bytes of files below DEBIAN."""
    subprocess.run(["dpkg-deb", "-R", deb, folder / "tree"], check=True)
    for name, content in files.items():
        (folder / "tree/DEBIAN" / name).write_text(content)
    control = folder / "tree/DEBIAN/control"
    lines = [f"Version: {version}" if line.startswith("Version:") else line
             for line in control.read_text().splitlines()]
    control.write_text("\n".join(lines) + "\n")
    made = folder / f"wslbridge_{version}_amd64.deb"
    subprocess.run(["dpkg-deb", "-b", "-Znone", "--root-owner-group", folder / "tree", made], check=True,
                   capture_output=True)
    shutil.rmtree(folder / "tree")
    return made


@pytest.fixture(scope="session")
def other_debs(deb, tmp_path_factory):
    """(an older version, a newer one)"""
    folder = tmp_path_factory.mktemp("debs")
    return repack(deb, folder, "0.0.1-1"), repack(deb, folder, "99.0.0-1")


@pytest.fixture(scope="session")
def rebuilt_deb(deb, version, tmp_path_factory):
    """Another build of the same version."""
    return repack(deb, tmp_path_factory.mktemp("rebuilt"), version, prerm="#!/bin/sh\nset -e\n: rebuilt\n")


@pytest.fixture(scope="session")
def session_program(build_win, tmp_path_factory, deb):
    return setup_host.Program(build_win, tmp_path_factory.mktemp("program"), deb)


@pytest.fixture(scope="session")
def session_wsl(prefix, build_win):
    with WslHost(prefix, build_win / "tests/windows") as made:
        yield made


@pytest.fixture
def wsl(session_wsl):
    session_wsl.reset()
    yield session_wsl
    session_wsl.clear()


@pytest.fixture(scope="session")
def session_windows(prefix, build_win, session_registry, iphlpsvc, session_program, session_guest):
    """The guest's adapter is there before the service, which would not learn of it under Wine (fact
    10.1.13)."""
    made = setup_host.Windows(prefix, build_win, session_registry, session_program)
    yield made
    made.clear()


@pytest.fixture
def windows(session_windows):
    """With or without the service, as the test before has left it."""
    session_windows.program.fill()
    return session_windows


@pytest.fixture
def bare(windows):
    """Without the service."""
    windows.clear()
    return windows


@pytest.fixture
def serving(windows):
    """With the service."""
    if windows.service.query().get("state") != installed_helper.RUNNING:
        windows.clear()
        windows.service.install(windows.program.exe)
    return windows


class Distro(Booted):
    """A booted Debian, in a network of its own. @files: see Booted."""

    def __init__(self, folder, files):
        super().__init__(folder, files, below=pristine(SUITE, "systemd"))
        self.relay = None

    def is_up(self):
        """It may not have been entered yet."""
        return self.process is not None and self.process.poll() is None

    def __exit__(self, *error):
        self.disconnect()
        super().__exit__(*error)

    def path(self, path):
        return f"/proc/{self.pid()}/root{path}"

    def connect(self, port):
        """In the place of a vsock: the agent's way to the helper."""
        self.disconnect()
        self.relay = subprocess.Popen(
            ["socat", f"UNIX-LISTEN:{self.path(SOCKET)},fork,unlink-early,mode=666",
             f"TCP:127.0.0.1:{port}"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(self.path(SOCKET)), what="the relay")

    def disconnect(self):
        if self.relay:
            self.relay.kill()
            self.relay.wait()
            self.relay = None


class Guest(Distro):
    """The same behind the virtual switch of this host."""

    def __init__(self, folder, files):
        super().__init__(folder, files)
        self.servers = []

    def __enter__(self):
        super().__enter__()
        # The other end of the guest's cable is the host's.
        self.run("ip", "link", "set", "peer0", "down")
        subprocess.run(["nsenter", "-t", str(self.pid()), "-n", "ip", "link", "set", "peer0", "netns",
                        str(os.getpid()), "name", vswitch.ADAPTER], check=True)
        vswitch.run_ip([], f"addr add {HOST}/24 dev {vswitch.ADAPTER}\nlink set {vswitch.ADAPTER} up\n")
        return self

    def __exit__(self, *error):
        for server in self.servers:
            server.kill()
            server.wait()
        super().__exit__(*error)

    def enabled_and_active(self):
        """Of the agent's unit."""
        return [self.call("systemctl", f"is-{word}", "--quiet", "wslbridge-agent").returncode == 0
                for word in ("enabled", "active")]

    def serve(self, program):
        """Run a server in the guest's network, which has no Python itself."""
        server = subprocess.Popen(["nsenter", "-t", str(self.pid()), "-n", "/usr/bin/python3", "-c",
                                   program], stdin=subprocess.DEVNULL)
        self.servers.append(server)


AGENT_CONF = f"[agent]\nhelper = unix:{SOCKET}\n"


@pytest.fixture(scope="session")
def session_guest(tmp_path_factory, network):
    folder = tmp_path_factory.mktemp("guest")
    files = folder / "files"
    (files / "etc/wslbridge").mkdir(parents=True)
    with Guest(folder / "system", files) as guest:
        yield guest


@pytest.fixture
def guest(session_guest, windows, wsl):
    """The distro "Debian", booted and without wslbridge. Only its configuration says that the host is
    behind a socket."""
    session_guest.write("/etc/wslbridge/agent.conf", AGENT_CONF)
    session_guest.connect(windows.service.port)
    wsl.add("Debian", session_guest.command)
    wsl.register()
    yield session_guest
    session_guest.call("systemctl", "disable", "--now", "wslbridge-agent")
    session_guest.call("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--purge", "wslbridge")
    session_guest.call("rm", "-rf", "/etc/wslbridge", "/var/lib/wslbridge")


@pytest.fixture
def stopped(windows, wsl, tmp_path):
    """The distro "Debian", stopped. The first command in it boots it, and its systemd takes a moment."""
    (tmp_path / "files/etc/wslbridge").mkdir(parents=True)
    (tmp_path / "files/etc/wslbridge/agent.conf").write_text(AGENT_CONF)
    distro = Distro(tmp_path / "system", tmp_path / "files")
    with contextlib.ExitStack() as running:
        def boot():
            running.enter_context(distro)
            distro.connect(windows.service.port)

        wsl.add("Debian", distro.command, boot=boot)
        wsl.register()
        yield distro


SYSTEMCTL = """#!/bin/sh
case $* in
is-system-running) echo running ;;
'is-enabled --quiet wslbridge-agent' | 'is-active --quiet wslbridge-agent') exit 1 ;;
esac
"""


@pytest.fixture
def bare_root(tmp_path, wsl):
    """The distro "Debian", without systemd."""
    with DebianRoot(SUITE, tmp_path / "root") as made:
        wsl.add("Debian", made.command)
        wsl.register()
        yield made


@pytest.fixture
def root(bare_root):
    """The same with a systemctl that says that all is well and does nothing: enough for what happens
    before the agent is started."""
    bare_root.write("/usr/bin/systemctl", SYSTEMCTL, mode=0o755)
    bare_root.run("mkdir", "-p", "/run/systemd/system")
    return bare_root


@pytest.fixture
def no_systemd(bare_root):
    """systemd is installed in the distro, and WSL's own init runs."""
    bare_root.write("/lib/systemd/systemd", "#!/bin/sh\n", 0o755)
    bare_root.run("ln", "-s", "/lib/systemd/systemd", "/sbin/init")
    return bare_root


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
