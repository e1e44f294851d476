# SPDX-License-Identifier: MIT
"""What a distro may be, and what may keep the package from being installed in it. Each test has a real
root of Debian, with the real apt and dpkg."""

import glob
import os
import re
import shutil
import subprocess

import debian_root
import pytest

OS_RELEASE = {
    "fedora": 'NAME="Fedora Linux"\nID=fedora\nPRETTY_NAME="Fedora Linux 40 (Container Image)"\n',
    "alpine": 'NAME="Alpine Linux"\nID=alpine\nPRETTY_NAME="Alpine Linux v3.20"\n',
    "arch": 'NAME="Arch Linux"\nID=arch\nPRETTY_NAME="Arch Linux"\n',
}


def package(windows, *words, **options):
    """Runs setup up to the package and returns what it says of that."""
    done = windows.setup("Debian", *words, env={"WSLBRIDGE_TEST_FAULT": "pair:before"}, **options)
    assert done.part("package")["text"], f"it did not get that far: {done.output}"
    return done.part("package")


def nothing_installed(root):
    return root.call("dpkg-query", "-s", "wslbridge").returncode != 0 and \
        not root.exists("/usr/bin/wslbridgectl") and root.run("ls", "/var/tmp") == ""


# --- the distro itself


@pytest.mark.parametrize("name", OS_RELEASE)
def test_another_linux(windows, root, name):
    """Nothing happens before it is known. Alpine's shell and its tools are those of busybox."""
    root.write("/usr/lib/os-release", OS_RELEASE[name])
    if name == "alpine":
        shutil.copy("/bin/busybox", root.path("/bin/busybox"))
        root.run("/bin/busybox", "--install", "/usr/local/bin")
        root.run("/bin/busybox", "sh", "-c", "for f in /bin/sh /usr/bin/dpkg /usr/bin/apt-get; do "
                 "/bin/busybox rm -f $f; done; /bin/busybox ln -s busybox /bin/sh; "
                 "for c in cat sed grep head uname; do /bin/busybox ln -sf /bin/busybox /usr/bin/$c; done")
    else:
        root.run("sh", "-c", "rm /usr/bin/dpkg /usr/bin/apt-get")
    done = windows.setup("Debian")
    assert done.code == 1 and done.states() == {"distro": "failed"}
    part = done.part("distro")
    assert part["text"].startswith("It is " + OS_RELEASE[name].split('"')[3])
    assert "packages for Debian and Ubuntu only" in part["text"] and ".tar.gz" in part["advice"]


def test_another_linux_with_the_agent_from_its_source(windows, root):
    """It is not refused: there is an agent, installed by hand."""
    root.write("/usr/lib/os-release", OS_RELEASE["arch"])
    root.run("sh", "-c", "rm /usr/bin/dpkg /usr/bin/apt-get")
    root.write("/usr/bin/wslbridgectl", "#!/bin/sh\necho wslbridgectl 0.1.0\n", mode=0o755)
    done = windows.setup("Debian", "--dry-run")
    assert done.states()["distro"] == "already"
    assert done.part("package")["text"].endswith("without a package, version 0.1.0")


def test_another_architecture(windows, root):
    root.write("/usr/bin/dpkg", "#!/bin/sh\necho riscv64\n", mode=0o755)
    part = windows.setup("Debian").part("distro")
    assert part["state"] == "failed" and "architecture is riscv64" in part["text"]


def test_no_package_for_an_architecture(serving, root):
    """It would be one of ours, but the download does not have it."""
    root.run("mv", "/usr/bin/dpkg", "/usr/bin/dpkg.real")
    root.write("/usr/bin/dpkg", "#!/bin/sh\n[ $1 = --print-architecture ] && echo arm64 && exit\n"
               "exec dpkg.real \"$@\"\n", mode=0o755)
    part = package(serving)
    assert part["text"] == "There is no package of the agent for arm64" and ".msi" in part["advice"]


@pytest.mark.parametrize("init", ["", "systemd alone"])
def test_no_systemd(windows, bare_root, init):
    """Or it has, and another /sbin/init, which is what WSL starts."""
    if init:
        bare_root.write("/lib/systemd/systemd", "#!/bin/sh\n", mode=0o755)
    part = windows.setup("Debian").part("distro")
    assert part["text"] == "It has no systemd, which starts the agent"
    assert "apt-get install systemd-sysv" in part["advice"]


def test_systemd_that_does_not_answer(windows, root):
    root.write("/usr/bin/systemctl", "#!/bin/sh\necho offline\nexit 1\n", mode=0o755)
    part = windows.setup("Debian").part("distro")
    assert part["text"] == "Its systemd was started and does not answer" and "--shutdown" in part["advice"]


