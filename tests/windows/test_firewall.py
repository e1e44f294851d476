# SPDX-License-Identifier: MIT
"""Windows Firewall: the calls themselves, and that the helper logs no failure."""

from wsb_client import service


def test_firewall_call_by_call(prefix, build_win):
    done = prefix.run(build_win / "tests/windows/test-firewall-com.exe", check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok ") >= 20 and "\n0 failed" in done.stdout


def test_the_helper_makes_its_rules_without_complaint(helper, connect):
    """INetFwPolicy2 accepts all calls of the helper: adding, changing in place and removing."""
    agent = connect(helper)
    for profiles in (2, 3, 0):
        ssh = service("ssh", "0.0.0.0:28022", 22, profiles=profiles)
        assert agent.push([ssh], v4="172.29.0.2/20").states() == ["active"]
    agent.push([], v4="172.29.0.2/20")
    assert not [line for line in helper.lines if "irewall" in line]
    assert helper.stop() == 0
    assert not [line for line in helper.lines if "irewall" in line]
