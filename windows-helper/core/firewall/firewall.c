/* SPDX-License-Identifier: MIT */

/*
 * Firewall rules as data: their names and descriptions, sorted lists of them, and the difference of
 * two lists.
 */

#include "windows-helper/core/firewall/firewall.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIREWALL_PREFIX    FIREWALL_GROUPING " "
#define FIREWALL_ABOUT     "Opened for service '"
#define FIREWALL_ABOUT_END "' of a guest, by wslbridge"
#define FIREWALL_LEAVING   " (removed "
#define FIREWALL_TAG_CHARS 16

void firewall_rule_name(const IpEndpoint *listen, char ret_name[FIREWALL_NAME_MAX]) {
        char text[IP_ENDPOINT_TEXT_MAX];

        ip_endpoint_format(listen, text);
        (void) snprintf(ret_name, FIREWALL_NAME_MAX, FIREWALL_PREFIX "%s", text);
}

int firewall_rule_parse_name(const char *name, IpEndpoint *ret_listen) {
        const size_t n = sizeof(FIREWALL_PREFIX) - 1;
        char text[IP_ENDPOINT_TEXT_MAX], again[FIREWALL_NAME_MAX], *address = text, *colon, *p;
        unsigned port = 0;
        IpEndpoint e;

        if (strncmp(name, FIREWALL_PREFIX, n) != 0 || strlen(name + n) >= sizeof(text))
                return -EINVAL;
        memcpy(text, name + n, strlen(name + n) + 1);
        colon = strrchr(text, ':');
        if (!colon)
                return -EINVAL;
        *colon = '\0';
        for (p = colon + 1; *p >= '0' && *p <= '9' && port <= UINT16_MAX; p++)
                port = port * 10 + (unsigned) (*p - '0');
        if (port > UINT16_MAX)
                return -EINVAL;
        e.port = (uint16_t) port;
        e.udp = strcmp(p, IP_UDP_TEXT) == 0;
        if (text[0] == '[' && colon[-1] == ']') {
                colon[-1] = '\0';
                address++;
        }
        if (ip_parse(address, &e.addr) < 0)
                return -EINVAL;
        firewall_rule_name(&e, again); /* each endpoint has exactly one name */
        if (strcmp(again, name) != 0)
                return -EINVAL;
        *ret_listen = e;
        return 0;
}

void firewall_rule_leaving_name(const IpEndpoint *listen, uint64_t tag,
                                char ret_name[FIREWALL_NAME_MAX]) {
        char name[FIREWALL_NAME_MAX];

        firewall_rule_name(listen, name);
        (void) snprintf(ret_name, FIREWALL_NAME_MAX, "%.*s" FIREWALL_LEAVING "%016" PRIx64 ")",
                        FIREWALL_NAME_MAX - 28, name, tag);
}

int firewall_rule_parse_leaving_name(const char *name, IpEndpoint *ret_listen) {
        const size_t n = sizeof(FIREWALL_LEAVING) - 1;
        const char *mark = strstr(name, FIREWALL_LEAVING);
        char usual[FIREWALL_NAME_MAX];

        if (!mark || (size_t) (mark - name) >= sizeof(usual) ||
            strspn(mark + n, "0123456789abcdef") != FIREWALL_TAG_CHARS ||
            strcmp(mark + n + FIREWALL_TAG_CHARS, ")") != 0)
                return -EINVAL;
        memcpy(usual, name, (size_t) (mark - name));
        usual[mark - name] = '\0';
        return firewall_rule_parse_name(usual, ret_listen);
}

void firewall_rule_about(const FirewallRule *rule, char ret_about[FIREWALL_ABOUT_MAX]) {
        (void) snprintf(ret_about, FIREWALL_ABOUT_MAX, FIREWALL_ABOUT "%s" FIREWALL_ABOUT_END,
                        rule->service);
}

