# SPDX-License-Identifier: MIT
"""The package for Windows, under the Windows Installer of Wine: installed, updated, repaired, removed,
and failing in each. It has the helper of the tests, so that its service runs; the recipe is that of the
package that ships."""

import shutil
import subprocess
import threading
import time

import pytest
import package_machine
from installed_helper import KEY, RUNNING, STOP, STOPPED, serve
from installed_machine import EXE, FOLDER, RULE
from package_machine import ACTION_FAILED, FAILURE, REMOVING_FAILED, SUCCESS, build_msi, stream, table
from waiting import wait_until
from windows_programs import PROGRAMS
from wine_registry import KEYS


@pytest.fixture(scope="module")
def rebuilt(top, build_win, msis, tmp_path_factory):
    """The old version, built once more with another content."""
    folder = tmp_path_factory.mktemp("rebuilt")
    debs = package_machine.fake_guest_packages(folder / "debs", "0.1.0")
    (debs / "wslbridge_0.1.0-1_arm64.deb").write_bytes(b"other")
    return build_msi(top, msis["old"].parent / "old", debs, folder, "0.1.0")


def test_installed_and_removed(machine, registry):
    machine.install_package("old")
    machine.expect_version("old")
    entry, = machine.listed().values()
    assert entry["DisplayName"] == "wslbridge" and entry["DisplayVersion"] == "0.1.0"
    assert entry["Publisher"] == "The wslbridge project"
    assert entry["HelpLink"].endswith("/docs/windows.md")
    assert registry.strings(package_machine.RECORD) == {"Owner": machine.code("old")}
    assert machine.path()[1].endswith(";" + FOLDER)
    assert machine.files() == ["LICENSE.txt", "admx", "guest", *PROGRAMS]
    assert machine.files_below("admx") == ["en-US", "wslbridge.admx"]
    guest = machine.folder / "guest"
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=guest, check=True)
    assert len((guest / "SHA256SUMS").read_text().splitlines()) == 2
    link, = machine.shortcuts()
    assert f'/k ""{FOLDER}\\{EXE}" setup"'.encode("utf-16-le") in link.read_bytes()
    machine.install_package("old")  # once more is a repair
    machine.expect_version("old")
    machine.remove_package("old")
    machine.expect_no_package()


def test_update(serving, registry):
    """Rules, pairings and the local policy stay. No value of PortProxy is written, so no rule was
    withdrawn in between."""
    registry.set(package_machine.POLICY, "MaxEndpoints", 100)
    before = registry.stamps(), registry.dump(package_machine.POLICY), registry.dump(KEYS)
    output = serving.install_package("new")
    # Wine runs the old package's removal, though its condition forbids that for an update.
    serving.expect_said("kept       the installation, because it belongs to another package now", output)
    serving.expect_version("new")
    assert registry.rules() == RULE
    after = registry.stamps(), registry.dump(package_machine.POLICY), registry.dump(KEYS)
    assert {k: v for k, v in before[0].items() if "PortProxy" in k} == \
        {k: v for k, v in after[0].items() if "PortProxy" in k}
    assert before[1:] == after[1:]
    serve(serving.service).close()
    assert serving.files_below("guest") == ["SHA256SUMS", "wslbridge_0.1.1-1_amd64.deb",
                                            "wslbridge_0.1.1-1_arm64.deb"]
    assert serving.files() == ["LICENSE.txt", "admx", "guest", *PROGRAMS]
    serving.remove_package("new")
    assert registry.rules() == {}
    serving.expect_no_package()


@pytest.mark.parametrize("fault", ["copy:before", "copy-1:before", "relay:after", "place-1:after", "start:after",
                                   "package:before", "package:kill"])
def test_an_update_that_fails(fault, serving, registry):
    """Before our part, in it, or behind it: the old version serves, and belongs to the old package. (Wine
    does not take back its own part, see fact 10.1.12, so files of the new package stay.)"""
    stamps = registry.stamps()
    serving.expect(ACTION_FAILED, "/i", serving.msis["new"], fault=fault)
    serving.expect_version("old")
    assert registry.rules() == RULE
    assert {k: v for k, v in stamps.items() if "PortProxy" in k} == \
        {k: v for k, v in registry.stamps().items() if "PortProxy" in k}
    assert registry.strings(package_machine.RECORD) == {"Owner": serving.code("old")}
    assert {"wslbridge_0.1.0-1_amd64.deb", "wslbridge_0.1.0-1_arm64.deb"} <= \
        set(serving.files_below("guest"))
    serve(serving.service).close()


