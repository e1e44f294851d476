/* SPDX-License-Identifier: MIT */

/*
 * Forwardings as text and as a sorted table. Reading accepts many forms, because other
 * programs write here, too, and their rules must be recognised. Writing uses exactly one form (and
 * for a name that we have taken over, "*"), because a value is ours only when its text is the one
 * that we write.
 */

#include "windows-helper/core/rules/rule.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define RULE_STAR             "*" /* all addresses (fact 4.1.4) */
#define RULE_PROXY_V2         " proxy-v2"
#define RULE_PORT_DIGITS_MAX  5
#define RULE_TABLE_SIZE_FIRST 64

RuleFamily rule_family(const IpEndpoint *listen, const RuleTarget *target) {
        unsigned family = (listen->addr.family == IP_FAMILY_V6 ? RULE_V6TOV4 : RULE_V4TOV4) +
                          (target->addr.family == IP_FAMILY_V6 ? RULE_V4TOV6 : RULE_V4TOV4);

        if (target->way != RULE_WAY_PORTPROXY)
                family += listen->udp ? RULE_RELAY_UDP : RULE_RELAY_TCP;
        return (RuleFamily) family;
}

const char *rule_family_name(RuleFamily family) {
        static const char names[_RULE_FAMILY_END][RULE_FAMILY_TEXT_MAX] = {
                "v4tov4",           "v4tov6",           "v6tov4",           "v6tov6",
                "relay-tcp-v4tov4", "relay-tcp-v4tov6", "relay-tcp-v6tov4", "relay-tcp-v6tov6",
                "relay-udp-v4tov4", "relay-udp-v4tov6", "relay-udp-v6tov4", "relay-udp-v6tov6",
        };

        return family < _RULE_FAMILY_END ? names[family] : "unknown";
}

bool rule_family_is_udp(RuleFamily family) {
        return family >= RULE_RELAY_UDP;
}

bool rule_family_is_relay(RuleFamily family) {
        return family >= _RULE_PORTPROXY_END;
}

int rule_family_parse(const char *name, RuleFamily *ret_family) {
        for (int i = 0; i < _RULE_FAMILY_END; i++) {
                if (strcmp(name, rule_family_name((RuleFamily) i)) == 0) {
                        *ret_family = (RuleFamily) i;
                        return 0;
                }
        }
        return -EINVAL;
}

uint8_t rule_family_listens_on(RuleFamily family) {
        return family % _RULE_PORTPROXY_END < RULE_V6TOV4 ? IP_FAMILY_V4 : IP_FAMILY_V6;
}

void rule_endpoint_format(const IpEndpoint *endpoint, char ret_text[RULE_TEXT_MAX]) {
        char *p = ret_text;

        ip_format(&endpoint->addr, p);
        p += strlen(p);
        *p++ = '/';
        (void) ip_append_number(p, endpoint->port);
}

void rule_target_format(const RuleTarget *target, char ret_data[RULE_DATA_MAX]) {
        const IpEndpoint connect = {target->addr, target->port};

        rule_endpoint_format(&connect, ret_data);
        if (target->way == RULE_WAY_RELAY_PROXY_V2)
                memcpy(ret_data + strlen(ret_data), RULE_PROXY_V2, sizeof(RULE_PROXY_V2));
}

bool rule_target_is_set(const RuleTarget *target) {
        return target->addr.family != IP_FAMILY_NONE;
}

unsigned rule_target_forwarder(const RuleTarget *target) {
        return rule_target_is_set(target) ? RULE_FORWARDER(target->way != RULE_WAY_PORTPROXY) : 0;
}

bool rule_target_equal(const RuleTarget *a, const RuleTarget *b) {
        return ip_compare(&a->addr, &b->addr) == 0 && a->port == b->port && a->way == b->way;
}

void rule_name_format(const IpEndpoint *listen, bool star, char ret_text[RULE_TEXT_MAX]) {
        if (star && ip_is_any(&listen->addr)) {
                memcpy(ret_text, RULE_STAR "/", sizeof(RULE_STAR "/"));
                (void) ip_append_number(ret_text + strlen(RULE_STAR "/"), listen->port);
        } else {
                rule_endpoint_format(listen, ret_text);
        }
}

static int rule_port_parse(const char *text, uint16_t *ret_port) {
        unsigned value = 0;
        size_t n = strlen(text);

        if (n == 0 || n > RULE_PORT_DIGITS_MAX)
                return -EINVAL;
        for (size_t i = 0; i < n; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return -EINVAL;
                value = value * 10 + (unsigned) (text[i] - '0');
        }
        if (value == 0 || value > UINT16_MAX)
                return -EINVAL;
        *ret_port = (uint16_t) value;
        return 0;
}

