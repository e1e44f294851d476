# SPDX-License-Identifier: MIT
"""What setup changes for the user: .wslconfig and the task for the logon, one step at a time with
settingstool.c. tests/setup runs the whole of setup."""

import os

import pytest
import wine_registry

SCHEDULER = r"SOFTWARE\Classes\CLSID\{0F87369F-A4E5-4CFC-BD3E-73E6154572DD}\InprocServer32"
MSI = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Lxss\MSI"
TASKS = rf"{wine_registry.COUNTERS}\Tasks"
STAYS = "[general]\r\ninstanceIdleTimeout=-1\r\n"
WANTED = f"{STAYS}\r\n[wsl2]\r\nvmIdleTimeout=-1\r\n"


@pytest.fixture
def profile(prefix):
    """The user's folder, without a .wslconfig before and after the test."""
    done = prefix.run("cmd", "/c", "echo %USERPROFILE%")
    folder = prefix.path / "drive_c" / done.stdout.strip()[3:].replace("\\", "/")

    def clean():
        for path in folder.glob(".wslconfig*"):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()

    assert folder.is_dir()
    clean()
    yield folder
    clean()


@pytest.fixture
def tool(prefix, build_win):
    def run(*words):
        return prefix.run(build_win / "tests/windows/settingstool.exe", *words, check=False).stdout

    return run


def test_no_file(profile, tool):
    assert tool("wslconfig") == "written\n"
    assert (profile / ".wslconfig").read_bytes() == WANTED.encode()
    assert [p.name for p in profile.glob(".wslconfig*")] == [".wslconfig"]
    assert tool("wslconfig") == "already so\n"


def test_the_rest_and_the_first_copy_stay(profile, tool):
    """A mark, CRLF and other sections stay. The copy is made once."""
    before = b"\xef\xbb\xbf# mine\r\n[wsl2]\r\nmemory=8GB\r\nvmIdleTimeout=60000 # a minute\r\n"
    path, copy = profile / ".wslconfig", profile / ".wslconfig.before-wslbridge"
    path.write_bytes(before)
    assert tool("wslconfig") == "written, copied\n"
    assert path.read_bytes() == (before.replace(b"60000", b"-1") +
                                 b"\r\n[general]\r\ninstanceIdleTimeout=-1\r\n")
    assert copy.read_bytes() == before
    path.write_bytes(b"[wsl2]\n")
    assert tool("wslconfig") == "written\n"
    assert copy.read_bytes() == before
    assert not list(profile.glob("*.wslbridge-new"))


@pytest.mark.parametrize("reason", ["read-only", "folder", "names", "meanwhile", "held", "appeared"])
def test_refused(profile, tool, prefix, reason):
    """One clear error, and the file is as it was."""
    path = profile / ".wslconfig"
    if reason == "folder":
        path.mkdir()
    elif reason != "appeared":
        path.write_bytes(b"[wsl2]\n")
    if reason == "read-only":
        prefix.run("attrib", "+R", str(path).replace("/", "\\"), check=False)
        path.chmod(0o444)
    if reason == "names":
        os.link(path, profile / ".wslconfig-other")
    words = {"meanwhile": ["wslconfig", "[x]\n"], "appeared": ["wslconfig", "[x]\n"],
             "held": ["held"]}.get(reason, ["wslconfig"])
    said = tool(*words)
    assert said.endswith("failed\n") and said.count("error:") == 1, said
    assert {"read-only": "attrib.exe -R", "folder": "is a folder", "names": "2 names",
            "held": "Another program is writing"}.get(reason, "meanwhile") in said
    if reason != "folder":
        assert path.read_bytes() == (b"[x]\n" if words[1:] else b"[wsl2]\n")
    assert not (profile / ".wslconfig.before-wslbridge").exists()
    assert not list(profile.glob("*.wslbridge-new"))


def test_link(profile, tool, tmp_path):
    """A link stays a link: what it leads to is changed."""
    target = tmp_path / "settings"
    (profile / ".wslconfig").symlink_to(target)
    target.write_bytes(b"[wsl2]\n")
    assert tool("wslconfig") == "written, copied\n"
    assert (profile / ".wslconfig").is_symlink()
    assert b"vmIdleTimeout=-1" in target.read_bytes()
    assert (profile / ".wslconfig.before-wslbridge").read_bytes() == b"[wsl2]\n"


