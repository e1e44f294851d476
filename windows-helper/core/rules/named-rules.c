/* SPDX-License-Identifier: MIT */

/*
 * Values that listen on names, against the endpoints of a plan.
 */

#include "windows-helper/core/rules/named-rules.h"

#include "windows-helper/core/base/result.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Names of ports that people use, of Windows' own list (fact 4.1.12). */
static const struct {
        const char *name;
        uint16_t port;
} port_names[] = {
        {"ftp", 21},   {"ssh", 22},    {"telnet", 23}, {"smtp", 25},   {"domain", 53},
        {"http", 80},  {"www", 80},    {"pop3", 110},  {"nntp", 119},  {"imap", 143},
        {"ldap", 389}, {"https", 443}, {"ldaps", 636}, {"imaps", 993}, {"ms-wbt-server", 3389},
};

/* Return: 0 when @text is no port. */
static uint16_t named_rule_parse(const char *text) {
        unsigned long port = 0;
        char *end = NULL;

        if (text[0] >= '0' && text[0] <= '9')
                port = strtoul(text, &end, 10);
        if (end)
                return *end == '\0' && port <= UINT16_MAX ? (uint16_t) port : 0;
        for (size_t i = 0; i < sizeof(port_names) / sizeof(port_names[0]); i++)
                if (strcasecmp(text, port_names[i].name) == 0)
                        return port_names[i].port;
        return 0;
}

bool named_rule_port(const RuleValue *value, uint16_t *ret_port) {
        const char *slash = value->parsed ? NULL : strrchr(value->name, '/');

        *ret_port = slash && slash > value->name ? named_rule_parse(slash + 1) : 0;
        return *ret_port > 0;
}

static void named_rule_note(const ReconcilePlan *plan, const RuleValue *v, uint16_t port) {
        for (size_t i = 0; i < plan->n_endpoints; i++) {
                const ReconcileEndpoint *e = &plan->endpoints[i];
                WireServiceResult *result = &plan->results[e->guest][e->service];
                char text[WIRE_TEXT_MAX + 1];

                if (e->listen.port != port || e->listen.udp ||
                    result->state != WIRE_SERVICE_ACTIVE ||
                    (result->reason != WIRE_REASON_NONE && result->reason != WIRE_REASON_DIRECT))
                        continue;
                result_text(text,
                            "a port forwarding that wslbridge did not make may be in the way on "
                            "port %u, because it listens on a name (%s %s = %s)",
                            (unsigned) port, rule_family_name(v->family), v->name,
                            v->data ? v->data : "not a string");
                result_note(result, WIRE_REASON_FOREIGN_RULE, text);
        }
}

/* Such values come last in the sorted table, and hardly anybody has one. */
void named_rules_note(const ReconcilePlan *plan) {
        const RuleTable *t = plan->input->rules;
        uint16_t port;

        for (size_t i = t->n_values; i > 0 && !t->values[i - 1].parsed; i--)
                if (!rule_family_is_relay(t->values[i - 1].family) &&
                    named_rule_port(&t->values[i - 1], &port))
                        named_rule_note(plan, &t->values[i - 1], port);
}
