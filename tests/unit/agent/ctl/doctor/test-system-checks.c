/* SPDX-License-Identifier: MIT */

/* What the guest's doctor concludes about the system: the agent's unit, systemd, WSL, the address.
 */

#include "tests/unit/agent/ctl/doctor/healthy-guest.h"

/* Each state of the unit has a finding of its own, with a command that helps there. */
START_TEST(agent_that_does_not_run) {
        static const struct {
                const char *show, *finding, *seen, *advice;
        } table[] = {
                {"", "agent-stopped", "does not run", "systemctl status"},
                {"ActiveState=surprised\n", "agent-stopped", "does not run", "systemctl status"},
                {"LoadState=loaded\nActiveState=inactive\nResult=success\n", "agent-stopped",
                 "does not run", "systemctl enable --now"},
                {"LoadState=not-found\nActiveState=inactive\n", "agent-absent", "not installed",
                 "Install"},
                {"LoadState=masked\nActiveState=inactive\n", "agent-masked", "masked",
                 "systemctl unmask"},
                {"LoadState=bad-setting\nActiveState=inactive\n", "agent-unit", "files",
                 "systemctl daemon-reload"},
                {"ActiveState=active\nSubState=running\n", "agent-mute", "says that the agent runs",
                 "journalctl -xeu"},
                {"ActiveState=failed\nResult=exit-code\nExecMainStatus=2\n", "agent-failed",
                 "ended with exit status 2", "journalctl -xeu wslbridge-agent"},
                {"ActiveState=failed\nResult=start-limit-hit\n", "agent-failed", "given up",
                 "systemctl reset-failed"},
                {"ActiveState=failed\nResult=core-dump\nExecMainStatus=11\n", "agent-failed",
                 "crashed with signal 11", "journalctl"},
                {"ActiveState=failed\nResult=of-tomorrow\n", "agent-failed", "'of-tomorrow'",
                 "journalctl"},
                /* as of a unit with StartLimitIntervalSec=0 */
                {"ActiveState=activating\nSubState=auto-restart\nResult=exit-code\n"
                 "ExecMainStatus=1\nNRestarts=12\n",
                 "agent-crashing", "exit status 1; restarts so far: 12",
                 "journalctl -xeu wslbridge-agent"},
                {"ActiveState=activating\nSubState=auto-restart\nResult=exit-code\n"
                 "ExecMainStatus=3\nNRestarts=12\n",
                 "agent-crashing", "another wslbridge-agent runs", "journalctl"},
                {"ActiveState=activating\nSubState=start\nResult=success\nNRestarts=12\n",
                 "agent-crashing", "restarts so far: 12", "journalctl -xeu wslbridge-agent"},
                {"ActiveState=activating\nSubState=start\nNRestarts=0\n", "agent-changing",
                 "starting", "journalctl"},
                {"ActiveState=inactive\nResult=success\nConditionResult=no\n"
                 "ConditionTimestampMonotonic=1\n",
                 "agent-skipped", "condition", "systemctl status"},
                {"ActiveState=inactive\nResult=success\nConditionResult=no\n"
                 "ConditionTimestampMonotonic=0\n",
                 "agent-stopped", "does not run", "enable --now"},
        };

        evidence.report = NULL;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                unit_parse(table[i].show, &evidence.unit);
                expect(table[i].finding);
                ck_assert_msg(first_says(table[i].seen, table[i].advice), "%s: %s", table[i].show,
                              buffer_text(&findings.items[0].seen));
        }
        evidence.status_bad = true;
        expect("status-bad");
}
END_TEST

START_TEST(agent_that_ends_now_and_then) {
        unit_parse("ActiveState=active\nSubState=running\nNRestarts=2\n", &evidence.unit);
        expect("");
        unit_parse("ActiveState=active\nSubState=running\nNRestarts=3\n", &evidence.unit);
        expect("agent-crashing");
        ck_assert(!findings_are_bad(&findings)); /* it runs now */
        ck_assert(first_says("so far: 3", "journalctl"));
        unit_parse("ActiveState=activating\nSubState=auto-restart\nResult=exit-code\n"
                   "ExecMainStatus=3\nNRestarts=1\n",
                   &evidence.unit);
        expect("agent-crashing");
        ck_assert(first_says("was started by hand", "End that process"));
}
END_TEST

