/* SPDX-License-Identifier: MIT */

/*
 * The spellings are those of our own texts (0.0.0.0:80, [::]:80), of the registry (0.0.0.0/80) and
 * of netsh (* for all addresses).
 */

#include "windows-helper/core/rules/adoption.h"

#include <errno.h>
#include <string.h>

#define ADOPTION_ANY         "0.0.0.0/" /* before a port alone */
#define ADOPTION_SPELLED_MAX (IP_ENDPOINT_TEXT_MAX + sizeof(ADOPTION_ANY))

bool adoption_possible(const RuleValue *value, const LedgerEntry *entry) {
        return value->parsed && value->data && !(entry && ledger_entry_proves(entry, value));
}

bool adoption_is_asked(const RuleTable *adoptions, const RuleValue *value) {
        for (size_t i = rule_table_seek(adoptions, 0, &value->listen);
             value->parsed && i < adoptions->n_values &&
             rule_value_listens(&adoptions->values[i], &value->listen);
             i++) {
                const RuleValue *a = &adoptions->values[i];

                if (a->family == value->family && a->data && value->data &&
                    strcmp(a->name, value->name) == 0 && strcmp(a->data, value->data) == 0)
                        return true;
        }
        return false;
}

bool adoption_proof(const RuleTable *adoptions, const RuleValue *value, LedgerEntry *ret_entry) {
        *ret_entry = (LedgerEntry){.listen = value->listen, .star = rule_value_has_star(value)};
        if (!adoption_is_asked(adoptions, value) ||
            rule_target_parse(value->data, value->family, &ret_entry->current) < 0 ||
            !ledger_target_fits(ret_entry, &ret_entry->current))
                return false;
        ret_entry->next = ret_entry->current;
        return ledger_entry_proves(ret_entry, value);
}

/* To the form of the registry, which rule_endpoint_parse() reads. @text: shorter than
 * IP_ENDPOINT_TEXT_MAX. Return: 0 or -EINVAL. */
static int adoption_spell(const char *text, char ret_text[ADOPTION_SPELLED_MAX]) {
        const char *separator = strrchr(text, '/');
        size_t n = strlen(text);
        char *p = ret_text;

        if (!separator)
                separator = strrchr(text, ':');
        if (!separator) {
                memcpy(p, ADOPTION_ANY, strlen(ADOPTION_ANY));
                memcpy(p + strlen(ADOPTION_ANY), text, n + 1);
                return 0;
        }
        n = (size_t) (separator - text);
        /* Behind an IPv6 address, ":80" could be a part of it. */
        if (*separator == ':' && memchr(text, ':', n) && (text[0] != '[' || text[n - 1] != ']'))
                return -EINVAL;
        if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
                text++;
                n -= 2;
        }
        memcpy(p, text, n);
        p[n] = '/';
        memcpy(p + n + 1, separator + 1, strlen(separator + 1) + 1);
        return 0;
}

/* Take "/udp" off the end. @ret_text: the rest. Return: whether it was there, or -EINVAL. */
static int adoption_protocol(const char *text, char ret_text[IP_ENDPOINT_TEXT_MAX]) {
        size_t n = strlen(text), n_udp = strlen(IP_UDP_TEXT);
        bool udp = n > n_udp && strcmp(text + n - n_udp, IP_UDP_TEXT) == 0;

        n -= udp ? n_udp : 0;
        if (n >= IP_ENDPOINT_TEXT_MAX)
                return -EINVAL;
        memcpy(ret_text, text, n);
        ret_text[n] = '\0';
        return udp;
}

int adoption_parse(const char *text, IpEndpoint ret[ADOPTION_ENDPOINTS_MAX]) {
        char endpoint[IP_ENDPOINT_TEXT_MAX], spelled[ADOPTION_SPELLED_MAX];
        int udp = adoption_protocol(text, endpoint);
        int r = udp < 0 ? udp : adoption_spell(endpoint, spelled), n = 1;

        if (r == 0)
                r = rule_endpoint_parse(spelled, IP_FAMILY_V4, &ret[0]);
        if (r == 0 && spelled[0] == '*') {
                r = rule_endpoint_parse(spelled, IP_FAMILY_V6, &ret[1]);
                n = 2;
        }
        for (int i = 0; r == 0 && i < n; i++)
                ret[i].udp = udp;
        return r < 0 ? r : n;
}
