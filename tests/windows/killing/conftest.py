# SPDX-License-Identifier: MIT
"""These tests kill the helper while it talks to Wine's service manager, and that can cost Wine 8 its
service manager (fact 10.1.7). So each file has a prefix of its own, and 'whole_wine' starts Wine again
where the manager is lost."""

import pytest
import windows_host

prefix, session_registry, session_service = windows_host.fixtures("module", "killing")


@pytest.fixture
def whole_wine(prefix, iphlpsvc):
    """whole_wine() makes sure that the service manager answers. Call it after a kill, when no helper
    runs. It is called once more at the end, so let it be a test's first fixture: the last one to go."""
    def make_sure():
        if prefix.services_answer(limit=5):
            return
        print("a kill has cost Wine its service manager; Wine is started again")
        prefix.restart()
        iphlpsvc.start()

    yield make_sure
    make_sure()
