/* SPDX-License-Identifier: MIT */

/*
 * Finding what is to be masked, from the left to the right. At each place the longest known name
 * comes first, then the forms of ids and addresses.
 */

#include "windows-helper/core/selftest/mask.h"

#include "common/ip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MASK_TOKEN_MAX  127 /* bytes of an address or an id */
#define MASK_SHORT_NAME 3   /* shorter names may be a part of any word */
#define MASK_HEX_MIN    16  /* digits of a long number */
#define GUID_LENGTH     36
#define MAC_LENGTH      17

static const char *const mask_kind_names[_MASK_KIND_END] = {
        "host", "user", "distro", "ipv4", "ipv6", "mac", "guid", "sid", "id",
};

/* The same on all machines. A SID or GUID that ends with '*' stands for all that begin so, and one
 * that begins with it for all that end so. */
static const char *const mask_public[] = {
        /* any address, loopback, WSL's address for DNS (fact 6.1.3), broadcast */
        "0.0.0.0",
        "127.0.0.1",
        "10.255.255.254",
        "255.255.255.255",
        "::",
        "::1",
        /* those of the self-test's own firewall rule (steps/step-firewall.c) */
        "10.77.0.0",
        "10.77.1.0",
        "10.78.0.1",
        "10.78.0.9",
        "fd00:77::",
        "fd00:78::5",
        /* Hyper-V sockets (facts 1.1.3, 1.1.4): wildcard, broadcast, children, loopback, parent,
         * silo host, and any vsock port */
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "90db8b89-0d35-4f79-8ce9-49ea0ac8b7cd",
        "e0e16197-dd56-4a10-9195-5ee7a155a838",
        "a42e7cda-d03f-480c-9cc2-a4de20abb878",
        "36bd0c5c-7276-4223-88ba-7d03b654c568",
        "*-facb-11e6-bd58-64006a7986d3",
        /* all VMs of WSL (fact 5.2.1) */
        "40e0ac32-46a5-438a-a0b2-2b479e8f2e90",
        /* SIDs of groups and services that Windows itself has; those of accounts are S-1-5-21-…
         * and S-1-12-1-… */
        "s-1-1-*",
        "s-1-2-*",
        "s-1-3-*",
        "s-1-16-*",
        "s-1-5-32-*",
        "s-1-5-80-*",
        "s-1-5-113",
        "s-1-5-114",
};

