# SPDX-License-Identifier: MIT
"""Every release that is supported has each function that the guest's programs need, also those releases
that no test can install. What the units need is in test_systemd_249.py."""
import glob
import os
import subprocess

import pytest
import releases


@pytest.fixture(scope="module")
def programs(installed):
    found = [p for folder in ("usr/sbin", "usr/bin") for p in sorted((installed / folder).glob("*"))]
    assert [p.name for p in found] == ["wslbridge-agent", "wslbridge-loopback", "wslbridgectl"]
    return found


@pytest.mark.parametrize("release", releases.RELEASES)
def test_a_release_has_what_the_programs_need(programs, release):
    for program in programs:
        assert not releases.missing(program, release), program.name


def test_the_tables_have_nothing_that_is_not_used(programs):
    used = {name for program in programs for name in releases.needed(program)}
    assert set(releases.CAME) <= used


def test_the_tables_say_what_debian_says():
    """For the libraries whose package has the version of each function; here, that of this machine."""
    for library in ("libnl-3-200", "libinih1", "libsodium23"):
        path, = glob.glob(f"/var/lib/dpkg/info/{library}:*.symbols")
        with open(path, encoding="ascii") as f:
            lines = [line.split() for line in f if line.startswith(" ")]
        said = {name.split("@")[0]: version for name, version, *_ in lines}
        for version, names in releases.FUNCTIONS[library].items():
            assert {name: said.get(name) for name in names.split()} == dict.fromkeys(names.split(), version)


def test_what_is_too_new_is_found(tmp_path):
    """A library stands in for those of the future."""
    for name, text in {"new.c": 'int memfd_new(void) { return 0; }\nint nl_new(void) { return 0; }\n',
                       "new.map": "GLIBC_2.40 { memfd_new; };\n",
                       "program.c": "int memfd_new(void);\nint nl_new(void);\nint json_loadb(void);\n"
                                    "int main(void) { return memfd_new() + nl_new(); }\n"}.items():
        (tmp_path / name).write_text(text)
    for words in (["-shared", "-Wl,--version-script=new.map", "new.c", "-o", "libnew.so"],
                  ["program.c", "-L.", "-lnew", "-o", "program"]):
        subprocess.run(["cc", *words], cwd=tmp_path, check=True)
    program = os.path.join(tmp_path, "program")
    assert releases.missing(program, "Ubuntu 24.04") == ["memfd_new of libc6 2.40", "nl_new of no table "]
    assert releases.missing(program, "Debian 13") == ["nl_new of no table "]
