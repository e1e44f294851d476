/* SPDX-License-Identifier: MIT */

/* The doctor's conclusions: which findings, in which order, from which facts; and that each says
 * what was seen and what to do. */

#include "agent/ctl/doctor/guest-checks.h"

#include "tests/unit/agent/testing.h"

static ReportListen listens[1];
static ReportService services[2];
static Report report;
static Config config;
static PortMap ports;
static DiagnoseFacts facts;
static Findings findings;

/* A machine on which all is well. */
static void setup(void) {
        test_setup();
        listens[0] = (ReportListen){.listen = "0.0.0.0:8080", .count = 1, .connect_port = 80};
        for (size_t i = 0; i < ELEMENTSOF(services); i++)
                services[i] = (ReportService){.name = i ? "web" : "ssh",
                                              .file = "/etc/x.ini",
                                              .state = "active",
                                              .reason = "",
                                              .text = "",
                                              .enabled = true,
                                              .listens = listens,
                                              .n_listens = 1};
        report = (Report){.distro = "Debian",
                          .agent_id = "00ff",
                          .mode = "nat",
                          .mode_word = "",
                          .interface = "eth0",
                          .address_problem = "",
                          .v4 = {"172.20.1.2", "172.20.0.1", 20},
                          .v6 = {"", "", 0},
                          .helper = "vsock:2:1465076802",
                          .helper_state = "connected",
                          .key_problem = "",
                          .error_cause = "",
                          .error_code = "",
                          .error_text = "",
                          .connected = true,
                          .services = services,
                          .n_services = 2,
                          .helper_since = {"2026-01-31T12:00:00.000000Z", 0}};
        config = (Config){.helper = {.kind = CONFIG_HELPER_VSOCK}};
        port_map_start(&ports, &(IpAddr){0});
        port_map_add(&ports, &(GuestListener){.addr = ip_v4(0, 0, 0, 0), .port = 80});
        facts = (DiagnoseFacts){.systemd = true,
                                .pid1 = "systemd",
                                .wsl = true,
                                .vmbus = true,
                                .vsock = true,
                                .unit_result = "",
                                .status_problem = "there is no status",
                                .report = &report,
                                .config = &config,
                                .ports = &ports,
                                .idle = IDLE_STAYS,
                                .now_usec = 120 * USEC_PER_SEC};
        findings = FINDINGS_NULL;
}

static void teardown(void) {
        findings_done(&findings);
        test_teardown();
}

/* @expected: names of the findings with blanks between, and a service behind a colon. */
static void expect(const char *expected) {
        Buffer found = BUFFER_NULL;

        findings_done(&findings);
        diagnose(&facts, &findings);
        ck_assert(!findings.oom);
        for (size_t i = 0; i < findings.n; i++) {
                const Finding *x = &findings.items[i];

                buffer_printf(&found, "%s%s%s%s", i > 0 ? " " : "", finding_name(x->id),
                              *x->subject ? ":" : "", x->subject);
                ck_assert_uint_gt(buffer_length(&x->seen), 0);
                ck_assert_uint_gt(buffer_length(&x->todo), 20);
        }
        ck_assert_str_eq(buffer_text(&found), expected);
        buffer_done(&found);
}

static bool first_says(const char *seen, const char *todo) {
        return strstr(buffer_text(&findings.items[0].seen), seen) &&
               strstr(buffer_text(&findings.items[0].todo), todo);
}

START_TEST(all_is_well) {
        Buffer out = BUFFER_NULL;

        expect("");
        findings_format(&findings, &report, &(Style){.width = 80}, &out);
        ck_assert_str_eq(buffer_text(&out), "No problem found; 2 services active.\n");
        buffer_done(&out);
}
END_TEST

START_TEST(every_finding_is_described) {
        Severity worst = SEVERITY_ERROR;

        for (FindingId id = 0; id < _FINDING_END; id++) {
                ck_assert_uint_gt(strlen(finding_name(id)), 3);
                ck_assert_uint_gt(strlen(finding_title(id)), 10);
                ck_assert_int_ge(finding_severity(id), worst); /* worst first */
                worst = finding_severity(id);
                for (FindingId other = 0; other < id; other++)
                        ck_assert_str_ne(finding_name(id), finding_name(other));
        }
}
END_TEST

