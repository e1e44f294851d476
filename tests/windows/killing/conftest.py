# SPDX-License-Identifier: MIT
"""These tests kill the helper while it talks to Wine's service manager. Once in some hundred runs on
a busy machine the manager of Wine 8 answered nobody after that. So each file has a prefix of its own,
and no other test can be hit."""

import pytest
import wine_prefix
import windows_host


@pytest.fixture(scope="module")
def prefix(network):
    if not wine_prefix.available():
        pytest.skip("Wine is not installed")
    with windows_host.prefix("killing") as made:
        yield made


@pytest.fixture(scope="module")
def session_registry(prefix, build_win):
    with windows_host.registry(prefix, build_win / "tests/windows") as made:
        yield made


@pytest.fixture(scope="module")
def session_service(prefix, build_win, session_registry):
    with windows_host.iphlpsvc(prefix, build_win / "tests/windows", session_registry) as service:
        yield service
