/* SPDX-License-Identifier: MIT */

/*
 * The remote scope of a firewall rule as text. Lists are sorted, because Windows keeps neither the
 * order nor the form of what it was given, and a rule that is right must be recognised as right.
 */

#include "windows-helper/core/firewall/firewall.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX_TEXT_MAX (IP_TEXT_MAX + 5) /* address "/128," */

static int prefix_compare(const void *pa, const void *pb) {
        const WirePrefix *a = pa, *b = pb;
        int r = ip_compare(&a->addr, &b->addr);

        return r ? r : (int) a->length - (int) b->length;
}

/* Sorts @prefixes, and leaves out those that lie in another one, as Windows does (fact 5.1.18).
 * Return: newly allocated text, or NULL when out of memory. */
static char *prefixes_text(WirePrefix *prefixes, size_t n) {
        size_t size = n * PREFIX_TEXT_MAX + 1, at = 0;
        const WirePrefix *last = NULL; /* the wider one of two comes first */
        char *text = malloc(size);

        if (!text)
                return NULL;
        text[0] = '\0';
        qsort(prefixes, n, sizeof(*prefixes), prefix_compare);
        for (size_t i = 0; i < n; i++) {
                char address[IP_TEXT_MAX];

                if (last && ip_in_prefix(&prefixes[i].addr, &last->addr, last->length))
                        continue;
                ip_format(&prefixes[i].addr, address);
                at += (size_t) snprintf(text + at, size - at, "%s%s/%u", last ? "," : "", address,
                                        (unsigned) prefixes[i].length);
                last = &prefixes[i];
        }
        return text;
}

char *firewall_text_copy(const char *text) {
        size_t n = strlen(text) + 1;
        char *copy = malloc(n);

        return copy ? memcpy(copy, text, n) : NULL;
}

/* All addresses below a prefix of IPv6 that has no bit set, in pieces that Windows takes (fact
 * 5.1.17): in each, another bit is the first one that is set. No client has an address below the
 * last one, ::/10. */
#define REMOTE_PIECES_V6 10

/* Return: how many were written. */
static size_t remote_pieces(const WirePrefix *p, WirePrefix ret[REMOTE_PIECES_V6]) {
        size_t n = 0;

        if (p->addr.family == IP_FAMILY_V4 && p->length == 0) {
                ret[n] = *p;
                ret[n++].length = 1;
                ret[n] = ret[0];
                ret[n++].addr.bytes[0] = 0x80;
        } else if (p->addr.family == IP_FAMILY_V6 && ip_is_any(&p->addr)) {
                for (uint8_t bit = p->length; bit < REMOTE_PIECES_V6; bit++) {
                        ret[n] = (WirePrefix){{.family = IP_FAMILY_V6}, (uint8_t) (bit + 1)};
                        ret[n++].addr.bytes[bit / 8] = (uint8_t) (0x80 >> bit % 8);
                }
        }
        if (n == 0)
                ret[n++] = *p;
        return n;
}

char *firewall_remote_text(const WireState *state, const WireService *service) {
        WirePrefix *prefixes;
        size_t n = 0;
        char *text;

        if (service->remote != WIRE_REMOTE_LIST)
                return firewall_text_copy(
                        service->remote == WIRE_REMOTE_LOCAL_SUBNET ? "LocalSubnet" : "*");
        prefixes = malloc((REMOTE_PIECES_V6 * (size_t) service->n_remotes + 1) * sizeof(*prefixes));
        if (!prefixes)
                return NULL;
        for (size_t i = 0; i < service->n_remotes; i++)
                n += remote_pieces(&state->remotes[service->first_remote + i], prefixes + n);
        text = prefixes_text(prefixes, n);
        free(prefixes);
        return text;
}

/* "255.240.0.0" is 12. The bits must be contiguous from the left. */
static int mask_length(const IpAddr *mask, uint8_t *ret_length) {
        uint32_t bits = 0;
        unsigned n = 0;

        for (int i = 0; i < 4; i++)
                bits = bits << 8 | mask->bytes[i];
        for (; bits & UINT32_C(1) << 31; bits <<= 1)
                n++;
        if (bits != 0 || mask->family != IP_FAMILY_V4)
                return -EINVAL;
        *ret_length = (uint8_t) n;
        return 0;
}

int firewall_prefix_read(char *item, WirePrefix *ret_prefix) {
        char *last = strchr(item, '-'), *slash = strchr(item, '/');
        WirePrefix p;
        IpAddr mask;

        if (last) { /* a single address of IPv6 comes back as a range (fact 5.1.18) */
                *last = '\0';
                if (strcmp(item, last + 1) != 0)
                        return -EINVAL;
        }
        if (ip_parse_prefix(item, &p.addr, &p.length) < 0) {
                if (!slash || ip_parse(slash + 1, &mask) < 0 || mask_length(&mask, &p.length) < 0)
                        return -EINVAL;
                *slash = '\0';
                if (ip_parse(item, &p.addr) < 0 || p.addr.family != IP_FAMILY_V4)
                        return -EINVAL;
        }
        *ret_prefix = p;
        return 0;
}

int firewall_remote_read(const char *listed, char **ret_text) {
        char *copy = firewall_text_copy(listed), *next = copy, *item, *text;
        WirePrefix *prefixes = malloc((strlen(listed) / 2 + 1) * sizeof(*prefixes));
        bool good = copy && prefixes;
        size_t n = 0;

        while (good && (item = next)) {
                next = strchr(item, ',');
                if (next)
                        *next++ = '\0';
                good = firewall_prefix_read(item, &prefixes[n++]) == 0;
        }
        text = good ? prefixes_text(prefixes, n) : firewall_text_copy(listed);
        free(prefixes);
        free(copy);
        if (!text)
                return -ENOMEM;
        *ret_text = text;
        return 0;
}
