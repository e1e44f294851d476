/* SPDX-License-Identifier: MIT */

/*
 * Who gets which endpoint. A hash table of single endpoints finds clashes in linear time, also
 * between overlapping ranges. Ranges can be taken apart, because the number of endpoints is limited
 * (WIRE_ENDPOINTS_MAX).
 *
 * A file that was in force and has changed may give up an endpoint that another one gets. When it
 * clashes itself, it gives up nothing, and the other one must be judged again. So this part is
 * repeated until no further file fails. Each round is for at least one more file that stays as it
 * was, so it ends; and it ends well, because all that was in force before fits together.
 */

#include "agent/config/merge.h"
#include "common/hash.h"

#include <errno.h>
#include <string.h>

#define SLOTS_MIN 64u /* a power of two, as each number of slots */

#define NOBODY UINT32_MAX

#define FIELD_HEAD 4 /* bytes of a field of version 2 besides its value; version 1 has fewer */

typedef struct Slot { /* of an open-addressing hash table */
        IpAddr addr;  /* family NONE: free */
        uint16_t port;
        uint8_t protocol; /* WIRE_PROTOCOL_* */
        uint32_t owner;   /* its index in the drafts */
} Slot;

typedef struct Candidate {
        uint32_t was; /* its index in the previous Config, or NOBODY */
        bool keeps;   /* what it said before is in force, not what it says now */
} Candidate;

typedef struct Merge {
        /* borrowed */
        const ConfigDrafts *drafts;
        const Config *previous; /* may be NULL */
        ConfigProblems *problems;

        /* owned */
        Candidate *candidates; /* as the drafts */
        Slot *slots;
        size_t n_slots; /* at most half of them are used */

        /* state */
        uint32_t n_endpoints; /* in the slots */
        size_t n_bytes;       /* of their services in STATE */
} Merge;

static size_t n_drafts(const Merge *m) {
        return m->drafts->services.config->n_services;
}

static ConfigItem draft(const Merge *m, uint32_t i) {
        return config_item(m->drafts->services.config, i);
}

/* What a service was before; not enabled when it was not in force. */
static ConfigItem before(const Merge *m, uint32_t i) {
        uint32_t was = m->candidates[i].was;

        return was == NOBODY ? (ConfigItem){0} : config_item(m->previous, was);
}

void config_drafts_done(ConfigDrafts *d) {
        config_builder_done(&d->services);
        free(d->lines);
        *d = (ConfigDrafts){0};
}

int config_drafts_add(ConfigDrafts *d, const char *name, const char *file, const ServiceFile *s) {
        size_t n = d->services.config->wire.n_listens;
        ConfigItem item = {.name = name, .file = file, .broken = !s};

        if (s) {
                item.description = s->description;
                item.enabled = s->enabled;
        }
        if (item.enabled) {
                item.profiles = s->profiles;
                item.remote = s->remote;
                item.options = s->options;
                item.listens = s->listens;
                item.n_listens = s->n_listens;
                item.remotes = s->remotes;
                item.n_remotes = s->n_remotes;
                if (!config_grow(&d->lines, &d->n_lines_allocated, n, s->n_listens,
                                 sizeof(*d->lines)))
                        return -ENOMEM;
                memcpy(d->lines + n, s->listen_lines, s->n_listens * sizeof(*d->lines));
        }
        return config_builder_add(&d->services, &item);
}

static uint8_t protocol(const ConfigItem *item) {
        return item->options[WIRE_OPTION_PROTOCOL];
}

static uint64_t endpoint_hash(const IpAddr *addr, uint16_t port, uint8_t protocol) {
        uint64_t hash = hash_bytes(HASH_START, addr->bytes, sizeof(addr->bytes));

        hash = hash_bytes(hash, &addr->family, sizeof(addr->family));
        hash = hash_bytes(hash, &protocol, sizeof(protocol));
        return hash_bytes(hash, &port, sizeof(port));
}

/* The slot of an endpoint, or the free slot where it belongs. */
static Slot *slot_find(const Merge *m, const IpAddr *addr, uint16_t port, uint8_t protocol) {
        for (uint64_t i = endpoint_hash(addr, port, protocol);; i++) {
                Slot *slot = &m->slots[i & (m->n_slots - 1)];

                if (slot->addr.family == IP_FAMILY_NONE ||
                    (slot->port == port && slot->protocol == protocol &&
                     ip_compare(&slot->addr, addr) == 0))
                        return slot;
        }
}

static size_t addr_bytes(const IpAddr *addr) {
        return 1 + ip_family_bits(addr->family) / 8;
}

