# SPDX-License-Identifier: MIT
"""What './dev package' has made ('./dev test packages' makes it first), and a Windows for its package."""
import ctypes
import os
import platform
import subprocess

import package_machine
import pytest
import vswitch
import windows_host
from installed_helper import KEY, serve
from installed_machine import OTHERS, PENDING, RULE, SESSION
from package_machine import PackageMachine

SUITES = ("bookworm", "trixie")  # from old to new
HERE = platform.freedesktop_os_release().get("VERSION_CODENAME")
# Where programs run that this machine has built: not on an older release, whose C library has less.
SUITES_FOR_BUILDS = SUITES[SUITES.index(HERE):] if HERE in SUITES else SUITES
PACKAGE = "/tmp/wslbridge.deb"  # where the tests put the guest's package in a root

libc = ctypes.CDLL(None, use_errno=True)


@pytest.fixture(scope="session")
def packages(top):
    """The folder with all of it."""
    folder = os.path.join(top, "build", "packages")
    assert os.path.isdir(folder), "make the packages first: sudo ./dev package"
    return folder


@pytest.fixture(scope="session")
def version(packages):
    """As the names of the packages have it."""
    name, = (n for n in os.listdir(packages) if n.endswith(".tar.gz"))
    return name[len("wslbridge-"):-len(".tar.gz")]


@pytest.fixture(scope="session")
def deb(packages, version):
    """The guest's package for this machine."""
    return os.path.join(packages, f"wslbridge_{version}-1_amd64.deb")


@pytest.fixture(scope="session")
def foreign_deb(packages, version):
    return os.path.join(packages, f"wslbridge_{version}-1_arm64.deb")


@pytest.fixture(scope="session")
def installed_from_sources(top, tmp_path_factory):
    """The files of './dev install'."""
    folder = tmp_path_factory.mktemp("sources")
    subprocess.run([os.path.join(top, "dev"), "install", f"--destdir={folder}"], check=True,
                   stdin=subprocess.DEVNULL, capture_output=True)
    return str(folder)


@pytest.fixture(scope="module")
def network():
    """This process is in a network of its own until the tests of this file are over."""
    before = os.open("/proc/self/ns/net", os.O_RDONLY)
    vswitch.enter_host()
    with vswitch.VirtualSwitch() as switch:
        yield switch
    assert libc.setns(before, 0) == 0
    os.close(before)


prefix, session_registry, session_service = windows_host.fixtures("module", "msi")


@pytest.fixture(scope="module")
def msis(top, build_win, tmp_path_factory):
    return package_machine.build_two(top, build_win, tmp_path_factory.mktemp("msis"))


@pytest.fixture
def registry(session_registry):
    session_registry.clear()
    yield session_registry
    session_registry.clear()


@pytest.fixture
def machine(prefix, build_win, registry, session_service, msis, tmp_path):
    made = PackageMachine(prefix, build_win, registry, tmp_path, msis)
    registry.set(package_machine.VERSION_KEY, "CurrentBuild", "22631")
    registry.set(SESSION, PENDING, OTHERS.encode("utf-16-le"), kind=7)
    before = made.path()
    yield made
    made.clear()
    made.restart()
    made.set_path(before)


@pytest.fixture
def serving(machine, registry):
    """The old package is installed, and has a rule."""
    registry.set_key(package_machine.OWNER, KEY)
    machine.install_package("old")
    serve(machine.service).close()
    assert registry.rules() == RULE
    return machine
