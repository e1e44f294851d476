# SPDX-License-Identifier: MIT
"""The roots in which packages are installed: a real Debian of that release, private and without a network."""
import os

import pytest
import releases

from debian_root import DebianRoot, pristine


@pytest.mark.parametrize("suite, version", [("bookworm", "12"), ("trixie", "13")])
def test_a_root_is_a_debian_of_its_own(suite, version, tmp_path):
    with DebianRoot(suite, tmp_path / "root") as root:
        assert f'VERSION_ID="{version}"' in root.run("cat", "/etc/os-release")
        assert root.run("cat", "/proc/net/route").count("\n") == 1  # the heading
        root.write("/etc/trace", "here")
        assert root.run("cat", "/etc/trace") == "here"
        assert not os.path.exists(os.path.join(pristine(suite), "etc/trace"))
        root.run("apt-get", "install", "-y", "libsodium23")
        pid = root.pid()
    assert not os.path.exists(f"/proc/{pid}") and not os.path.exists(tmp_path / "root")


@pytest.mark.parametrize("suite, release", [("bookworm", "Debian 12"), ("trixie", "Debian 13")])
def test_the_tables_of_the_releases_are_true(suite, release, tmp_path):
    """For those that can be installed. A version there is EPOCH:VERSION-REVISION, and may have '+deb12u1'."""
    table = releases.RELEASES[release]
    with DebianRoot(suite, tmp_path / "root") as root:
        root.run("apt-get", "install", "-y", *table)
        said = dict(line.split() for line in root.run(
            "dpkg-query", "-W", "-f", "${Package} ${source:Upstream-Version}\\n", *table).splitlines())
    assert {name: version.split("+")[0] for name, version in said.items() if name != "libsystemd0"} == {
        name: version for name, version in table.items() if name != "libsystemd0"}
    assert said["libsystemd0"].split(".")[0] == table["libsystemd0"]
