# SPDX-License-Identifier: MIT
"""The test that the package carries itself (packaging/debian/tests), run by autopkgtest in the Debian in
which the package was built: the installed programs expose a port to the test host."""
import os
import tarfile

from debian_root import DebianRoot


def test_it_passes(packages, deb, version, tmp_path):
    with DebianRoot("bookworm", tmp_path / "root", variant="build") as root:
        root.copy_in(deb, f"/tmp/wslbridge_{version}-1_amd64.deb")
        with tarfile.open(os.path.join(packages, f"wslbridge-{version}.tar.gz")) as archive:
            archive.extractall(root.path("/tmp"))
        tree = f"/tmp/wslbridge-{version}"
        root.run("cp", "-r", f"{tree}/packaging/debian", f"{tree}/debian")
        root.write("/etc/apt/sources.list", "")  # there is no network, and all that it needs is installed
        done = root.call("autopkgtest", f"/tmp/wslbridge_{version}-1_amd64.deb", tree, "--", "null")
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
        assert "expose               PASS" in done.stdout + done.stderr
        assert "wslbridge" not in root.run("sh", "-c", "cat /proc/[0-9]*/comm 2>/dev/null || true")  # it leaves nothing
