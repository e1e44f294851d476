# SPDX-License-Identifier: MIT
"""What is in the guest's packages, and what they need: they are built on Debian 12 and have to run on
Ubuntu 22.04, which is older in places. The numbers are shown."""
import re
import subprocess

import pytest

ARCHITECTURES = ("amd64", "arm64")
SIZE_MAX = 250 * 1024
OLDEST = {"GLIBC": (2, 35), "LIBSYSTEMD": (249,)}  # those of Ubuntu 22.04
# The oldest version of each library among Debian 12 and 13, Ubuntu 22.04 and 24.04; all are of 22.04.
OLDEST_PACKAGES = {"libc6": "2.35", "libsystemd0": "249", "libnl-3-200": "3.5.0", "libinih1": "53",
                   "libsodium23": "1.0.18"}


@pytest.fixture(scope="module", params=ARCHITECTURES)
def package(request, deb, foreign_deb):
    return deb if request.param == "amd64" else foreign_deb


@pytest.fixture
def programs(package, tmp_path):
    subprocess.run(["dpkg-deb", "-x", package, tmp_path], check=True)
    return [tmp_path / "usr/sbin/wslbridge-agent", tmp_path / "usr/sbin/wslbridge-loopback",
            tmp_path / "usr/bin/wslbridgectl"]


def output(*command):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout


def field(package, name):
    return output("dpkg-deb", "-f", package, name).strip()


def test_architecture_and_size(package, number, programs):
    with open(package, "rb") as f:
        size = len(f.read())
    architecture = field(package, "Architecture")
    number(f"guest package, {architecture}: {size / 1024:.0f} KiB")
    assert size <= SIZE_MAX
    machine = {"amd64": "X86-64", "arm64": "AArch64"}[architecture]
    for program in programs:
        assert machine in output("readelf", "-h", program)


def test_newest_symbol_versions(package, programs, number):
    newest = {}
    for program in programs:
        for library, text in re.findall(r"Name: ([A-Za-z]+)_?(\S*)  Flags",
                                        output("readelf", "-V", "-W", program)):
            version = tuple(int(n) for n in re.findall(r"\d+", text))
            newest[library] = max(newest.get(library, ()), version)
    for library, version in newest.items():
        number(f"newest symbols needed, {field(package, 'Architecture')}: {library} "
               f"{'.'.join(map(str, version))} (limit {'.'.join(map(str, OLDEST[library]))})")
        assert version <= OLDEST[library]
    assert set(newest) == set(OLDEST)  # of the other libraries, no symbol has a version


def test_dependencies_are_in_the_oldest_release(package):
    needed = dict(re.fullmatch(r"(\S+)(?: \(>= (\S+)\))?", one.strip()).groups()
                  for one in field(package, "Depends").split(","))
    assert set(needed) == set(OLDEST_PACKAGES)
    for name, version in needed.items():
        assert version is None or subprocess.run(
            ["dpkg", "--compare-versions", OLDEST_PACKAGES[name], "ge", version]).returncode == 0, name


def test_hardening(programs):
    """As the release build, see test_hardening.py of the suite 'static'."""
    for program in programs:
        dynamic = output("readelf", "-d", "-W", program)
        assert "BIND_NOW" in dynamic and re.search(r"FLAGS_1.*\bPIE\b", dynamic)
        assert "GNU_RELRO" in output("readelf", "-l", "-W", program)
        assert "__stack_chk_fail" in output("readelf", "--dyn-syms", "-W", program)
        assert re.search(r"__\w+_chk@", output("readelf", "--dyn-syms", "-W", program))


def test_what_is_in_it(package):
    listed = output("dpkg-deb", "-c", package).splitlines()
    paths = {line.split(maxsplit=5)[5].lstrip("."): line.split()[:2] for line in listed}
    assert {owner for _, owner in paths.values()} == {"root/root"}
    assert all(p == "/" or re.match(r"/(usr|etc)/", p) for p in paths)
    programs = [p for p, (mode, _) in paths.items() if mode == "-rwxr-xr-x"]
    assert sorted(programs) == ["/usr/bin/wslbridgectl", "/usr/sbin/wslbridge-agent",
                                "/usr/sbin/wslbridge-loopback"]
    assert not [p for p in paths if p.startswith("/etc/") and not p.endswith("/")]  # no conffile
