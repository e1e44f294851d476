# SPDX-License-Identifier: MIT
"""The guest's package where a systemd runs, in a Debian 12 and a Debian 13."""
import os
import shutil
import subprocess

import pytest
from booted import Booted
from conftest import SUITES, SUITES_FOR_BUILDS
from debian_root import pristine

AGENT = "wslbridge-agent"
APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y")


@pytest.fixture(scope="module")
def older(deb, version, tmp_path_factory):
    """The same package as an older version."""
    folder = tmp_path_factory.mktemp("older")
    subprocess.run(["dpkg-deb", "-R", deb, folder / "tree"], check=True)
    path = folder / "tree/DEBIAN/control"
    assert f"Version: {version}-1\n" in path.read_text()
    path.write_text(path.read_text().replace(f"Version: {version}-1\n", f"Version: {version}-1~0\n"))
    subprocess.run(["dpkg-deb", "-b", "--root-owner-group", folder / "tree", folder / "older.deb"],
                   check=True, capture_output=True)
    return folder / "older.deb"


@pytest.fixture(params=SUITES)
def system(request, tmp_path, deb, older):
    """Booted, with both versions of the package in /packages, and none installed."""
    files = tmp_path / "files"
    os.makedirs(files / "packages")
    shutil.copy(older, files / "packages/old.deb")
    shutil.copy(deb, files / "packages/new.deb")
    os.makedirs(files / "etc/wslbridge")
    # Not the default, which is a vsock of this machine.
    (files / "etc/wslbridge/agent.conf").write_text("[agent]\nhelper = unix:/run/no-helper\n")
    with Booted(tmp_path / "system", files, below=pristine(request.param, "systemd")) as system:
        yield system


def is_state(system):
    """(enabled?, active?)"""
    return tuple(system.call("systemctl", verb, AGENT).stdout.strip()
                 for verb in ("is-enabled", "is-active"))


def wanted_by(system):
    """The folders of the targets that start the agent at boot."""
    return system.run("sh", "-c", f"cd /etc/systemd/system; find . -name {AGENT}.service -printf '%h\\n'").split()


def trace(system):
    return system.run("sh", "-c", "find /etc /usr /var/lib /run -xdev -name '*wslbridge*' "
                      "! -path '*/apt/*'")


def test_life_of_the_package(system):
    # Nothing is enabled or started, as the preset says.
    system.run(*APT, "/packages/old.deb")
    assert is_state(system) == ("disabled", "inactive")
    assert system.run("readlink", "/run/wslbridge/status.json") == "agent/status.json"
    assert "wslbridge:" in system.run("journalctl", "--list-catalog")
    # An upgrade leaves it off, or enabled.
    system.run(*APT, "/packages/new.deb")
    assert is_state(system) == ("disabled", "inactive") and wanted_by(system) == []
    system.run(*APT, "--allow-downgrades", "/packages/old.deb")
    system.run("systemctl", "enable", AGENT)
    system.run(*APT, "/packages/new.deb")
    assert is_state(system) == ("enabled", "inactive") and wanted_by(system) == ["./sysinit.target.wants"]

    # A running agent is restarted, and becomes no other one: the same status, still enabled.
    system.run("systemctl", "enable", "--now", AGENT)
    first = system.main_pid()
    system.run(*APT, "--reinstall", "/packages/new.deb")
    assert is_state(system) == ("enabled", "active")
    second = system.main_pid()
    assert second != first and system.status()["agent"]["pid"] > 0
    system.run(*APT, "--allow-downgrades", "/packages/old.deb")
    assert system.main_pid() != second and is_state(system) == ("enabled", "active")

    # A stopped one stays stopped.
    system.run("systemctl", "stop", AGENT)
    system.run(*APT, "/packages/new.deb")
    assert is_state(system) == ("enabled", "inactive")

    # Removed while it runs.
    system.run("systemctl", "start", AGENT)
    system.run("dpkg", "--remove", "wslbridge")
    assert system.call("systemctl", "is-active", AGENT).stdout.strip() == "inactive"
    assert system.run("cat", "/etc/wslbridge/agent.conf").startswith("[agent]")
    system.run("test", "-d", "/var/lib/private/wslbridge")

    # Installed again, it is as before: enabled, but not started.
    system.run(*APT, "/packages/new.deb")
    assert is_state(system) == ("enabled", "inactive")
    system.run("systemctl", "start", AGENT)
    system.run("dpkg", "--purge", "wslbridge")
    assert trace(system) == ""
    assert "wslbridge" not in system.run("systemctl", "list-units", "--all", "--plain")


@pytest.mark.parametrize("system", SUITES_FOR_BUILDS, indirect=True)
def test_over_a_running_agent_of_the_sources(system, installed_from_sources):
    with subprocess.Popen(["tar", "-C", installed_from_sources, "-c", "."],
                          stdout=subprocess.PIPE) as sources:
        system.run("tar", "-C", "/", "-x", "--no-same-owner", "--no-overwrite-dir", stdin=sources.stdout)
    system.run(*APT, "libnl-3-200", "libinih1", "libjansson4", "libsodium23")
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "enable", "--now", AGENT)
    before = system.main_pid()
    system.run(*APT, "/packages/new.deb")
    assert is_state(system) == ("enabled", "active") and system.main_pid() != before
    pid = system.main_pid()
    assert system.run("readlink", f"/proc/{pid}/exe") == "/usr/sbin/wslbridge-agent"  # not a deleted one
    system.run("dpkg", "--purge", "wslbridge")
    assert trace(system) == ""
