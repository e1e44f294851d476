/* SPDX-License-Identifier: MIT */

/* See firewall.h. */

#include "windows-helper/core/firewall.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIREWALL_PREFIX FIREWALL_GROUPING " "

void firewall_rule_name(const IpEndpoint *listen, char ret_name[FIREWALL_NAME_MAX]) {
        char text[IP_ENDPOINT_TEXT_MAX];

        ip_endpoint_format(listen, text);
        (void) snprintf(ret_name, FIREWALL_NAME_MAX, FIREWALL_PREFIX "%s", text);
}

int firewall_rule_parse_name(const char *name, IpEndpoint *ret_listen) {
        const size_t n = sizeof FIREWALL_PREFIX - 1;
        char text[IP_ENDPOINT_TEXT_MAX], again[FIREWALL_NAME_MAX], *address = text, *colon;
        IpEndpoint e = {0};
        unsigned port = 0;

        if (strncmp(name, FIREWALL_PREFIX, n) != 0 || strlen(name + n) >= sizeof text)
                return -EINVAL;
        memcpy(text, name + n, strlen(name + n) + 1);
        colon = strrchr(text, ':');
        if (!colon)
                return -EINVAL;
        *colon = '\0';
        for (const char *p = colon + 1; *p >= '0' && *p <= '9' && port <= UINT16_MAX; p++)
                port = port * 10 + (unsigned) (*p - '0');
        if (port > UINT16_MAX)
                return -EINVAL;
        e.port = (uint16_t) port;
        if (text[0] == '[' && colon > text + 1 && colon[-1] == ']') {
                colon[-1] = '\0';
                address++;
        }
        if (ip_parse(address, &e.addr) < 0)
                return -EINVAL;
        firewall_rule_name(&e, again); /* one name for each endpoint */
        if (strcmp(again, name) != 0)
                return -EINVAL;
        *ret_listen = e;
        return 0;
}

int firewall_rules_add(FirewallRules *r, const FirewallRule *rule) {
        size_t n = strlen(rule->remote) + 1;
        char *remote;

        if (r->n == r->size) {
                size_t size = r->size > 0 ? 2 * r->size : 16;
                FirewallRule *items = realloc(r->items, size * sizeof *items);

                if (!items)
                        return -ENOMEM;
                r->items = items;
                r->size = size;
        }
        remote = malloc(n);
        if (!remote)
                return -ENOMEM;
        memcpy(remote, rule->remote, n);
        r->items[r->n] = *rule;
        r->items[r->n++].remote = remote;
        return 0;
}

static int firewall_compare(const void *pa, const void *pb) {
        const FirewallRule *a = pa, *b = pb;

        return ip_endpoint_compare(&a->listen, &b->listen);
}

void firewall_rules_sort(FirewallRules *r) {
        if (r->n > 1)
                qsort(r->items, r->n, sizeof *r->items, firewall_compare);
}

void firewall_rules_done(FirewallRules *r) {
        for (size_t i = 0; i < r->n; i++)
                free(r->items[i].remote);
        free(r->items);
        *r = FIREWALL_RULES_NULL;
}

char *firewall_remote_text(const WireState *state, const WireService *service) {
        const char *fixed = service->remote == WIRE_REMOTE_LOCAL_SUBNET ? "LocalSubnet" : "*";
        size_t size = service->n_remotes * (IP_TEXT_MAX + 5) + sizeof "LocalSubnet", n = 0;
        char *text = malloc(size);

        if (!text)
                return NULL;
        if (service->remote != WIRE_REMOTE_LIST) {
                memcpy(text, fixed, strlen(fixed) + 1);
                return text;
        }
        text[0] = '\0';
        for (uint32_t i = 0; i < service->n_remotes; i++) {
                const WirePrefix *p = &state->remotes[service->first_remote + i];
                char address[IP_TEXT_MAX];

                ip_format(&p->addr, address);
                n += (size_t) snprintf(text + n, size - n, "%s%s/%u", n > 0 ? "," : "", address,
                                       (unsigned) p->length);
        }
        return text;
}

static bool firewall_same(const FirewallRule *a, const FirewallRule *b) {
        return a->profiles == b->profiles && strcmp(a->remote, b->remote) == 0 &&
               strcmp(a->service, b->service) == 0;
}

int firewall_diff(const FirewallRules *present, const FirewallRules *wanted,
                  FirewallChange **ret_changes, size_t *ret_n) {
        FirewallChange *changes = malloc((present->n + wanted->n + 1) * sizeof *changes);
        size_t n = 0;

        if (!changes)
                return -ENOMEM;
        for (size_t i = 0, k = 0; i < present->n; i++) { /* removals first */
                const FirewallRule *p = &present->items[i];

                while (k < wanted->n && firewall_compare(&wanted->items[k], p) < 0)
                        k++;
                if (k == wanted->n || firewall_compare(&wanted->items[k], p) != 0)
                        changes[n++] = (FirewallChange){FIREWALL_REMOVE, p};
        }
        for (size_t i = 0, k = 0; i < wanted->n; i++) {
                const FirewallRule *w = &wanted->items[i];

                while (k < present->n && firewall_compare(&present->items[k], w) < 0)
                        k++;
                if (w->profiles == 0)
                        continue;
                if (k == present->n || firewall_compare(&present->items[k], w) != 0)
                        changes[n++] = (FirewallChange){FIREWALL_ADD, w};
                else if (!firewall_same(&present->items[k], w))
                        changes[n++] = (FirewallChange){FIREWALL_UPDATE, w};
        }
        *ret_changes = changes;
        *ret_n = n;
        return 0;
}
