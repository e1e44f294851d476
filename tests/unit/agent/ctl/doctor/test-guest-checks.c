/* SPDX-License-Identifier: MIT */

/* The conclusions of the guest's doctor: which findings, in which order, from which evidence; and
 * each says what was seen and what to do. */

#include "tests/unit/agent/ctl/doctor/healthy-guest.h"

#include "agent/network/choice.h"

START_TEST(all_is_well) {
        expect("");
}
END_TEST

START_TEST(every_kind_has_one_id) {
        for (size_t i = 0; guest_finding_ids[i]; i++)
                for (size_t k = 0; k < i; k++)
                        ck_assert_str_ne(guest_finding_ids[i], guest_finding_ids[k]);
}
END_TEST

START_TEST(kernel) {
        report.connected = false;
        report.helper_state = "waiting";
        evidence.vmbus = false;
        expect("no-hyperv helper-silent");
        evidence.vmbus = true;
        evidence.vsock = false;
        report.error_cause = "no-vsock";
        expect("no-vsock"); /* the silence of the helper is its effect */
        ck_assert(first_says("/dev/vsock", "modprobe hv_sock"));
        evidence.vsock = true;
        expect("no-vsock");
        report.helper = "unix:/x";
        report.error_cause = "unreachable";
        evidence.vmbus = evidence.vsock = false; /* they are not needed */
        expect("helper-silent");
        report.connected = true;
        report.helper = "vsock:2:1";
        expect(""); /* it works, so nothing is missing */
}
END_TEST

START_TEST(modes) {
        static const struct {
                const char *mode, *says;
        } direct[] = {
                {"mirrored", "and the Hyper-V firewall decides, too"},
                {"virtioproxy", "WSL listens on the host for this guest"},
                {"bridged", "its own address on the host's network"},
        };

        for (size_t i = 0; i < ELEMENTSOF(direct); i++) { /* all is well, and it is said */
                set_mode(direct[i].mode);
                expect("networking-mode");
                ck_assert(!findings_are_bad(&findings));
                ck_assert(first_says(direct[i].says, ""));
        }
        set_mode("virtioproxy");
        report.mode_word = "consomme";
        expect("networking-mode");
        ck_assert(first_says("'consomme'", ""));
        set_mode(report.mode_word = "mirrored"); /* the services are looked at */
        services[0].state = "withdrawn";
        services[0].reason = "networking-mode";
        expect("service-withdrawn:ssh networking-mode");
        ck_assert(first_says("", "present version of wslbridge"));
        services[0].connect = "loopback";
        services[0].text = "networking mode mirrored: take 'connect = loopback' out";
        expect("service-withdrawn:ssh networking-mode");
        ck_assert(first_says("take 'connect = loopback' out", "Change /etc/"));
        ck_assert(!first_says("", "present version of wslbridge"));
        services[0].connect = services[0].text = "";
        services[0].state = "invalid";
        services[0].reason = "connect-port";
        expect("service-invalid:ssh networking-mode");
        ck_assert(first_says("", "same port"));
        set_mode(report.mode_word = "none");
        services[0].state = services[1].state = "withdrawn";
        report.v4.address = "";
        expect("networking-mode"); /* nothing about the services and the address */
        ck_assert(first_says("none", "  [wsl2]\n  networkingMode=nat"));
}
END_TEST

/* A guest of plain Hyper-V on an external switch. Each port that listens is within reach, whether a
 * service names it or not. */
START_TEST(outside) {
        report.mode = "unknown";
        report.reach = "own";
        report.v4 = (ReportAddress){"192.168.1.7", "192.168.1.1", 24};
        port_map_add(&ports, &(GuestListener){.addr = ip_v4(0, 0, 0, 0), .port = 22});
        expect("networking-mode");
        ck_assert(!findings_are_bad(&findings));
        ck_assert(first_says("on a network of other machines", "Hyper-V Manager"));
        ck_assert(first_says("TCP ports that listen at 192.168.1.7: 22, 80\n"
                             "UDP ports that listen at 192.168.1.7: none",
                             ""));
        for (uint16_t port = 1000; port < 1020; port++)
                port_map_add(&ports, &(GuestListener){.addr = ip_v4(0, 0, 0, 0), .port = port});
        expect("networking-mode");
        ck_assert(first_says("1013 and 6 more", ""));
        port_map_add(&udp_ports, &(GuestListener){.addr = ip_v4(0, 0, 0, 0), .port = 53});
        ports.known = false;
        expect("networking-mode");
        ck_assert(first_says("\nUDP ports that listen at 192.168.1.7: 53", ""));
        ck_assert(!first_says("TCP ports that listen", ""));
}
END_TEST

