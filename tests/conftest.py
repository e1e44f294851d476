# SPDX-License-Identifier: MIT
"""What every pytest suite shares: the path to tests/lib, and where the built programs are."""
import os
import pathlib
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))


# Build trees, as ./dev makes them; the variables are for a developer with trees elsewhere.
os.environ.setdefault("WSLBRIDGE_BUILD", os.path.join(TOP, "build", "dev"))
os.environ.setdefault("WSLBRIDGE_BUILD_WIN", os.path.join(TOP, "build", "windows"))


@pytest.fixture(scope="session")
def top():
    return TOP


@pytest.fixture(scope="session")
def dev_tree():
    """The agent and the test host, with sanitizers."""
    return os.environ["WSLBRIDGE_BUILD"]


@pytest.fixture(scope="session")
def windows_tree():
    """The helper with the TCP transport of the tests."""
    return os.environ["WSLBRIDGE_BUILD_WIN"]


@pytest.fixture(scope="session")
def release_tree():
    """The agent and wslbridgectl as they ship."""
    return os.path.join(TOP, "build", "release")


@pytest.fixture(scope="session")
def windows_release_tree():
    """The helper as it ships."""
    return os.path.join(TOP, "build", "windows-release")


@pytest.fixture(scope="session")
def build_win(windows_tree):
    """The same as a path; without a cross build, the test is skipped."""
    path = pathlib.Path(windows_tree)
    if not (path / "windows-helper/wslbridge-helper.exe").exists():
        pytest.skip(f"no cross build in {path}")
    return path


NUMBERS = []


@pytest.fixture
def number():
    """Records a measurement, which is shown at the end even if all tests pass."""
    return NUMBERS.append


def pytest_terminal_summary(terminalreporter):
    for text in NUMBERS:
        terminalreporter.write_line(f"number: {text}")
