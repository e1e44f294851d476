# SPDX-License-Identifier: MIT
"""The guest's package in a Debian 12 and a Debian 13 that are not booted, without a network: installing,
removing and purging, and what was there before. test_deb_booted.py has those with a systemd that runs."""
import os
import re
import subprocess

import pytest
from conftest import PACKAGE, SUITES
from debian_root import DebianRoot

KEY = "5a" * 32 + "\n"
WANTS = "/etc/systemd/system/sysinit.target.wants/wslbridge-agent.service"
DEPENDS = ("libnl-3-200", "libinih1", "libsodium23", "libsystemd0")
# What apt and dpkg themselves write down.
BOOKS = ("/var/lib/dpkg", "/var/lib/apt", "/var/cache", "/var/log", "/tmp", "/proc", "/sys", "/dev",
         "/run/lock")


@pytest.fixture(params=SUITES)
def root(request, tmp_path, deb):
    with DebianRoot(request.param, tmp_path / "root") as root:
        root.copy_in(deb, PACKAGE)
        root.run("mkdir", "-p", "-m", "700", "/var/lib/private")  # as systemd does
        yield root


def install(root):
    return root.run("apt-get", "install", "-y", PACKAGE)


def everything(root):
    """All files with their modes, targets and owners."""
    prune = " -o ".join(f"-path {p}" for p in BOOKS)
    return set(root.run("sh", "-c", rf"find / \( {prune} \) -prune -o -printf '%p %M %u:%g %l\n'")
               .splitlines())


def state(root):
    return root.call("dpkg-query", "-W", "-f", "${db:Status-Status}", "wslbridge").stdout or "not-installed"


def configure(root):
    """What an administrator has."""
    root.write("/etc/wslbridge/key", KEY, mode=0o600)
    root.write("/etc/wslbridge/services.d/ssh.ini", "[service]\nlisten = 2222\nconnect-port = 22\n")
    root.run("mkdir", "/var/lib/private/wslbridge")
    root.run("ln", "-s", "private/wslbridge", "/var/lib/wslbridge")
    root.write("/var/lib/private/wslbridge/name", "Debian\n")


def nothing_runs_or_will(root):
    running = root.run("sh", "-c", "cat /proc/[0-9]*/comm")
    assert "wslbridge-agent" not in running and "wslbridge-loopb" not in running
    assert root.run("find", "/etc/systemd", "-name", "*wslbridge*") == ""


def test_installed_it_works_and_nothing_is_enabled_or_started(root):
    install(root)
    assert state(root) == "installed"
    nothing_runs_or_will(root)
    assert root.run("wslbridge-agent", "--check") == "0 services, 0 endpoints: no problems\n"
    assert root.call("wslbridgectl", "status").returncode != 0  # no agent runs
    assert "wslbridgectl" in root.run("bash", "-c",
                                      "cat /usr/share/bash-completion/completions/wslbridgectl")
    for path in ("/usr/share/zsh/vendor-completions/_wslbridgectl",
                 "/usr/share/fish/vendor_completions.d/wslbridgectl.fish",
                 "/usr/lib/systemd/system/wslbridge-run-shared.service",
                 "/usr/lib/systemd/system/wslbridge-loopback.path",
                 "/usr/lib/systemd/system/wslbridge-loopback.service",
                 "/usr/lib/systemd/system-preset/80-wslbridge.preset",
                 "/usr/lib/systemd/catalog/wslbridge.catalog",
                 "/usr/lib/tmpfiles.d/wslbridge.conf"):
        assert root.exists(path), path
    assert root.run("dpkg", "--verify", "wslbridge") == ""


def test_removed_it_leaves_the_configuration_and_purged_nothing(root):
    root.run("apt-get", "install", "-y", *DEPENDS)
    before = everything(root)
    install(root)
    configure(root)
    root.run("apt-get", "remove", "-y", "wslbridge")
    assert root.read("/etc/wslbridge/key") == KEY
    assert root.exists("/etc/wslbridge/services.d/ssh.ini")
    assert not root.exists("/usr/sbin/wslbridge-agent")
    install(root)
    assert root.read("/etc/wslbridge/key") == KEY
    assert root.run("wslbridge-agent", "--check") == "1 service, 1 endpoint: no problems\n"
    root.run("apt-get", "purge", "-y", "wslbridge")
    assert state(root) == "not-installed"
    assert everything(root) == before


def test_purged_after_it_was_removed(root):
    root.run("apt-get", "install", "-y", *DEPENDS)
    before = everything(root)
    install(root)
    configure(root)
    root.run("dpkg", "--remove", "wslbridge")
    root.run("dpkg", "--purge", "wslbridge")
    assert everything(root) == before


def test_the_same_version_again_changes_nothing(root):
    install(root)
    configure(root)
    before = everything(root)
    root.run("dpkg", "-i", PACKAGE)
    root.run("apt-get", "install", "-y", "--reinstall", PACKAGE)
    assert everything(root) == before


