/* SPDX-License-Identifier: MIT */

/*
 * Any texts as values in the tables of port forwardings, one in each line: "FAMILY NAME=DATA",
 * where a vertical tab stands for the end of a line. What the helper says about one may be shown.
 * The offer to take it over is the one that both doctors find in that text, and what they find is
 * understood by the command that takes it over. A proof is one that outlasts a restart, and a name
 * has a port only where the value is no endpoint.
 */

#include "common/adoption-text.h"
#include "windows-helper/core/rules/adoption.h"
#include "windows-helper/core/rules/conflict-text.h"
#include "windows-helper/core/rules/named-rules.h"

#include <stdlib.h>
#include <string.h>

#define OWNER "00/fuzz"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

static void require_shown(const char *text) {
        require(text[0] && strlen(text) <= WIRE_TEXT_MAX);
        require(wire_text_valid((const uint8_t *) text, strlen(text)));
}

/* Whether the command for @offered would be about @listen. */
static bool is_about(const char *offered, const IpEndpoint *listen) {
        IpEndpoint found[ADOPTION_ENDPOINTS_MAX];

        return adoption_parse(offered, found) == 1 && ip_endpoint_compare(&found[0], listen) == 0;
}

static void fuzz_conflict(const RuleValue *v) {
        char text[WIRE_TEXT_MAX + 1], offered[IP_ENDPOINT_TEXT_MAX], command[CONFLICT_COMMAND_MAX];
        bool possible = adoption_possible(v, NULL);

        conflict_text(v, text);
        require_shown(text);
        if (adoption_text_endpoint(text, offered))
                require(possible && is_about(offered, &v->listen));
        else
                require(!possible || rule_family_is_relay(v->family)); /* there it may not fit */
        if (conflict_command(v, command)) {
                require_shown(command);
                require(!strpbrk(command, "&|<>^%;\"'$`()"));
                require(strstr(text, command) != NULL);
        }
        conflict_text_new(&v->listen, v->data ? v->data : "", text);
        require_shown(text);
        require(!v->data || !v->data[0] ||
                (adoption_text_endpoint(text, offered) && is_about(offered, &v->listen)));
}

/* The value, as an administrator has asked for it. */
static void fuzz_proof(const RuleValue *v, const RuleTable *asked) {
        char name[LEDGER_NAME_MAX], data[LEDGER_TEXT_MAX + 1];
        LedgerEntry proof, again;

        require(adoption_is_asked(asked, v) == (v->parsed && v->data));
        if (!adoption_proof(asked, v, &proof))
                return;
        require(ledger_entry_proves(&proof, v) && !adoption_possible(v, &proof));
        strcpy(proof.owner, OWNER);
        strcpy(proof.service, "web");
        ledger_name_format(&proof.listen, name);
        ledger_entry_format(&proof, data);
        require(ledger_entry_parse(name, data, &again) == 0 && ledger_entry_proves(&again, v));
}

static void fuzz_named(const RuleValue *v) {
        char text[WIRE_TEXT_MAX + 1];
        uint16_t port = 1;
        bool named = named_rule_port(v, &port);

        conflict_value_text(v, text);
        require_shown(text);

        require(named == (port > 0) && !(named && v->parsed));
        require(!named || strrchr(v->name, '/') > v->name);
}

static void add_line(RuleTable *t, char *line) {
        char *family = strsep(&line, " "), *data = line ? strchr(line, '=') : NULL;
        RuleFamily f;

        if (!line || rule_family_parse(family, &f) < 0)
                return;
        for (char *tab = line; (tab = strchr(tab, '\v'));)
                *tab = '\n';
        if (data)
                *data++ = '\0';
        require(rule_table_add(t, f, line, data) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        char *text = calloc(n + 1, 1), *rest = text, *line;
        RuleTable t = RULE_TABLE_NULL;

        require(text != NULL);
        memcpy(text, data, n);
        while ((line = strsep(&rest, "\n")))
                add_line(&t, line);
        rule_table_sort(&t);
        for (size_t i = 0; i < t.n_values; i++) {
                const RuleValue *v = &t.values[i];

                if (v->parsed)
                        fuzz_conflict(v);
                fuzz_proof(v, &t);
                fuzz_named(v);
        }
        rule_table_done(&t);
        free(text);
        return 0;
}
