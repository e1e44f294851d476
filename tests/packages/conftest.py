# SPDX-License-Identifier: MIT
"""What './dev package' has made. './dev test packages' makes it first."""
import os
import subprocess

import pytest

SUITES = ("bookworm", "trixie")
PACKAGE = "/tmp/wslbridge.deb"  # where the tests put the guest's package in a root

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
