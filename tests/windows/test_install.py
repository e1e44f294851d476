# SPDX-License-Identifier: MIT
"""Installing, updating and removing is a transaction: each step fails in turn, the process is killed
between two of them, the file is in use, the new service does not start. Then: who serves, what is
left, and what does the next restart of Windows delete? The order of the steps is tested without
Windows in tests/unit/windows-helper/install/test-plan.c."""

import socket

import pytest
import wine_registry
from installed_helper import KEY, OWNER, STOP, STOPPED, serve
from installed_machine import (EVENTS, EXE, FOLDER, OTHERS, PENDING, RELAY_KEY, RELAY_SERVICE, RULE,
                               SESSION)
from windows_programs import HELPER, PROGRAMS, RELAY, SELFTEST

INSTALL = ["copy", "data", "events", "hyper-v", "path", "relay", "stop", "pending", "away", "place", "settle",
           "entry", "start"]
# What a step does with one program after the other: here the helper is done, and the rest is not.
HALF = ["copy-0", "away-0", "place-0"]
SECOND = ["copy-1", "away-1", "place-1", "copy-2", "away-2", "place-2"]


@pytest.mark.parametrize("kind", ["before", "after"])
def test_each_step_of_an_update_fails(kind, serving, registry):
    for step in INSTALL + HALF if kind == "after" else ["stop", "pending", "place", "settle", "start", *SECOND]:
        code, output = serving.install("new", fault=f"{step}:{kind}")
        assert code == 1
        serving.expect_old(output, step.split("-")[0] if step[-1].isdigit() else step)
        assert registry.rules() == RULE
        serve(serving.service).close()
    code, output = serving.install("new")
    assert code == 0, output
    assert serving.serves() == "new" and serving.files() == PROGRAMS
    assert serving.pending() == [("\\??\\C:\\of another program", "")]
    assert registry.rules() == RULE


def test_each_step_of_a_first_installation_fails(machine):
    for step in INSTALL + HALF:
        code, output = machine.install("new", fault=f"{step}:after")
        assert code == 1
        name = step.split("-")[0] if step[-1].isdigit() else step
        assert f"Installing failed at the step '{name}', so nothing was installed" in output
        machine.expect_nothing()
        assert machine.pending() == [("\\??\\C:\\of another program", "")]
    assert machine.install("new")[0] == 0
    assert machine.serves() == "new"


# Which version a restart finds when the process was killed behind this step.
KILLED = {"copy": "old", "copy-0": "old", "relay": "old", "stop": "old", "pending": "old", "away": "old", "away-0": "old",
          "place": "old", "place-0": "old", "settle": "new", "entry": "new"}


@pytest.mark.parametrize("step", KILLED)
@pytest.mark.parametrize("restarted", [True, False])
def test_killed_behind_a_step_of_an_update(step, restarted, serving):
    """A restart finds one version of all programs, and that one serves."""
    assert serving.install("new", fault=f"{step}:kill")[0] != 0
    if restarted:
        serving.restart()
        assert serving.serves() == KILLED[step] and serving.installed() == KILLED[step]
    code, output = serving.install("new")
    assert code == 0, output
    assert serving.serves() == "new" and serving.files() == PROGRAMS
    serving.restart()
    assert serving.serves() == "new" and serving.files() == PROGRAMS


@pytest.mark.parametrize("fault", ["away-0:kill", "place-0:kill"])
def test_killed_and_then_another_failure(fault, serving):
    """What the first one has left half done is taken back first. The old version serves."""
    assert serving.install("new", fault=fault)[0] != 0
    assert isinstance(serving.installed(), dict)
    code, output = serving.install("new", fault="copy:before")
    assert code == 1 and "repaired" in output, output
    assert serving.installed() == "old"
    serving.restart()
    assert serving.serves() == "old" and serving.installed() == "old"


