/* SPDX-License-Identifier: MIT */

/* See diagnose.h. This file: port forwardings, ours by the ledger and those of others. */

#include "windows-helper/core/doctor/host-checks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct RulesJudge {
        const DiagnoseFacts *facts;
        Findings *findings;
        bool *ours;                     /* owned; of facts->rules' values */
        size_t n_ours, n_lost, n_taken; /* of the ledger: there, gone, changed by somebody */
        size_t n_odd; /* foreign values with a finding, or without for want of room */
} RulesJudge;

/* Both are sorted by endpoint. */
static void judge_ledger(RulesJudge *j) {
        const RuleTable *rules = j->facts->rules;
        const Ledger *ledger = j->facts->ledger;
        size_t at = 0;

        for (size_t i = 0; i < ledger->n_entries; i++) {
                const LedgerEntry *e = &ledger->entries[i];
                bool found = false, other = false;

                while (at < rules->n_values && rules->values[at].parsed &&
                       ip_endpoint_compare(&rules->values[at].listen, &e->listen) < 0)
                        at++;
                for (size_t k = at; k < rules->n_values && rules->values[k].parsed &&
                                    ip_endpoint_compare(&rules->values[k].listen, &e->listen) == 0;
                     k++) {
                        j->ours[k] = rule_value_is(&rules->values[k], &e->current) ||
                                     rule_value_is(&rules->values[k], &e->next);
                        found |= j->ours[k];
                        other |= !j->ours[k];
                }
                if (found)
                        j->n_ours++;
                else if (e->next.addr.family != IP_FAMILY_NONE)
                        *(other ? &j->n_taken : &j->n_lost) += 1;
        }
}

static bool nobody_serves(const DiagnoseFacts *facts) {
        return facts->serves == SEEN_NO &&
               (facts->helper == SERVICE_IS_MISSING || facts->helper == SERVICE_IS_DISABLED ||
                facts->helper == SERVICE_IS_STOPPED);
}

static void judge_ours(RulesJudge *j) {
        Findings *f = j->findings;

        if (j->facts->serves != SEEN_YES) {
                /* One that starts or stops is about to deal with them. */
                if (j->n_ours > 0 && nobody_serves(j->facts))
                        findings_add(f, FINDING_PROBLEM, "rules-left",
                                     "as administrator: sc start wslbridge-helper, which knows "
                                     "them, or wslbridge-helper uninstall",
                                     "Port forwardings left by a helper that did not end properly: "
                                     "%zu",
                                     j->n_ours);
                return;
        }
        if (j->n_lost > 0)
                findings_add(f, FINDING_PROBLEM, "rules-lost",
                             "they are put back within a second; if they stay away, the log "
                             "Application, source wslbridge, says why",
                             "Port forwardings of ours that are not in the registry: %zu",
                             j->n_lost);
        if (j->n_taken > 0)
                findings_add(f, FINDING_PROBLEM, "rules-taken",
                             "delete those, and ours come back ('wslbridge-helper rules')",
                             "Port forwardings of ours that somebody has changed: %zu", j->n_taken);
}

/* 10/8, 172.16/12, 192.168/16: where guests' addresses come from. */
static bool is_private(const IpAddr *a) {
        return a->family == IP_FAMILY_V4 &&
               (a->bytes[0] == 10 || (a->bytes[0] == 172 && (a->bytes[1] & 0xf0) == 16) ||
                (a->bytes[0] == 192 && a->bytes[1] == 168));
}

/* It connects to its own port and so to itself, without an end (fact 4.3). */
static bool is_loop(const Hostnet *net, const IpEndpoint *listen, const IpEndpoint *connect) {
        bool own = ip_is_loopback(&connect->addr) || ip_is_any(&connect->addr) ||
                   (net && hostnet_own(net, &connect->addr));

        return own && listen->port == connect->port &&
               (ip_is_any(&listen->addr) || ip_compare(&listen->addr, &connect->addr) == 0);
}

static const char *judge_foreign(const RulesJudge *j, const RuleValue *v) {
        const Hostnet *net = j->facts->hostnet;
        uint8_t family =
                v->family == RULE_V4TOV4 || v->family == RULE_V6TOV4 ? IP_FAMILY_V4 : IP_FAMILY_V6;
        IpEndpoint connect;

        if (!v->parsed || !v->data)
                return "cannot be read as a port forwarding";
        if (rule_endpoint_parse(v->data, family, &connect) < 0)
                return "forwards to a name, which Windows looks up only when iphlpsvc starts";
        if (is_loop(net, &v->listen, &connect))
                return "forwards to itself";
        if (net && is_private(&connect.addr) && !hostnet_has_neighbour(net, &connect.addr, false))
                return "forwards to an address that is on no network of this host now";
        return NULL;
}

static void judge_others(RulesJudge *j) {
        const RuleTable *rules = j->facts->rules;
        char advice[WIRE_TEXT_MAX + 1], endpoint[IP_ENDPOINT_TEXT_MAX];

        for (size_t i = 0; i < rules->n_values; i++) {
                const RuleValue *v = &rules->values[i];
                const char *odd = j->ours[i] ? NULL : judge_foreign(j, v);

                if (!odd || j->n_odd++ >= DIAGNOSE_EACH_MAX)
                        continue;
                ip_endpoint_format(&v->listen, endpoint);
                (void) snprintf(advice, sizeof(advice),
                                "it is not ours; delete it if nobody needs it%s%s",
                                v->parsed ? ", or for a guest's service to take it over: "
                                            "wslbridge-helper adopt "
                                          : "",
                                v->parsed ? endpoint : "");
                findings_add(j->findings, FINDING_HINT, "foreign-rule", advice, "%s %s = %s %s",
                             rule_family_name(v->family), v->name, v->data ? v->data : "(no text)",
                             odd);
        }
        if (j->n_odd > DIAGNOSE_EACH_MAX)
                findings_add(j->findings, FINDING_HINT, "foreign-rule",
                             "netsh interface portproxy show all",
                             "Odd port forwardings of others, besides these: %zu",
                             j->n_odd - DIAGNOSE_EACH_MAX);
}

void diagnose_rules(const DiagnoseFacts *facts, Findings *f) {
        RulesJudge j = {.facts = facts, .findings = f};

        if (!facts->rules || !facts->ledger) {
                findings_add(f, FINDING_UNSEEN, "rules",
                             "run 'wslbridge-helper doctor' in a terminal opened with 'Run as "
                             "administrator'",
                             "The port forwardings could not be read");
                return;
        }
        j.ours = calloc(facts->rules->n_values + 1, sizeof(*j.ours));
        if (!j.ours) {
                f->error = -ENOMEM;
                return;
        }
        judge_ledger(&j);
        judge_ours(&j);
        judge_others(&j);
        findings_add(f, FINDING_GOOD, "rules", NULL, "Port forwardings: %zu, of these ours: %zu",
                     facts->rules->n_values, j.n_ours);
        free(j.ours);
}