int rule_endpoint_parse(const char *text, uint8_t any_family, IpEndpoint *ret_endpoint) {
        const char *slash = strrchr(text, '/');
        char literal[IP_TEXT_MAX];
        IpEndpoint e = {0};
        size_t n;

        if (!slash)
                return -EINVAL;
        n = (size_t) (slash - text);
        if (n == 0 || n >= sizeof(literal))
                return -EINVAL;
        memcpy(literal, text, n);
        literal[n] = '\0';
        if (strcmp(literal, RULE_STAR) == 0 && any_family != IP_FAMILY_NONE)
                e.addr.family = any_family;
        else if (ip_parse(literal, &e.addr) < 0)
                return -EINVAL;
        if (rule_port_parse(slash + 1, &e.port) < 0)
                return -EINVAL;
        *ret_endpoint = e;
        return 0;
}

int rule_target_parse(const char *data, RuleFamily family, RuleTarget *ret_target) {
        RuleTarget t = {.way = rule_family_is_relay(family) ? RULE_WAY_RELAY : RULE_WAY_PORTPROXY};
        size_t n = strlen(data), n_option = strlen(RULE_PROXY_V2);
        char text[RULE_DATA_MAX];
        IpEndpoint connect;

        if (n >= sizeof(text))
                return -EINVAL;
        memcpy(text, data, n + 1);
        if (t.way == RULE_WAY_RELAY && n > n_option &&
            strcmp(text + n - n_option, RULE_PROXY_V2) == 0) {
                text[n - n_option] = '\0';
                t.way = RULE_WAY_RELAY_PROXY_V2;
        }
        if (rule_endpoint_parse(text, IP_FAMILY_NONE, &connect) < 0)
                return -EINVAL;
        t.addr = connect.addr;
        t.port = connect.port;
        *ret_target = t;
        return 0;
}

bool rule_value_has_star(const RuleValue *value) {
        return value->parsed && value->name[0] == '*';
}

bool rule_value_is(const RuleValue *value, const RuleTarget *target, bool star) {
        char text[RULE_DATA_MAX];

        if (!value->parsed || !value->data || !rule_target_is_set(target) ||
            value->family != rule_family(&value->listen, target))
                return false;
        rule_target_format(target, text);
        if (strcmp(text, value->data) != 0)
                return false;
        rule_name_format(&value->listen, star, text);
        return strcmp(text, value->name) == 0;
}

/* strdup() is not in C11, and the core is compiled for Windows, too. */
static char *rule_copy(const char *text) {
        size_t n = strlen(text) + 1;
        char *copy = malloc(n);

        return copy ? memcpy(copy, text, n) : NULL;
}

int rule_table_add(RuleTable *t, RuleFamily family, const char *name, const char *data) {
        uint8_t listens_on = rule_family_listens_on(family);
        RuleValue value = {.family = family};

        if (t->n_values == t->size) {
                size_t size = t->size ? 2 * t->size : RULE_TABLE_SIZE_FIRST;
                RuleValue *values = realloc(t->values, size * sizeof(*values));

                if (!values)
                        return -ENOMEM;
                t->values = values;
                t->size = size;
        }
        value.name = rule_copy(name);
        value.data = data ? rule_copy(data) : NULL;
        if (!value.name || (data && !value.data)) {
                free(value.name);
                free(value.data);
                return -ENOMEM;
        }
        /* An address of the other IP version under this key cannot take effect. */
        value.parsed = rule_endpoint_parse(name, listens_on, &value.listen) == 0 &&
                       value.listen.addr.family == listens_on;
        value.listen.udp = rule_family_is_udp(family);
        t->values[t->n_values++] = value;
        return 0;
}

static int rule_value_compare(const void *pa, const void *pb) {
        const RuleValue *a = pa, *b = pb;
        int r;

        if (a->parsed != b->parsed)
                return a->parsed ? -1 : 1;
        r = a->parsed ? ip_endpoint_compare(&a->listen, &b->listen) : 0;
        if (r == 0)
                r = (int) a->family - (int) b->family;
        return r ? r : strcmp(a->name, b->name);
}

static void rule_value_done(RuleValue *v) {
        free(v->name);
        free(v->data);
}

void rule_table_sort(RuleTable *t) {
        size_t n = 0;

        if (t->n_values < 2)
                return;
        qsort(t->values, t->n_values, sizeof(*t->values), rule_value_compare);
        for (size_t i = 1; i < t->n_values; i++)
                if (rule_value_compare(&t->values[n], &t->values[i]) == 0)
                        rule_value_done(&t->values[i]);
                else
                        t->values[++n] = t->values[i];
        t->n_values = n + 1;
}

/* So many changes, or fewer, are made one by one. Each may move the whole table. */
#define RULE_TABLE_FEW 16