int firewall_rule_parse_about(const char *about, char ret_service[WIRE_SERVICE_NAME_MAX + 1]) {
        const size_t n = sizeof(FIREWALL_ABOUT) - 1;
        const char *end = strrchr(about, '\'');

        if (strncmp(about, FIREWALL_ABOUT, n) != 0 || end <= about + n ||
            strcmp(end, FIREWALL_ABOUT_END) != 0 ||
            (size_t) (end - about) - n > WIRE_SERVICE_NAME_MAX)
                return -EINVAL;
        memcpy(ret_service, about + n, (size_t) (end - about) - n);
        ret_service[(size_t) (end - about) - n] = '\0';
        return 0;
}

int firewall_rule_copy(FirewallRule *to, const FirewallRule *from) {
        size_t n = strlen(from->remote) + 1;
        char *remote = malloc(n);

        if (!remote)
                return -ENOMEM;
        memcpy(remote, from->remote, n);
        free(to->remote);
        *to = *from;
        to->remote = remote;
        return 0;
}

int firewall_rules_add(FirewallRules *r, const FirewallRule *rule) {
        int error;

        if (r->n == r->size) {
                size_t size = r->size > 0 ? 2 * r->size : 16;
                FirewallRule *items = realloc(r->items, size * sizeof(*items));

                if (!items)
                        return -ENOMEM;
                r->items = items;
                r->size = size;
        }
        r->items[r->n] = (FirewallRule){.remote = NULL};
        error = firewall_rule_copy(&r->items[r->n], rule);
        r->n += error == 0;
        return error;
}

static int firewall_compare(const void *pa, const void *pb) {
        const FirewallRule *a = pa, *b = pb;

        return ip_endpoint_compare(&a->listen, &b->listen);
}

void firewall_rules_sort(FirewallRules *r) {
        if (r->n > 1)
                qsort(r->items, r->n, sizeof(*r->items), firewall_compare);
}

FirewallRule *firewall_rules_find(const FirewallRules *r, size_t n, const IpEndpoint *listen) {
        const FirewallRule key = {.listen = *listen};

        return n > 0 ? bsearch(&key, r->items, n, sizeof(key), firewall_compare) : NULL;
}

void firewall_rules_done(FirewallRules *r) {
        for (size_t i = 0; i < r->n; i++)
                free(r->items[i].remote);
        free(r->items);
        *r = FIREWALL_RULES_NULL;
}

bool firewall_rule_same(const FirewallRule *a, const FirewallRule *b) {
        return a->profiles == b->profiles && strcmp(a->remote, b->remote) == 0 &&
               strcmp(a->service, b->service) == 0;
}

int firewall_diff(const FirewallRules *present, const FirewallRules *wanted,
                  FirewallChange **ret_changes, size_t *ret_n) {
        FirewallChange *changes = malloc((present->n + wanted->n + 1) * sizeof(*changes));
        size_t n = 0;

        if (!changes)
                return -ENOMEM;
        for (size_t i = 0, k = 0; i < present->n; i++) { /* removals first */
                const FirewallRule *p = &present->items[i];

                while (k < wanted->n && firewall_compare(&wanted->items[k], p) < 0)
                        k++;
                if (!p->refused && (k == wanted->n || firewall_compare(&wanted->items[k], p) != 0))
                        changes[n++] = (FirewallChange){FIREWALL_REMOVE, p};
        }
        for (size_t i = 0, k = 0; i < wanted->n; i++) {
                const FirewallRule *w = &wanted->items[i];

                while (k < present->n && firewall_compare(&present->items[k], w) < 0)
                        k++;
                if (w->profiles == 0 || w->refused)
                        continue;
                if (k == present->n || firewall_compare(&present->items[k], w) != 0)
                        changes[n++] = (FirewallChange){FIREWALL_ADD, w};
                else if (!firewall_rule_same(&present->items[k], w))
                        changes[n++] = (FirewallChange){FIREWALL_UPDATE, w};
        }
        *ret_changes = changes;
        *ret_n = n;
        return 0;
}
