# SPDX-License-Identifier: MIT
"""What a kill can do to Wine 8, and that the other tests of this folder get over it."""

import json


def test_a_lost_service_manager_is_brought_back(whole_wine, prefix, build_win, registry, iphlpsvc):
    registry.set_rule("0.0.0.0/29000", "192.0.2.1/80")
    done = prefix.run(build_win / "tests/windows/svctool.exe", "deafen")
    assert json.loads(done.stdout)["error"] == 1723, "the manager still hears"  # RPC_S_SERVER_TOO_BUSY
    whole_wine()
    assert registry.rules() == {("v4tov4", "0.0.0.0/29000"): "192.0.2.1/80"}
    iphlpsvc.settled()
    iphlpsvc.stop()
    iphlpsvc.start()