/* It concerns this mode only, and is silent where the file could not be read. */
START_TEST(firewall_of_wsl) {
        evidence.firewall_off = "/mnt/c/Users/me/.wslconfig";
        expect("");
        set_mode(report.mode_word = "virtioproxy");
        expect("networking-mode");
        set_mode(report.mode_word = "mirrored");
        expect("wsl-firewall networking-mode");
        ck_assert(!findings_are_bad(&findings));
        ck_assert(first_says("firewall=false in /mnt/c/Users/me/.wslconfig has no effect",
                             "wslbridge-helper doctor"));
        evidence.firewall_off = "";
        expect("networking-mode");
}
END_TEST

START_TEST(fallback_of_wsl) {
        evidence.mirrored = "/mnt/c/Users/me/.wslconfig";
        set_mode(report.mode_word = "mirrored");
        expect("networking-mode");
        set_mode("unknown"); /* a guest of Hyper-V, or nothing is known yet */
        expect("");
        set_mode(report.mode_word = "nat");
        expect("wsl-mirrored");
        ck_assert(!findings_are_bad(&findings));
        ck_assert(first_says("/mnt/c/Users/me/.wslconfig asks for networking mode mirrored",
                             "Windows 10 does not"));
        evidence.mirrored = "";
        expect("");
}
END_TEST

START_TEST(silent_wsl) {
        report.wsl_silent = true;
        expect("wsl-silent");
        ck_assert(first_says("may be wrong", "  wsl.exe --shutdown"));
        report.kept = true;
        expect("wsl-silent");
        ck_assert(first_says("'Debian' in networking mode nat, as WSL said", "ends all"));
        set_mode("mirrored");
        expect("wsl-silent networking-mode");
}
END_TEST

/* The agent makes do with an address. Only one at which nothing arrives is a broken thing. */
START_TEST(address_doubts) {
        static const ChoiceProblem doubts[] = {CHOICE_SECOND_BEST, CHOICE_DEPRECATED, CHOICE_ALIAS,
                                               CHOICE_AMBIGUOUS, CHOICE_OTHER_TABLE};

        for (size_t i = 0; i < ELEMENTSOF(doubts); i++) {
                report.address_problem = choice_problem_text(doubts[i]);
                report.address_problem_name = choice_problem_name(doubts[i]);
                expect("address-doubtful");
                ck_assert(first_says(report.address_problem, "interface = 172.20.1.2"));
                ck_assert_int_eq(findings.items[0].rank, FINDING_HINT);
        }
        report.v6.address = "fd00::2";
        expect("address-doubtful");
        ck_assert(first_says("172.20.1.2", "name the address that the host reaches, or its"));
        report.v4.address = ""; /* agent.conf takes no IPv6 address */
        expect("address-doubtful");
        ck_assert(first_says("forwards to fd00::2 on eth0", "interface = eth0"));
        report.v4.address = "172.20.1.2";
        report.address_problem = choice_problem_text(CHOICE_OFF_LINK);
        report.address_problem_name = choice_problem_name(CHOICE_OFF_LINK);
        expect("off-link");
}
END_TEST

