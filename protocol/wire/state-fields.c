/* SPDX-License-Identifier: MIT */

/*
 * The fields of STATE in version 2: of the message as a whole, and of each service.
 *
 * A number that we do not know, where it is one of a list of words, is treated as a field that we
 * do not know. So a new word does not need a new version either.
 */

#include "protocol/wire/state-private.h"
#include "protocol/wire/wire-options.h"

#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void put_u8_unless_0(WireWriter *w, uint8_t v) {
        if (v != 0)
                wire_put_u8(w, v);
}

/* A number from 1 to @end - 1. Return: 0 or WIRE_FIELD_UNKNOWN. */
static int get_u8_below(WireReader *r, unsigned end, uint8_t *ret) {
        uint8_t v = wire_get_u8(r);

        if (v == 0)
                r->bad = true;
        if (v >= end)
                return WIRE_FIELD_UNKNOWN;
        *ret = v;
        return 0;
}

static unsigned n_words(const char *const *words) {
        unsigned n = 0;

        while (words[n] != NULL)
                n++;
        return n;
}

static void put_mode(const WireField *f, WireWriter *w, const void *message, const void *item) {
        put_u8_unless_0(w, ((const WireState *) message)->mode);
}

static int get_mode(const WireField *f, WireReader *r, void *message, void *item) {
        return get_u8_below(r, _WIRE_MODE_END, &((WireState *) message)->mode);
}

static void put_interface(const WireField *f, WireWriter *w, const void *message,
                          const void *item) {
        const WireState *m = message;

        if (m->interface[0] != '\0')
                wire_put_string(w, m->interface, 1, WIRE_INTERFACE_MAX);
}

static int get_interface(const WireField *f, WireReader *r, void *message, void *item) {
        wire_get_string(r, 1, WIRE_INTERFACE_MAX, ((WireState *) message)->interface);
        return 0;
}

static void put_address(WireWriter *w, const WireAddress *a, IpFamily family) {
        wire_put_check(w, wire_guest_address_valid(a, family));
        if (a->addr.family != IP_FAMILY_NONE)
                wire_put_guest_address(w, a, family);
}

static int get_address(WireReader *r, IpFamily family, WireAddress *ret) {
        wire_get_guest_address(r, family, ret);
        if (ret->addr.family == IP_FAMILY_NONE)
                r->bad = true;
        return 0;
}

static void put_v4(const WireField *f, WireWriter *w, const void *message, const void *item) {
        put_address(w, &((const WireState *) message)->v4, IP_FAMILY_V4);
}

static int get_v4(const WireField *f, WireReader *r, void *message, void *item) {
        return get_address(r, IP_FAMILY_V4, &((WireState *) message)->v4);
}

static void put_v6(const WireField *f, WireWriter *w, const void *message, const void *item) {
        put_address(w, &((const WireState *) message)->v6, IP_FAMILY_V6);
}

static int get_v6(const WireField *f, WireReader *r, void *message, void *item) {
        return get_address(r, IP_FAMILY_V6, &((WireState *) message)->v6);
}

static void put_listens(const WireField *f, WireWriter *w, const void *message, const void *item) {
        const WireState *m = message;
        const WireService *s = item;

        for (uint32_t i = 0; i < s->n_listens; i++)
                wire_put_listen(w, &m->listens[s->first_listen + i]);
}

static int get_listens(const WireField *f, WireReader *r, void *message, void *item) {
        WireService *s = item;

        while (r->left > 0 && !r->bad && s->n_listens <= WIRE_LISTENS_MAX) {
                wire_get_listen(r, message);
                s->n_listens++;
        }
        return 0;
}

static void put_profiles(const WireField *f, WireWriter *w, const void *message, const void *item) {
        put_u8_unless_0(w, ((const WireService *) item)->profiles);
}

static int get_profiles(const WireField *f, WireReader *r, void *message, void *item) {
        return get_u8_below(r, WIRE_PROFILE_ALL + 1, &((WireService *) item)->profiles);
}

static void put_remote(const WireField *f, WireWriter *w, const void *message, const void *item) {
        put_u8_unless_0(w, ((const WireService *) item)->remote);
}

