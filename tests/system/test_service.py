# SPDX-License-Identifier: MIT
"""The service under a real systemd, and the things that an administrator does with it. All of it takes
less than a second in a guest that nothing disturbs."""
from conftest import ADDRESS, AGENT, KEY, SERVICES, STATUS
from virtual_machine import UUID
from waiting import wait_until

SECOND = 1.0


def visible(guest, since, text, condition):
    """One condition on the status and on the journal, so that the limit of a second is for both."""
    return f"{condition} && {guest.reported(since, text)}"


def test_drop_in_comes_changes_and_goes(guest, number):
    since = guest.moment()
    took = guest.within(SECOND, guest.drop_in("web", ["listen = 8080"]),
                        guest.is_state("web", "active"))
    number(f"saved -> active in the status after {took * 1000:.0f} ms")
    guest.within(SECOND, "true", guest.reported(since, "Service 'web' is active"))
    assert guest.rules() == {"0.0.0.0/8080": f"{ADDRESS}/8080"}

    since = guest.moment()
    guest.within(SECOND, guest.drop_in("web", ["listen = 8081-8082", "connect-port = 80-81"]),
                 visible(guest, since, "Configuration loaded: 1 service with 2 endpoints",
                         guest.has('.services[0] | .state == "active" and '
                                   '.listens[0].connect_port == 80')))
    assert guest.rules() == {"0.0.0.0/8081": f"{ADDRESS}/80", "0.0.0.0/8082": f"{ADDRESS}/81"}

    since = guest.moment()
    guest.within(SECOND, f"rm {SERVICES}/web.ini",
                 visible(guest, since, "Configuration loaded: 0 services",
                         guest.has(".services == []")))
    assert guest.rules() == {}


def test_broken_drop_in_is_reported_and_changes_nothing(guest):
    guest.within(SECOND, guest.drop_in("web", ["listen = 8080"]), guest.is_state("web", "active"))
    since = guest.moment()
    guest.within(SECOND, guest.drop_in("bad", ["listen = 90-80"]),
                 visible(guest, since, "bad.ini:2: listen: ",
                         guest.has(".configuration.problems | length == 1")))
    problem = guest.status()["configuration"]["problems"][0]
    assert (problem["file"], problem["line"]) == (f"{SERVICES}/bad.ini", 2)
    assert guest.rules() == {"0.0.0.0/8080": f"{ADDRESS}/8080"}
    explained = guest.run(f"journalctl -x -u {AGENT} --since=@{since}")
    assert "Subject: The configuration has a problem" in explained

    since = guest.moment()
    guest.within(SECOND, f"rm {SERVICES}/bad.ini",
                 visible(guest, since, "Configuration loaded: 1 service with",
                         guest.has(".configuration.problems == []")))


def test_vendor_drop_in_is_masked(guest):
    guest.run("mkdir -p /usr/lib/wslbridge/services.d")
    guest.run(f"printf '[service]\\nlisten = 8090\\n' > /usr/lib/wslbridge/services.d/vendor.ini; "
              f"systemctl reload {AGENT}")
    guest.within(SECOND, "true", guest.is_state("vendor", "active"))
    since = guest.moment()
    guest.within(SECOND, f"ln -s /dev/null {SERVICES}/vendor.ini",
                 visible(guest, since, "Configuration loaded: 0 services",
                         guest.has(".services == []")))
    assert guest.rules() == {}
    since = guest.moment()
    guest.within(SECOND, f"rm {SERVICES}/vendor.ini",
                 visible(guest, since, "Configuration loaded: 1 service with",
                         guest.is_state("vendor", "active")))


def test_drop_in_in_run_outlives_the_service(guest):
    guest.run("printf '[service]\\nlisten = 8070\\n' > /run/wslbridge/services.d/until-boot.ini")
    guest.within(SECOND, "true", guest.is_state("until-boot", "active"))
    guest.run(f"systemctl restart {AGENT}")
    guest.within(40, "true", guest.is_state("until-boot", "active"))


def test_reload(guest):
    """The agent does not watch the target of a link, as the man page says."""
    guest.run("printf '[service]\\nlisten = 8100\\n' > /srv/web.ini")
    guest.within(SECOND, f"ln -s /srv/web.ini {SERVICES}/linked.ini",
                 guest.is_state("linked", "active"))
    guest.run("sed -i s/8100/8101/ /srv/web.ini")
    guest.within(SECOND, f"systemctl reload {AGENT}",
                 guest.has('.services[0] | .state == "active" and '
                           '.listens[0].listen == "0.0.0.0:8101"'))
    assert guest.rules() == {"0.0.0.0/8101": f"{ADDRESS}/8101"}