/* Both signs are needed: the link alone is no reason, and the status has others (fact 7.1.9). */
START_TEST(old_wsl) {
        static const char *const shows[] = {
                "ActiveState=failed\nResult=exit-code\nExecMainStatus=243\n",
                "ActiveState=activating\nSubState=auto-restart\nResult=exit-code\n"
                "ExecMainStatus=243\nNRestarts=3\n",
        };

        evidence.report = NULL;
        for (size_t i = 0; i < ELEMENTSOF(shows); i++) {
                unit_parse(shows[i], &evidence.unit);
                evidence.shm_link = true;
                evidence.wsl = true;
                expect(i ? "agent-crashing" : "agent-failed");
                ck_assert(first_says("exit status 243", "older than 1.1.0"));
                ck_assert(first_says("", "\n  wsl.exe --update\n  wsl.exe --shutdown"));
                evidence.shm_link = false;
                expect(i ? "agent-crashing" : "agent-failed");
                ck_assert(first_says("exit status 243", "journalctl"));
                evidence.shm_link = true;
                evidence.wsl = false;
                expect(i ? "agent-crashing" : "agent-failed");
                ck_assert(first_says("", "journalctl"));
        }
        evidence.wsl = true;
        unit_parse("ActiveState=failed\nResult=exit-code\nExecMainStatus=2\n", &evidence.unit);
        expect("agent-failed");
        ck_assert(first_says("", "journalctl"));
        unit_parse("ActiveState=failed\nResult=start-limit-hit\nExecMainStatus=243\n",
                   &evidence.unit);
        expect("agent-failed");
        ck_assert(first_says("", "older than 1.1.0"));
}
END_TEST

START_TEST(no_systemd) {
        static const struct {
                WslSystemd conf;
                const char *seen, *advice;
                bool add; /* the lines are advised */
        } table[] = {
                {WSL_SYSTEMD_UNSET, "process 1", "Add these lines", true},
                {WSL_SYSTEMD_ON, "asks WSL to start it", "  wsl --update", false},
                {WSL_SYSTEMD_OFF, "turns it off", "Change that line", false},
                {WSL_SYSTEMD_ODD, "does not understand", "Replace that line", true},
                {WSL_SYSTEMD_UNREAD, "only up to a line", "Mend line 7 of", true},
        };

        evidence.systemd = false;
        evidence.pid1 = "init";
        evidence.wsl_conf_line = 7;
        expect(""); /* the agent runs without it, too */
        evidence.report = NULL;
        evidence.idle = IDLE_UNKNOWN;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const char *advice;

                evidence.wsl_systemd = table[i].conf;
                expect("no-systemd idle-stop");
                ck_assert(first_says(table[i].seen, table[i].advice));
                ck_assert(first_says("'init'", "  wsl --shutdown"));
                advice = buffer_text(&findings.items[0].advice);
                ck_assert_int_eq(strstr(advice, "  [boot]\n  systemd=true") != NULL, table[i].add);
                ck_assert_ptr_null(strstr(advice, "systemd-sysv"));
        }
        evidence.systemd_installed = false;
        expect("no-systemd idle-stop");
        ck_assert(first_says("", "the package 'systemd-sysv'"));
        evidence.wsl = false;
        expect("no-systemd");
        ck_assert_ptr_null(strstr(buffer_text(&findings.items[0].advice), "wsl.conf"));
}
END_TEST

/* It has no VM, and neither a VMBus nor systemd: one finding, not their effects. */
START_TEST(wsl_1) {
        evidence.wsl1 = true;
        evidence.vmbus = evidence.vsock = evidence.systemd = false;
        set_mode("mirrored");
        report.mode_word = "wsl1";
        report.connected = false;
        expect("wsl-1");
        ck_assert(first_says("WSL 1", "  wsl --set-version Debian 2"));
        evidence.report = NULL;
        expect("wsl-1");
        ck_assert(first_says("WSL 1", "  wsl --set-version NAME 2"));
}
END_TEST

START_TEST(addresses) {
        report.address_problem = "the default gateway is outside the address's subnet";
        report.address_problem_name = "off-link";
        expect("off-link");
        ck_assert(!findings_are_bad(&findings)); /* the host forwards to it all the same */
        ck_assert(first_says("172.20.1.2/20 on eth0, gateway 172.20.0.1", "no action is needed"));
        services[0].state = services[1].state = "pending";
        expect("off-link service-pending:ssh service-pending:web");
        ck_assert(findings_are_bad(&findings));
        ck_assert(first_says("172.20.1.2/20 on eth0, gateway 172.20.0.1", "static address"));
        report.v4.address = "";
        services[0].state = services[1].state = "withdrawn";
        report.address_problem = "no default route";
        expect("no-address");
        ck_assert(first_says("no default route", "'ip address'"));
}
END_TEST

