/* SPDX-License-Identifier: MIT */

/*
 * The evidence of a healthy machine, and ways to change it.
 */

#include "tests/unit/windows-helper/doctor/healthy.h"

#include "tests/suite.h"

#include <string.h>

HostEvidence evidence;
VmList vms;
PolicyOrigin policy;
EvidenceGuest guests[2];
static RuleTable rules;
static Ledger ledger;
static Hostnet net;
FirewallSight sight;

static IpEndpoint endpoint(const char *address, uint16_t port) {
        IpEndpoint e = {.port = port};

        ck_assert_int_eq(ip_parse(address, &e.addr), 0);
        return e;
}

void see_status(const char *text) {
        evidence.status = text;
        evidence.n_status = strlen(text);
}

void add_value(RuleFamily family, const char *name, const char *data) {
        ck_assert_int_eq(rule_table_add(&rules, family, name, data), 0);
        rule_table_sort(&rules);
}

void add_rule(const char *name, const char *data) {
        add_value(RULE_V4TOV4, name, data);
}

void add_ledger(const char *listen, uint16_t port, const char *connect) {
        LedgerEntry e = {.listen = endpoint(listen, port), .owner = "00/Debian", .service = "web"};

        e.next = (RuleTarget){endpoint(connect, 80).addr, 80, RULE_WAY_PORTPROXY};
        e.current = e.next;
        ck_assert_int_eq(ledger_put(&ledger, &e), 0);
}

void healthy_setup(void) {
        vms = (VmList){.n = 1, .items = {{.wsl = true, .name = "WSL"}}};
        ck_assert_int_eq(vm_id_parse(ID_A, &vms.items[0].id), 0);
        policy = (PolicyOrigin){.n_problems = 0};
        rule_table_done(&rules);
        ledger_done(&ledger);
        net = (Hostnet){.n_addresses = 2};
        net.addresses[0] = (HostnetAddress){endpoint("192.168.1.20", 1).addr, 24, false, "LAN"};
        net.addresses[1] = (HostnetAddress){endpoint("172.28.64.1", 1).addr, 20, true, "vEthernet"};
        sight = (FirewallSight){.known = true, .connected = WIRE_PROFILE_PRIVATE};
        guests[0] = (EvidenceGuest){.owner = "00/Debian", .paired = true, .met = true};
        evidence = (HostEvidence){
                .version = "0.1.0",
                .helper = SERVICE_IS_RUNNING,
                .program = SEEN_YES,
                .relay = SERVICE_IS_STOPPED,
                .relay_program = SEEN_YES,
                .forwarder = SERVICE_IS_RUNNING,
                .firewall = SERVICE_IS_RUNNING,
                .filter = SERVICE_IS_RUNNING,
                .serves = SEEN_YES,
                .sockets_seen = true,
                .vms = &vms,
                .wsl = SEEN_YES,
                .registered = SEEN_YES,
                .event_source = SEEN_YES,
                .keys_seen = true,
                .guests = guests,
                .n_guests = 1,
                .policy = &policy,
                .ipv6 = SEEN_NO,
                .sight = &sight,
                .rules = &rules,
                .ledger = &ledger,
                .hostnet = &net,
        };
        add_rule("0.0.0.0/80", "172.28.64.10/80");
        add_ledger("0.0.0.0", 80, "172.28.64.10");
        see_status(STATUS("0.1.0", "true", AGENT("connected", "nat", GOOD_SERVICE), "", ""));
}

void unheard_setup(void) {
        healthy_setup();
        see_status("");
        evidence.status = NULL;
        evidence.serves = SEEN_UNKNOWN;
        vms.items[0].wsl = false;
}

void healthy_teardown(void) {
        rule_table_done(&rules);
        ledger_done(&ledger);
}

void expect(FindingRank rank, const char *id, const char *seen, const char *advice) {
        Findings f;
        size_t n = 0;

        host_checks_run(&evidence, &f);
        ck_assert(!f.oom);
        for (size_t i = 0; i < f.n; i++) {
                const Finding *x = &f.items[i];

                ck_assert_msg(i == 0 || f.items[i - 1].rank <= x->rank, "not sorted by rank");
                if (x->rank == FINDING_GOOD)
                        continue;
                n++;
                ck_assert_str_eq(host_finding_ids[x->order], x->id);
                ck_assert_msg(x->rank == rank && strcmp(x->id, id) == 0 &&
                                      strstr(buffer_text(&x->seen), seen),
                              "%s %s: %s", finding_rank_name(x->rank), x->id,
                              buffer_text(&x->seen));
                ck_assert_msg(advice ? strstr(buffer_text(&x->advice), advice) != NULL
                                     : buffer_length(&x->advice) == 0,
                              "%s: %s", buffer_text(&x->seen), buffer_text(&x->advice));
        }
        ck_assert_msg(n == 1, "%zu findings for: %s", n, seen);
        ck_assert(findings_are_bad(&f) == (rank < FINDING_HINT));
        findings_done(&f);
}

void expect_healthy(void) {
        Findings f;

        host_checks_run(&evidence, &f);
        for (size_t i = 0; i < f.n; i++)
                ck_assert_msg(f.items[i].rank == FINDING_GOOD, "%s", buffer_text(&f.items[i].seen));
        ck_assert_uint_ge(f.n, 7);
        ck_assert(!findings_are_bad(&f));
        findings_done(&f);
}
