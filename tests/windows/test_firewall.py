# SPDX-License-Identifier: MIT
"""Windows Firewall: the calls themselves, and that the helper logs no failure."""

import fake_firewall
import pytest
from waiting import wait_until
from wsb_client import listen_endpoint, service


def test_firewall_call_by_call(prefix, build_win):
    for name, at_least in (("com", 20), ("rule", 15)):
        done = prefix.run(build_win / f"tests/windows/test-firewall-{name}.exe", check=False)
        assert done.returncode == 0, done.stdout
        assert done.stdout.count("ok ") >= at_least and "\n0 failed" in done.stdout


def test_the_hyperv_firewall_is_read(prefix, build_win):
    done = prefix.run(build_win / "tests/windows/test-hyperv-firewall.exe", check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok ") >= 15 and "\n0 failed" in done.stdout


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


def test_a_stop_that_leaves_rules_says_so(start_helper, connect, firewall):
    """A Windows that needs a second for each. The rest is removed at the next start."""
    firewall(REMOVING=1000)
    helper = start_helper()
    agent = connect(helper)
    ports = [listen_endpoint("0.0.0.0:28100", count=20)]
    assert agent.push([service("web", ports)], v4="172.29.0.2/20").states() == ["active"]
    agent.close()
    assert helper.stop(60) == 0
    assert [line for line in helper.lines if "rules of ours are left" in line]


PRIVATE, PUBLIC = 2, 4
UNREACHABLE, FIREWALL_OFF = 37, 38


@pytest.fixture
def firewall(registry, build_win):
    with fake_firewall.in_place(registry, build_win) as set_answers:
        yield set_answers


def test_active_says_for_whom_it_is_open_now(start_helper, connect, firewall, registry, prefix,
                                             build_win):
    """The network becomes public, then the firewall is turned off. Each is a new RESULT, unasked,
    in which the service stays active. The helper's log, its status and its doctor say the same."""
    firewall(CONNECTED=PRIVATE)
    helper = start_helper()
    agent = connect(helper)
    web = service("web", "0.0.0.0:28023", 80, profiles=PRIVATE)

    def answer(reason, text):
        """Wait for the RESULT that says so."""
        result = first
        while result.services[0][1] != reason or text not in result.services[0][2]:
            result = agent.result()
        assert result.states() == ["active"]

    def command(name):
        return prefix.run(build_win / "windows-helper/wslbridge-helper.exe", name,
                          check=False).stdout

    first = agent.push([web], v4="172.29.0.2/20")
    answer(0, "open to the local subnet on the host's private network")
    firewall(CONNECTED=PUBLIC)
    registry.set(fake_firewall.NETWORK, "Category", 0)  # Windows notes the kind of the network
    answer(UNREACHABLE, "the host's network is public")
    helper.wait_line("service 'web' is active: no other machine can connect now")
    wait_until(lambda: "no other machine can connect now" in " ".join(command("status").split()))
    assert "network: public; Windows Firewall: on" in command("status")
    assert "no other machine can connect now" in " ".join(command("doctor").split())
    firewall(OFF=PUBLIC)
    registry.set(rf"{fake_firewall.POLICY}\PublicProfile", "EnableFirewall", 0)  # and that it is off
    answer(FIREWALL_OFF, "open to everybody on the host's public network")


def test_rules_of_a_company(start_helper, connect, firewall, registry):
    """Of the rules of Group Policy and Intune, those that block what comes in are counted. A text that is
    too long is not read, and counts."""
    policy = r"SOFTWARE\Policies\Microsoft\WindowsFirewall\FirewallRules"
    mdm = rf"{fake_firewall.POLICY}\Mdm\FirewallRules"
    rule = "v2.31|Action=Block|Active=TRUE|Dir=In|Protocol=6|LPort=8080|Name=No|"
    firewall(CONNECTED=PRIVATE)
    try:
        for i, text in enumerate([rule, rule.replace("Block", "Allow"), rule.replace("TRUE", "FALSE"),
                                  rule.replace("=In", "=Out")]):
            registry.set(policy, f"{{{i}}}", text)
        for i, text in enumerate([rule + "x" * 4000, rule]):
            registry.set(mdm, f"{{{i}}}", text)
        agent = connect(start_helper())
        result = agent.push([service("web", "0.0.0.0:28024", 80, profiles=PRIVATE)], v4="172.29.0.2/20")
        while "open to" not in result.services[0][2]:
            result = agent.result()
        assert result.services[0][2] == (
            "open to the local subnet on the host's private network; not looked at: 3 blocking rules of Group "
            "Policy or Intune")
    finally:
        registry.remove(policy)
