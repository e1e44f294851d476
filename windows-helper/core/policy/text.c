/* SPDX-License-Identifier: MIT */

/*
 * Policies as text for people, and compared. Comparing goes member by member, because padding and
 * the unused ends of the lists have no meaning.
 */

#include "protocol/wire/wire-options.h"
#include "windows-helper/core/policy/policy.h"

#include <stdio.h>
#include <string.h>

typedef struct PolicyText {
        char *text; /* borrowed, POLICY_VALUE_TEXT_MAX */
        size_t n;
} PolicyText;

static void policy_text_item(PolicyText *t, const char *item) {
        int n = snprintf(t->text + t->n, POLICY_VALUE_TEXT_MAX - t->n, "%s%s", t->n ? ", " : "",
                         item);

        t->n += (size_t) n;
        if (t->n >= POLICY_VALUE_TEXT_MAX)
                t->n = POLICY_VALUE_TEXT_MAX - 1;
}

static void policy_text_ports(PolicyText *t, const PolicyPorts *ports, size_t n, bool closed,
                              const char *none) {
        char item[16];

        if (closed || n == 0)
                policy_text_item(t, none);
        for (size_t i = 0; !closed && i < n; i++) {
                if (ports[i].first == ports[i].last)
                        (void) snprintf(item, sizeof(item), "%u", (unsigned) ports[i].first);
                else
                        (void) snprintf(item, sizeof(item), "%u-%u", (unsigned) ports[i].first,
                                        (unsigned) ports[i].last);
                policy_text_item(t, item);
        }
}

static void policy_text_listen(PolicyText *t, const Policy *p) {
        if (p->listen_closed || p->n_allowed_listen == 0)
                policy_text_item(t, p->listen_closed ? "none" : "all");
        for (size_t i = 0; !p->listen_closed && i < p->n_allowed_listen; i++) {
                const WirePrefix *prefix = &p->allowed_listen[i];
                char address[IP_TEXT_MAX], item[IP_TEXT_MAX + 8];

                ip_format(&prefix->addr, address);
                if (prefix->length == ip_family_bits(prefix->addr.family))
                        (void) snprintf(item, sizeof(item), "%s", address);
                else
                        (void) snprintf(item, sizeof(item), "%s/%u", address,
                                        (unsigned) prefix->length);
                policy_text_item(t, item);
        }
}

static void policy_text_profiles(PolicyText *t, uint8_t profiles) {
        static const char *const names[] = {"domain", "private", "public"};

        if (profiles == 0)
                policy_text_item(t, "none");
        for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if (profiles & 1u << i)
                        policy_text_item(t, names[i]);
}

static void policy_text_protocols(PolicyText *t, uint8_t protocols) {
        const char *const *words = wire_option_words(WIRE_OPTION_PROTOCOL);

        if (protocols == 0)
                policy_text_item(t, "none");
        for (unsigned i = 0; words[i]; i++)
                if (protocols & 1u << i)
                        policy_text_item(t, words[i]);
}

void policy_value_text(const Policy *p, size_t index, char ret_text[POLICY_VALUE_TEXT_MAX]) {
        const char *name = policy_definitions[index].name;
        PolicyText t = {.text = ret_text};

        ret_text[0] = '\0';
        if (strcmp(name, POLICY_NAME_ALLOWED_PORTS) == 0)
                policy_text_ports(&t, p->allowed_ports, p->n_allowed_ports, p->allowed_closed,
                                  p->allowed_closed ? "none" : "all");
        else if (strcmp(name, POLICY_NAME_DENIED_PORTS) == 0)
                policy_text_ports(&t, p->denied_ports, p->n_denied_ports, p->denied_closed,
                                  p->denied_closed ? "all" : "none");
        else if (strcmp(name, POLICY_NAME_ALLOWED_LISTEN) == 0)
                policy_text_listen(&t, p);
        else if (strcmp(name, POLICY_NAME_ALLOWED_PROFILES) == 0)
                policy_text_profiles(&t, p->allowed_profiles);
        else if (strcmp(name, POLICY_NAME_WIDEST_REMOTE) == 0)
                policy_text_item(&t, p->widest_remote == WIRE_REMOTE_ANY ? "any" : "LocalSubnet");
        else if (strcmp(name, POLICY_NAME_ALLOWED_PROTOCOLS) == 0)
                policy_text_protocols(&t, p->allowed_protocols);
        else if (strcmp(name, POLICY_NAME_ALLOW_RELAY) == 0)
                policy_text_item(&t, p->allow_relay ? "1" : "0");
        else if (strcmp(name, POLICY_NAME_MAX_ENDPOINTS) == 0)
                (void) snprintf(ret_text, POLICY_VALUE_TEXT_MAX, "%u", (unsigned) p->max_endpoints);
        else if (strcmp(name, POLICY_NAME_PAIRING_REQUIRED) == 0)
                policy_text_item(&t, p->pairing_required ? "1" : "0");
        else
                policy_text_item(&t, p->privileged_source ? "1" : "0");
}

const char *policy_source_name(PolicySource source) {
        switch (source) {
        case POLICY_FROM_DEFAULT:
                return "default";
        case POLICY_FROM_LOCAL:
                return "local";
        case POLICY_FROM_MANAGED:
                return "Group Policy";
        }
        return "unknown";
}

static bool policy_ports_equal(const PolicyPorts *a, size_t n_a, const PolicyPorts *b, size_t n_b) {
        if (n_a != n_b)
                return false;
        for (size_t i = 0; i < n_a; i++)
                if (a[i].first != b[i].first || a[i].last != b[i].last)
                        return false;
        return true;
}

bool policy_equal(const Policy *a, const Policy *b) {
        if (!policy_ports_equal(a->allowed_ports, a->n_allowed_ports, b->allowed_ports,
                                b->n_allowed_ports) ||
            !policy_ports_equal(a->denied_ports, a->n_denied_ports, b->denied_ports,
                                b->n_denied_ports) ||
            a->n_allowed_listen != b->n_allowed_listen)
                return false;
        for (size_t i = 0; i < a->n_allowed_listen; i++)
                if (ip_compare(&a->allowed_listen[i].addr, &b->allowed_listen[i].addr) != 0 ||
                    a->allowed_listen[i].length != b->allowed_listen[i].length)
                        return false;
        return a->allowed_profiles == b->allowed_profiles && a->widest_remote == b->widest_remote &&
               a->allowed_protocols == b->allowed_protocols && a->allow_relay == b->allow_relay &&
               a->max_endpoints == b->max_endpoints && a->pairing_required == b->pairing_required &&
               a->privileged_source == b->privileged_source &&
               a->allowed_closed == b->allowed_closed && a->denied_closed == b->denied_closed &&
               a->listen_closed == b->listen_closed;
}

bool policy_origin_equal(const PolicyOrigin *a, const PolicyOrigin *b) {
        if (a->n_problems != b->n_problems)
                return false;
        for (size_t i = 0; i < POLICY_DEFINITIONS; i++)
                if (a->sources[i] != b->sources[i])
                        return false;
        for (size_t i = 0; i < a->n_problems; i++)
                if (strcmp(a->problems[i], b->problems[i]) != 0)
                        return false;
        return true;
}