/* The advice names what the agent has seen, and never the line that is the fault. */
START_TEST(answers_leave_elsewhere) {
        evidence.way_out = "tailscale0";
        expect("replies-elsewhere");
        ck_assert(first_says("leaves by tailscale0, and not by eth0",
                             "\n  sudo tailscale set --exit-node-allow-lan-access=true\n"
                             "  ip route get 172.20.0.1 from 172.20.1.2"));
        evidence.way_out = "wg0";
        expect("replies-elsewhere");
        ck_assert(first_says("by wg0", "whatever has made wg0"));
        ck_assert(!first_says("", "tailscale"));
        evidence.way_out = ""; /* unknown */
        expect("");
        evidence.way_out = "wg0";
        report.interface = "";
        report.v4.address = ""; /* that is another finding */
        report.address_problem = "no address";
        expect("no-address");
        report.interface = "eth0";
        report.v4.address = "172.20.1.2";
        report.address_problem = "";
        set_mode("mirrored"); /* the host does not come from the gateway there */
        expect("networking-mode");
}
END_TEST

START_TEST(interface_to_name) {
        static const struct {
                const char *line; /* 'interface =' in agent.conf */
                size_t n;         /* of the candidates */
                const char *advice, *not_advice;
        } table[] = {
                {"", 0, "No other interface", "[agent]"},
                {"", 1, "No other interface", "docker0"}, /* a bridge of containers */
                {"", 3, "  interface = eth1", "interface = docker0"},
                {"eth0", 0, "Correct 'interface = eth0'", "  interface ="},
                {"tun0", 3, "Replace 'interface = tun0'", "  interface = tun0"},
                {"eth0", 3, "  interface = eth1", "  interface = eth0"},
                {"172.20.1.2", 3, "  interface = wlan0", "  interface = eth1"},
        };

        report.v4.address = report.interface = "";
        services[0].state = services[1].state = "withdrawn";
        report.address_problem = "none";
        report.candidates[0] = (ReportCandidate){"docker0", "172.17.0.1", false, false};
        report.candidates[1] = (ReportCandidate){"eth1", "172.20.1.2", false, true};
        report.candidates[2] = (ReportCandidate){"wlan0", "192.168.1.2", true, false};
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                (void) snprintf(config.interface, sizeof(config.interface), "%s", table[i].line);
                report.n_candidates = table[i].n;
                expect("no-address");
                ck_assert_msg(first_says("", table[i].advice), "%zu: %s", i,
                              buffer_text(&findings.items[0].advice));
                ck_assert_ptr_null(
                        strstr(buffer_text(&findings.items[0].advice), table[i].not_advice));
        }
}
END_TEST

/* WSL's fall-backs: what the user has not asked for has a cause that WSL names. */
START_TEST(modes_of_a_fall_back) {
        set_mode(report.mode_word = "none");
        expect("networking-mode");
        ck_assert(first_says("", "WSL also falls back to this mode"));
        ck_assert(first_says("", "  wsl.exe --shutdown\n  wsl.exe"));
        set_mode(report.mode_word = "virtioproxy");
        expect("networking-mode");
        ck_assert(first_says("could not make its NAT network", ""));
        set_mode(report.mode_word = "mirrored");
        expect("networking-mode");
        ck_assert(!first_says("could not make its NAT network", ""));
        evidence.mirrored = "/mnt/c/Users/me/.wslconfig";
        set_mode(report.mode_word = "nat");
        expect("wsl-mirrored");
        ck_assert(first_says("", "a policy, IPv6 turned off"));
        ck_assert(first_says("", "restart Windows"));
}
END_TEST

/* A program that cannot bind its port does not listen either. */
START_TEST(ports_that_windows_lends) {
        services[0].enabled = false;
        listens[0].connect_port = 49152;
        expect("port-silent:web");
        ck_assert(!first_says("", "Windows must lend the port"));
        set_mode(report.mode_word = "mirrored");
        expect("port-silent:web networking-mode");
        ck_assert(first_says("", "Windows must lend the port"));
        ck_assert(first_says("", "WSL 2.8.7 to 2.9.4 refuses"));
        listens[0].connect_port = 49151;
        expect("port-silent:web networking-mode");
        ck_assert(first_says("", "Windows must lend the port"));
        ck_assert(!first_says("", "2.8.7"));
}
END_TEST

int main(void) {
        Suite *s = suite_create("system-checks");
        TCase *c = tcase_create("system-checks");

        tcase_add_checked_fixture(c, healthy_guest_setup, healthy_guest_teardown);
        tcase_add_test(c, agent_that_does_not_run);
        tcase_add_test(c, agent_that_ends_now_and_then);
        tcase_add_test(c, old_wsl);
        tcase_add_test(c, no_systemd);
        tcase_add_test(c, wsl_1);
        tcase_add_test(c, addresses);
        tcase_add_test(c, answers_leave_elsewhere);
        tcase_add_test(c, interface_to_name);
        tcase_add_test(c, modes_of_a_fall_back);
        tcase_add_test(c, ports_that_windows_lends);
        suite_add_tcase(s, c);
        return suite_run(s);
}
