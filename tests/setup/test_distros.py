# SPDX-License-Identifier: MIT
"""Which distro it is about, and what wsl.exe may do instead of answering."""

import re

import pytest

STORE = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Lxss\MSI"
NOISE = ("wsl: Es wurde eine Localhost-Proxykonfiguration erkannt.\r\n".encode("utf-16-le")
         + "wslbridge-setup: end=no\r\n".encode("utf-16-le") + b"\xff\xfe\x00warning: \x1b[31mfstab\r\n")


def failed(windows, *arguments, **options):
    done = windows.setup(*arguments, **options)
    assert done.code == 1 and done.report["result"] == "failed", done.output
    return done


@pytest.mark.parametrize("administrator", [True, False])
def test_no_distro(windows, wsl, build_win, administrator):
    """A terminal that was opened as administrator may be another account's."""
    wsl.register()
    before = [] if administrator else [build_win / "tests/windows/as-user.exe"]
    part = failed(windows, before=before).part("distro")
    assert part["text"] == "This Windows user has no WSL distro" and "--install" in part["advice"]
    assert ("not opened as administrator" in part["advice"]) == administrator
    assert wsl.calls == []


def test_no_wsl_exe(windows, wsl):
    wsl.add("Debian")
    wsl.register()
    store = windows.prefix.path / "drive_c/Store"
    store.mkdir(exist_ok=True)
    wsl.exe.rename(store / "wsl.exe")
    try:
        assert failed(windows, "Debian").part("distro")["text"] == "This Windows has no wsl.exe"
        # That of the Store is in a folder of its own.
        windows.registry.set(STORE, "InstallLocation", "C:\\Store\\")
        assert "could not be asked" in failed(windows, "Debian").part("distro")["text"]
        assert len(wsl.calls) == 1
    finally:
        windows.registry.remove(STORE)
        (store / "wsl.exe").rename(wsl.exe)


def test_names_that_do_not_fit(windows, wsl):
    wsl.add("Debian")
    wsl.add("docker-desktop")
    wsl.register()
    part = failed(windows, "Ubuntu").part("distro")
    assert part["text"] == "You have no distro 'Ubuntu'" and part["advice"].endswith("\n  Debian")
    assert "container engine" in failed(windows, "docker-desktop").part("distro")["text"]
    assert wsl.calls == []


@pytest.mark.parametrize("version,state,text", [(1, 1, "'Debian' is a distro of WSL 1"),
                                                (2, 3, "'Debian' is being installed or removed")])
def test_distros_that_cannot_be_used(windows, wsl, version, state, text):
    """They are not even started."""
    wsl.add("Debian", version=version, state=state)
    wsl.register()
    part = failed(windows, "Debian").part("distro")
    assert part["text"] == text and wsl.calls == []
    if version == 1:
        assert "wsl.exe --set-version Debian 2" in part["advice"]


def test_the_list_and_the_question(windows, wsl, bare_root):
    wsl.add("Alt", version=1)
    wsl.add("docker-desktop-data", bare_root.command)
    wsl.add("Zweite-Größe", bare_root.command)
    wsl.register()
    done = windows.setup("--text")
    assert done.code == 1
    rows = re.findall(r"^([* ]) (.{32})(\S.*)$",
                      done.output.partition("FAILED")[0], re.MULTILINE)
    assert [(mark, name.strip(), lacks) for mark, name, lacks in rows if name.strip() != "DISTRO"] == [
        ("*", "Debian", "no systemd"), (" ", "Alt", "WSL 2"), (" ", "Zweite-Größe", "no systemd")]
    assert "Nobody can be asked here" in done.output and "No distro was chosen" in done.output
    assert "You have no distro" not in done.output


def typing(windows, folder, typed, *options):
    """What 'setup' prints. The console's part is played by a pipe."""
    (folder / "typed").write_text(typed)
    with open(folder / "typed", "rb") as keys, windows.variables({"WSLBRIDGE_TEST_ASK": "1"}), \
         open(folder / "output", "wb") as output:
        process = windows.prefix.popen_started(windows.program.exe, "setup", *options, errors=folder / "errors",
                                               stdin=keys, stdout=output)
        assert process.wait(600) == 1
    return (folder / "output").read_text()


def test_undo_asks_in_its_own_words(windows, wsl, bare_root, tmp_path):
    text = typing(windows, tmp_path, "n\n", "--undo")
    assert "Take wslbridge out of 'Debian'? [y/n]" in text and "No distro was chosen" in text


@pytest.mark.parametrize("typed,chosen", [("y\n", True), ("x\nY\n", True), ("n\n", False), ("", False)])
def test_what_is_typed(windows, wsl, bare_root, tmp_path, typed, chosen):
    text = typing(windows, tmp_path, typed)
    assert "Set up 'Debian'? [y/n]" in text
    assert ("It has no systemd" in text) == chosen and ("No distro was chosen" in text) != chosen
    assert "For another one" not in text


