# SPDX-License-Identifier: MIT
"""What is in the guest's packages, and what they need: they are built on Debian 12 and have to run on
Ubuntu 22.04, which is older in places. The numbers are shown."""
import os
import re
import subprocess

import pytest
import releases

GUEST_C = os.path.join(os.path.dirname(__file__), "../../windows-helper/core/setup/guest.c")
ARCHITECTURES = ("amd64", "arm64")
SIZE_MAX = 250 * 1024
# All libraries are oldest in Ubuntu 22.04. jansson is inside the programs.
OLDEST = {name: version for name, version in releases.RELEASES["Ubuntu 22.04"].items()
          if name != "libjansson4"}


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


def test_every_release_has_the_functions(package, programs, number):
    for release in releases.RELEASES:
        assert not [m for program in programs for m in releases.missing(program, release)], release
    needed = [entry for program in programs for entry in releases.needed(program).values()]
    assert {library for library, _ in needed} == set(OLDEST)
    for library, oldest in OLDEST.items():
        newest = max((version for name, version in needed if name == library), key=releases.number)
        number(f"newest functions needed, {field(package, 'Architecture')}: {library} {newest} "
               f"(Ubuntu 22.04 has {oldest})")


def test_dependencies_are_in_every_release(package):
    needed = dict(re.fullmatch(r"(\S+)(?: \(>= (\S+)\))?", one.strip()).groups()
                  for one in field(package, "Depends").split(","))
    assert set(needed) == set(OLDEST)
    for name, version in needed.items():
        for release, has in releases.RELEASES.items():
            assert version is None or subprocess.run(
                ["dpkg", "--compare-versions", has[name], "ge", version]).returncode == 0, (release, name)


def test_setup_knows_which_releases_are_too_old(package):
    """It says so before apt-get would."""
    with open(GUEST_C, encoding="utf-8") as f:
        least = re.search(r'#define GUEST_LIBC_MIN "(.*)"', f.read())[1]
    assert f"libc6 (>= {least})" in field(package, "Depends")


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