/* Where @v is, or would be, in the sorted table. @ret_found: it is. */
static size_t rule_table_place(const RuleTable *t, const RuleValue *v, bool *ret_found) {
        size_t from = 0, to = t->n_values;

        while (from < to) {
                size_t middle = from + (to - from) / 2;

                if (rule_value_compare(&t->values[middle], v) < 0)
                        from = middle + 1;
                else
                        to = middle;
        }
        *ret_found = from < t->n_values && rule_value_compare(&t->values[from], v) == 0;
        return from;
}

/* There is room for one more. @change: taken over */
static void rule_table_change(RuleTable *t, RuleValue *change, bool keep_gone) {
        bool found, removes = change->gone && !keep_gone;
        size_t i = rule_table_place(t, change, &found);
        RuleValue *at = t->values + i, old = found ? *at : (RuleValue){0};

        if (found && removes)
                memmove(at, at + 1, (--t->n_values - i) * sizeof(*at));
        else if (!found && !removes)
                memmove(at + 1, at, (t->n_values++ - i) * sizeof(*at));
        if (removes)
                rule_value_done(change);
        else
                *at = *change;
        free(old.name); /* NOLINT: not freed before, because each change is of another value */
        free(old.data);
}

static int rule_table_merge_few(RuleTable *t, RuleTable *changes, bool keep_gone) {
        size_t size = t->n_values + changes->n_values;

        if (size > t->size) {
                RuleValue *values = realloc(t->values, (size + size / 8) * sizeof(*values));

                if (!values)
                        return -ENOMEM;
                t->values = values;
                t->size = size + size / 8;
        }
        for (size_t i = 0; i < changes->n_values; i++)
                rule_table_change(t, &changes->values[i], keep_gone);
        free(changes->values);
        *changes = RULE_TABLE_NULL;
        return 0;
}

int rule_table_merge(RuleTable *t, RuleTable *changes, bool keep_gone) {
        size_t i = 0, k = 0, n = 0, size = t->n_values + changes->n_values;
        RuleValue *values;

        if (changes->n_values <= RULE_TABLE_FEW)
                return rule_table_merge_few(t, changes, keep_gone);
        values = malloc((size + 1) * sizeof(*values));
        if (!values)
                return -ENOMEM;
        while (i < t->n_values || k < changes->n_values) {
                int order = k == changes->n_values ? -1
                            : i == t->n_values
                                    ? 1
                                    : rule_value_compare(&t->values[i], &changes->values[k]);

                if (order < 0) {
                        values[n++] = t->values[i++];
                        continue;
                }
                if (order == 0)
                        rule_value_done(&t->values[i++]);
                if (changes->values[k].gone && !keep_gone)
                        rule_value_done(&changes->values[k]);
                else
                        values[n++] = changes->values[k];
                k++;
        }
        free(t->values);
        *t = (RuleTable){values, n, size + 1};
        free(changes->values);
        *changes = RULE_TABLE_NULL;
        return 0;
}

bool rule_value_listens(const RuleValue *value, const IpEndpoint *listen) {
        return value->parsed && ip_endpoint_compare(&value->listen, listen) == 0;
}

static bool rule_value_is_below(const RuleValue *value, const IpEndpoint *listen) {
        return value->parsed && ip_endpoint_compare(&value->listen, listen) < 0;
}

/* First in steps that grow, then by halves between the last two. */
size_t rule_table_seek(const RuleTable *t, size_t from, const IpEndpoint *listen) {
        size_t step = 1, to = from;

        while (to < t->n_values && rule_value_is_below(&t->values[to], listen)) {
                from = to + 1;
                to += step;
                step *= 2;
        }
        if (to > t->n_values)
                to = t->n_values;
        while (from < to) {
                size_t middle = from + (to - from) / 2;

                if (rule_value_is_below(&t->values[middle], listen))
                        from = middle + 1;
                else
                        to = middle;
        }
        return from;
}

bool rule_table_equal(const RuleTable *a, const RuleTable *b) {
        if (a->n_values != b->n_values)
                return false;
        for (size_t i = 0; i < a->n_values; i++) {
                const RuleValue *x = &a->values[i], *y = &b->values[i];

                if (rule_value_compare(x, y) != 0 || !x->data != !y->data ||
                    (x->data && strcmp(x->data, y->data) != 0))
                        return false;
        }
        return true;
}

int rule_table_missing(const RuleTable *t, const RuleTable *from, RuleTable *ret_missing) {
        size_t k = 0;
        int r = 0;

        for (size_t i = 0; r == 0 && i < from->n_values; i++) {
                const RuleValue *v = &from->values[i];

                while (k < t->n_values && rule_value_compare(&t->values[k], v) < 0)
                        k++;
                if (k == t->n_values || rule_value_compare(&t->values[k], v) != 0)
                        r = rule_table_add(ret_missing, v->family, v->name, v->data);
        }
        return r;
}

void rule_table_done(RuleTable *t) {
        for (size_t i = 0; i < t->n_values; i++)
                rule_value_done(&t->values[i]);
        free(t->values);
        *t = RULE_TABLE_NULL;
}