static char mask_low(char c) {
        return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static bool mask_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool mask_hex(char c) {
        return mask_digit(c) || (mask_low(c) >= 'a' && mask_low(c) <= 'f');
}

/* A letter or digit of any script. */
static bool mask_word(char c) {
        return mask_digit(c) || (mask_low(c) >= 'a' && mask_low(c) <= 'z') || (c & 0x80);
}

/* Ones and then zeros: a netmask, which Windows writes for the length of a prefix. */
static bool mask_is_netmask(const char *text) {
        uint32_t bits = 0;
        IpAddr a;

        if (ip_parse(text, &a) < 0 || a.family != IP_FAMILY_V4)
                return false;
        for (size_t i = 0; i < 4; i++)
                bits = bits << 8 | a.bytes[i];
        return bits != 0 && (~bits & (~bits + 1)) == 0;
}

static bool mask_is_public(const char *text) {
        size_t n = strlen(text);

        if (mask_is_netmask(text))
                return true;

        /* Short ones, such as S-1-5-18, are Windows' own. */
        if (strncmp(text, "s-1-5-", 6) == 0 && n <= strlen("s-1-5-99"))
                return true;
        if (strncmp(text, "127.", 4) == 0)
                return true;
        for (size_t i = 0; i < sizeof(mask_public) / sizeof(mask_public[0]); i++) {
                const char *p = mask_public[i];
                size_t k = strlen(p);

                if (p[0] == '*'       ? n >= k && strcmp(text + n - (k - 1), p + 1) == 0
                    : p[k - 1] == '*' ? strncmp(text, p, k - 1) == 0
                                      : strcmp(text, p) == 0)
                        return true;
        }
        return false;
}

/* Whether @name, in small letters, stands at @at. */
static bool mask_is_at(const char *name, const char *at) {
        while (*name && *name == mask_low(*at)) {
                name++;
                at++;
        }
        return !*name;
}

/* The word with @text (small letters), which is added if it is new; NULL when out of memory. */
static const MaskWord *mask_remember(Mask *m, MaskKind kind, const char *text) {
        unsigned number = 1;

        for (size_t i = 0; i < m->n; i++) {
                if (m->words[i].kind == kind && strcmp(m->words[i].text, text) == 0)
                        return &m->words[i];
                number += m->words[i].kind == kind;
        }
        if (m->n == m->size) {
                size_t size = m->size > 0 ? 2 * m->size : 32;
                MaskWord *words = realloc(m->words, size * sizeof(*words));

                if (!words) {
                        m->oom = true;
                        return NULL;
                }
                m->words = words;
                m->size = size;
        }
        m->words[m->n] = (MaskWord){kind, number, malloc(strlen(text) + 1)};
        if (!m->words[m->n].text) {
                m->oom = true;
                return NULL;
        }
        strcpy(m->words[m->n].text, text); /* NOLINT: it has the size of the text */
        return &m->words[m->n++];
}

static void mask_copy_low(const char *text, size_t n, char *ret_low) {
        for (size_t i = 0; i < n; i++)
                ret_low[i] = mask_low(text[i]);
        ret_low[n] = '\0';
}

void mask_name(Mask *m, MaskKind kind, const char *name) {
        char low[MASK_TOKEN_MAX + 1];
        size_t n = strlen(name);

        if (n == 0)
                return;
        if (n > MASK_TOKEN_MAX) /* its beginning is enough to be found */
                n = MASK_TOKEN_MAX;
        mask_copy_low(name, n, low);
        (void) mask_remember(m, kind, low);
}

/* Append the mask of @n bytes at @text, or the text itself when it is public. */
static void mask_put(Mask *m, MaskKind kind, const char *text, size_t n, Buffer *out) {
        char low[MASK_TOKEN_MAX + 1];
        const MaskWord *word;

        mask_copy_low(text, n, low);
        if (mask_is_public(low)) {
                (void) buffer_append(out, text, n);
                return;
        }
        word = mask_remember(m, kind, low);
        buffer_printf(out, "<%s-%u>", mask_kind_names[kind], word ? word->number : 0);
}

/* The longest known name at @at. @first: no word goes on into it. Return: its length, or 0. */
static size_t mask_find_name(const Mask *m, const char *at, bool first, const MaskWord **ret_word) {
        size_t best = 0;

        for (size_t i = 0; i < m->n; i++) {
                const MaskWord *w = &m->words[i];
                size_t n = strlen(w->text);

                if (w->kind > MASK_DISTRO || n <= best || !mask_is_at(w->text, at))
                        continue;
                if (n < MASK_SHORT_NAME && !(first && !mask_word(at[n])))
                        continue;
                best = n;
                *ret_word = w;
        }
        return best;
}

/* 8-4-4-4-12 digits. Return: whether one begins here. */
static bool mask_guid_at(const char *at) {
        for (size_t i = 0; i < GUID_LENGTH; i++)
                if (i == 8 || i == 13 || i == 18 || i == 23 ? at[i] != '-' : !mask_hex(at[i]))
                        return false;
        return !mask_hex(at[GUID_LENGTH]);
}

static bool mask_mac_at(const char *at) {
        for (size_t i = 0; i < MAC_LENGTH; i++)
                if (i % 3 == 2 ? (at[i] != '-' && at[i] != ':') || at[i] != at[2]
                               : !mask_hex(at[i]))
                        return false;
        return !mask_hex(at[MAC_LENGTH]) && at[MAC_LENGTH] != at[2];
}

/* "S-1-" and numbers. Return: the length, or 0. */
static size_t mask_sid_at(const char *at) {
        size_t n = 4;

        if (!mask_is_at("s-1-", at) || !mask_digit(at[n]))
                return 0;
        while (mask_digit(at[n]) || (at[n] == '-' && mask_digit(at[n + 1])))
                n++;
        return n <= MASK_TOKEN_MAX ? n : MASK_TOKEN_MAX;
}

/* An address of @family is in the characters that one can have; a dot or colon behind it ends a
 * sentence. Return: the length, or 0. */
static size_t mask_address_at(const char *at, IpFamily family) {
        char text[IP_TEXT_MAX];
        size_t n = 0;
        IpAddr a;

        while (n < sizeof(text) && (mask_digit(at[n]) || at[n] == '.' ||
                                    (family == IP_FAMILY_V6 && (mask_hex(at[n]) || at[n] == ':'))))
                n++;
        while (n > 1 && n < sizeof(text)) {
                memcpy(text, at, n);
                text[n] = '\0';
                if (ip_parse(text, &a) == 0 && a.family == family)
                        return n;
                if (at[n - 1] != '.' && at[n - 1] != ':')
                        break;
                n--;
        }
        return 0;
}

static size_t mask_hex_at(const char *at) {
        size_t n = 0;

        while (mask_hex(at[n]))
                n++;
        return n >= MASK_HEX_MIN && n <= MASK_TOKEN_MAX && !mask_word(at[n]) ? n : 0;
}

/* What begins at @at, where no word goes on. Return: the length, or 0. */
static size_t mask_find_form(const char *at, MaskKind *ret_kind) {
        size_t n;

        *ret_kind = MASK_GUID;
        if (mask_guid_at(at))
                return GUID_LENGTH;
        *ret_kind = MASK_MAC;
        if (mask_mac_at(at))
                return MAC_LENGTH;
        *ret_kind = MASK_SID;
        n = mask_sid_at(at);
        if (n == 0) {
                *ret_kind = MASK_IPV4;
                n = mask_address_at(at, IP_FAMILY_V4);
        }
        if (n == 0) {
                *ret_kind = MASK_IPV6;
                n = mask_address_at(at, IP_FAMILY_V6);
        }
        if (n == 0) {
                *ret_kind = MASK_ID;
                n = mask_hex_at(at);
        }
        return n;
}

/* Folders whose name is that of a user, or of a distro. */
static size_t mask_path_at(const char *at, MaskKind *ret_kind) {
        static const struct {
                const char *before;
                MaskKind kind;
        } places[] = {
                {"\\users\\", MASK_USER},  {"/users/", MASK_USER},
                {"/home/", MASK_USER},     {"\\wsl.localhost\\", MASK_DISTRO},
                {"\\wsl$\\", MASK_DISTRO},
        };

        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
                *ret_kind = places[i].kind;
                if (mask_is_at(places[i].before, at) &&
                    !mask_is_at("public", at + strlen(places[i].before)))
                        return strlen(places[i].before);
        }
        return 0;
}

