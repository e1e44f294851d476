# SPDX-License-Identifier: MIT
"""What './dev install' puts where, and that systemd's own tools accept it there."""
import os
import re
import stat
import subprocess

import tree

FOLDERS = {"etc/wslbridge", "etc/wslbridge/services.d"}
PROGRAMS = {"usr/bin/wslbridgectl", "usr/sbin/wslbridge-agent", "usr/sbin/wslbridge-loopback"}
FILES = {
    "usr/lib/systemd/catalog/wslbridge.catalog",
    "usr/lib/systemd/system-preset/80-wslbridge.preset",
    "usr/lib/systemd/system/wslbridge-agent.service",
    "usr/lib/systemd/system/wslbridge-loopback.path",
    "usr/lib/systemd/system/wslbridge-loopback.service",
    "usr/lib/systemd/system/wslbridge-run-shared.service",
    "usr/lib/tmpfiles.d/wslbridge.conf",
    "usr/share/doc/wslbridge/examples/agent.conf",
    "usr/share/doc/wslbridge/examples/service.ini",
    "usr/share/bash-completion/completions/wslbridgectl",
    "usr/share/fish/vendor_completions.d/wslbridgectl.fish",
    "usr/share/man/man1/wslbridgectl.1",
    "usr/share/man/man5/wslbridge.conf.5",
    "usr/share/man/man8/wslbridge-agent.8",
    "usr/share/man/man8/wslbridge-loopback.8",
    "usr/share/zsh/site-functions/_wslbridgectl",
}
UNIT = "usr/lib/systemd/system/wslbridge-agent.service"


def tool(*command, **environment):
    """Runs it; returns what it said, on both streams."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          env={**os.environ, **environment})
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def test_files_and_modes(installed):
    found = {p.relative_to(installed).as_posix(): stat.S_IMODE(p.lstat().st_mode)
             for p in installed.rglob("*") if p.is_file() or p.is_symlink()}
    assert found == {**{p: 0o755 for p in PROGRAMS}, **{p: 0o644 for p in FILES}}


def test_folders(installed):
    """Nothing but what leads to the files, and the two for configuration; everybody may look."""
    folders = {p.relative_to(installed).as_posix() for p in installed.rglob("*") if p.is_dir()}
    empty = {f for f in folders if not any((installed / f).iterdir())}
    assert empty == {"etc/wslbridge/services.d"}
    assert FOLDERS <= folders and {f.split("/")[0] for f in folders} == {"etc", "usr"}
    assert {stat.S_IMODE((installed / f).stat().st_mode) for f in folders} == {0o755}


def test_nothing_is_open_by_default(installed):
    agent = installed / "usr/sbin/wslbridge-agent"
    assert tool(agent, f"--root={installed}", "--check") == "0 services, 0 endpoints: no problems\n"


def test_samples_as_they_are_and_with_every_key(installed, tmp_path):
    """An unchanged sample sets nothing; without the '#' of its keys it is a good file."""
    agent = installed / "usr/sbin/wslbridge-agent"
    examples = installed / "usr/share/doc/wslbridge/examples"
    etc = tmp_path / "etc/wslbridge"
    (etc / "services.d").mkdir(parents=True)
    (etc / "agent.conf").write_text((examples / "agent.conf").read_text())
    assert "0 services" in tool(agent, f"--root={tmp_path}", "--check")

    for source, target in (("agent.conf", "agent.conf"), ("service.ini", "services.d/ssh.ini")):
        text = re.sub(r"^#(?=[a-z-]+ = )", "", (examples / source).read_text(), flags=re.MULTILINE)
        (etc / target).write_text(text)
    assert tool(agent, f"--root={tmp_path}", "--check") == "1 service, 2 endpoints: no problems\n"


def test_the_installed_units_and_their_man_pages(installed, tmp_path):
    """'verify' says nothing: the programs are there, the other units, too, and 'man' finds the pages
    that they name."""
    text = (installed / UNIT).read_text()
    assert "\nExecStart=/usr/sbin/wslbridge-agent\n" in text
    assert "@" not in re.sub("@[a-z]+", "", text)  # a group of system calls
    assert re.findall(r"^(?:Wants|After)=(\S+)$", text, re.MULTILINE) == [
        "modprobe@hv_sock.service", "modprobe@hv_sock.service",
        "wslbridge-run-shared.service", "wslbridge-run-shared.service", "wslbridge-loopback.path"]
    units = [p for p in (installed / os.path.dirname(UNIT)).iterdir()]
    assert len(units) == 4
    for unit in units:
        (tmp_path / unit.name).write_text(re.sub("=/usr/(s?bin/wsl)", rf"={installed}/usr/\1",
                                                 unit.read_text()))
    for unit in units:
        assert tool("systemd-analyze", "verify", "--man=yes", tmp_path / unit.name,
                    MANPATH=str(installed / "usr/share/man")) == ""


def test_tmpfiles_make_the_folders_and_the_link(installed):
    """Twice: an update finds them there, with a status that an agent without systemd has left."""
    run = installed / "run/wslbridge"
    for _ in range(2):
        assert tool("systemd-tmpfiles", "--create", f"--root={installed}", "wslbridge.conf") == ""
        assert os.readlink(run / "status.json") == "agent/status.json"
        assert stat.S_IMODE((run / "services.d").stat().st_mode) == 0o755
        assert {p.name for p in run.iterdir()} == {"services.d", "status.json"}
        (run / "status.json").unlink()
        (run / "status.json").write_text("{}")


def test_the_journal_finds_every_explanation(installed):
    (installed / "var/lib/systemd/catalog").mkdir(parents=True)
    assert tool("journalctl", f"--root={installed}", "--update-catalog") == ""
    listed = tool("journalctl", f"--root={installed}", "--list-catalog")
    ids = re.findall(r'"([0-9a-f]{32})"', tree.read("agent/util/catalog-ids.h"))
    assert re.findall(r"^([0-9a-f]{32}) wslbridge:", listed, re.MULTILINE) == sorted(ids)


def test_presets_leave_it_off_and_enabling_works(installed):
    def systemctl(*command):
        done = subprocess.run(["systemctl", f"--root={installed}", *command, "wslbridge-agent"],
                              capture_output=True, text=True)
        return done.stdout.strip()

    systemctl("preset")
    assert systemctl("is-enabled") == "disabled"
    systemctl("enable")
    assert systemctl("is-enabled") == "enabled"
    wants = installed / "etc/systemd/system/sysinit.target.wants/wslbridge-agent.service"
    assert os.readlink(wants) == f"/{UNIT}"