START_TEST(kernel) {
        report.connected = false;
        report.helper_state = "waiting";
        facts.vmbus = false;
        expect("no-hyperv helper-silent");
        facts.vmbus = true;
        facts.vsock = false;
        report.error_cause = "no-vsock";
        expect("no-vsock"); /* the helper's silence is its consequence */
        ck_assert(first_says("/dev/vsock", "modprobe hv_sock"));
        facts.vsock = true;
        expect("no-vsock");
        report.helper = "unix:/x";
        report.error_cause = "unreachable";
        facts.vmbus = facts.vsock = false; /* nobody needs them */
        expect("helper-silent");
        report.connected = true;
        report.helper = "vsock:2:1";
        expect(""); /* it works, whatever this looks like */
}
END_TEST

START_TEST(agent_that_does_not_run) {
        static const struct {
                UnitState unit;
                const char *finding, *todo;
        } table[] = {
                {UNIT_UNKNOWN, "agent-stopped", "systemctl enable --now"},
                {UNIT_INACTIVE, "agent-stopped", "systemctl enable --now"},
                {UNIT_ABSENT, "agent-absent", "Install"},
                {UNIT_FAILED, "agent-failed", "journalctl -xeu wslbridge-agent"},
        };

        facts.report = NULL;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                facts.unit = table[i].unit;
                expect(table[i].finding);
                ck_assert(first_says("", table[i].todo));
        }
        facts.status_bad = true;
        expect("status-bad");
}
END_TEST

START_TEST(no_systemd) {
        facts.systemd = false;
        facts.pid1 = "init";
        expect(""); /* the agent runs without it, too */
        facts.report = NULL;
        facts.idle = IDLE_UNKNOWN;
        expect("no-systemd idle-stop");
        ck_assert(first_says("'init'", "  [boot]\n  systemd=true"));
        facts.wsl = false;
        expect("no-systemd");
        ck_assert_ptr_null(strstr(buffer_text(&findings.items[0].todo), "wsl.conf"));
}
END_TEST

START_TEST(modes) {
        static const char *const pointless[] = {"mirrored", "bridged", "virtioproxy", "consomme",
                                                "none"};

        services[0].state = services[1].state = "withdrawn";
        report.v4.address = "";
        for (size_t i = 0; i < ELEMENTSOF(pointless); i++) {
                report.mode = pointless[i];
                expect("mode"); /* no word about the services and the address */
                ck_assert(first_says(pointless[i], "  [wsl2]\n  networkingMode=nat"));
        }
        report.mode = "virtioproxy";
        report.mode_word = "consomme";
        expect("mode");
        ck_assert(first_says("'consomme'", ""));
}
END_TEST

START_TEST(addresses) {
        report.address_problem = "the default gateway is outside the address's subnet";
        expect("off-link");
        ck_assert(first_says("172.20.1.2/20 on eth0, gateway 172.20.0.1", "DHCP"));
        report.v4.address = "";
        services[0].state = services[1].state = "withdrawn";
        report.address_problem = "no default route";
        expect("no-address");
        ck_assert(first_says("no default route", "interface = eth0"));
}
END_TEST

START_TEST(helper) {
        static const struct {
                const char *code, *finding, *todo;
        } table[] = {
                {"not-paired", "not-paired", "  wslbridge-helper pair Debian"},
                {"bad-proof", "bad-key", "  wslbridge-helper pair Debian"},
                {"version", "not-admitted", "same version"},
                {"busy", "not-admitted", "systemd-machine-id-setup"},
                {"policy", "not-admitted", "policy value"},
                {"internal", "not-admitted", "Event Log"},
                {"", "not-admitted", "Event Log"},
        };

        report.connected = false;
        report.helper_state = "refused";
        report.error_cause = "refused";
        services[0].state = services[1].state = "pending";
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                report.error_code = table[i].code;
                expect(table[i].finding);
                ck_assert(first_says("since 2026-01-31 12:00:00 UTC, 2 min ago", table[i].todo));
        }
        report.error_code = "not-paired";
        facts.wsl = false;
        expect("not-paired");
        ck_assert(first_says("", "  wslbridge-helper pair --print 00ff/Debian\n"
                                 "  sudo wslbridgectl pair"));
        report.key_problem = "/etc/wslbridge/key can be read by others";
        expect("key-problem");
}
END_TEST