START_TEST(services_by_state) {
        static const struct {
                const char *state, *reason, *finding, *advice, *text;
        } table[] = {
                {"conflict", "foreign-rule", "service-conflict:web",
                 "Choose another port ('wslbridgectl expose' with --name=web)", NULL},
                {"conflict", "foreign-rule", "service-conflict:web",
                 "  .\\wslbridge-helper adopt 0.0.0.0:8081",
                 "take it over ('wslbridge-helper adopt 0.0.0.0:8081'), or listen elsewhere"},
                {"conflict", "foreign-rule", "service-conflict:web", "Or delete the other rule",
                 "delete it, or listen elsewhere"},
                {"conflict", "foreign-rule", "service-conflict:web", "Or delete the other rule",
                 "take it over ('wslbridge-helper adopt 80 & calc')"},
                {"blocked", "not-listening", "service-blocked:web", "The text above says",
                 "the port opens as soon as it does"},
                {"blocked", "iphlpsvc", "service-blocked:web", "The text above says",
                 "it is disabled; allow it"},
                {"conflict", "other-agent", "service-conflict:web", "other guest"},
                {"conflict", "port-in-use", "service-conflict:web", "what has the port on Windows"},
                {"refused", "policy-port", "service-refused:web", "administrator"},
                {"refused", "no-relay", "service-refused:web", "this host cannot do"},
                {"refused", "helper-too-old", "service-refused:web", "Do what the text above says"},
                {"blocked", "iphlpsvc", "service-blocked:web", "  sc.exe start iphlpsvc"},
                {"blocked", "excluded-range", "service-blocked:web",
                 "excludedportrange protocol=tcp"},
                {"blocked", "write-failed", "service-blocked:web", "Event Log"},
                {"invalid", "guest-address", "service-invalid:web", "  interface = eth1"},
                {"invalid", "duplicate", "service-invalid:web", "/etc/x.ini"},
                {"withdrawn", "no-address", "service-withdrawn:web", "status"},
                {"pending", "", "service-pending:web", "Wait"},
                {"active", "unreachable", "service-unreachable:web", "make it private"},
                {"active", "not-listening", "service-unreachable:web", "\n  wsl --update"},
                {"active", "firewall-off", "service-firewall:web", "on purpose"},
                {"active", "firewall", "service-firewall:web", "product"},
                {"active", "foreign-rule", "service-conflict:web", "delete the rule"},
        };

        report.candidates[0] = (ReportCandidate){"eth0", "172.20.1.2", true, true};
        report.candidates[1] = (ReportCandidate){"eth1", "172.20.1.3", false, false};
        report.n_candidates = 2;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                services[1].state = table[i].state;
                services[1].reason = table[i].reason;
                services[1].text = table[i].text ? table[i].text : "";
                expect(table[i].finding);
                ck_assert_msg(first_says(table[i].state, table[i].advice), "case %zu", i);
        }
        services[1].state = "blocked";
        services[1].reason = "excluded-range";
        services[1].protocol = "udp";
        listens[0].count = 0; /* no port is looked at */
        expect("service-blocked:web");
        ck_assert(first_says("", "excludedportrange protocol=udp"));
        services[1].enabled = false;
        expect("");
}
END_TEST

/* The helper's text says which endpoint of a range it is, and whether it can be taken over. */
START_TEST(foreign_rules) {
        services[1].state = "conflict";
        services[1].reason = "foreign-rule";
        listens[0].listen = "0.0.0.0:79-81";
        services[1].text = "0.0.0.0:81: there is a port forwarding that wslbridge did not make; "
                           "delete it, take it over ('wslbridge-helper adopt 0.0.0.0:81'), or";
        expect("service-conflict:web");
        ck_assert(first_says("", "  .\\wslbridge-helper adopt 0.0.0.0:81"));
        ck_assert(!first_says("", "adopt 0.0.0.0:81'"));
        services[1].text = "delete it, or listen elsewhere (v4tov4 */81 = not a string)";
        expect("service-conflict:web");
        ck_assert(first_says("not a string", "delete the other rule"));
        ck_assert(!first_says("", "adopt"));
}
END_TEST

START_TEST(severity_first_then_causes) {
        services[0].state = "blocked";
        services[1].state = "invalid";
        listens[0].connect_port = 81;
        report.address_problem = "odd";
        report.address_problem_name = "off-link";
        evidence.idle = IDLE_STOPS;
        expect("off-link service-invalid:web service-blocked:ssh port-silent:ssh port-silent:web "
               "idle-stop");
}
END_TEST

START_TEST(guest_ports) {
        port_map_start(&ports, &(IpAddr){0});
        port_map_add(&ports, &(GuestListener){.addr = ip_v4(127, 0, 0, 1), .port = 80});
        services[0].enabled = false;
        expect("port-loopback:web");
        ck_assert(first_says("port 80", "172.20.1.2"));
        listens[0].connect_port = 81;
        expect("port-silent:web");
        ck_assert(first_says("(DNAT)", "If you have made such a rule")); /* needs no socket */
        listens[0] = (ReportListen){.listen = "0.0.0.0:79-81", .count = 3, .connect_port = 79};
        expect("port-silent:web");
        ck_assert(first_says("port 79", "connect-port"));
        ck_assert(findings_are_bad(&findings));
        evidence.containers = "docker0, cni0";
        expect("port-container:web");
        ck_assert(!findings_are_bad(&findings)); /* a container may publish it without a socket */
        ck_assert(first_says("(docker0, cni0), and engines", "connect-port"));
        listens[0] = (ReportListen){.listen = "0.0.0.0:80", .count = 1, .connect_port = 80};
        expect("port-loopback:web"); /* a socket that was seen is no matter of containers */
        ports.known = false;
        expect("");
}
END_TEST

