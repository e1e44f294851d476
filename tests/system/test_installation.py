# SPDX-License-Identifier: MIT
"""From the installation to a service that is ready. conftest.py runs this file before the others in
this folder, which use the guest that it leaves."""
from conftest import ADDRESS, AGENT


def test_systemd_recognises_hyper_v(installed):
    """Otherwise the unit's ConditionVirtualization= would not be met."""
    assert installed.run("systemd-detect-virt") == "microsoft"


def test_installing_does_not_start_it(installed):
    assert installed.ask(f"systemctl is-enabled {AGENT}") == (1, "disabled\n")
    assert installed.ask(f"systemctl is-active {AGENT}") == (3, "inactive\n")
    assert installed.run("systemd-analyze verify --man=no wslbridge-agent.service 2>&1") == ""


def test_it_is_ready_at_once_when_enabled(installed, number):
    installed.start_host()
    took = installed.within(10, f"systemctl enable --now {AGENT}", f"systemctl -q is-active {AGENT}")
    number(f"systemctl enable --now returned, with the service ready, after {took:.2f} s")
    assert installed.run(f"systemctl show -P Type -P StatusText {AGENT}").startswith("notify")
    installed.wait_connected()
    status = installed.run(f"systemctl status {AGENT}")
    assert f"{ADDRESS} on eth0; helper connected; 0 of 0 services active" in status
    assert installed.status()["helper"]["paired"]  # the key came as a credential
    assert installed.run("stat -c %U:%a /etc/wslbridge/key") == "root:600"