@pytest.mark.parametrize("version, doubt", [
    (None, True), ("2.4.13.0", True), ("2.5.7.0", False), ("2.10.0.0", False)])
def test_a_wsl_that_may_not_know_the_key(profile, tool, registry, version, doubt):
    """It says so, whether there is something to write or not."""
    try:
        if version:
            registry.set(MSI, "Version", version)
        for content, does in (("", "Turn off the"), (STAYS, "The")):
            (profile / ".wslconfig").write_text(content, encoding="utf-8", newline="")
            said = tool("keep-alive")
            assert f"{does} idle time-out" in said, said
            assert ("WSL before 2.5.7" in said and "wsl.exe --update" in said) == doubt, said
    finally:
        registry.remove(MSI)


@pytest.fixture
def wsl(prefix):
    """wsl.exe in System32."""
    exe = prefix.path / "drive_c/windows/system32/wsl.exe"
    exe.touch()
    yield exe
    exe.unlink(missing_ok=True)


@pytest.fixture
def scheduler(registry, build_win, wsl):
    """Task Scheduler of fake-taskschd.dll in place of Wine's."""
    library = str(build_win.resolve() / "tests/windows/fake-taskschd.dll")
    before = registry.dump(SCHEDULER)
    registry.set(SCHEDULER, "", "Z:" + library.replace("/", "\\"))
    yield registry
    registry.set(wine_registry.COUNTERS, "TaskRefuse", 0)
    registry.remove(TASKS)
    for name, (kind, data) in before.items():
        registry.set(SCHEDULER, name, data, kind)


def test_task(scheduler, tool):
    """Made, found, made again by somebody else's hand, removed. Another distro's stays."""
    assert tool("find", "Büro-1")[:2] == "0 "
    sid = tool("add", "Büro-1").split()[1]
    assert tool("add", "Debian").startswith("0 ")
    name = f"wslbridge Büro-1 {sid}"
    tasks = scheduler.strings(TASKS)
    assert sorted(tasks) == [name, f"wslbridge Debian {sid}"]
    assert tasks[name].count(f"<UserId>{sid}</UserId>") == 2
    assert r'"C:\windows\system32\wsl.exe" -d Büro-1 --exec sleep infinity' in tasks[name]
    assert tool("find", "Büro-1")[:2] == "2 "
    scheduler.set(TASKS, name, tasks[name].replace("PT0S", "PT72H"))
    assert tool("find", "Büro-1")[:2] == "1 "
    assert tool("remove", "Büro-1")[:2] == "1 "
    assert tool("remove", "Büro-1")[:2] == "0 "
    assert list(scheduler.strings(TASKS)) == [f"wslbridge Debian {sid}"]


def test_task_of_the_stores_wsl(scheduler, tool, prefix, wsl):
    """Some Windows have wsl.exe in the Store's folder only."""
    store = prefix.path / "drive_c/Store"
    store.mkdir()
    wsl.rename(store / "wsl.exe")
    scheduler.set(MSI, "InstallLocation", "C:\\Store\\")
    try:
        name = f"wslbridge Debian {tool('add', 'Debian').split()[1]}"
        task = scheduler.strings(TASKS)[name]
        assert r'--headless "C:\Store\\wsl.exe" -d Debian ' in task
        assert r"<Command>C:\windows\system32\conhost.exe</Command>" in task
        assert tool("find", "Debian")[:2] == "2 "
        (store / "wsl.exe").rename(wsl)
        assert tool("find", "Debian")[:2] == "1 "
    finally:
        scheduler.remove(MSI)
        (store / "wsl.exe").unlink(missing_ok=True)
        store.rmdir()


def test_task_refused(scheduler, tool):
    scheduler.set(wine_registry.COUNTERS, "TaskRefuse", 1)
    assert tool("add", "Debian").startswith("-13 ")
    assert scheduler.strings(TASKS) == {}
    said = tool("at-logon", "Debian")
    assert said.startswith("Task Scheduler refuses the task for the logon.\n")
    # The terminal of another account would find no distro.
    assert "by the same Windows user, type 'wslbridge-helper setup \"Debian\" --at-logon'" in said
