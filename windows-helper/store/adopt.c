/* SPDX-License-Identifier: MIT */

/*
 * Which values an adoption is about, and requesting it for each.
 */

#include "windows-helper/store/adopt.h"

#include "windows-helper/core/rules/adoption.h"
#include "windows-helper/core/rules/conflict-text.h"
#include "windows-helper/store/adoption-store.h"
#include "windows-helper/store/ledger-store.h"
#include "windows-helper/store/rule-store.h"
#include "windows-helper/win/console.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct AdoptSeen {
        const RuleValue *other; /* at the endpoint, and cannot be adopted */
        bool ours;
} AdoptSeen;

/* Take back the requests: an endpoint is adopted as a whole or not at all. */
static void adopt_undo(AdoptionStore *s, const RuleTable *rules, const bool *requested) {
        for (size_t i = 0; i < rules->n_values; i++)
                if (requested[i])
                        (void) adoption_store_remove(s, rules->values[i].family,
                                                     rules->values[i].name);
}

/* Request the adoption of each value for the endpoint, whichever way it is spelled. Return: their
 * number, or negative errno. */
static int adopt_values(const RuleTable *rules, const Ledger *ledger, const IpEndpoint *listen,
                        bool *requested, AdoptSeen *seen) {
        const LedgerEntry *entry = ledger_find(ledger, listen);
        AdoptionStore adoptions;
        int r = 0, n = 0;

        adoption_store_init(&adoptions);
        for (size_t i = rule_table_seek(rules, 0, listen);
             r == 0 && i < rules->n_values && rule_value_listens(&rules->values[i], listen); i++) {
                const RuleValue *v = &rules->values[i];

                if (!adoption_possible(v, entry)) {
                        seen->ours |= v->data != NULL;
                        seen->other = v->data ? seen->other : v;
                        continue;
                }
                r = adoption_store_add(&adoptions, v->family, v->name, v->data);
                requested[i] = r == 0;
                n += r == 0;
        }
        if (r < 0)
                adopt_undo(&adoptions, rules, requested);
        adoption_store_done(&adoptions);
        return r < 0 ? r : n;
}

static void adopt_tell(const RuleTable *rules, const bool *requested) {
        for (size_t i = 0; i < rules->n_values; i++) {
                const RuleValue *v = &rules->values[i];
                char value[WIRE_TEXT_MAX + 1];

                if (!requested[i])
                        continue;
                conflict_value_text(v, value);
                (void) console_printf("%s %s: will be taken over when a guest's service asks for "
                                      "it\n",
                                      rule_family_name(v->family), value);
        }
}

static void adopt_complain(const char *text, const AdoptSeen *seen) {
        char command[CONFLICT_COMMAND_MAX];

        if (seen->other && conflict_command(seen->other, command))
                log_write(LOG_LEVEL_ERROR,
                          "The value %s of %s is not a plain string (REG_SZ), so it cannot be "
                          "taken over; delete it: '%s'",
                          seen->other->name, rule_family_name(seen->other->family), command);
        else if (seen->other)
                log_write(LOG_LEVEL_ERROR,
                          "The value %s of %s is not a plain string (REG_SZ), so it cannot be "
                          "taken over; delete it in the registry if nobody needs it",
                          seen->other->name, rule_family_name(seen->other->family));
        else if (seen->ours)
                log_write(LOG_LEVEL_ERROR, "The port forwarding at %s is wslbridge's already",
                          text);
        else
                log_write(LOG_LEVEL_ERROR,
                          "There is no port forwarding at %s that another program made; this "
                          "command shows all: 'netsh interface portproxy show all'. For a port of "
                          "UDP, put /udp behind it",
                          text);
}

typedef struct AdoptInput {
        RuleTable rules; /* sorted */
        Ledger ledger;
        bool *requested; /* owned; for each of the values */
} AdoptInput;

/* Return: 0 or negative errno (logged). @ret_input: to be given to adopt_input_done() in any case.
 */
static int adopt_input_read(AdoptInput *ret_input) {
        LedgerStore store = LEDGER_STORE_INIT;
        RuleStore values;
        int r;

        *ret_input = (AdoptInput){.ledger = LEDGER_NULL};
        rule_store_init(&values);
        r = rule_store_read(&values, true, &ret_input->rules);
        rule_store_done(&values);
        if (r == 0)
                r = ledger_store_load(&store, &ret_input->ledger);
        ledger_store_done(&store);
        rule_table_sort(&ret_input->rules);
        ret_input->requested = calloc(ret_input->rules.n_values + 1, sizeof(bool));
        return ret_input->requested ? r : -ENOMEM;
}

static void adopt_input_done(AdoptInput *in) {
        free(in->requested);
        ledger_done(&in->ledger);
        rule_table_done(&in->rules);
}

static int adopt_endpoints(const char *text, const IpEndpoint *listens, int n_listens) {
        AdoptSeen seen = {0};
        AdoptInput in;
        int r = adopt_input_read(&in), n = 0;

        for (int i = 0; r == 0 && i < n_listens; i++) {
                int k = adopt_values(&in.rules, &in.ledger, &listens[i], in.requested, &seen);

                r = k < 0 ? k : 0;
                n += k;
        }
        if (r == 0 && n > 0)
                adopt_tell(&in.rules, in.requested);
        else if (r == 0)
                adopt_complain(text, &seen);
        adopt_input_done(&in);
        return r < 0 ? r : n > 0 ? 0 : -ENOENT;
}

int adopt_range(const WireListen *range) {
        IpEndpoint listen = {range->addr, range->port};
        AdoptSeen seen = {0};
        AdoptInput in;
        int r = adopt_input_read(&in), n = 0;

        for (unsigned i = 0; r == 0 && i < range->count; i++, listen.port++) {
                int k = adopt_values(&in.rules, &in.ledger, &listen, in.requested, &seen);

                r = k < 0 ? k : 0;
                n += k;
        }
        if (r == 0 && n == 0)
                log_write(LOG_LEVEL_ERROR, "Nothing there can be taken over");
        adopt_input_done(&in);
        return r < 0 ? r : n > 0 ? 0 : -ENOENT;
}

int adopt(const char *text) {
        IpEndpoint listens[ADOPTION_ENDPOINTS_MAX];
        int n = adoption_parse(text, listens);

        if (n < 0) {
                log_write(LOG_LEVEL_ERROR,
                          "'%s' is not an endpoint; write 0.0.0.0:2222, [::]:80, *:2222 or "
                          "0.0.0.0:53/udp",
                          text);
                return -EINVAL;
        }
        return adopt_endpoints(text, listens, n);
}
