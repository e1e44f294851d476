/* SPDX-License-Identifier: MIT */

/*
 * Policy values from the registry: which ones there are, and what each may contain. A value that
 * cannot be read never allows anything. Until somebody corrects it, everything that the value
 * governs is denied.
 */

#include "protocol/wire/wire-options.h"
#include "windows-helper/core/base/result.h"
#include "windows-helper/core/policy/policy.h"

#include <errno.h>
#include <string.h>

#define POLICY_ITEM_MAX 128 /* bytes of one item of a list */

typedef int (*PolicyItemFn)(Policy *p, const char *item);

const PolicyDefinition policy_definitions[POLICY_DEFINITIONS] = {
        {POLICY_NAME_ALLOWED_PORTS, POLICY_LIST,
         "ports that may be listened on, such as 2222 or 8000-8010 (default: all)"},
        {POLICY_NAME_DENIED_PORTS, POLICY_LIST,
         "ports that may not be listened on (default: 135, 139, 445, 3389, 5985, 5986)"},
        {POLICY_NAME_ALLOWED_LISTEN, POLICY_LIST,
         "addresses of the host that may be listened on, such as 0.0.0.0 or 192.168.0.0/16 "
         "(default: all)"},
        {POLICY_NAME_ALLOWED_PROFILES, POLICY_LIST,
         "firewall profiles that may be opened: domain, private, public, or none (default: domain, "
         "private)"},
        {POLICY_NAME_WIDEST_REMOTE, POLICY_TEXT,
         "the widest remote scope of a firewall rule: LocalSubnet or any (default: LocalSubnet)"},
        {POLICY_NAME_ALLOWED_PROTOCOLS, POLICY_LIST,
         "protocols that may be forwarded: tcp, udp (default: both)"},
        {POLICY_NAME_ALLOW_RELAY, POLICY_BOOLEAN,
         "0: no service may use wslbridge's own forwarder, which UDP and the PROXY protocol need "
         "(default: 1)"},
        {POLICY_NAME_MAX_ENDPOINTS, POLICY_NUMBER,
         "how many endpoints one agent may have; each port of a range counts (default: 1024, at "
         "most 16384)"},
        {POLICY_NAME_PAIRING_REQUIRED, POLICY_BOOLEAN,
         "1: only paired agents may ask for anything (default: 1)"},
        {POLICY_NAME_PRIVILEGED_SOURCE, POLICY_BOOLEAN,
         "1: agents must connect from a port that only root may use (default: 0)"},
};

static char policy_lower(char c) {
        return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static bool policy_same_word(const char *a, const char *b) {
        while (*a && policy_lower(*a) == policy_lower(*b)) {
                a++;
                b++;
        }
        return *a == *b;
}

/* Read a port from 1 to 65535 at *@text, and move *@text behind it. */
static bool policy_take_port(const char **text, uint16_t *ret_port) {
        unsigned long n = 0;
        const char *p = *text;

        for (; *p >= '0' && *p <= '9' && n <= UINT16_MAX; p++)
                n = n * 10 + (unsigned long) (*p - '0');
        if (p == *text || n < 1 || n > UINT16_MAX)
                return false;
        *text = p;
        *ret_port = (uint16_t) n;
        return true;
}

static int policy_add_ports(PolicyPorts *ranges, size_t *n, const char *item) {
        PolicyPorts range;

        if (*n == POLICY_PORT_RANGES_MAX)
                return -ENOSPC;
        if (!policy_take_port(&item, &range.first))
                return -EINVAL;
        range.last = range.first;
        if (*item == '-') {
                item++;
                if (!policy_take_port(&item, &range.last) || range.last < range.first)
                        return -EINVAL;
        }
        if (*item != '\0')
                return -EINVAL;
        ranges[(*n)++] = range;
        return 0;
}

static int policy_add_allowed_port(Policy *p, const char *item) {
        return policy_add_ports(p->allowed_ports, &p->n_allowed_ports, item);
}

static int policy_add_denied_port(Policy *p, const char *item) {
        return policy_add_ports(p->denied_ports, &p->n_denied_ports, item);
}

static int policy_add_listen(Policy *p, const char *item) {
        WirePrefix prefix;

        if (p->n_allowed_listen == POLICY_LISTEN_MAX)
                return -ENOSPC;
        if (ip_parse_prefix(item, &prefix.addr, &prefix.length) < 0 ||
            ip_has_host_bits(&prefix.addr, prefix.length))
                return -EINVAL;
        p->allowed_listen[p->n_allowed_listen++] = prefix;
        return 0;
}

static int policy_add_profile(Policy *p, const char *item) {
        static const char *const names[] = {"domain", "private", "public"};

        if (policy_same_word(item, "none"))
                return 0;
        for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                if (policy_same_word(item, names[i])) {
                        p->allowed_profiles |= (uint8_t) (1u << i);
                        return 0;
                }
        }
        return -EINVAL;
}