@pytest.mark.parametrize("start_type,state", [(4, STOPPED), (4, RUNNING), (3, STOPPED), (2, STOPPED)])
def test_an_update_that_fails_leaves_the_service_as_it_was(start_type, state, serving, registry):
    """Stopped, or disabled, or both. The new version has run in between, so its rules are withdrawn."""
    assert serving.service.call("start-type", "wslbridge-helper", start_type) == {}
    if state == STOPPED:
        assert serving.service.control(STOP) == {}
        serving.service.wait_state(STOPPED)
    output = serving.expect(ACTION_FAILED, "/i", serving.msis["new"], fault="package:before")
    now = serving.service.query()
    assert (now["start"], now["state"]) == (start_type, state), output
    assert serving.installed() == "old"
    assert registry.strings(package_machine.RECORD) == {"Owner": serving.code("old")}
    assert registry.rules() == (RULE if state == RUNNING else {})
    if state == STOPPED:
        serving.expect_said("not started, as before", output)
        assert serving.service.call("start-type", "wslbridge-helper", 2) == {}
        serving.service.start()
        assert serving.serves() == "old"
    else:
        serve(serving.service).close()


@pytest.mark.parametrize("fault", ["entry:after", "package:before"])
def test_a_first_installation_that_fails(fault, machine, registry):
    """What an earlier 'uninstall --keep' has left stays."""
    for settings in (False, True):
        if settings:
            machine.pair(KEY)
        keys = registry.dump(KEYS)
        machine.expect(ACTION_FAILED, "/i", machine.msis["old"], fault=fault)
        assert machine.service.query()["error"] == 1060
        assert machine.listed() == {} and machine.installed() is None
        assert machine.path() == machine.path_before
        assert registry.dump(KEYS) == keys
        assert registry.dump(package_machine.RECORD) == {}
    machine.install_package("old")
    machine.expect_version("old")


def test_repair(serving, registry):
    """Files of the package and the program are written again, and the service runs."""
    guest = serving.folder / "guest/wslbridge_0.1.0-1_amd64.deb"
    content = guest.read_bytes()
    assert serving.service.control(STOP) == {}
    serving.service.wait_state(STOPPED)
    guest.unlink()
    (serving.folder / "guest/SHA256SUMS").write_text("damaged")
    for program in PROGRAMS:
        (serving.folder / program).write_bytes(b"damaged")
    serving.repair_package("old")
    serving.expect_version("old")
    assert guest.read_bytes() == content
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=guest.parent, check=True)
    serve(serving.service).close()


def test_an_older_version_is_refused(machine):
    machine.install_package("new")
    machine.expect(FAILURE, "/i", machine.msis["old"])
    machine.expect_version("new")


def test_another_build_of_the_same_version(serving, registry, rebuilt):
    """It takes the place of the one that is there."""
    serving.msis = {**serving.msis, "rebuilt": rebuilt}
    assert serving.code("rebuilt") != serving.code("old")
    serving.install_package("rebuilt")
    serving.expect_version("old", ["rebuilt"])
    assert registry.rules() == RULE
    serving.remove_package("rebuilt")
    serving.expect_no_package()


def test_over_an_installation_made_by_hand(machine, registry):
    """A package that fails leaves it; one that succeeds owns it."""
    machine.pair(KEY)
    assert machine.install("old")[0] == 0
    serve(machine.service).close()
    machine.expect(ACTION_FAILED, "/i", machine.msis["new"], fault="package:before")
    machine.expect_version("old", listed=[])
    assert registry.rules() == RULE
    machine.install_package("new")
    machine.expect_version("new")
    assert registry.rules() == RULE
    machine.remove_package("new")
    machine.expect_no_package()


def test_removed_and_updated_by_hand(machine):
    """The package can be removed or repaired, whatever was done by hand since."""
    machine.install_package("old")
    assert machine.uninstall()[0] == 0
    machine.repair_package("old")
    machine.expect_version("old")
    assert machine.install("new")[0] == 0
    assert machine.serves() == "new"
    assert machine.uninstall()[0] == 0
    machine.remove_package("old")
    machine.expect_no_package()


def test_what_was_kept_by_hand_stays(serving, registry):
    """Then the package is removed, and an older one finds the pairing."""
    keys = registry.dump(KEYS)
    assert serving.run(serving.versions["old"], "uninstall", "--keep")[0] == 0
    serving.remove_package("old")
    assert registry.dump(KEYS) == keys and serving.listed() == {}
    serving.install_package("old")
    serve(serving.service).close()


