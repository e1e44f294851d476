# SPDX-License-Identifier: MIT
"""A fresh installation of the agent, as './dev install' makes it."""
import os
import shutil
import subprocess

import pytest
import tree

LEFT_OUT = []


def pytest_configure(config):
    config.addinivalue_line("markers", "tidy: minutes of clang-tidy; './dev check' leaves it out")
    config.addinivalue_line("markers", "release: needs the programs as they ship, and the Windows "
                            "program for tests; './dev check' leaves it out")
    config.addinivalue_line("markers", "needs_program(name): where the release of this machine has no such "
                            "version of a program, the test is left out, and a line says so")


def pytest_collection_modifyitems(config, items):
    left_out = {}
    for item in items:
        mark = item.get_closest_marker("needs_program")
        if mark and not shutil.which(mark.args[0]):
            left_out.setdefault(mark.args[0], []).append(item)
    for name, some in left_out.items():
        config.hook.pytest_deselected(items=some)
        items[:] = [item for item in items if item not in some]
        LEFT_OUT.append(f"{len(some)} tests are left out: this release has no {name}")


def pytest_terminal_summary(terminalreporter):
    for text in LEFT_OUT:
        terminalreporter.write_line(f"number: {text}")  # tests/run.py shows such a line


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """Its folder. Made with a narrow umask, which must not show in it."""
    folder = tmp_path_factory.mktemp("installed")
    done = subprocess.run([os.path.join(tree.TOP, "dev"), "install", f"--destdir={folder}"],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, umask=0o077)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder
