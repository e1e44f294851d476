# SPDX-License-Identifier: MIT
"""The helper under Wine, driven by a client written in Python (tests/lib/wsb_client.py) and by the
real agent. These tests need the cross build with -Dtest-transport=enabled; ../conftest.py says
where."""

import json
import pathlib
import shutil
import socket
import threading

import pytest
import vswitch
import helper_process
import selftest_process
import windows_host
import wsb_client
from installed_helper import KEY, OWNER, serve
from installed_machine import OTHERS, PENDING, RULE, SESSION, Machine
from wine_registry import COUNTERS


class Guest:
    """A server in a guest. It sends its name to each client, then echoes."""

    def __init__(self, network, address, port, name):
        self.address, self.name = address, name.encode() + b"\n"
        self.socket = network.create_server(address, port)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, connection):
        try:
            connection.sendall(self.name)
            while data := connection.recv(65536):
                connection.sendall(data)
        except OSError:
            pass
        connection.close()

    def close(self):
        # shutdown() first: close() alone does not wake the accept() of the other thread.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@pytest.fixture(scope="session")
def network():
    """Makes this process's namespace the host's, with the guests' namespace behind it. Returns a
    vswitch.VirtualSwitch; see tests/lib/vswitch.py."""
    try:
        vswitch.enter_host()
    except OSError as e:
        pytest.skip(f"no network namespace: {e}")
    with vswitch.VirtualSwitch() as switch:
        yield switch


@pytest.fixture
def few_ports(network):
    """All that the host's kernel gives to a socket that asks for any."""
    ports, path = range(28920, 28960), pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
    before = path.read_text(encoding="ascii")
    path.write_text(f"{ports[0]} {ports[-1]}", encoding="ascii")
    yield ports
    path.write_text(before, encoding="ascii")


@pytest.fixture
def guest(network):
    """guest(address, port=0, name="web") → Guest. The address is one of vswitch.GUESTS."""
    guests = []

    def start(address, port=0, name="web"):
        guests.append(Guest(network, address, port, name))
        return guests[-1]

    yield start
    for g in guests:
        g.close()


prefix, session_registry, session_service = windows_host.fixtures("session", "windows")


@pytest.fixture
def registry(session_registry):
    """The registry, without PortProxy values and without anything of wslbridge, before and after the
    test."""
    session_registry.clear()
    yield session_registry
    session_registry.clear()


@pytest.fixture
def iphlpsvc(session_service, registry):
    """The service, running and with nothing to forward."""
    return session_service


@pytest.fixture
def start_helper(prefix, build_win, registry, iphlpsvc):
    """start_helper(heartbeat=…) → helper_process.Helper. Those still running at the end are
    killed."""
    helpers = []

    def start(**options):
        helper = helper_process.Helper(prefix, build_win / "windows-helper/wslbridge-helper.exe",
                                       **options)
        helpers.append(helper)
        return helper

    yield start
    for helper in helpers:
        helper.kill()


@pytest.fixture
def helper(start_helper):
    return start_helper()


@pytest.fixture
def paired(registry):
    """Pairs the client's default identity with the helper. Returns its key."""
    registry.set_key(f"{bytes(range(16)).hex()}/Debian", KEY)
    return KEY


@pytest.fixture
def connect(paired):
    """connect(helper) → a Client after its handshake."""
    clients = []

    def open_client(helper, versions=(1, 1), **options):
        client = wsb_client.Client(helper.port, **{"key": KEY, **options})
        clients.append(client)
        client.handshake(versions)
        return client

    yield open_client
    for client in clients:
        client.close()


@pytest.fixture
def machine(prefix, build_win, registry, iphlpsvc, tmp_path):
    made = Machine(prefix, build_win, registry, tmp_path)
    registry.set(SESSION, PENDING, OTHERS.encode("utf-16-le"), kind=7)
    before = made.path()
    yield made
    if "error" not in made.service.query() or made.relay_state():
        made.uninstall()
    made.restart()
    made.set_path(before)


@pytest.fixture
def serving(machine, registry):
    """The old version is installed, and has a rule."""
    registry.set_key(OWNER, KEY)
    code, output = machine.install("old")
    assert code == 0, output
    serve(machine.service).close()
    assert registry.rules() == RULE
    return machine


@pytest.fixture
def selftest(prefix, build_win, registry, iphlpsvc):
    for name in ("computecore.dll", "wsl.exe"):  # of other tests
        (prefix.path / "drive_c/windows/system32" / name).unlink(missing_ok=True)
    made = selftest_process.Selftest(prefix, build_win, registry)
    shutil.rmtree(made.data, ignore_errors=True)  # of helpers that other tests have run
    if made.left() != selftest_process.NOTHING:  # by a test that has failed
        made.run("--clean")
    assert made.left() == selftest_process.NOTHING
    yield made


@pytest.fixture
def wsl(prefix, build_win):
    """wsl(text, then="") installs a wsl.exe that writes these bytes, whatever it is asked. @then: more
    lines of its script."""
    exe = prefix.path / "drive_c/windows/system32/wsl.exe"
    shutil.copy(build_win / "tests/windows/fake-wsl.exe", exe)
    yield lambda text, then="": (prefix.path / "drive_c/wsl-script.txt").write_text(f"out {text.hex()}\n{then}")
    exe.unlink()


@pytest.fixture
def compute(prefix, build_win, registry):
    """compute(systems, error=0, with_wsl=False): what the Host Compute Service answers. @with_wsl: it lists
    nothing unless a program of a distro runs."""
    library = prefix.path / "drive_c/windows/system32/computecore.dll"
    shutil.copy(build_win / "tests/windows/computecore.dll", library)

    def answer(systems, error=0, with_wsl=False):
        registry.set(COUNTERS, "ComputeWsl", int(with_wsl))
        registry.set(COUNTERS, "ComputeError", error)
        registry.set(COUNTERS, "Compute", json.dumps(systems))

    yield answer
    library.unlink()
    registry.delete(COUNTERS, "ComputeHang")
    registry.delete(COUNTERS, "ComputeWsl")


@pytest.fixture
def power(prefix, build_win, registry):
    """The tests' own powrprof.dll in place of Wine's, for services, too."""
    library, overrides = prefix.path / "drive_c/windows/system32/powrprof.dll", r"HKCU\Software\Wine\DllOverrides"
    before = library.read_bytes()
    library.write_bytes((build_win / "tests/windows/fake-powrprof.dll").read_bytes())
    prefix.run("reg", "add", overrides, "/v", "powrprof", "/d", "native", "/f")
    yield
    prefix.run("reg", "delete", overrides, "/v", "powrprof", "/f")
    library.write_bytes(before)
    registry.set(COUNTERS, "Resumed", 0)