def test_a_stopped_distro(serving, stopped, wsl):
    """The first look starts it, and waits for it. All parts follow in the same run. A distro that is not
    asked for stays stopped."""
    def never():
        raise AssertionError("it was started")

    wsl.add("Other", stopped.command, boot=never)
    wsl.register()
    assert not stopped.is_up()
    done = serving.setup("Debian")
    assert done.code == 0 and stopped.is_up(), done.output
    print(done.output)
    states = done.states()
    assert states == {"service": "already", "distro": "already", "package": "done", "pair": "done",
                      "start": "done"}
    assert done.part("distro")["text"].endswith("and systemd runs")
    assert stopped.status()["helper"]["connected"]
    assert {re.match(r"wsl\.exe -d (\S+) ", call)[1] for call in wsl.calls} == {"Debian"}


# --- the package on Windows


def spoil_byte(program):
    with open(program.guest / program.deb.name, "r+b") as f:
        f.seek(1000)
        f.write(b"\0\1\2\3")


def spoil_end(program):
    os.truncate(program.guest / program.deb.name, 5000)


def spoil_sums(program):
    (program.guest / "SHA256SUMS").unlink()


def spoil_all(program):
    shutil.rmtree(program.guest)


@pytest.mark.parametrize("spoil,text", [
    (spoil_byte, "is damaged or was not downloaded to its end"),
    (spoil_end, "is damaged or was not downloaded to its end"),
    (spoil_sums, "does not have its sum"), (spoil_all, "There is no package of the agent for amd64")])
def test_a_bad_download(serving, root, spoil, text):
    spoil(serving.program)
    part = package(serving)
    assert part["state"] == "failed" and text in part["text"] and part["advice"]
    assert nothing_installed(root)


def test_damaged_on_the_way(serving, wsl, root):
    """The distro checks what has arrived."""
    wsl.edit = lambda script: script.replace("AAAAA", "AAAAB")
    part = package(serving)
    assert part["text"] == "The package was damaged on its way into the distro"
    assert nothing_installed(root)


# --- the installation


def test_installed_and_not_started(serving, root, version):
    done = serving.setup("Debian")
    assert done.states()["package"] == "done" and done.part("package")["text"].endswith(version)
    assert root.run("dpkg-query", "-W", "-f", "${db:Status-Status}", "wslbridge") == "installed"
    assert root.run("ls", "/var/tmp") == ""
    assert "pair" in done.states()


def test_without_a_network(serving, root):
    """What is missing is named, and nothing is half installed."""
    root.run("sh", "-c", "rm -rf /var/cache/apt/archives/*.deb")
    part = package(serving)
    assert part["text"] == "Packages that it needs are missing and could not be fetched"
    assert "sudo apt-get install " in part["advice"] and "libnl-3-200" in part["advice"]
    assert nothing_installed(root)
    # Once they are there, no network is needed.
    below = debian_root.pristine(root.suite, root.variant)
    for path in glob.glob(f"{below}/var/cache/apt/archives/*.deb"):
        root.copy_in(path, f"/srv/{os.path.basename(path)}")
    root.run("sh", "-c", "dpkg -i /srv/*.deb && rm -rf /var/lib/apt/lists")
    assert package(serving)["state"] == "done"


def test_no_space(serving, root):
    root.run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/var/tmp")
    part = package(serving)
    assert part["text"] == "'Debian' has no space left" and "df -h" in part["advice"]
    assert nothing_installed(root)


