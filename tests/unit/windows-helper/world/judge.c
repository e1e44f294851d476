/* SPDX-License-Identifier: MIT */

/*
 * Checks every change that the helper makes, and compares what it reported with what is true.
 */

#include "tests/unit/windows-helper/world/judge.h"
#include "tests/unit/windows-helper/world/asked.h"

#include "windows-helper/core/rules/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void judge_rule(RuleFamily family, const IpEndpoint *listen, char *text, size_t size) {
        char name[LEDGER_NAME_MAX];

        rule_endpoint_format(listen, name);
        (void) snprintf(text, size, "%s %s", rule_family_name(family), name);
}

static bool judge_proves(const LedgerEntry *e, const RuleTarget *target, const char *rule,
                         const char *data) {
        char text[RULE_DATA_MAX], key[96];

        if (!rule_target_is_set(target))
                return false;
        rule_target_format(target, text);
        if (e->star)
                (void) snprintf(key, sizeof(key), "%s */%u",
                                rule_family_name(rule_family(&e->listen, target)),
                                (unsigned) e->listen.port);
        else
                judge_rule(rule_family(&e->listen, target), &e->listen, key, sizeof(key));
        return strcmp(key, rule) == 0 && strcmp(text, data) == 0;
}

/* The name in the ledger of a value, which may be called "*". */
static const char *judge_name(const char *rule, char name[LEDGER_NAME_MAX]) {
        IpEndpoint listen;
        RuleFamily family;
        const char *found = memory_host_split(rule, &family);

        ck_assert_ptr_nonnull(found);
        if (rule_endpoint_parse(found, rule_family_listens_on(family), &listen) < 0)
                return found;
        listen.udp = rule_family_is_udp(family);
        ledger_name_format(&listen, name);
        return name;
}

/* Whether the stored entry proves that @data under @rule is ours, as the current or the next value.
 */
static bool judge_ours(const Judge *j, const char *rule, const char *data, bool as_next_only) {
        char canonical[LEDGER_NAME_MAX];
        const char *name = judge_name(rule, canonical);
        const char *stored = text_map_get(&j->w.host.ledger, name);
        LedgerEntry e;

        return stored && ledger_entry_parse(name, stored, &e) == 0 &&
               (judge_proves(&e, &e.next, rule, data) ||
                (!as_next_only && judge_proves(&e, &e.current, rule, data)));
}

/* A foreign value that is right is taken over by an entry in the ledger alone. */
static void judge_recorded(Judge *j, const char *rule, const char *data) {
        const char *asked = text_map_get(&j->asked, rule);

        if (data && asked && strcmp(asked, data) == 0 && judge_ours(j, rule, data, false))
                (void) text_map_delete(&j->foreign, rule);
}

/* @on_disk: of the entry that has changed since the last flush, as in .unflushed; or NULL. Return:
 * whether it proves that @before, if there is any, is ours. */
static bool judge_proves_on_disk(const char *on_disk, const char *rule, const char *before,
                                 const char *name) {
        LedgerEntry e;

        return !on_disk || !before ||
               (on_disk[0] == '+' && ledger_entry_parse(name, on_disk + 1, &e) == 0 &&
                (judge_proves(&e, &e.current, rule, before) ||
                 judge_proves(&e, &e.next, rule, before)));
}

/* Writes and deletes may touch only what is ours, and the proof must be on disk before. */
static void judge_changing(MemoryHost *m, const char *rule, const char *data) {
        Judge *j = m->userdata;
        char name[LEDGER_NAME_MAX];
        const char *before = text_map_get(&m->rules, rule);
        const char *adopted = text_map_get(&m->adoptions, rule);
        const char *entry = judge_name(rule, name);
        const char *on_disk = text_map_get(&m->unflushed, entry);

        if (before && adopted && strcmp(adopted, before) == 0) {
                (void) text_map_delete(&j->foreign, rule); /* as an administrator asked */
                if (!data)
                        return;
        }
        judge_recorded(j, rule, before);
        ck_assert_msg(!text_map_get(&j->foreign, rule), "foreign value changed: %s", rule);
        ck_assert_msg(data ? !on_disk : judge_proves_on_disk(on_disk, rule, before, entry),
                      "no flush before: %s", rule);
        if (before) {
                ck_assert_msg(judge_ours(j, rule, before, false), "not provably ours: %s %s", rule,
                              before);
        }
        if (data) {
                ck_assert_msg(judge_ours(j, rule, data, true), "written without proof: %s %s", rule,
                              data);
        }
}