static int policy_add_protocol(Policy *p, const char *item) {
        const char *const *words = wire_option_words(WIRE_OPTION_PROTOCOL);

        for (unsigned i = 0; words[i]; i++) {
                if (policy_same_word(item, words[i])) {
                        p->allowed_protocols |= (uint8_t) (1u << i);
                        return 0;
                }
        }
        return -EINVAL;
}

/* Items end at a comma, a semicolon or the end of a line. Space around them and empty items are
 * ignored. */
static int policy_each_item(Policy *p, const char *text, PolicyItemFn fn, char *ret_item) {
        for (const char *start = text; *start;) {
                size_t n = strcspn(start, ",;\n"), from = 0, to = n;

                while (from < n && (start[from] == ' ' || start[from] == '\t'))
                        from++;
                while (to > from && strchr(" \t\r", start[to - 1]))
                        to--;
                if (to > from) {
                        bool cut = to - from >= POLICY_ITEM_MAX; /* longer than any valid one */
                        int r;

                        if (cut)
                                to = from + POLICY_ITEM_MAX - 1;
                        memcpy(ret_item, start + from, to - from);
                        ret_item[to - from] = '\0';
                        r = cut ? -EINVAL : fn(p, ret_item);
                        if (r < 0)
                                return r;
                }
                start += n + (start[n] != '\0');
        }
        return 0;
}

/* Set a value that is a list: clear the old items and add each new one. */
static int policy_set_list(Policy *p, const PolicyDefinition *d, const char *text,
                           char ret_problem[WIRE_TEXT_MAX + 1]) {
        char item[POLICY_ITEM_MAX] = "";
        PolicyItemFn fn;
        int r;

        if (strcmp(d->name, POLICY_NAME_ALLOWED_PORTS) == 0) {
                p->n_allowed_ports = 0;
                fn = policy_add_allowed_port;
        } else if (strcmp(d->name, POLICY_NAME_DENIED_PORTS) == 0) {
                p->n_denied_ports = 0;
                fn = policy_add_denied_port;
        } else if (strcmp(d->name, POLICY_NAME_ALLOWED_LISTEN) == 0) {
                p->n_allowed_listen = 0;
                fn = policy_add_listen;
        } else if (strcmp(d->name, POLICY_NAME_ALLOWED_PROTOCOLS) == 0) {
                p->allowed_protocols = 0;
                fn = policy_add_protocol;
        } else {
                p->allowed_profiles = 0;
                fn = policy_add_profile;
        }
        r = policy_each_item(p, text, fn, item);
        if (r == -ENOSPC)
                result_text(ret_problem,
                            "%s: too many items, from '%s' on; until it is corrected, nothing is "
                            "allowed",
                            d->name, item);
        else if (r < 0)
                result_text(ret_problem,
                            "%s: '%s' is not one of: %s; until it is corrected, nothing is allowed",
                            d->name, item, d->about);
        if (r < 0)
                return -EINVAL;
        /* A valid value in the stronger key ends the effect of an invalid one in the weaker key. An
         * empty list of what is allowed means that nothing is allowed. */
        if (fn == policy_add_allowed_port)
                p->allowed_closed = p->n_allowed_ports == 0;
        else if (fn == policy_add_denied_port)
                p->denied_closed = false;
        else if (fn == policy_add_listen)
                p->listen_closed = p->n_allowed_listen == 0;
        return 0;
}