size_t config_item_bytes(const ConfigItem *item) {
        size_t n = 1 + strlen(item->name) + 1; /* the number of fields */

        n += FIELD_HEAD;
        for (uint32_t i = 0; i < item->n_listens; i++)
                n += addr_bytes(&item->listens[i].addr) + 2 + 2 + 2;
        n += item->n_remotes > 0 ? FIELD_HEAD : 0;
        for (uint32_t i = 0; i < item->n_remotes; i++)
                n += addr_bytes(&item->remotes[i].addr) + 1;
        n += item->profiles ? FIELD_HEAD + 1 : 0;
        n += item->remote ? FIELD_HEAD + 1 : 0;
        for (WireOption o = 0; o < _WIRE_OPTION_END; o++)
                n += item->options[o] ? FIELD_HEAD + 1 : 0;
        return n;
}

static bool item_has(const ConfigItem *item, const Slot *slot, uint32_t *ret_i) {
        for (uint32_t i = 0; i < item->n_listens; i++) {
                const WireListen *l = &item->listens[i];

                *ret_i = i;
                if (slot->port >= l->port && slot->port - l->port < l->count &&
                    slot->protocol == protocol(item) && ip_compare(&l->addr, &slot->addr) == 0)
                        return true;
        }
        return false;
}

/* Give free endpoints of @item to candidate @i. @only: NULL, or only those that it has, too. */
static void take(Merge *m, uint32_t i, const ConfigItem *item, const ConfigItem *only) {
        for (uint32_t k = 0; k < item->n_listens; k++) {
                const WireListen *l = &item->listens[k];

                for (uint32_t at = 0; at < l->count; at++) {
                        Slot own = {.addr = l->addr,
                                    .port = (uint16_t) (l->port + at),
                                    .protocol = protocol(item),
                                    .owner = i};
                        Slot *slot = slot_find(m, &own.addr, own.port, own.protocol);
                        uint32_t unused;

                        if (slot->addr.family != IP_FAMILY_NONE ||
                            (only && !item_has(only, &own, &unused)))
                                continue;
                        *slot = own;
                        m->n_endpoints++;
                }
        }
}

static void add_clash(const Merge *m, const WireListen *listen, unsigned line, const Slot *slot) {
        ConfigItem other = draft(m, slot->owner);
        char endpoint[IP_ENDPOINT_TEXT_MAX];
        uint32_t at;

        ip_endpoint_format(&(IpEndpoint){.addr = listen->addr, .port = slot->port}, endpoint);
        if (m->candidates[slot->owner].keeps || !item_has(&other, slot, &at)) {
                config_problems_add(m->problems, line, "listen",
                                    "%s is still in force for %s, which has a problem; correct "
                                    "that file first, or turn it off with 'enabled = no'",
                                    endpoint, other.file);
                return;
        }
        at += (uint32_t) (other.listens - m->drafts->services.config->wire.listens);
        config_problems_add(m->problems, line, "listen",
                            "%s is taken by %s:%u; change one of the two, or turn one off with "
                            "'enabled = no'",
                            endpoint, other.file, m->drafts->lines[at]);
}

/* Check @item against all that others have. Return: number of endpoints that it has not got yet, or
 * NOBODY when a problem was added. */
static uint32_t check_endpoints(const Merge *m, uint32_t i, const ConfigItem *item) {
        const unsigned *lines =
                m->drafts->lines + (item->listens - m->drafts->services.config->wire.listens);
        uint32_t n_free = 0;
        bool good = true;

        for (uint32_t k = 0; k < item->n_listens; k++) {
                const WireListen *l = &item->listens[k];

                for (uint32_t at = 0; at < l->count; at++) {
                        const Slot *slot =
                                slot_find(m, &l->addr, (uint16_t) (l->port + at), protocol(item));

                        n_free += slot->addr.family == IP_FAMILY_NONE;
                        if (slot->addr.family != IP_FAMILY_NONE && slot->owner != i) {
                                add_clash(m, l, lines[k], slot);
                                good = false;
                                break; /* one report for each line is enough */
                        }
                }
        }
        return good ? n_free : NOBODY;
}

/* Let candidate @i have what its file says. Return: false when that does not fit; the problem was
 * added. */
static bool claim(Merge *m, uint32_t i) {
        ConfigItem item = draft(m, i);
        size_t n_bytes = config_item_bytes(&item);
        uint32_t n_free;
        bool good;

        config_problems_begin(m->problems, item.file);
        n_free = check_endpoints(m, i, &item);
        good = n_free != NOBODY;
        if (good && m->n_endpoints + n_free > WIRE_ENDPOINTS_MAX) {
                config_problems_add(m->problems, 0, "listen",
                                    "with this service there would be %u endpoints (ports of "
                                    "ranges counted one by one), but the limit is %d; narrow "
                                    "ranges, or turn services off with 'enabled = no'",
                                    m->n_endpoints + n_free, WIRE_ENDPOINTS_MAX);
                good = false;
        }
        if (m->n_bytes + n_bytes > CONFIG_STATE_BYTES_MAX) {
                config_problems_add(m->problems, 0, "remote",
                                    "with this service the message to the helper would have more "
                                    "than %u bytes; write fewer and wider networks, or turn "
                                    "services off with 'enabled = no'",
                                    CONFIG_STATE_BYTES_MAX);
                good = false;
        }
        if (good) {
                take(m, i, &item, NULL);
                m->n_bytes += n_bytes;
        }
        return good;
}