def test_a_way_back_that_comes_to_nothing(serving, registry):
    """The update fails behind the moment from which on the new version counts, and then the way back
    fails, too. Windows is told again to put the old version back."""
    assert serving.install("new", fault="entry:before,away:undo")[0] == 1
    assert serving.installed() is None
    serving.restart()
    assert serving.serves() == "old" and serving.installed() == "old"
    serve(serving.service).close()
    assert registry.rules() == RULE


def test_an_update_from_a_version_that_had_only_the_helper(serving, registry):
    """The update that fails, or is killed, leaves it like that. The entry of the relay's service alone
    may be left by one that is killed: it starts nothing, and the next update or removal finds it."""
    for program in (RELAY, SELFTEST):
        (serving.folder / program).unlink()
    assert serving.service.call("delete", RELAY_SERVICE) == {}
    registry.remove(RELAY_KEY)
    for fault in ("place-1:after", "place-2:after", "settle:before", "start:after"):
        code, output = serving.install("new", fault=fault)
        assert code == 1 and "Nothing has changed" in output, output
        assert serving.serves() == "old" and serving.files() == [HELPER]
        assert serving.relay_state() is None and registry.rights(RELAY_KEY) is None
        assert serving.pending() == [("\\??\\C:\\of another program", "")]
    assert serving.install("new", fault="place:kill")[0] != 0
    serving.restart()
    assert serving.serves() == "old" and serving.files() == [HELPER]
    assert serving.relay_state() == STOPPED
    assert serving.install("new")[0] == 0
    assert serving.serves() == "new" and serving.installed() == "new" and serving.files() == PROGRAMS
    assert serving.relay_state() == STOPPED


@pytest.mark.parametrize("missing", ["source", "installed"])
def test_a_program_is_missing(missing, serving):
    """All or none: also the installed helper does not install itself alone."""
    exe = serving.versions["new"] if missing == "source" else serving.folder / HELPER
    exe.with_name(SELFTEST).unlink()
    code, output = serving.run(exe, "install", "--transport", f"tcp:127.0.0.1:{serving.service.port}")
    assert code == 1
    assert f"{SELFTEST}' is missing: all programs of wslbridge are installed together" in output
    assert serving.serves() == "old"
    if missing == "source":
        serving.expect_old(output, "copy")


def test_killed_and_then_removed(serving):
    assert serving.install("new", fault="away:kill")[0] != 0
    assert serving.uninstall()[0] == 0
    serving.restart()
    serving.expect_nothing()


def test_a_way_back_that_fails_is_said(serving):
    code, output = serving.install("new", fault="entry:before,stop:undo")
    assert code == 1
    assert "Installing failed at the step 'entry', and not all could be taken back" in output
    assert serving.serves() is None and serving.installed() == "old"
    serving.restart()
    assert serving.serves() == "old"
    assert serving.install("new")[0] == 0
    assert serving.serves() == "new"


def test_a_restart_brings_back_what_the_way_back_could_not(serving, registry):
    code, output = serving.install("new", fault="place:before,away:undo")
    assert code == 1
    assert "If the program is gone, a restart of Windows brings it back" in output
    assert serving.installed() is None
    serving.restart()
    assert serving.serves() == "old" and serving.files() == PROGRAMS
    serve(serving.service).close()
    assert registry.rules() == RULE