static int judge_fault(MemoryHost *m, MemoryCall call) {
        Judge *j = m->userdata;

        if (j->dead)
                return -EIO;
        if (call == MEMORY_RULES_READ || call == MEMORY_RULES_STAMP || call == MEMORY_RULE_GET ||
            call == MEMORY_LEDGER_LOAD)
                return 0;
        j->n_calls++;
        if (j->kill_at > 0 && --j->kill_at == 0) {
                j->dead = true;
                return -EIO;
        }
        if ((j->fail_at > 0 && --j->fail_at == 0) || (call == MEMORY_ACTIVATE && j->no_iphlpsvc)) {
                j->failed = true;
                return -EACCES;
        }
        return 0;
}

void judge_init(Judge *j) {
        *j = (Judge){0};
        world_init(&j->w);
        j->w.options.means.relay = true;
        j->w.host.fault = judge_fault;
        j->w.host.changing = judge_changing;
}

void judge_done(Judge *j) {
        world_done(&j->w);
        text_map_done(&j->foreign);
        text_map_done(&j->asked);
}

/* A value that is taken over is in the ledger until that has ended. If somebody writes the same one
 * meanwhile, nobody can tell the two apart, so it counts as ours. */
void judge_foreign(Judge *j, const char *rule, const char *data) {
        (void) text_map_delete(&j->foreign, rule);
        (void) text_map_delete(&j->asked, rule);
        if (data && !judge_ours(j, rule, data, false))
                ck_assert_int_eq(text_map_set(&j->foreign, rule, data), 0);
        world_foreign(&j->w, rule, data);
}

void judge_adopt(Judge *j, const char *rule) {
        const char *data = text_map_get(&j->foreign, rule);

        if (!data)
                return;
        ck_assert_int_eq(text_map_set(&j->w.host.adoptions, rule, data), 0);
        ck_assert_int_eq(text_map_set(&j->asked, rule, data), 0);
        controller_adoptions_changed(j->w.controller);
        world_run(&j->w);
}

void judge_deny(Judge *j, uint16_t port) {
        Policy *p = &j->w.options.policy;

        j->denied = port;
        p->denied_ports[0] = (PolicyPorts){port, port};
        p->n_denied_ports = port > 0;
        controller_set_policy(j->w.controller, p, j->w.host.now_usec);
        world_run(&j->w);
}

/* All addresses of the tests are on the virtual switch. */
static void judge_report_network(Judge *j) {
        Hostnet net = {.n_addresses = 3};

        net.addresses[0] = (HostnetAddress){ip_v4(172, 20, 0, 1), 20, true, "vEthernet"};
        net.addresses[1] = net.addresses[2] = net.addresses[0];
        net.addresses[1].addr = (IpAddr){.family = IP_FAMILY_V6, .bytes = {0xfd, [15] = 1}};
        net.addresses[1].prefix = 64;
        net.addresses[2].addr.bytes[3] = j->bad_network ? 4 : 1;
        controller_set_hostnet(j->w.controller, &net);
        world_run(&j->w);
}

void judge_network(Judge *j, bool bad) {
        j->bad_network = bad;
        judge_report_network(j);
}

/* A power cut may bring back a value that was taken over. Its request comes back with it, so the
 * value counts as foreign. */
static void judge_taken_back(Judge *j) {
        const TextMapEntry **list = text_map_list(&j->w.host.adoptions);

        for (size_t i = 0; i < j->w.host.adoptions.n; i++) {
                const char *data = text_map_get(&j->w.host.rules, list[i]->key);

                if (data && strcmp(data, list[i]->data) == 0)
                        ck_assert_int_eq(text_map_set(&j->foreign, list[i]->key, data), 0);
        }
        free(list);
}

