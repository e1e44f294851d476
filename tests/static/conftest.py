# SPDX-License-Identifier: MIT
"""A fresh installation of the agent, as './dev install' makes it."""
import os
import subprocess

import pytest
import tree


def pytest_configure(config):
    config.addinivalue_line("markers", "tidy: minutes of clang-tidy; './dev check' leaves it out")
    config.addinivalue_line("markers", "release: needs the programs as they ship, and the Windows "
                            "program for tests; './dev check' leaves it out")


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """Its folder. Made with a narrow umask, which must not show in it."""
    folder = tmp_path_factory.mktemp("installed")
    done = subprocess.run([os.path.join(tree.TOP, "dev"), "install", f"--destdir={folder}"],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, umask=0o077)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder
