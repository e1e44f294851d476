/* SPDX-License-Identifier: MIT */

/* A guest in which all is well, and what the doctor concludes from it. */

#include "tests/unit/agent/ctl/doctor/healthy-guest.h"

#include "agent/guest/mode-state.h"

ReportListen listens[1];
ReportService services[2];
Report report;
Config config;
PortMap ports, udp_ports;
GuestEvidence evidence;
Findings findings;

void set_mode(const char *mode) {
        report.mode = mode;
        report.reach = wire_reach_name(wire_mode_reach(mode_by_name(mode)));
}

static void setup_services(void) {
        listens[0] = (ReportListen){.listen = "0.0.0.0:8080", .count = 1, .connect_port = 80};
        for (size_t i = 0; i < ELEMENTSOF(services); i++)
                services[i] = (ReportService){.name = i ? "web" : "ssh",
                                              .file = "/etc/x.ini",
                                              .state = "active",
                                              .reason = "",
                                              .text = "",
                                              .forwarder = "portproxy",
                                              .why = "default",
                                              .protocol = "tcp",
                                              .connect = "address",
                                              .loopback = "",
                                              .loopback_text = "",
                                              .enabled = true,
                                              .listens = listens,
                                              .n_listens = 1};
}

void healthy_guest_setup(void) {
        test_setup();
        setup_services();
        report = (Report){.distro = "Debian",
                          .agent_id = "00ff",
                          .mode = "nat",
                          .reach = "forwarded",
                          .mode_word = "",
                          .interface = "eth0",
                          .address_problem = "",
                          .address_problem_name = "",
                          .v4 = {"172.20.1.2", "172.20.0.1", 20},
                          .v6 = {"", "", 0},
                          .helper = "vsock:2:1465076802",
                          .helper_state = "connected",
                          .key_problem = "",
                          .unanswered_since.time = "",
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
        port_map_start(&udp_ports, &(IpAddr){0});
        evidence = (GuestEvidence){.systemd = true,
                                   .pid1 = "systemd",
                                   .systemd_installed = true,
                                   .containers = "",
                                   .firewall_off = "",
                                   .mirrored = "",
                                   .way_out = "eth0",
                                   .wsl = true,
                                   .vmbus = true,
                                   .vsock = true,
                                   .status_problem = "The agent does not run",
                                   .report = &report,
                                   .config = &config,
                                   .ports = &ports,
                                   .udp_ports = &udp_ports,
                                   .idle = IDLE_STAYS,
                                   .now_usec = 120 * USEC_PER_SEC};
        findings = FINDINGS_NULL(guest_finding_ids);
}

void healthy_guest_teardown(void) {
        findings_done(&findings);
        test_teardown();
}

void expect(const char *expected) {
        Buffer found = BUFFER_NULL;

        findings_done(&findings);
        guest_checks_run(&evidence, &findings);
        ck_assert(!findings.oom);
        for (size_t i = 0; i < findings.n; i++) {
                const Finding *x = &findings.items[i];

                buffer_printf(&found, "%s%s%s%s", i > 0 ? " " : "", x->id,
                              buffer_length(&x->subject) > 0 ? ":" : "", buffer_text(&x->subject));
                ck_assert_str_eq(guest_finding_ids[x->order], x->id);
                ck_assert_uint_gt(buffer_length(&x->seen), 10);
                if (x->rank != FINDING_GOOD)
                        ck_assert_uint_gt(buffer_length(&x->advice), 20);
        }
        ck_assert_str_eq(buffer_text(&found), expected);
        buffer_done(&found);
}

bool first_says(const char *seen, const char *advice) {
        return strstr(buffer_text(&findings.items[0].seen), seen) &&
               strstr(buffer_text(&findings.items[0].advice), advice);
}
