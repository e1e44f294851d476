# SPDX-License-Identifier: MIT
"""What the tests under Wine need of a Windows host: a prefix, its registry, and an iphlpsvc. Each is
there as long as its 'with' block."""

import contextlib
import os

import janitor
import pytest

import fake_iphlpsvc
import wine_prefix
import wine_registry


@contextlib.contextmanager
def prefix(name):
    """A new prefix in the folder of the run, which is removed even when this process is killed. Other
    processes of the run may have one of the same name at the same time."""
    path = os.path.join(janitor.current_run(), f"{name}-{os.getpid()}")
    made = wine_prefix.Prefix(path)
    try:
        yield made.create()
    finally:
        made.stop()
        janitor.remove_tree(path)


@contextlib.contextmanager
def registry(in_prefix, tools):
    made = wine_registry.Registry(in_prefix, tools)
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def iphlpsvc(in_prefix, tools, in_registry):
    service = fake_iphlpsvc.FakeIphlpsvc(in_prefix, tools, in_registry)
    service.install()
    service.start()
    try:
        yield service
    finally:
        service.stop()
        service.remove()


def fixtures(scope, name):
    """The pytest fixtures prefix, session_registry and session_service of a host that lives as long as
    @scope. They need the fixtures network and build_win."""
    @pytest.fixture(scope=scope, name="prefix")
    def prefix_fixture(network):
        if not wine_prefix.available():
            pytest.skip("Wine is not installed")
        with prefix(name) as made:
            yield made

    @pytest.fixture(scope=scope)
    def session_registry(prefix, build_win):
        with registry(prefix, build_win / "tests/windows") as made:
            yield made

    @pytest.fixture(scope=scope)
    def session_service(prefix, build_win, session_registry):
        with iphlpsvc(prefix, build_win / "tests/windows", session_registry) as made:
            yield made

    return prefix_fixture, session_registry, session_service