void judge_restart(Judge *j, bool power_cut) {
        world_kill(&j->w);
        if (power_cut) {
                memory_host_power_cut(&j->w.host);
                judge_taken_back(j);
        }
        j->dead = false;
        j->kill_at = 0;
        world_start(&j->w);
        judge_report_network(j);
}

static void judge_table(Judge *j) {
        const TextMapEntry **list = text_map_list(&j->w.host.rules);

        for (size_t i = 0; i < j->w.host.rules.n; i++) {
                const char *foreign;

                judge_recorded(j, list[i]->key, list[i]->data);
                foreign = text_map_get(&j->foreign, list[i]->key);
                if (foreign) {
                        ck_assert_str_eq(list[i]->data, foreign);
                } else {
                        ck_assert_msg(judge_ours(j, list[i]->key, list[i]->data, false),
                                      "leaked: %s %s", list[i]->key, list[i]->data);
                }
        }
        free(list);
        list = text_map_list(&j->foreign);
        for (size_t i = 0; i < j->foreign.n; i++)
                ck_assert_pstr_eq(text_map_get(&j->w.host.rules, list[i]->key), list[i]->data);
        free(list);
}

static bool judge_same_agent(const FakeAgent *a, const LedgerEntry *e) {
        const char *distro = strchr(e->owner, '/');

        return distro && strcmp(distro + 1, a->distro) == 0;
}

static bool judge_is_foreign(const Judge *j, const IpEndpoint *listen) {
        char rule[96];

        for (int i = 0; i < _RULE_FAMILY_END; i++) {
                RuleFamily f = (RuleFamily) i;

                if (rule_family_listens_on(f) != listen->addr.family ||
                    rule_family_is_udp(f) != listen->udp)
                        continue;
                judge_rule(f, listen, rule, sizeof(rule));
                if (text_map_get(&j->foreign, rule))
                        return true;
                (void) snprintf(rule, sizeof(rule), "%s */%u", rule_family_name(f),
                                (unsigned) listen->port);
                if (ip_is_any(&listen->addr) && text_map_get(&j->foreign, rule))
                        return true;
        }
        return false;
}

/* Look at one endpoint of a service, and note what speaks for each state. */
static void judge_endpoint(const Judge *j, const FakeAgent *a, const IpEndpoint *listen,
                           const RuleTarget *target, bool *active, bool *foreign, bool *other) {
        char name[LEDGER_NAME_MAX], data[RULE_DATA_MAX];
        const char *stored, *found = NULL;
        LedgerEntry e;

        ledger_name_format(listen, name);
        rule_target_format(target, data);
        stored = text_map_get(&j->w.host.ledger, name);
        *foreign |= judge_is_foreign(j, listen);
        if (!stored || ledger_entry_parse(name, stored, &e) < 0 || !judge_same_agent(a, &e)) {
                *other |= stored != NULL;
                *active = false;
                return;
        }
        rule_name_format(listen, e.star, name);
        if (rule_target_is_set(target))
                found = memory_host_rule(&j->w.host, rule_family(listen, target), name);
        *active &= found && strcmp(found, data) == 0;
}

