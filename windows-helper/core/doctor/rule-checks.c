/* SPDX-License-Identifier: MIT */

/*
 * Conclusions about port forwardings: ours, by the ledger, and those of others.
 */

#include "windows-helper/core/base/result.h"
#include "windows-helper/core/doctor/host-checks-private.h"
#include "windows-helper/core/rules/adoption.h"
#include "windows-helper/core/rules/conflict-text.h"
#include "windows-helper/core/rules/named-rules.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct RulesJudge {
        const HostEvidence *evidence;
        Findings *findings;
        bool *ours;                     /* owned: for each of the rules' values */
        size_t n_ours, n_lost, n_taken; /* of the ledger: there, gone, changed by somebody */
        size_t n_odd; /* foreign values that are worth a finding, also where there are too many */
} RulesJudge;

/* Both are sorted by endpoint. */
static void judge_ledger(RulesJudge *j) {
        const RuleTable *rules = j->evidence->rules;
        const Ledger *ledger = j->evidence->ledger;
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
                        j->ours[k] = ledger_entry_proves(e, &rules->values[k]);
                        found |= j->ours[k];
                        other |= !j->ours[k];
                }
                if (found)
                        j->n_ours++;
                else if (rule_target_is_set(&e->next))
                        *(other ? &j->n_taken : &j->n_lost) += 1;
        }
}

static bool nobody_serves(const HostEvidence *evidence) {
        return evidence->serves == SEEN_NO && service_is_at_rest(evidence->helper);
}

static void judge_ours(RulesJudge *j) {
        Findings *f = j->findings;

        if (j->evidence->serves != SEEN_YES) {
                /* A helper that is starting or stopping is about to deal with them. How it gets to
                 * serve again is said with its service. */
                if (j->n_ours > 0 && nobody_serves(j->evidence))
                        host_finding(f, FINDING_PROBLEM, "rules-left", NULL,
                                     "As soon as a helper serves again, it takes care of them. Or "
                                     "remove them together with wslbridge. " HERE
                                     "  .\\wslbridge-helper uninstall",
                                     "Port forwardings left by a helper that did not end properly: "
                                     "%zu",
                                     j->n_ours);
                return;
        }
        if (j->n_lost > 0)
                host_finding(f, FINDING_PROBLEM, "rules-lost", NULL,
                             "They are put back within a second. If they stay away, " EVENT_LOG ".",
                             "Port forwardings of ours that are missing from the registry: %zu",
                             j->n_lost);
        if (j->n_taken > 0)
                host_finding(f, FINDING_PROBLEM, "rules-taken", NULL,
                             "Delete those, and ours come back. 'wslbridge-helper rules' shows "
                             "ours.",
                             "Port forwardings of ours that somebody has changed: %zu", j->n_taken);
}

/* 10/8, 172.16/12, 192.168/16: where guests' addresses come from. */
static bool is_private(const IpAddr *a) {
        return a->family == IP_FAMILY_V4 &&
               (a->bytes[0] == 10 || (a->bytes[0] == 172 && (a->bytes[1] & 0xf0) == 16) ||
                (a->bytes[0] == 192 && a->bytes[1] == 168));
}

/* It connects to its own port and so to itself, endlessly (fact 4.3.5). */
static bool is_loop(const Hostnet *net, const IpEndpoint *listen, const IpEndpoint *connect) {
        bool own = ip_is_loopback(&connect->addr) || ip_is_any(&connect->addr) ||
                   (net && hostnet_own(net, &connect->addr));

        return own && listen->port == connect->port &&
               (ip_is_any(&listen->addr) || ip_compare(&listen->addr, &connect->addr) == 0);
}

/* Return: what is odd about a port forwarding of somebody else, such as a name as its target (fact
 * 4.2.1), or NULL. */
static const char *judge_foreign(const RulesJudge *j, const RuleValue *v) {
        const Hostnet *net = j->evidence->hostnet;
        uint8_t family = v->family % 2 == RULE_V4TOV4 ? IP_FAMILY_V4 : IP_FAMILY_V6;
        IpEndpoint connect;

        if (rule_family_is_relay(v->family))
                return "is in the table of wslbridge's relay, which is for wslbridge alone";
        if (!v->parsed)
                return "listens on a name, which only Windows can look up";
        if (!v->data)
                return "is not plain text, so it has no effect";
        if (rule_endpoint_parse(v->data, family, &connect) < 0)
                return "forwards to a name, which Windows looks up only when iphlpsvc starts";
        if (is_loop(net, &v->listen, &connect))
                return "forwards to itself";
        if (net && is_private(&connect.addr) && !hostnet_has_neighbour(net, &connect.addr, false))
                return "forwards to an address that is on no network of this host now";
        return NULL;
}