START_TEST(services_by_state) {
        static const struct {
                const char *state, *reason, *finding, *todo;
        } table[] = {
                {"conflict", "foreign-rule", "service-conflict:web",
                 "  wslbridge-helper adopt 0.0.0.0:8080"},
                {"conflict", "other-agent", "service-conflict:web", "other guest"},
                {"conflict", "port-in-use", "service-conflict:web", "program on Windows"},
                {"refused", "policy-port", "service-refused:web", "administrator"},
                {"blocked", "iphlpsvc", "service-blocked:web", "  sc start iphlpsvc"},
                {"blocked", "excluded-range", "service-blocked:web", "excludedportrange"},
                {"blocked", "write-failed", "service-blocked:web", "Event Log"},
                {"invalid", "guest-address", "service-invalid:web", "interface = eth0"},
                {"invalid", "duplicate", "service-invalid:web", "/etc/x.ini"},
                {"withdrawn", "no-address", "service-withdrawn:web", "status"},
                {"pending", "", "service-pending:web", "Wait"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                services[1].state = table[i].state;
                services[1].reason = table[i].reason;
                expect(table[i].finding);
                ck_assert_msg(first_says(table[i].state, table[i].todo), "case %zu", i);
        }
        services[1].enabled = false;
        expect("");
}
END_TEST

START_TEST(worst_first) {
        services[0].state = "blocked";
        services[1].state = "invalid";
        listens[0].connect_port = 81;
        report.address_problem = "odd";
        facts.idle = IDLE_STOPS;
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
        listens[0] = (ReportListen){.listen = "0.0.0.0:79-81", .count = 3, .connect_port = 79};
        expect("port-silent:web");
        ck_assert(first_says("port 79", "connect-port"));
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
        facts.report = NULL;
        expect("agent-stopped config-problem");
}
END_TEST

START_TEST(candidates) {
        report.candidates[0] = (ReportCandidate){"eth0", "172.20.1.2", true, false};
        report.candidates[1] = (ReportCandidate){"docker0", "172.17.0.1", false, false};
        report.n_candidates = 2;
        expect(""); /* one has the default route */
        report.candidates[1].default_route = true;
        expect("candidates");
        ck_assert(first_says("eth0 172.20.1.2 (default route), docker0", "interface = eth0"));
        report.candidates[0].vmbus = true;
        expect(""); /* one is Hyper-V's */
        report.candidates[1].vmbus = true;
        expect("candidates");
        strcpy(config.interface, "eth0");
        expect(""); /* said */
}
END_TEST

START_TEST(idle) {
        facts.idle = IDLE_UNKNOWN;
        expect("idle-stop");
        ck_assert(first_says("could not be read", "  [general]\n  instanceIdleTimeout=-1\n"
                                                  "  [wsl2]\n  vmIdleTimeout=-1"));
        facts.idle = IDLE_STOPS;
        expect("idle-stop");
        facts.wsl = false;
        expect("");
}
END_TEST

START_TEST(forms) {
        Buffer out = BUFFER_NULL;
        json_t *json;

        services[1].state = "conflict";
        services[1].text = "0.0.0.0:8080: somebody has it";
        expect("service-conflict:web");
        findings_format(&findings, &report, &(Style){.width = 72, .colour = true}, &out);
        ck_assert_msg(strncmp(buffer_text(&out),
                              "\033[31merror\033[0m: web: Somebody else has the port of "
                              "the host\n   seen conflict: 0.0.0.0:8080: somebody has "
                              "it\n     do Choose",
                              100) == 0,
                      "%s", buffer_text(&out));
        buffer_done(&out);
        json = findings_json(&findings);
        ck_assert_uint_eq(json_array_size(json), 1);
        ck_assert_str_eq(json_string_value(json_object_get(json_array_get(json, 0), "finding")),
                         "service-conflict");
        ck_assert_str_eq(json_string_value(json_object_get(json_array_get(json, 0), "service")),
                         "web");
        json_decref(json);
}
END_TEST

int main(void) {
        Suite *s = suite_create("ctl-diagnose");
        TCase *c = tcase_create("diagnose");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, all_is_well);
        tcase_add_test(c, every_finding_is_described);
        tcase_add_test(c, kernel);
        tcase_add_test(c, agent_that_does_not_run);
        tcase_add_test(c, no_systemd);
        tcase_add_test(c, modes);
        tcase_add_test(c, addresses);
        tcase_add_test(c, helper);
        tcase_add_test(c, services_by_state);
        tcase_add_test(c, worst_first);
        tcase_add_test(c, guest_ports);
        tcase_add_test(c, configuration);
        tcase_add_test(c, candidates);
        tcase_add_test(c, idle);
        tcase_add_test(c, forms);
        suite_add_tcase(s, c);
        return suite_run(s);
}