/* Learn the names that stand in paths, so that they are masked elsewhere, too. */
static void mask_learn(Mask *m, const char *text) {
        char name[MASK_TOKEN_MAX + 1];

        for (const char *at = text; *at; at++) {
                MaskKind kind;
                size_t n = mask_path_at(at, &kind), k;

                if (n == 0)
                        continue;
                k = strcspn(at + n, "\\/\"'<>|*?:;\n");
                if (k == 0 || k > MASK_TOKEN_MAX)
                        continue;
                (void) snprintf(name, sizeof(name), "%.*s", (int) k, at + n);
                mask_name(m, kind, name);
        }
}

void mask_text(Mask *m, const char *text, Buffer *out) {
        bool first = true;

        mask_learn(m, text);
        while (*text) {
                const MaskWord *word = NULL;
                MaskKind kind;
                size_t n = mask_find_name(m, text, first, &word);

                if (n > 0) {
                        buffer_printf(out, "<%s-%u>", mask_kind_names[word->kind], word->number);
                } else if (first && (n = mask_find_form(text, &kind)) > 0) {
                        mask_put(m, kind, text, n, out);
                } else {
                        n = 1;
                        (void) buffer_append(out, text, 1);
                }
                first = !mask_word(text[n - 1]);
                text += n;
        }
}

void mask_done(Mask *m) {
        for (size_t i = 0; i < m->n; i++)
                free(m->words[i].text);
        free(m->words);
        *m = MASK_NULL;
}