def test_killed_agent_comes_back_with_its_rules(guest):
    guest.within(SECOND, guest.drop_in("web", ["listen = 8080"]), guest.is_state("web", "active"))
    before = guest.pid()
    guest.run(f"kill -9 {before}")
    guest.within(40, "true", f"test $(systemctl show -P MainPID {AGENT}) -gt 0 && "
                             f"test $(systemctl show -P MainPID {AGENT}) -ne {before}")
    guest.within(40, "true", guest.is_state("web", "active"))
    assert guest.rules() == {"0.0.0.0/8080": f"{ADDRESS}/8080"}


def test_the_watchdog_ends_a_hang(guest, number):
    """With a shorter time than the unit's 90 s; everything else is as in the unit. It is found and stopped in
    one step, because the watchdog ends it, too, when the guest stands still for so long."""
    folder = f"/run/systemd/system/{AGENT}.service.d"
    guest.run(f"mkdir -p {folder}; printf '[Service]\\nWatchdogSec=10\\n' > {folder}/hang.conf; "
              f"systemctl daemon-reload; systemctl restart {AGENT}")
    try:
        since = guest.moment()
        took = guest.within(60, f"before=$(systemctl show -P MainPID {AGENT}); test $before -gt 0 && kill -STOP $before",
                            f"test $(systemctl show -P MainPID {AGENT}) -gt 0 && "
                            f"test $(systemctl show -P MainPID {AGENT}) -ne $before")
        number(f"stopped by SIGSTOP, replaced after {took:.1f} s")
        assert "Watchdog timeout" in guest.run(f"journalctl -u {AGENT} --since=@{since}")
    finally:
        guest.run(f"rm -r {folder}; systemctl daemon-reload; systemctl restart {AGENT}")


def test_disabled_agent_withdraws_its_rules(guest):
    guest.within(SECOND, guest.drop_in("web", ["listen = 8080"]), guest.is_state("web", "active"))
    guest.run(f"systemctl disable --quiet --now {AGENT}")
    assert guest.ask(f"test -e {STATUS}")[0] == 1
    wait_until(lambda: guest.rules() == {}, 20, "the withdrawal")  # after a grace period of 0.5 s


def test_an_upgrade_of_the_package_withdraws_nothing(guest, number):
    """It restarts the agent. A helper keeps the rules for five seconds after a goodbye; an emulated guest
    has more time, and the number says how much it needed."""
    guest.stop_host()
    guest.start_host("--goodbye-ms 60000")
    guest.wait_connected()
    guest.within(20, guest.drop_in("web", ["listen = 8080"]), guest.is_state("web", "active"))
    deletes, pid, since = guest.host("stats")["deletes"], guest.pid(), guest.moment()
    guest.run("dpkg -i /package/wslbridge.deb 2>&1")
    guest.within(60, "true", guest.is_state("web", "active"))
    assert guest.pid() != pid
    assert guest.rules() == {"0.0.0.0/8080": f"{ADDRESS}/8080"}
    assert guest.host("stats")["deletes"] == deletes
    times = {text: int(entry["__REALTIME_TIMESTAMP"]) / 1e6 for entry in guest.entries(since)
             for text in ("Stopping on SIGTERM", "Connected to") if text in entry["MESSAGE"]}
    number(f"upgrade: from the goodbye to the next connection "
           f"{times['Connected to'] - times['Stopping on SIGTERM']:.1f} s")
    guest.stop_host()  # the next test gets one with the usual time


def test_left_as_installed(installed):
    """The tests have not changed the files that they test."""
    assert installed.run("dpkg --verify wslbridge") == ""


def test_a_guest_that_is_renamed_stays_paired(guest):
    """The service knows by its credential that it still is in the same virtual machine."""
    name = guest.run("hostname").strip()
    assert guest.run("cat /sys/class/dmi/id/product_uuid").strip() == UUID
    assert guest.run(f"cat /run/credentials/{AGENT}.service/machine").strip() == UUID
    assert guest.run(f"echo {KEY} | wslbridgectl pair").strip() == f"paired {guest.owner()}"
    try:
        guest.run(f"hostname renamed; systemctl restart {AGENT}")
        guest.wait_connected()
        assert guest.status()["agent"]["distro"] == name
    finally:
        guest.run(f"hostname {name}; rm /var/lib/wslbridge/kept-name; systemctl restart {AGENT}")