/* Give everybody who was in force what nobody can take away: all of it to those who stay as they
 * were, and to the others what they still want. */
static void take_own(Merge *m) {
        memset(m->slots, 0, m->n_slots * sizeof(*m->slots));
        m->n_endpoints = 0;
        m->n_bytes = 0;
        for (uint32_t i = 0; i < n_drafts(m); i++) {
                ConfigItem was = before(m, i), is = draft(m, i);

                if (!was.enabled)
                        continue;
                take(m, i, &was, m->candidates[i].keeps ? NULL : &is);
                if (m->candidates[i].keeps)
                        m->n_bytes += config_item_bytes(&was);
        }
}

/* Let those who were in force (@present), or the others, have what their files say. Return: whether
 * one more of them stays as it was. */
static bool claim_all(Merge *m, bool present) {
        bool failed = false;

        for (uint32_t i = 0; i < n_drafts(m); i++) {
                Candidate *c = &m->candidates[i];

                if (c->keeps || !draft(m, i).enabled || before(m, i).enabled != present)
                        continue;
                c->keeps = !claim(m, i);
                failed = failed || c->keeps;
        }
        return failed;
}

/* Find each draft in the previous Config; both are sorted by name. */
static void find_previous(Merge *m) {
        uint32_t k = 0, n = m->previous ? (uint32_t) m->previous->n_services : 0;

        for (uint32_t i = 0; i < n_drafts(m); i++) {
                ConfigItem item = draft(m, i);
                int order = 1;

                while (k < n && (order = strcmp(m->previous->services[k].name, item.name)) < 0)
                        k++;
                m->candidates[i] =
                        (Candidate){.was = k < n && order == 0 ? k : NOBODY, .keeps = item.broken};
        }
}

/* Leave out new files that are too many. Those that are turned off count, too, because each takes
 * memory. */
static void limit_files(Merge *m) {
        size_t n_room = CONFIG_FILES_MAX;

        for (uint32_t i = 0; i < n_drafts(m); i++)
                n_room -= m->candidates[i].was != NOBODY;
        for (uint32_t i = 0; i < n_drafts(m); i++) {
                Candidate *c = &m->candidates[i];

                if (c->was != NOBODY || c->keeps)
                        continue;
                if (n_room > 0) {
                        n_room--;
                        continue;
                }
                c->keeps = true;
                config_problems_begin(m->problems, draft(m, i).file);
                config_problems_add(m->problems, 0, NULL,
                                    "is beyond the limit of %d services; remove files that are not "
                                    "needed, including disabled ones",
                                    CONFIG_FILES_MAX);
        }
}

static int build(const Merge *m, ConfigBuilder *to) {
        for (uint32_t i = 0; i < n_drafts(m); i++) {
                const Candidate *c = &m->candidates[i];
                ConfigItem item = draft(m, i);
                const char *file = item.file;
                int r;

                if (c->keeps && c->was == NOBODY)
                        continue;
                if (c->keeps)
                        item = config_item(m->previous, c->was);
                item.broken = c->keeps;
                item.file = file;
                r = config_builder_add(to, &item);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Twice as many as there can be endpoints. */
static size_t slots_needed(const Merge *m) {
        uint64_t n = wire_state_endpoints(&m->drafts->services.config->wire);
        size_t n_slots = SLOTS_MIN;

        if (m->previous)
                n += wire_state_endpoints(&m->previous->wire);
        while (n_slots < 2 * (n < WIRE_ENDPOINTS_MAX ? n : WIRE_ENDPOINTS_MAX))
                n_slots *= 2;
        return n_slots;
}

int config_merge(const ConfigDrafts *drafts, const Config *previous, ConfigBuilder *to,
                 ConfigProblems *problems) {
        Merge m = {.drafts = drafts, .previous = previous, .problems = problems};
        int r = -ENOMEM;

        m.candidates = calloc(n_drafts(&m) + 1, sizeof(*m.candidates));
        m.n_slots = slots_needed(&m);
        m.slots = calloc(m.n_slots, sizeof(*m.slots));
        if (m.candidates && m.slots) {
                find_previous(&m);
                limit_files(&m);
                do {
                        take_own(&m);
                } while (claim_all(&m, true));
                (void) claim_all(&m, false);
                r = build(&m, to);
        }
        free(m.candidates);
        free(m.slots);
        return r;
}
