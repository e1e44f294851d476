# SPDX-License-Identifier: MIT
"""What every pytest suite shares: the path to tests/lib, and where the built programs are."""
import os
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))


def build_tree(name):
    """Build folder of that name, below build/ unless WSLBRIDGE_BUILD says otherwise."""
    base = os.environ.get("WSLBRIDGE_BUILD", os.path.join(TOP, "build"))
    return os.path.join(base, name)


@pytest.fixture(scope="session")
def top():
    return TOP


@pytest.fixture(scope="session")
def dev_tree():
    """The agent and the test host, with sanitizers."""
    return build_tree("dev")


@pytest.fixture(scope="session")
def windows_tree():
    """The helper with the TCP transport of the tests."""
    return build_tree("windows")


@pytest.fixture(scope="session")
def windows_release_tree():
    """The helper as it ships."""
    return build_tree("windows-release")