def test_over_an_installation_from_the_sources(root, installed_from_sources):
    """'./dev install' of 0.1 has put its files there; nobody but us knows of them. Afterwards all that is
    left is what the package has, and no old page or completion is found before the new one."""
    with subprocess.Popen(["tar", "-C", installed_from_sources, "-c", "."],
                          stdout=subprocess.PIPE) as sources:
        root.run("tar", "-C", "/", "-x", "--no-same-owner", "--no-overwrite-dir", input=None, stdin=sources.stdout)
    configure(root)
    root.run("mkdir", "-p", os.path.dirname(WANTS))
    root.run("ln", "-s", "/usr/lib/systemd/system/wslbridge-agent.service", WANTS)
    install(root)
    assert root.read("/etc/wslbridge/key") == KEY
    ours = root.run("sh", "-c", "find /usr /etc/systemd -name '*wslbridge*' ! -type d").split()
    owned = set(root.run("dpkg", "-L", "wslbridge").split())
    assert set(ours) - owned == {WANTS}
    root.run("apt-get", "purge", "-y", "wslbridge")
    assert root.run("sh", "-c", "find /usr /etc /var/lib /run -name '*wslbridge*' "
                    "! -path '/etc/apt/*' ! -path '/var/lib/apt/*'") == ""


# apt and dpkg refuse what is bad; one release of them is enough to see that our package bears it.
ONE = pytest.mark.parametrize("root", SUITES[-1:], indirect=True)


def without_a_trace(root, *command):
    """A command that has to fail. Returns what it said. The system is as before."""
    before = everything(root)
    done = root.call(*command)
    assert done.returncode != 0
    assert everything(root) == before and state(root) in ("not-installed", "half-installed")
    return done.stdout + done.stderr


@ONE
@pytest.mark.parametrize("damage", ["truncated", "changed"])
def test_a_damaged_package_installs_nothing(root, deb, damage):
    with open(deb, "rb") as f:
        data = f.read()
    middle = len(data) // 2
    with open(root.path(PACKAGE), "wb") as f:
        f.write(data[:middle] if damage == "truncated"
                else data[:middle] + bytes(b ^ 0xff for b in data[middle:middle + 64])
                + data[middle + 64:])
    root.run("apt-get", "install", "-y", *DEPENDS)
    said = without_a_trace(root, "dpkg", "-i", PACKAGE)
    assert "error processing archive" in said, said
    root.copy_in(deb, PACKAGE)  # the good one, then
    root.run("dpkg", "-i", PACKAGE)
    assert state(root) == "installed"


@ONE
def test_purged_beside_an_installation_from_the_sources(root):
    """'./dev install' says that the package has to be removed first. What is purged later must not be what
    has replaced it."""
    install(root)
    configure(root)
    root.run("dpkg", "--remove", "wslbridge")
    root.write("/usr/sbin/wslbridge-agent", "#!/bin/sh\n", 0o755)
    root.run("dpkg", "--purge", "wslbridge")
    assert state(root) == "not-installed"
    assert root.read("/etc/wslbridge/key") == KEY and root.exists("/etc/wslbridge/services.d/ssh.ini")


@ONE
def test_no_space(root):
    """Neither for a first installation, nor for an upgrade, after which the old files are all there."""
    full = ("mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", "/usr/share/doc")
    root.run("apt-get", "install", "-y", *DEPENDS)
    root.run(*full)
    assert "No space left on device" in without_a_trace(root, "dpkg", "-i", PACKAGE)
    root.run("umount", "/usr/share/doc")
    install(root)
    root.run(*full)
    assert root.call("dpkg", "-i", PACKAGE).returncode != 0
    root.run("umount", "/usr/share/doc")
    assert state(root) == "installed" and root.run("dpkg", "--verify", "wslbridge") == ""


@ONE
def test_another_process_holds_the_lock(root):
    holder = subprocess.Popen(root.command("perl", "-MFcntl", "-e", r"""
        open(F, '+>>', '/var/lib/dpkg/lock-frontend') or die;
        my $lock = pack('ssx4qqi', F_WRLCK, 0, 0, 0, 0);
        fcntl(F, F_SETLK, $lock) or die;
        $| = 1; print "locked\n"; <STDIN>; """), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "locked\n"
    said = without_a_trace(root, "apt-get", "install", "-y", PACKAGE)
    assert "Could not get lock" in said
    holder.communicate()
    install(root)


@ONE
def test_the_wrong_architecture(root, foreign_deb):
    root.copy_in(foreign_deb, PACKAGE)
    assert "does not match system" in without_a_trace(root, "dpkg", "-i", PACKAGE)


def test_an_upgrade_restarts_nothing_that_carries_connections(deb):
    """wslbridge-loopback makes way for the new one by itself, when it carries nothing."""
    script = subprocess.run(["dpkg-deb", "--info", deb, "postinst"], capture_output=True, text=True,
                            check=True).stdout
    restarted = set(re.findall(r"(wslbridge[a-z-]*\.[a-z]+)",
                               "".join(line for line in script.splitlines() if "restart" in line)))
    assert "wslbridge-agent.service" in restarted and "wslbridge-loopback.service" not in restarted