def test_components(msis):
    """A file that both packages have belongs to the same component; a guest package of another version is
    another file. Otherwise, the removal of the old package would take files of the new one with it."""
    old, new = ({row[0]: row[1] for row in table(msi, "Component")} for msi in msis.values())
    assert {n for n in old if old[n] == new[n]} == {"License", "GuestSums", "Admx", "Adml"}
    assert set(old) == set(new)


@pytest.mark.parametrize("fault", ["rules:before", "settings:before"])
def test_a_removal_that_fails(fault, serving, registry):
    """While our part can be taken back, it is. Behind that, the program is installed again, because
    Windows still lists it; Wine does not call this way back (fact 10.1.12)."""
    serving.expect(REMOVING_FAILED, "/x", serving.code("old"), fault=fault)
    assert serving.serves() == ("old" if fault == "rules:before" else None)
    code, output = serving.run(serving.versions["old"], "msi", "remove-back", serving.code("old"),
                               serving.windows_path("old"))
    assert code == 0, output
    assert serving.serves() == serving.installed() == "old"
    if fault == "rules:before":
        serve(serving.service).close()
        assert registry.rules() == RULE
    assert registry.strings(package_machine.RECORD) == {"Owner": serving.code("old")}


def test_without_rollback(serving, registry, tmp_path):
    """No way back is kept then, neither beside the program nor in the registry. Windows runs no commit action
    then. Wine does all the same (fact 10.1.12), so this package has none."""
    package = tmp_path / "without.msi"
    shutil.copy(serving.msis["new"], package)
    for action in ("InstallDone", "RemoveDone"):
        subprocess.run(["msibuild", package, "-q",
                        f"DELETE FROM `InstallExecuteSequence` WHERE `Action` = '{action}'"], check=True)
    serving.expect(SUCCESS, "/i", package, "DISABLEROLLBACK=1")
    serving.expect_version("new")
    assert registry.strings(package_machine.RECORD) == {"Owner": serving.code("new")}
    assert serving.files() == ["LICENSE.txt", "admx", "guest", *PROGRAMS]
    serving.expect(SUCCESS, "/x", serving.code("new"), "DISABLEROLLBACK=1")
    serving.expect_no_package()


@pytest.mark.parametrize("start_type,state", [(4, STOPPED), (4, RUNNING), (3, STOPPED), (2, STOPPED)])
def test_a_removal_that_fails_leaves_the_service_as_it_was(start_type, state, serving, registry):
    """Stopped, or disabled, or both."""
    assert serving.service.call("start-type", "wslbridge-helper", start_type) == {}
    if state == STOPPED:
        assert serving.service.control(STOP) == {}
        serving.service.wait_state(STOPPED)
    serving.expect(REMOVING_FAILED, "/x", serving.code("old"), fault="settings:before")
    code, output = serving.run(serving.versions["old"], "msi", "remove-back", serving.code("old"),
                               serving.windows_path("old"))
    assert code == 0, output
    now = serving.service.query()
    assert (now["start"], now["state"]) == (start_type, state), output
    assert serving.installed() == "old"
    assert registry.strings(package_machine.RECORD) == {"Owner": serving.code("old")}


def test_an_update_that_was_cut_off(machine, registry):
    """The record names a package that Windows does not know. It keeps nobody from removing."""
    machine.install_package("old")
    registry.set(package_machine.RECORD, "Owner", machine.code("new"))
    registry.set(package_machine.RECORD, "Trying", machine.code("new"))
    registry.set(package_machine.RECORD, "Before", "program")
    machine.remove_package("old")
    machine.expect_no_package()


@pytest.mark.parametrize("build", ["17134", "9600", ""])
def test_an_old_windows(build, machine, registry):
    registry.set(package_machine.VERSION_KEY, "CurrentBuild", build)
    machine.expect(FAILURE, "/i", machine.msis["old"])
    machine.expect_no_package()