/* What listens on a name may or may not take an endpoint of ours. */
static const char *is_in_the_way(const RulesJudge *j, const RuleValue *v) {
        const Ledger *ledger = j->evidence->ledger;
        uint16_t port;

        for (size_t i = 0; named_rule_port(v, &port) && i < ledger->n_entries; i++)
                if (ledger->entries[i].listen.port == port)
                        return "; it may be in the way of ours on the same port";
        return "";
}

/* How to get rid of a value in the relay's table. A name that is no endpoint is not put into a
 * command. */
static void advise_relay_value(const RuleValue *v, Buffer *advice) {
        char command[CONFLICT_COMMAND_MAX];

        if (conflict_command(v, command))
                buffer_printf(
                        advice,
                        "wslbridge does not know it. Delete it if no guest needs it. " ELEVATED
                        "  %s%s",
                        command, adoption_possible(v, NULL) ? "\n" : "");
        else
                buffer_printf(advice, "Delete it with the registry editor ('regedit'), below "
                                      "HKLM\\" NAMES_RELAY_KEY ".");
}

static void add_foreign(RulesJudge *j, const RuleValue *v, const char *odd) {
        char endpoint[IP_ENDPOINT_TEXT_MAX], subject[WIRE_TEXT_MAX + 1];
        Finding *x;

        result_text(subject, "%s %s", rule_family_name(v->family), v->name);
        x = host_finding(j->findings, FINDING_HINT, "foreign-rule", subject,
                         rule_family_is_relay(v->family) ? ""
                         : v->parsed ? "It is not ours. Delete it if nobody needs it."
                                     : "It is not ours and may be needed.",
                         "The port forwarding %s = %s %s%s", subject,
                         v->data ? v->data : "(no text)", odd, is_in_the_way(j, v));
        if (rule_family_is_relay(v->family))
                advise_relay_value(v, &x->advice);
        if (adoption_possible(v, NULL)) {
                ip_endpoint_format(&v->listen, endpoint);
                buffer_printf(&x->advice,
                              "%sOr let a guest's service take it over. " ELEVATED_HELPER
                              "  .\\wslbridge-helper adopt %s",
                              rule_family_is_relay(v->family) ? "" : " ", endpoint);
        }
}

static void judge_others(RulesJudge *j) {
        const RuleTable *rules = j->evidence->rules;

        for (size_t i = 0; i < rules->n_values; i++) {
                const char *odd = j->ours[i] ? NULL : judge_foreign(j, &rules->values[i]);

                if (odd && j->n_odd++ < HOST_FINDINGS_EACH_MAX)
                        add_foreign(j, &rules->values[i], odd);
        }
        if (j->n_odd > HOST_FINDINGS_EACH_MAX)
                host_finding(j->findings, FINDING_HINT, "foreign-rule", NULL,
                             "This command shows all:\n  netsh interface portproxy show all",
                             "More odd port forwardings that are not ours: %zu",
                             j->n_odd - HOST_FINDINGS_EACH_MAX);
}

void rule_checks_run(const HostEvidence *e, Findings *f) {
        RulesJudge j = {.evidence = e, .findings = f};

        if (!e->rules || !e->ledger) {
                host_finding(f, FINDING_UNSEEN, "rules", NULL, ASK_AS_ADMINISTRATOR,
                             "The port forwardings could not be read");
                return;
        }
        j.ours = calloc(e->rules->n_values + 1, sizeof(*j.ours));
        if (!j.ours) {
                f->oom = true;
                return;
        }
        judge_ledger(&j);
        judge_ours(&j);
        judge_others(&j);
        /* Facts 4.3.12 and 9.3.21. */
        host_finding(f, FINDING_GOOD, "rules", NULL, NULL, "Port forwardings: %zu (ours: %zu%s)",
                     e->rules->n_values, j.n_ours,
                     j.n_ours > 0 ? "; those on 0.0.0.0 keep others off 127.0.0.1" : "");
        free(j.ours);
}