def test_a_new_service_that_does_not_start(serving, registry):
    """Its port is another's, so it ends at once."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        code, output = serving.install("new", port=other.getsockname()[1])
    assert code == 1
    assert "The service wslbridge-helper ended at once" in output
    serving.expect_old(output, "start")
    serve(serving.service).close()
    assert registry.rules() == RULE


def test_a_file_that_nobody_may_touch(serving):
    with serving.opened("hold"):
        code, output = serving.install("new")
        assert code == 1
        assert "another program has it open" in output
        serving.expect_old(output, "copy")  # while it still serves
    assert serving.install("new")[0] == 0


def test_a_program_that_somebody_has_removed(serving, registry):
    """An antivirus takes the file away and leaves the service. The doctor names the file, and does not
    advise to start the service; a new installation mends it."""
    assert "program" not in serving.doctor()
    assert serving.service.control(STOP) == {}
    serving.service.wait_state(STOPPED)
    (serving.folder / EXE).unlink()
    assert serving.service.call("start", "wslbridge-helper")["error"] in (2, 3)
    found = serving.doctor()
    finding, = found["program"]
    assert finding["rank"] == "broken"
    assert finding["seen"].endswith(f"is gone: C:\\Program Files\\wslbridge\\{EXE}")
    assert "quarantine" in finding["advice"]
    assert finding["advice"].endswith("\n  .\\wslbridge-helper install")
    assert "service" not in found
    assert serving.install("new")[0] == 0
    assert serving.serves() == "new"
    assert "program" not in serving.doctor()


@pytest.mark.parametrize("before", [True, False])
def test_a_program_that_is_taken_away_at_once(before, machine, registry):
    """An antivirus that takes the new program before it starts: the old one serves again, and the
    message says what has happened."""
    if before:
        registry.set_key(OWNER, KEY)
        assert machine.install("old")[0] == 0
    code, output = machine.install("new", fault="entry:lose")
    assert code == 1
    assert "its program is gone" in output and "quarantine" in output, output
    assert "not all could be taken back" not in output, output
    if before:
        machine.expect_old(output, "start")
    else:
        machine.expect_nothing()


def test_the_event_viewer_shows_the_file(serving):
    with serving.opened("show"):
        code, output = serving.install("new")
        assert code == 0, output
        assert serving.serves() == "new"
    serving.restart()
    assert serving.serves() == "new" and serving.files() == PROGRAMS


def test_the_attribute_read_only_is_not_copied(machine):
    """Such a program could be neither replaced nor deleted."""
    for version in ("old", "new"):
        for program in PROGRAMS:
            machine.versions[version].with_name(program).chmod(0o444)
        code, output = machine.install(version)
        assert code == 0, output
        assert machine.serves() == version and machine.files() == PROGRAMS
        assert all((machine.folder / p).stat().st_mode & 0o200 for p in PROGRAMS)
    assert machine.uninstall()[0] == 0
    machine.expect_nothing()


def test_the_installed_program_installs_itself_again(serving):
    code, output = serving.run(serving.folder / EXE, "install", "--transport",
                               f"tcp:127.0.0.1:{serving.service.port}")
    assert code == 0, output
    assert serving.serves() == "old" and serving.files() == PROGRAMS


def test_removed_by_itself_installed_and_restarted(serving):
    """A program cannot delete its own file, so a restart does. By then it may be there again."""
    code, output = serving.uninstall(exe=serving.folder / EXE)
    assert code == 0, output
    assert serving.installed() is None
    assert serving.install("new")[0] == 0
    serving.restart()
    assert serving.serves() == "new" and serving.files() == PROGRAMS
    assert serving.uninstall(exe=serving.folder / EXE)[0] == 0
    serving.restart()
    serving.expect_nothing()


def test_a_deletion_that_an_older_version_has_ordered(serving):
    """Versions before this one told Windows to delete the name that is used again."""
    ours = f"\\??\\C:\\Program Files\\wslbridge\\{EXE}\0\0"
    serving.registry.set(SESSION, PENDING, (ours + OTHERS).encode("utf-16-le"), kind=7)
    assert serving.install("new")[0] == 0
    assert serving.pending() == [("\\??\\C:\\of another program", "")]


@pytest.mark.parametrize("step", ["stop", "rules", "entry", "again", "relay", "settings", "data",
                                  "program"])
def test_killed_behind_a_step_of_removing(step, serving, registry):
    assert serving.uninstall(fault=f"{step}:kill")[0] != 0
    serving.restart()
    if step in ("stop", "rules"):  # there is a way back: the service starts by itself
        assert serving.serves() == "old"
        serve(serving.service).close()
        assert registry.rules() == RULE
    else:
        assert serving.service.query()["error"] == 1060
        assert registry.rules() == {}
    assert serving.uninstall()[0] == 0
    serving.restart()
    serving.expect_nothing()


def test_each_step_of_removing_fails(serving, registry):
    for step in ("stop", "rules"):
        code, output = serving.uninstall(fault=f"{step}:after")
        assert code == 1
        assert f"Nothing was removed, because the step '{step}' failed; the service is as it was" in \
            output
        assert serving.serves() == "old"
        serve(serving.service).close()
        assert registry.rules() == RULE
    code, output = serving.uninstall(fault="entry:before")
    assert code == 1 and serving.serves() == "old"
    code, output = serving.uninstall(fault="events:before")
    assert code == 1
    assert "The service was removed, but not all that belongs to it" in output
    assert serving.service.query()["error"] == 1060
    assert registry.rules() == {} and registry.dump(EVENTS) != {}
    assert serving.files() is None and registry.dump(wine_registry.KEYS) == {}
    assert serving.uninstall()[0] == 0
    serving.expect_nothing()


SZ, EXPAND_SZ, BINARY = 1, 2, 3
# PATH before, and with our folder; None: as before.
PATHS = {
    "ordinary": ((EXPAND_SZ, r"%SystemRoot%\system32;;C:\a"),
                 (EXPAND_SZ, rf"%SystemRoot%\system32;;C:\a;{FOLDER}")),
    "plain": ((SZ, r"C:\%a%;"), (SZ, rf"C:\%a%;;{FOLDER}")),
    "absent": (None, (EXPAND_SZ, FOLDER)),
    "long": ((EXPAND_SZ, "x" * (32767 - 1 - len(FOLDER))), None),
    "no text": ((BINARY, "C:"), None),
}


@pytest.mark.parametrize("before,after", PATHS.values(), ids=PATHS)
def test_the_path_of_the_machine(before, after, machine):
    """Installing adds our folder, an update does not add it again, and removing takes it out. Everything
    else stays as it is, and so does a PATH that nobody can edit."""
    machine.set_path(before)
    code, output = machine.install("old")
    assert code == 0, output
    assert machine.path() == (after or before)
    if after:
        assert f"  path       {FOLDER}\n" in output
    else:
        assert rf"PATH is left as it is, because it is too long or no text. Start the program as " \
               rf"'{FOLDER}\{EXE}'" in output
    code, output = machine.install("new")
    assert code == 0 and "  path  " not in output, output
    assert machine.path() == (after or before)
    assert machine.uninstall()[0] == 0
    assert machine.path() == before


def test_an_update_that_fails_leaves_a_path_that_had_the_folder(serving):
    """The folder may be written in another way, and by an administrator."""
    with_folder = EXPAND_SZ, rf'"{FOLDER.upper()}\";C:\a'
    serving.set_path(with_folder)
    assert serving.install("new", fault="start:after")[0] == 1
    assert serving.path() == with_folder
    assert serving.uninstall()[0] == 0
    assert serving.path() == (EXPAND_SZ, r"C:\a")


def test_two_at_once(serving):
    """The second one changes nothing. What a process that was killed has held is free."""
    lock = serving.folder.with_name("wslbridge-install.lock")
    lock.touch()
    with serving.opened("hold", f"{FOLDER}-install.lock"):
        for code, output in (serving.install("new"), serving.uninstall()):
            assert code == 1
            assert "Another program is installing or removing wslbridge" in output
        assert serving.serves() == "old"
    assert serving.install("new", fault="copy:kill")[0] != 0
    assert serving.install("new")[0] == 0
    assert serving.serves() == "new" and not lock.exists()


def test_what_denies_the_lock(prefix, build_win):
    """Another installation, or the rights that are missing."""
    done = prefix.run(build_win / "tests/windows/test-lock.exe", check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok ") == 6 and "\n0 failed" in done.stdout


def test_the_list_of_the_next_restart(prefix, build_win):
    done = prefix.run(build_win / "tests/windows/test-restart.exe", check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok ") == 12 and "\n0 failed" in done.stdout


def test_the_console_of_the_package(prefix, build_win):
    """Nobody can close it or hold it up, whatever Windows Installer runs."""
    done = prefix.run(build_win / "tests/windows/test-msi.exe", check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok ") == 14 and "\n0 failed" in done.stdout