static int get_remote(const WireField *f, WireReader *r, void *message, void *item) {
        return get_u8_below(r, _WIRE_REMOTE_END, &((WireService *) item)->remote);
}

static void put_prefixes(const WireField *f, WireWriter *w, const void *message, const void *item) {
        const WireState *m = message;
        const WireService *s = item;

        for (uint32_t i = 0; i < s->n_remotes; i++)
                wire_put_prefix(w, &m->remotes[s->first_remote + i]);
}

static int get_prefixes(const WireField *f, WireReader *r, void *message, void *item) {
        WireService *s = item;

        while (r->left > 0 && !r->bad && s->n_remotes <= WIRE_REMOTES_MAX) {
                wire_get_prefix(r, message);
                s->n_remotes++;
        }
        return 0;
}

static void put_option(const WireField *f, WireWriter *w, const void *message, const void *item) {
        uint8_t v = ((const WireService *) item)->options[f->option];

        wire_put_check(w, v < n_words(f->words));
        put_u8_unless_0(w, v);
}

static int get_option(const WireField *f, WireReader *r, void *message, void *item) {
        return get_u8_below(r, n_words(f->words), &((WireService *) item)->options[f->option]);
}

static const WireField state_fields[] = {
        {0x8001, "mode", put_mode, get_mode},
        {0x0002, "interface", put_interface, get_interface},
        {0x8003, "v4", put_v4, get_v4},
        {0x8004, "v6", put_v6, get_v6},
};

static const char *const protocols[] = {"tcp", "udp", NULL};
static const char *const client_addresses[] = {"hidden", "proxy-v2", NULL};
static const char *const connects[] = {"address", "loopback", NULL};
static const char *const forwarders[] = {"auto", "relay", NULL};

/* 'connect' is not critical: the guest does it, and the host only shows it. */
static const WireField service_fields[] = {
        {0x8001, "listens", put_listens, get_listens},
        {0x8002, "profiles", put_profiles, get_profiles},
        {0x8003, "remote", put_remote, get_remote},
        {0x8004, "prefixes", put_prefixes, get_prefixes},
        {0x8005, "protocol", put_option, get_option, WIRE_OPTION_PROTOCOL, protocols},
        {0x8006, "client-address", put_option, get_option, WIRE_OPTION_CLIENT_ADDRESS,
         client_addresses},
        {0x0007, "connect", put_option, get_option, WIRE_OPTION_CONNECT, connects},
        {0x8008, "forwarder", put_option, get_option, WIRE_OPTION_FORWARDER, forwarders},
};

void wire_put_state_fields(WireWriter *w, const WireState *m) {
        wire_put_fields(w, state_fields, N(state_fields), m, NULL);
}

int wire_get_state_fields(WireReader *r, WireState *m) {
        return wire_get_fields(r, state_fields, N(state_fields), m, NULL, &m->unknown_field,
                               &m->n_ignored);
}

void wire_put_service_fields(WireWriter *w, const WireState *m, const WireService *s) {
        wire_put_fields(w, service_fields, N(service_fields), m, s);
}

int wire_get_service_fields(WireReader *r, WireState *m, WireService *s) {
        return wire_get_fields(r, service_fields, N(service_fields), m, s, &s->unknown_field,
                               &m->n_ignored);
}

static const WireField *option_field(WireOption option) {
        const WireField *f = service_fields;

        while (f->words == NULL || f->option != option)
                f++;
        return f;
}

const char *wire_option_name(WireOption option) {
        return option_field(option)->name;
}

const char *const *wire_option_words(WireOption option) {
        return option_field(option)->words;
}

const char *wire_option_word(WireOption option, uint8_t value) {
        const WireField *f = option_field(option);

        return value < n_words(f->words) ? f->words[value] : "unknown";
}

WireOption wire_option_beyond_v1(const WireService *s) {
        for (size_t i = 0; i < N(service_fields); i++) {
                const WireField *f = &service_fields[i];

                if (f->words != NULL && f->id & WIRE_FIELD_CRITICAL && s->options[f->option] != 0)
                        return f->option;
        }
        return _WIRE_OPTION_END;
}