START_TEST(configuration) {
        ReportProblem known[] = {{"/etc/a.ini", "listen", "is bad", 3}};
        ConfigProblem problem = {.file = (char *) "/etc/b.ini", .message = (char *) "is worse"};

        report.problems = known;
        report.n_problems = 1;
        expect("config-problem");
        ck_assert(first_says("/etc/a.ini:3: listen: is bad", "wslbridgectl check"));
        report.stale = true;
        expect("config-stale");
        report.stale = false;
        report.n_problems = 0;
        config.problems = &problem;
        config.n_problems = 1;
        expect("config-stale"); /* the agent has not seen it, or could not */
        ck_assert(first_says("/etc/b.ini: is worse", ""));
        config.n_problems = 0;
        expect("");
        evidence.unread = true;
        expect("config-stale");
        ck_assert(first_says("has not read the files since they changed", "wslbridgectl reload"));
        ck_assert(first_says("", "\n  sudo systemctl restart wslbridge-agent"));
        evidence.wsl = false; /* elsewhere a service sees later mounts */
        expect("config-stale");
        ck_assert(!first_says("", "systemctl restart"));
        evidence.wsl = true;
        evidence.systemd = false; /* and an agent that is no service sees them, too */
        expect("config-stale");
        ck_assert(!first_says("", "systemctl restart"));
        evidence.systemd = true;
        evidence.unread = false;
        config.n_problems = 1;
        evidence.report = NULL;
        expect("agent-stopped config-problem");
}
END_TEST

START_TEST(candidates) {
        report.candidates[0] = (ReportCandidate){"eth0", "172.20.1.2", true, false};
        report.candidates[1] = (ReportCandidate){"eth1", "172.17.0.1", false, false};
        report.n_candidates = 2;
        expect(""); /* one has the default route */
        report.candidates[1].default_route = true;
        expect("candidates");
        ck_assert(first_says("eth0 172.20.1.2 (default route), eth1", "  interface = eth1"));
        report.candidates[0].vmbus = true;
        expect(""); /* one is Hyper-V's */
        report.candidates[1].vmbus = true;
        expect("candidates");
        strcpy(config.interface, "eth0");
        expect(""); /* the configuration names it */
}
END_TEST

START_TEST(idle) {
        evidence.idle = IDLE_UNKNOWN;
        expect("idle-stop");
        ck_assert(first_says("no .wslconfig that can be seen from here turns that off",
                             "  [general]\n  instanceIdleTimeout=-1\n"
                             "WSL before 2.5.7 may not know"));
        evidence.idle = IDLE_STOPS;
        expect("idle-stop");
        evidence.idle = IDLE_LATER;
        expect("idle-stop");
        ck_assert(first_says("has changed since WSL was started", "run 'wsl --shutdown'"));
        evidence.idle = IDLE_DOUBTED;
        expect("idle-stop");
        ck_assert(first_says("WSL before 2.5.7 may not know how", "'wsl.exe --update'"));
        evidence.wsl = false;
        expect("");
}
END_TEST

/* What is in .wslconfig is not known then, and that is no reason to advise a change of it. */
START_TEST(silent_drive) {
        evidence.drive_silent = true;
        evidence.idle = IDLE_UNKNOWN;
        expect("drive-silent");
        ck_assert(first_says("drive C: does not answer", "  wsl.exe --shutdown"));
        ck_assert_int_eq(findings.items[0].rank, FINDING_UNSEEN);
}
END_TEST

int main(void) {
        Suite *s = suite_create("guest-checks");
        TCase *c = tcase_create("guest-checks");

        tcase_add_checked_fixture(c, healthy_guest_setup, healthy_guest_teardown);
        tcase_add_test(c, all_is_well);
        tcase_add_test(c, every_kind_has_one_id);
        tcase_add_test(c, kernel);
        tcase_add_test(c, modes);
        tcase_add_test(c, address_doubts);
        tcase_add_test(c, outside);
        tcase_add_test(c, firewall_of_wsl);
        tcase_add_test(c, fallback_of_wsl);
        tcase_add_test(c, silent_wsl);
        tcase_add_test(c, services_by_state);
        tcase_add_test(c, foreign_rules);
        tcase_add_test(c, severity_first_then_causes);
        tcase_add_test(c, guest_ports);
        tcase_add_test(c, configuration);
        tcase_add_test(c, candidates);
        tcase_add_test(c, idle);
        tcase_add_test(c, silent_drive);
        suite_add_tcase(s, c);
        return suite_run(s);
}