def test_a_damaged_package(serving, tmp_path):
    """Cut off anywhere, or with other bytes where the files are."""
    whole = serving.msis["new"].read_bytes()
    damaged = tmp_path / "damaged.msi"
    # The last sector may hold nothing but marks of the file's own table, which no reader needs.
    for content in (b"", whole[:512], whole[:len(whole) // 2], whole[:-4096]):
        damaged.write_bytes(content)
        assert serving.msiexec("/i", damaged)[0] != 0
        serving.expect_version("old")
    cabinet = stream(serving.msis["new"], "cab1.cab")
    at = whole.index(cabinet[:512])
    damaged.write_bytes(whole[:at + 512] + bytes(100) + whole[at + 612:])
    assert serving.msiexec("/i", damaged)[0] != 0
    serving.expect_version("old")


def test_an_update_over_one_that_was_killed(serving):
    """One program is new, the other one old, when the package comes, and the package fails, too. Its way
    back leads to one version of both."""
    assert serving.install("new", fault="place-0:kill")[0] != 0
    assert isinstance(serving.installed(), dict)
    serving.expect(ACTION_FAILED, "/i", serving.msis["new"], fault="package:before")
    assert serving.installed() == "old"
    serving.restart()
    serving.expect_version("old")


def test_a_package_without_a_program(machine, registry, tmp_path):
    """The helper says which one it does not find, and changes nothing."""
    machine.install_package("old")
    broken = tmp_path / "broken.msi"
    shutil.copy(machine.msis["new"], broken)
    subprocess.run(["msibuild", broken, "-q", "DELETE FROM `Binary` WHERE `Name` = 'Selftest'"], check=True)
    output = machine.expect(ACTION_FAILED, "/i", broken)
    machine.expect_said("The package has no program 'Selftest'", output)
    machine.expect_version("old")


def test_two_at_once(machine):
    """Windows lets the second one wait; Wine does not, so one of our two parts may say that the other one
    is at work. The machine has one version afterwards, which serves."""
    paths = {n: machine.windows_path(n) for n in machine.msis}
    both = [machine.prefix.popen("msiexec", "/i", path, "/qn", stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for path in paths.values()]
    codes = [p.wait(150) for p in both]
    assert 0 in codes
    assert machine.serves() == machine.installed()
    machine.install_package("new")
    assert machine.serves() == "new"


def test_the_users_windows_learn_of_the_path(machine, build_win, session_service):
    """The library does that, and not only the program, which on Windows runs in another session."""
    def expect_heard(n, command, version):
        listener = machine.prefix.popen(build_win / "tests/windows/listen-settings.exe", text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        heard = []
        reader = threading.Thread(target=lambda: heard.extend(listener.stdout))
        try:
            assert listener.stdout.readline() == "listening\n"
            reader.start()
            command(version)
            # Nobody waits long for a listener, and a busy machine lets it speak later.
            wait_until(lambda: heard.count("environment\n") >= n, 20, lambda: f"a word to it: {heard}")
            time.sleep(0.3)
        finally:
            listener.kill()
            listener.wait()
            if reader.ident:
                reader.join(60)
        assert heard.count("environment\n") == n

    machine.prefix.run("reg", "add", r"HKCU\Software\Wine\Drivers", "/v", "Graphics", "/d", "null", "/f")
    machine.prefix.restart()  # the next window takes the new setting
    session_service.start()
    expect_heard(1, machine.install, "old")
    expect_heard(1, machine.install_package, "old")  # PATH has the folder already
    expect_heard(2, machine.remove_package, "old")


def test_the_reason_for_a_failure(machine):
    """Nobody sees what the program prints, so the reason is in the Event Log."""
    machine.prefix.env["WINEDEBUG"] = "fixme-all,err+eventlog,trace+eventlog"
    try:
        output = machine.expect(ACTION_FAILED, "/i", machine.msis["old"], fault="copy:before")
    finally:
        machine.prefix.env["WINEDEBUG"] = "-all"
    assert 'ReportEventW' in output and "Installing failed at the step 'copy'" in output


def test_without_rights(machine, build_win):
    done = machine.prefix.run(build_win / "tests/windows/as-user.exe", machine.versions["old"], "msi",
                              "install", machine.code("old"), machine.windows_path("old"), check=False)
    assert done.returncode == 1
    assert "'wslbridge-helper msi' needs administrator rights" in done.stdout
    machine.expect_no_package()


@pytest.mark.parametrize("arguments", [[], ["install"], ["install", "{}"],
                                       ["install", "27DEB19C-32AD-4DCE-A3C3-6F6E8C7D31D2"],
                                       ["install", "{27DEB19C-32AD-4DCE-A3C3-6F6E8C7D31D2}"],
                                       ["install", "{27DEB19C-32AD-4DCE-A3C3-6F6E8C7D31D2}", "x.msi", "more"],
                                       ["fly", "{27DEB19C-32AD-4DCE-A3C3-6F6E8C7D31D2}", "x.msi"]])
def test_only_windows_installer_runs_the_command(arguments, machine):
    code, output = machine.run(machine.versions["old"], "msi", *arguments)
    assert code == 1
    assert "Only Windows Installer runs this command" in output or \
        "'msi' has no action 'fly'" in output
    machine.expect_no_package()
