# SPDX-License-Identifier: MIT
"""The package for Windows that ships: its tables, its size, the program in it, its signature, and whether
it is made of the same bytes twice."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest
from package_machine import build_msi, fake_guest_packages, properties, stream, table
from portable_executable import PortableExecutable
from windows_programs import HELPER, PROGRAMS, RELAY, SELFTEST

SIZE_MAX = 1.5 * 1024 * 1024
# Kinds of custom actions: a program in the package, in the script, as SYSTEM; its way back, whose failure
# is ignored; the end of a transaction.
STREAMS = {HELPER: "Binary.Helper", RELAY: "Binary.Relay", SELFTEST: "Binary.Selftest"}
ACTION, BACK, DONE = 2 | 1024 | 2048, 2 | 64 | 256 | 1024 | 2048, 2 | 64 | 512 | 1024 | 2048
OVER = 2 | 64 | 1024 | 2048  # what DONE does, where there is no rollback


@pytest.fixture(scope="module")
def msi(packages, version):
    return pathlib.Path(packages) / f"wslbridge-{version}-x64.msi"


@pytest.fixture(scope="module")
def built(windows_release_tree):
    """The folder of the programs as the build left them, with their symbols."""
    return pathlib.Path(windows_release_tree) / "windows-helper"


@pytest.fixture(scope="module")
def announce(built):
    return built / "wslbridge-announce.dll"


def strip(exe, to, made_at):
    """The program without symbols, as the package has it. @made_at: the time in it, in seconds"""
    subprocess.run(["x86_64-w64-mingw32-strip", "-o", to, exe], check=True,
                   env={**os.environ, "SOURCE_DATE_EPOCH": str(made_at)})
    return to.read_bytes()


def test_the_tables(msi, version):
    about = properties(msi)
    assert about["ProductName"] == "wslbridge" and about["ProductVersion"] == version
    assert about["ALLUSERS"] == "1"
    assert re.fullmatch(r"\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}", about["ProductCode"])
    assert about["UpgradeCode"] == "{27DEB19C-32AD-4DCE-A3C3-6F6E8C7D31D2}"  # for ever
    assert {row[0]: (int(row[1]), row[2], row[3]) for row in table(msi, "CustomAction")} == {
        "InstallBack": (BACK, "Helper", 'msi install-back [ProductCode] "[DATABASE]"'),
        "Install": (ACTION, "Helper", 'msi install [ProductCode] "[DATABASE]"'),
        "InstallDone": (DONE, "Helper", 'msi install-done [ProductCode] "[DATABASE]"'),
        "RemoveBack": (BACK, "Helper", 'msi remove-back [ProductCode] "[DATABASE]"'),
        "Remove": (ACTION, "Helper", 'msi remove [ProductCode] "[DATABASE]"'),
        "RemoveDone": (DONE, "Helper", 'msi remove-done [ProductCode] "[DATABASE]"'),
        "InstallOver": (OVER, "Helper", 'msi install-done [ProductCode] "[DATABASE]"'),
        "RemoveOver": (OVER, "Helper", 'msi remove-done [ProductCode] "[DATABASE]"'),
        "Announce": (1 | 64, "Announce", "announce")}
    upgrade = {row[6]: (row[1], row[2], int(row[4])) for row in table(msi, "Upgrade")}
    assert upgrade == {"OLDERFOUND": ("0.0.0", version, 1 | 256 | 512), "NEWERFOUND": (version, "", 2)}
    secure = about["SecureCustomProperties"].split(";")
    found = [row[0] for row in table(msi, "AppSearch")]
    assert "BUILD" in found and set(found) | set(upgrade) <= set(secure)
    conditions = [row[0] for row in table(msi, "LaunchCondition")]
    assert conditions == ["Installed OR BUILD >= 17763", "Privileged", "NOT NEWERFOUND"]
    assert all(int(row[3]) & 256 for row in table(msi, "Component")), "a component is not 64-bit"
    said = {int(row[0]): row[1] for row in table(msi, "Error")}  # a program that cannot start, and one that fails
    assert "antivirus" in said[1721] and "Event Log" in said[1722]
    assert b"x64;1033" in subprocess.run(["msiinfo", "suminfo", msi], capture_output=True).stdout


def test_the_order_of_actions(msi):
    rows = {row[0]: (int(row[2]), row[1]) for row in table(msi, "InstallExecuteSequence")}
    order = sorted(rows, key=lambda name: rows[name][0])

    def comes(*names):
        return [n for n in order if n in names] == list(names)

    assert comes("FindRelatedProducts", "LaunchConditions", "InstallInitialize", "InstallFiles", "InstallBack",
                 "Install", "InstallDone", "InstallOver", "RegisterProduct", "InstallExecute", "RemoveExistingProducts",
                 "InstallFinalize", "Announce")
    assert comes("InstallInitialize", "RemoveFiles", "RegisterProduct", "RemoveBack", "Remove", "RemoveDone",
                 "RemoveOver", "InstallExecute")
    for name in ("InstallBack", "Install", "InstallDone"):
        assert rows[name][1] == 'NOT (REMOVE="ALL")'
    for name in ("RemoveBack", "Remove", "RemoveDone"):
        assert rows[name][1] == 'REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE'
    for name in ("Install", "Remove"):
        assert rows[f"{name}Over"][1] == f"RollbackDisabled AND {rows[name][1]}"


def test_the_files(msi, packages, version, tmp_path):
    subprocess.run(["msiextract", "-C", tmp_path, msi], check=True, capture_output=True)
    folder, = (p for p in tmp_path.rglob("wslbridge") if p.is_dir())
    files = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    debs = [f"wslbridge_{version}-1_{a}.deb" for a in ("amd64", "arm64")]
    assert sorted(files) == sorted(["LICENSE.txt", "admx/wslbridge.admx", "admx/en-US/wslbridge.adml",
                                    "guest/SHA256SUMS", *(f"guest/{d}" for d in debs)])
    for deb in debs:
        assert files[f"guest/{deb}"] == (pathlib.Path(packages) / deb).read_bytes()
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder / "guest", check=True)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_programs_in_it(program, msi, built, version, tmp_path):
    """Each is what the build made, without symbols, and tells the version of meson.build everywhere."""
    exe = tmp_path / program
    exe.write_bytes(stream(msi, STREAMS[program]))
    data = exe.read_bytes()
    assert data == strip(built / program, tmp_path / "stripped.exe", made_at=PortableExecutable(exe).made_at())
    assert b"WSLBRIDGE_TEST" not in data
    for name in ("FileVersion", "ProductVersion"):
        assert re.search(re.escape(name.encode("utf-16-le")) + b"\0\0(?:\0\0)?"
                         + re.escape(version.encode("utf-16-le")) + b"\0\0", data), name
    numbers = [int(n) for n in version.split(".")] + [0]
    fixed = data.index(bytes.fromhex("bd04effe"))  # VS_FIXEDFILEINFO
    assert [int.from_bytes(data[fixed + 8 + i:fixed + 10 + i], "little") for i in (2, 0, 6, 4)] == numbers
    assert f'name="{program[:-4].replace("-", ".")}" version="{version}.0"'.encode() in data


def test_the_library_in_it(msi, announce, tmp_path):
    """It needs nothing but DLLs of Windows."""
    library = tmp_path / "announce.dll"
    library.write_bytes(stream(msi, "Binary.Announce"))
    program = PortableExecutable(library)
    assert library.read_bytes() == strip(announce, tmp_path / "stripped", program.made_at())
    assert {n.lower() for n in program.imports()} <= {"kernel32.dll", "msvcrt.dll", "user32.dll"}


def test_the_size(msi, number):
    size = msi.stat().st_size
    number(f"{msi.name}: {size / 1024:.0f} KiB")
    assert size <= SIZE_MAX


def test_the_package_is_made_of_the_same_bytes(top, built, tmp_path):
    """From two folders, at two times, with another local time. Another time of the release, or another
    content, is another product."""
    made = []
    for name, zone in (("first", "UTC"), ("second folder", "Pacific/Auckland")):
        folder = tmp_path / name
        folder.mkdir()
        for file in (*PROGRAMS, "wslbridge-announce.dll"):
            shutil.copy(built / file, folder)
        debs = fake_guest_packages(folder / "debs", "1.2.3")
        os.environ["TZ"] = zone
        made.append(build_msi(top, folder, debs, folder / "out", "1.2.3"))
        del os.environ["TZ"]
    assert made[0].read_bytes() == made[1].read_bytes()
    (debs / "wslbridge_1.2.3-1_arm64.deb").write_bytes(b"other")
    other = build_msi(top, folder, debs, folder / "other", "1.2.3")
    assert properties(other)["ProductCode"] != properties(made[0])["ProductCode"]


def test_the_programs_are_made_of_the_same_bytes(top, built, tmp_path):
    """Built once more in another folder, as ./dev does it."""
    sources = tmp_path / "another folder"
    tree = sources / "build/windows-release"
    for name in ("common", "protocol", "windows-helper", "tools"):
        shutil.copytree(os.path.join(top, name), sources / name)
    for name in ("meson.build", "meson_options.txt"):
        shutil.copy(os.path.join(top, name), sources)
    options = (built.parent / "setup-options").read_text().split()
    options = [str(sources / "tools/mingw64.ini") if o.endswith("mingw64.ini") else o for o in options]
    for command in (["meson", "setup", tree, sources, *options], ["ninja", "-C", tree]):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:]
    for name in (*PROGRAMS, "wslbridge-announce.dll"):
        again = tree / "windows-helper" / name
        assert strip(built / name, tmp_path / "0", 1) == strip(again, tmp_path / "1", 1), name


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    """A key that only this test uses: as two files, and as one with a password."""
    folder = tmp_path_factory.mktemp("key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                    "/CN=wslbridge test", "-addext", "extendedKeyUsage=codeSigning", "-keyout", "key.pem",
                    "-out", "certificate.pem"], cwd=folder, check=True, capture_output=True)
    (folder / "password").write_text("swordfish\n")
    subprocess.run(["openssl", "pkcs12", "-export", "-inkey", "key.pem", "-in", "certificate.pem", "-out",
                    "both.pfx", "-passout", "file:password"], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize("way", ["pem", "pfx"])
def test_signed(way, key, top, built, tmp_path, monkeypatch):
    """Each program before it goes into the package, then the package. A changed byte breaks both."""
    monkeypatch.setenv("WSLBRIDGE_SIGN", f"{key}/both.pfx" if way == "pfx" else
                       f"{key}/key.pem,{key}/certificate.pem")
    if way == "pfx":
        monkeypatch.setenv("WSLBRIDGE_SIGN_PASSWORD", f"{key}/password")
    msi = build_msi(top, built, fake_guest_packages(tmp_path / "debs", "1.2.3"), tmp_path, "1.2.3")
    files = [msi]
    for name in (*STREAMS.values(), "Binary.Announce"):
        files.insert(0, tmp_path / name)
        files[0].write_bytes(stream(msi, name))
    for file in files:
        verify = ["osslsigncode", "verify", "-CAfile", key / "certificate.pem", "-in", file]
        done = subprocess.run(verify, capture_output=True, text=True)
        assert done.returncode == 0 and "/CN=wslbridge test" in done.stdout, done.stdout + done.stderr
        data = bytearray(file.read_bytes())
        data[data.index(b"wslbridge-")] ^= 1
        file.write_bytes(data)
        assert subprocess.run(verify, capture_output=True).returncode != 0


@pytest.mark.parametrize("options,said", [
    (["--sign=nothing.pem"], "there is no file '"),
    (["--sign"], "unknown argument '--sign'"),
    (["--timestamp=http://time.example"], "say with which key to sign"),
    (["--sign=dev", "--timestamp=time.example"], "unknown argument '--timestamp=time.example'"),
])
def test_wrong_options(top, options, said):
    done = subprocess.run(["./dev", "package", *options], cwd=top, capture_output=True, text=True)
    assert done.returncode == 1 and said in done.stderr