/* The results that an agent got must be true. */
static void judge_service(const Judge *j, const FakeAgent *a, const WireState *s, uint32_t i) {
        const WireServiceResult *r = &a->result.services[i];
        const WireAddress *guest = s->v4.addr.family ? &s->v4 : &s->v6;
        bool active = true, foreign = false, other = false, truth = false;
        bool udp = s->services[i].options[WIRE_OPTION_PROTOCOL] == WIRE_PROTOCOL_UDP;
        uint8_t way = asked_way(&s->services[i]);

        for (uint32_t k = 0; k < s->services[i].n_listens; k++) {
                const WireListen *l = &s->listens[s->services[i].first_listen + k];

                for (uint16_t p = 0; p < l->count; p++) {
                        IpEndpoint listen = {l->addr, (uint16_t) (l->port + p), udp};
                        RuleTarget target = {guest->addr, (uint16_t) (l->connect_port + p), way};

                        judge_endpoint(j, a, &listen, &target, &active, &foreign, &other);
                }
        }
        switch ((WireServiceState) r->state) {
        case WIRE_SERVICE_ACTIVE:
                truth = active && !foreign && guest->addr.family != IP_FAMILY_NONE &&
                        !asked_port(s, i, j->denied) &&
                        !(j->bad_network && guest->addr.family == IP_FAMILY_V4 &&
                          guest->addr.bytes[3] == 4);
                break;
        case WIRE_SERVICE_WITHDRAWN:
                truth = guest->addr.family == IP_FAMILY_NONE;
                break;
        case WIRE_SERVICE_CONFLICT:
                truth = r->reason == WIRE_REASON_FOREIGN_RULE ? foreign : other;
                break;
        case WIRE_SERVICE_INVALID:
                truth = asked_twice(s, i) || (j->bad_network && guest->addr.bytes[3] == 4);
                break;
        case WIRE_SERVICE_BLOCKED:
                truth = j->no_iphlpsvc;
                break;
        case WIRE_SERVICE_PENDING:
                truth = j->failed; /* the second half of a change waits for the next try */
                break;
        case WIRE_SERVICE_REFUSED:
                truth = asked_port(s, i, j->denied);
                break;
        case _WIRE_SERVICE_STATE_END:
                break;
        }
        ck_assert_msg(truth,
                      "%s asked for '%s' and got the results '%s', of which service %u is wrong; "
                      "table:\n%s\nledger:\n%s",
                      a->distro, a->services, agent_results_text(a), (unsigned) i,
                      world_rules(&j->w), world_ledger(&j->w));
}

/* A run for all guests finds nothing that the runs before, which may have been for some, have
 * overlooked: it changes nothing, and says nothing new. */
static void judge_run_for_all(Judge *j) {
        uint64_t changes = world_changes(&j->w), n_firewall = j->w.host.n_firewall;
        unsigned n_results[WORLD_AGENTS];

        for (unsigned i = 0; i < WORLD_AGENTS; i++)
                n_results[i] = j->w.agents[i].n_results;
        controller_adoptions_changed(j->w.controller);
        world_run(&j->w);
        ck_assert_uint_eq(world_changes(&j->w), changes);
        ck_assert_uint_eq(j->w.host.n_firewall, n_firewall);
        for (unsigned i = 0; i < WORLD_AGENTS; i++)
                ck_assert_uint_eq(j->w.agents[i].n_results, n_results[i]);
}

void judge_rest(Judge *j) {
        uint64_t changes;

        if (j->failed && !j->no_iphlpsvc) {
                j->failed = false;
                world_wait(&j->w, CONTROLLER_RETRY_MS);
                ck_assert(!j->failed);
        }
        judge_table(j);
        ck_assert(j->no_iphlpsvc || !j->w.host.iphlpsvc_behind);
        for (unsigned i = 0; i < WORLD_AGENTS; i++) {
                const FakeAgent *a = &j->w.agents[i];
                WireState asked;

                if (!agent_ready(a) || !a->asked)
                        continue;
                world_parse(&asked, a->address, a->services);
                for (uint32_t k = 0; k < asked.n_services; k++)
                        judge_service(j, a, &asked, k);
                wire_state_done(&asked);
        }
        changes = world_changes(&j->w);
        controller_rules_changed(j->w.controller);
        world_run(&j->w);
        if (!j->no_iphlpsvc) /* otherwise every run tries to activate again */
                ck_assert_uint_eq(world_changes(&j->w), changes);
        if (!j->no_iphlpsvc)
                judge_run_for_all(j);
}

void judge_nothing_left(Judge *j) {
        ck_assert_uint_eq(j->w.host.ledger.n, 0);
        ck_assert_uint_eq(j->w.host.rules.n, j->foreign.n);
        judge_table(j);
        ck_assert(!j->w.host.iphlpsvc_behind);
}
