# SPDX-License-Identifier: MIT
"""From installation to a service that is ready. Before the other files of this folder, by name: they
use the guest that this leaves."""
from conftest import ADDRESS, AGENT


def test_systemd_knows_where_it_is(installed):
    """Else the unit's ConditionVirtualization= would not be met."""
    assert installed.run("systemd-detect-virt") == "microsoft"


def test_installed_is_not_yet_started(installed):
    assert installed.ask(f"systemctl is-enabled {AGENT}") == (1, "disabled\n")
    assert installed.ask(f"systemctl is-active {AGENT}") == (3, "inactive\n")
    assert installed.run("systemd-analyze verify --man=no wslbridge-agent.service 2>&1") == ""


def test_enabled_it_is_ready_at_once(installed):
    installed.start_host()
    took = installed.within(10, f"systemctl enable --now {AGENT}", f"systemctl -q is-active {AGENT}")
    print(f"systemctl enable --now returned, with the service ready, after {took:.2f} s")
    assert installed.run(f"systemctl show -P Type -P StatusText {AGENT}").startswith("notify")
    installed.wait_connected()
    status = installed.run(f"systemctl status {AGENT}")
    assert f"{ADDRESS} on eth0; helper connected; 0 of 0 services active" in status
    assert installed.status()["helper"]["paired"]  # the key came as a credential
    assert installed.run("stat -c %U:%a /etc/wslbridge/key") == "root:600"