@pytest.mark.parametrize("lock", ["dpkg/lock-frontend", "apt/lists/lock"])
def test_apt_is_busy(serving, wsl, root, lock):
    """Another program has the lock, and its name is told. The limits are the script's. A new distro has no
    lists, and fetches them by itself."""
    if lock == "apt/lists/lock":
        root.run("sh", "-c", "rm -f /var/lib/apt/lists/*_Packages /var/cache/apt/*.bin")
    holder = subprocess.Popen(root.command("perl", "-e", """
        use Fcntl; open F, '+>', '/var/lib/""" + lock + """' or die;
        my $lock = pack('s! s! l! l! i', F_WRLCK, 0, 0, 0, 0); fcntl(F, F_SETLK, $lock) or die; $| = 1; print "held\\n";
        <STDIN>;"""), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        wsl.edit = lambda script: script.replace("Lock::Timeout=120", "Lock::Timeout=1").replace(
            "-lt 60", "-lt 1")
        part = package(serving)
    finally:
        holder.stdin.close()
        holder.wait()
    assert part["text"].startswith("Another program ('perl') was installing packages")
    assert nothing_installed(root)


def is_too_old(windows, wsl):
    """Like Debian 11. It is known before anybody is asked anything."""
    wsl.edit = lambda script: script.replace('libc "$(wb_installed "libc6:$wb_arch")"',
                                              "libc 2.31-13+deb11u5")
    done = windows.setup("Debian")
    return done.code == 1 and done.states() == {"distro": "failed"} and wsl.terminated == [] and \
        done.part("distro")["text"].endswith("is too old; the agent needs Debian 12, Ubuntu 22.04 or newer")


def test_an_old_release(windows, wsl, root):
    assert is_too_old(windows, wsl)


def test_an_old_release_without_systemd(windows, wsl, no_systemd):
    """It is not turned on for nothing."""
    assert is_too_old(windows, wsl)
    assert not no_systemd.exists("/etc/wsl.conf")


def test_a_library_that_is_too_old(serving, wsl, root):
    """What it lacks is named. dpkg must not unpack what it cannot configure."""
    wsl.edit = lambda script: script.replace("wb_apt install", "false").replace(
        'dpkg-deb -f "$1" Depends Pre-Depends', "echo 'libc6 (>= 999), perl-base (>= 5), bash'")
    part = package(serving)
    assert part["text"].startswith("Packages that it needs are missing"), part
    assert part["advice"].split("apt-get install ")[1].split()[0].strip(".'") == "libc6", part
    assert nothing_installed(root)


# --- what is there already


def test_an_older_package(serving, root, other_debs, version):
    root.copy_in(other_debs[0], "/srv/old.deb")
    root.run("apt-get", "install", "-y", "/srv/old.deb")
    root.write("/etc/wslbridge/services.d/web.ini", "[service]\nlisten = 8080\n")
    part = package(serving)
    assert part["state"] == "done" and part["text"] == f"The agent is updated to version {version}"
    assert root.exists("/etc/wslbridge/services.d/web.ini")


def test_an_update_that_may_not_restart_the_agent(serving, root, other_debs):
    """As in an image of Docker, whose policy-rc.d keeps packages from it. Here a copy of 'sleep' stands in for
    the old agent, whose file is gone."""
    root.copy_in(other_debs[0], "/srv/old.deb")
    root.run("apt-get", "install", "-y", "/srv/old.deb")
    root.write("/usr/bin/systemctl", '#!/bin/sh\necho "$@" >>/srv/calls\ncase $* in\nis-system-running) echo running ;;\n'
               'show*) cat /srv/pid ;;\nesac\n', mode=0o755)
    root.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", mode=0o755)
    root.run("sh", "-c", "cp /bin/sleep /srv/old; /srv/old 300 >/dev/null 2>&1 & echo $! >/srv/pid; sleep 1; rm /srv/old")
    try:
        assert package(serving)["state"] == "done"
        assert package(serving, "--dry-run")["state"] == package(serving)["state"] == "already"
    finally:
        root.run("sh", "-c", "kill $(cat /srv/pid)")
    # Once for the update, and once for one that somebody has made by hand.
    assert root.run("cat", "/srv/calls").splitlines().count("try-restart wslbridge-agent") == 2


def test_another_build_of_the_same_version(serving, root, rebuilt_deb, version):
    """As everybody makes it who builds wslbridge himself. It is put in the place of the one that is there."""
    root.copy_in(rebuilt_deb, "/srv/rebuilt.deb")
    root.run("apt-get", "install", "-y", "/srv/rebuilt.deb")
    assert ": rebuilt" in root.run("cat", "/var/lib/dpkg/info/wslbridge.prerm")
    would = package(serving, "--dry-run")
    assert would["state"] == "would" and would["text"].startswith(f"Update to version {version}")
    part = package(serving)
    assert part["state"] == "done" and part["text"] == f"The agent is updated to version {version}"
    assert ": rebuilt" not in root.run("cat", "/var/lib/dpkg/info/wslbridge.prerm")
    assert package(serving)["state"] == "already"


def test_a_newer_package(serving, root, other_debs):
    root.copy_in(other_debs[1], "/srv/new.deb")
    root.run("apt-get", "install", "-y", "/srv/new.deb")
    part = package(serving)
    assert part["state"] == "already" and "version 99.0.0-1, which is newer than ours" in part["text"]


def test_an_older_one_without_a_package(serving, root):
    """As './dev install' leaves it: the package takes its files over."""
    for name in ("wslbridge-agent", "wslbridgectl"):
        root.write(f"/usr/bin/{name}", f"#!/bin/sh\necho {name} 0.0.1\n", mode=0o755)
    assert package(serving)["state"] == "done"
    assert root.run("dpkg", "-S", "/usr/bin/wslbridgectl").startswith("wslbridge:")
    assert "0.0.1" not in root.run("wslbridgectl", "--version")


def test_an_installation_that_fails_is_taken_back(serving, root):
    """Here because a file of another package is in the way."""
    root.run("mkdir", "-p", "/srv/other/DEBIAN", "/srv/other/usr/bin")
    root.write("/srv/other/DEBIAN/control", "Package: other\nVersion: 1\nArchitecture: all\n"
               "Maintainer: a <a@b.example>\nDescription: has our file\n")
    root.write("/srv/other/usr/bin/wslbridgectl", "#!/bin/sh\necho other\n", mode=0o755)
    root.run("dpkg-deb", "-b", "/srv/other", "/srv/other.deb")
    root.run("dpkg", "-i", "/srv/other.deb")
    part = package(serving)
    assert part["text"].startswith("The package could not be installed")
    assert "/usr/bin/wslbridgectl" in part["advice"]  # dpkg's own words
    assert root.call("dpkg-query", "-s", "wslbridge").returncode != 0
    assert root.run("wslbridgectl") == "other\n"