/* Give the value its strictest meaning. */
static void policy_close(Policy *p, const PolicyDefinition *d) {
        if (strcmp(d->name, POLICY_NAME_ALLOWED_PORTS) == 0)
                p->allowed_closed = true;
        else if (strcmp(d->name, POLICY_NAME_DENIED_PORTS) == 0)
                p->denied_closed = true;
        else if (strcmp(d->name, POLICY_NAME_ALLOWED_LISTEN) == 0)
                p->listen_closed = true;
        else if (strcmp(d->name, POLICY_NAME_ALLOWED_PROFILES) == 0)
                p->allowed_profiles = 0;
        else if (strcmp(d->name, POLICY_NAME_WIDEST_REMOTE) == 0)
                p->widest_remote = WIRE_REMOTE_LOCAL_SUBNET;
        else if (strcmp(d->name, POLICY_NAME_ALLOWED_PROTOCOLS) == 0)
                p->allowed_protocols = 0;
        else if (strcmp(d->name, POLICY_NAME_ALLOW_RELAY) == 0)
                p->allow_relay = false;
        else if (strcmp(d->name, POLICY_NAME_MAX_ENDPOINTS) == 0)
                p->max_endpoints = 0;
        else if (strcmp(d->name, POLICY_NAME_PAIRING_REQUIRED) == 0)
                p->pairing_required = true;
        else
                p->privileged_source = true;
}

static int policy_set_number(Policy *p, const PolicyDefinition *d, uint32_t number,
                             char ret_problem[WIRE_TEXT_MAX + 1]) {
        if (d->type == POLICY_BOOLEAN && number > 1) {
                result_text(ret_problem, "%s: %u is neither 0 nor 1; %u is used instead", d->name,
                            (unsigned) number,
                            strcmp(d->name, POLICY_NAME_ALLOW_RELAY) == 0 ? 0u : 1u);
                return -EINVAL;
        }
        if (strcmp(d->name, POLICY_NAME_MAX_ENDPOINTS) == 0)
                p->max_endpoints = number < WIRE_ENDPOINTS_MAX ? number : WIRE_ENDPOINTS_MAX;
        else if (strcmp(d->name, POLICY_NAME_ALLOW_RELAY) == 0)
                p->allow_relay = number != 0;
        else if (strcmp(d->name, POLICY_NAME_PAIRING_REQUIRED) == 0)
                p->pairing_required = number != 0;
        else
                p->privileged_source = number != 0;
        return 0;
}

static int policy_set_text(Policy *p, const PolicyDefinition *d, const char *text,
                           char ret_problem[WIRE_TEXT_MAX + 1]) {
        if (policy_same_word(text, "any")) {
                p->widest_remote = WIRE_REMOTE_ANY;
        } else if (policy_same_word(text, "LocalSubnet")) {
                p->widest_remote = WIRE_REMOTE_LOCAL_SUBNET;
        } else {
                result_text(ret_problem,
                            "%s: '%s' is neither LocalSubnet nor any; LocalSubnet is used instead",
                            d->name, text);
                return -EINVAL;
        }
        return 0;
}

static bool policy_kind_fits(PolicyType type, PolicyKind kind) {
        switch (type) {
        case POLICY_LIST:
                return kind == POLICY_IS_STRING || kind == POLICY_IS_STRINGS;
        case POLICY_TEXT:
                return kind == POLICY_IS_STRING;
        case POLICY_NUMBER:
        case POLICY_BOOLEAN:
                return kind == POLICY_IS_NUMBER;
        }
        return false;
}

static const char *policy_kind_wanted(PolicyType type) {
        switch (type) {
        case POLICY_LIST:
                return "REG_MULTI_SZ or REG_SZ";
        case POLICY_TEXT:
                return "REG_SZ";
        case POLICY_NUMBER:
        case POLICY_BOOLEAN:
                break;
        }
        return "REG_DWORD";
}

int policy_find(const char *name) {
        for (int i = 0; i < POLICY_DEFINITIONS; i++)
                if (policy_same_word(policy_definitions[i].name, name))
                        return i;
        return -ENOENT;
}

int policy_set(Policy *p, const char *name, PolicyKind kind, const char *text, uint32_t number,
               char ret_problem[WIRE_TEXT_MAX + 1]) {
        int index = policy_find(name), r;
        const PolicyDefinition *d;

        if (index < 0) {
                result_text(ret_problem, "'%s' is not a policy value of wslbridge, ignoring it",
                            name);
                return -ENOENT;
        }
        d = &policy_definitions[index];
        if (!policy_kind_fits(d->type, kind)) {
                result_text(ret_problem,
                            "%s: has the wrong type; make it %s. Until then, everything that it "
                            "governs "
                            "is denied",
                            d->name, policy_kind_wanted(d->type));
                r = -EINVAL;
        } else if (d->type == POLICY_LIST) {
                r = policy_set_list(p, d, text, ret_problem);
        } else if (d->type == POLICY_TEXT) {
                r = policy_set_text(p, d, text, ret_problem);
        } else {
                r = policy_set_number(p, d, number, ret_problem);
        }
        if (r < 0)
                policy_close(p, d);
        return r;
}