def test_no_is_followed_by_the_way_to_another_one(windows, wsl, bare_root, tmp_path):
    wsl.add("Other", bare_root.command)
    wsl.register()
    text = typing(windows, tmp_path, "n\n")
    assert text.index("Starting each distro") < text.index("DISTRO") < text.index("Other")
    assert "For another one, name it behind 'setup'." in text


def test_yes_takes_the_default_one(windows, wsl, bare_root):
    wsl.add("Other", bare_root.command, default=True)
    wsl.register()
    assert failed(windows, "--yes").report["distro"] == "Other"
    assert all("-d Other " in call or "-d Debian " in call for call in wsl.calls)


@pytest.mark.parametrize("typed", ["n\n", None])
def test_the_default_one_is_of_an_engine(windows, wsl, bare_root, tmp_path, typed):
    """The others are equal, so none of them is set up without a question that names it."""
    wsl.add("Other", bare_root.command)
    wsl.add("docker-desktop", default=True)
    wsl.register()
    if typed:
        assert "Set up 'Debian'? [y/n]" in typing(windows, tmp_path, typed)
        return
    for options in (["--yes"], []):
        done = failed(windows, *options)
        assert done.report["distro"] is None and "No distro was chosen" in done.part("distro")["text"]
        assert done.part("distro")["advice"] == "None of them is the default one. Name the distro behind 'setup'."
    wsl.distros.pop("Other")
    wsl.register()
    assert failed(windows, "--yes").report["distro"] == "Debian"


@pytest.mark.parametrize("name", ["Müller&Söhne-2", "Debian_12(bookworm)", "日本語"])
def test_names_of_other_characters(windows, wsl, bare_root, name):
    wsl.add(name, bare_root.command)
    wsl.register()
    done = failed(windows, name)
    assert done.report["distro"] == name
    assert "no systemd" in done.part("distro")["text"]
    assert wsl.calls == [f"wsl.exe -d {name} -u root --exec /bin/sh"]
    assert wsl.variables == ["1 1"]


def test_names_that_wsl_cannot_be_told(windows, wsl, bare_root):
    """Quotes are no help, because wsl.exe takes them for a part of the name."""
    wsl.add("Mein Debian", bare_root.command)
    wsl.register()
    done = failed(windows, "Mein Debian")
    assert "'Mein Debian' cannot be the name of a distro" in done.output
    assert not wsl.calls


def test_names_in_another_case(windows, bare_root):
    assert failed(windows, "dEBIAN").report["distro"] == "Debian"


def test_noise_on_both_streams(windows, wsl, root):
    """Warnings in UTF-16, a marker line that is none of ours, and control characters."""
    wsl.noise = NOISE
    assert windows.setup("Debian", "--dry-run").states()["package"] == "would"


def test_wsl_exe_that_does_not_answer(windows, wsl, bare_root):
    wsl.hang = "/bin/sh"
    part = failed(windows, "Debian", env={"WSLBRIDGE_TEST_SETUP_MS": "1000"}).part("distro")
    assert part["text"] == "wsl.exe did not answer for 'Debian' within 1 seconds"
    assert "--shutdown" in part["advice"]


def test_a_distro_that_asks_for_its_first_user(windows, wsl, bare_root):
    """Nothing else in it runs until somebody has answered, and a shutdown would end that."""
    wsl.distros["Debian"].is_new = True
    wsl.register()
    wsl.hang = "/bin/sh"
    part = failed(windows, "Debian", env={"WSLBRIDGE_TEST_SETUP_MS": "1000"}).part("distro")
    assert "asks for a user name" in part["advice"] and "--shutdown" not in part["advice"]


def test_wsl_exe_that_fails(windows, wsl, bare_root):
    """What it says is shown as it is."""
    wsl.end = 127, "Der virtuelle Computer wurde nicht gestartet. Wsl/Service/0x80370102\n"
    part = failed(windows, "Debian").part("distro")
    assert part["text"] == "'Debian' could not be asked what it is (exit code 127)"
    assert part["advice"].endswith(wsl.end[1])


def test_a_script_that_arrives_in_part_does_nothing(windows, wsl, root):
    """Wherever it is cut. The installation would be the one to leave something half done."""
    scripts = []
    wsl.on_script = scripts.append
    assert windows.setup("Debian", "--dry-run").code == 0
    script = next(s for s in scripts if "wb_install()" in s).replace(" look; exit", " install; exit")
    whole = len(script.encode())
    end = script.encode().rindex(b"{ wb_main")
    before = root.run("dpkg-query", "-W")
    for cut in [*range(0, 6000, 611), whole // 2, end - 100, *range(end - 3, whole - 2, 9), whole - 2]:
        done = root.call("/bin/sh", input=script.encode()[:cut], text=False, errors=None)
        assert b"wslbridge-setup" not in done.stdout, (cut, done.stdout)
    assert root.run("dpkg-query", "-W") == before and not root.exists("/usr/bin/wslbridgectl")
