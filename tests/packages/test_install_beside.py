# SPDX-License-Identifier: MIT
"""'./dev install' and './dev uninstall' keep away from the files of an installed package."""
import tarfile

import pytest
from debian_root import DebianRoot


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_the_sources_do_not_replace_or_remove_what_dpkg_has(command, packages, version, deb, tmp_path):
    with DebianRoot("bookworm", tmp_path / "root", variant="build") as root:
        root.copy_in(deb, "/tmp/wslbridge.deb")
        root.run("dpkg", "-i", "/tmp/wslbridge.deb")
        with tarfile.open(f"{packages}/wslbridge-{version}.tar.gz") as archive:
            archive.extractall(root.path("/tmp"))
        done = root.call(f"/tmp/wslbridge-{version}/dev", command)
        assert done.returncode == 1
        assert "the package wslbridge is installed here; remove it first" in done.stderr
        assert root.run("dpkg", "--verify", "wslbridge") == ""
