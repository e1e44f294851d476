/* SPDX-License-Identifier: MIT */

/*
 * Merging services into one Config. A hash table of single endpoints finds clashes in linear time,
 * also between overlapping ranges. Ranges can be taken apart, because the number of endpoints is
 * limited (WIRE_ENDPOINTS_MAX).
 */

#include "agent/config/merge.h"

#include <errno.h>
#include <string.h>

#define ALLOCATED_MIN 64
#define N_SLOTS       (2 * WIRE_ENDPOINTS_MAX) /* at most half full */
_Static_assert((N_SLOTS & (N_SLOTS - 1)) == 0, "used as a mask");

void config_merge_done(ConfigMerge *m) {
        free(m->owners);
        free(m->slots);
        *m = (ConfigMerge){0};
}

/* Make room for @n_more in the array that @array points to. Return: false when out of memory; then
 * nothing has changed. */
static bool grow(void *array, size_t *n_allocated, size_t n, size_t n_more, size_t item_size) {
        size_t n_new = *n_allocated ? *n_allocated : ALLOCATED_MIN;
        void *items;

        if (n + n_more <= *n_allocated)
                return true;
        while (n_new < n + n_more)
                n_new *= 2;
        memcpy(&items, array, sizeof(items)); /* works for every type of pointer */
        items = reallocarray(items, n_new, item_size);
        if (!items)
                return false;
        memcpy(array, &items, sizeof(items));
        *n_allocated = n_new;
        return true;
}

static size_t endpoint_hash(const IpAddr *addr, uint16_t port) {
        uint32_t hash = 2166136261u; /* FNV-1a */

        for (size_t i = 0; i < sizeof(addr->bytes); i++)
                hash = (hash ^ addr->bytes[i]) * 16777619u;
        hash = (hash ^ addr->family) * 16777619u;
        hash = (hash ^ (port & 0xffu)) * 16777619u;
        hash = (hash ^ (port >> 8)) * 16777619u;
        return hash & (N_SLOTS - 1);
}

/* The slot of an endpoint, or the free slot where it belongs. */
static EndpointSlot *endpoint_slot(const ConfigMerge *m, const IpAddr *addr, uint16_t port) {
        size_t i = endpoint_hash(addr, port);

        for (;; i = (i + 1) & (N_SLOTS - 1)) {
                EndpointSlot *slot = &m->slots[i];

                if (slot->listen == 0 ||
                    (slot->port == port &&
                     ip_compare(&m->config->wire.listens[slot->listen - 1].addr, addr) == 0))
                        return slot;
        }
}

static size_t addr_bytes(const IpAddr *addr) {
        return 1 + ip_family_bits(addr->family) / 8;
}

/* Bytes that a service takes in STATE; test-merge.c compares them with the encoder. */
static size_t service_bytes(const char *name, const ServiceFile *s) {
        size_t n = 1 + strlen(name) + 1 + 1 + 1 + 1; /* profiles, remote, two counts */

        for (uint32_t i = 0; i < s->n_listens; i++)
                n += addr_bytes(&s->listens[i].addr) + 2 + 2 + 2;
        for (uint32_t i = 0; i < s->n_remotes; i++)
                n += addr_bytes(&s->remotes[i].addr) + 1;
        return n;
}

static void add_clash(const ConfigMerge *m, const WireListen *listen, unsigned line, uint32_t other,
                      uint16_t port, ConfigProblems *problems) {
        const ListenOwner *owner = &m->owners[other];
        char endpoint[IP_ENDPOINT_TEXT_MAX];

        ip_endpoint_format(&(IpEndpoint){.addr = listen->addr, .port = port}, endpoint);
        config_problems_add(problems, line, "listen",
                            "%s is taken by %s:%u; change one of the two, or turn one off with "
                            "'enabled = no'",
                            endpoint, m->config->services[owner->service].file, owner->line);
}

/* Whether @s fits in beside the services that are in already. */
static bool merge_check(const ConfigMerge *m, const char *name, const ServiceFile *s,
                        ConfigProblems *problems) {
        uint32_t n_endpoints = m->n_endpoints;
        bool good = true;

        for (uint32_t i = 0; i < s->n_listens; i++) {
                const WireListen *listen = &s->listens[i];

                n_endpoints += listen->count;
                for (uint32_t port = listen->port; port < (uint32_t) listen->port + listen->count;
                     port++) {
                        EndpointSlot *slot = endpoint_slot(m, &listen->addr, (uint16_t) port);

                        if (slot->listen != 0) { /* one report for each line is enough */
                                add_clash(m, listen, s->listen_lines[i], slot->listen - 1,
                                          (uint16_t) port, problems);
                                good = false;
                                break;
                        }
                }
        }
        if (n_endpoints > WIRE_ENDPOINTS_MAX) {
                config_problems_add(problems, 0, "listen",
                                    "with this service there would be %u endpoints (ports of "
                                    "ranges counted one by one), but the limit is %d; narrow "
                                    "ranges, or turn services off with 'enabled = no'",
                                    n_endpoints, WIRE_ENDPOINTS_MAX);
                good = false;
        }
        if (m->n_bytes + service_bytes(name, s) > CONFIG_STATE_BYTES_MAX) {
                config_problems_add(problems, 0, "remote",
                                    "with this service the message to the helper would have more "
                                    "than %u bytes; write fewer and wider networks, or turn "
                                    "services off with 'enabled = no'",
                                    CONFIG_STATE_BYTES_MAX);
                good = false;
        }
        return good;
}

/* Do everything that can fail before anything is changed. */
static bool merge_reserve(ConfigMerge *m, const ServiceFile *s) {
        WireState *wire = &m->config->wire;

        if (!m->slots)
                m->slots = calloc(N_SLOTS, sizeof(*m->slots));
        return m->slots &&
               grow(&m->config->services, &m->n_services_allocated, m->config->n_services, 1,
                    sizeof(*m->config->services)) &&
               grow(&wire->services, &m->n_enabled_allocated, wire->n_services, 1,
                    sizeof(*wire->services)) &&
               grow(&wire->listens, &m->n_listens_allocated, wire->n_listens, s->n_listens,
                    sizeof(*wire->listens)) &&
               grow(&m->owners, &m->n_owners_allocated, wire->n_listens, s->n_listens,
                    sizeof(*m->owners)) &&
               grow(&wire->remotes, &m->n_remotes_allocated, wire->n_remotes, s->n_remotes,
                    sizeof(*wire->remotes));
}

static void merge_enabled(ConfigMerge *m, const char *name, const ServiceFile *s) {
        WireState *wire = &m->config->wire;
        WireService *service = &wire->services[wire->n_services++];

        *service = (WireService){
                .profiles = s->profiles,
                .remote = s->remote,
                .first_listen = wire->n_listens,
                .n_listens = s->n_listens,
                .first_remote = wire->n_remotes,
                .n_remotes = s->n_remotes,
        };
        (void) stpcpy(service->name, name);
        m->n_bytes += service_bytes(name, s);
        for (uint32_t i = 0; i < s->n_listens; i++) {
                const WireListen *listen = &s->listens[i];

                m->owners[wire->n_listens] = (ListenOwner){
                        .service = (uint32_t) m->config->n_services,
                        .line = s->listen_lines[i],
                };
                wire->listens[wire->n_listens++] = *listen;
                for (uint32_t port = 0; port < listen->count; port++) {
                        uint16_t at = (uint16_t) (listen->port + port);

                        *endpoint_slot(m, &listen->addr, at) =
                                (EndpointSlot){.listen = wire->n_listens, .port = at};
                }
                m->n_endpoints += listen->count;
        }
        if (s->n_remotes > 0) {
                memcpy(wire->remotes + wire->n_remotes, s->remotes,
                       s->n_remotes * sizeof(*s->remotes));
                wire->n_remotes += s->n_remotes;
        }
}

int config_merge_add(ConfigMerge *m, const char *name, const char *file, const ServiceFile *s,
                     ConfigProblems *problems) {
        _cleanup_free_ char *description = NULL, *file_copy = NULL;
        ConfigService *service;

        if (m->config->n_services == CONFIG_FILES_MAX) {
                config_problems_add(problems, 0, NULL,
                                    "is beyond the limit of %d services; remove files that are not "
                                    "needed, including disabled ones",
                                    CONFIG_FILES_MAX);
                return 0;
        }
        if (!merge_reserve(m, s))
                return -ENOMEM;
        if (s->enabled && !merge_check(m, name, s, problems))
                return 0;
        description = s->description[0] != '\0' ? strdup(s->description) : NULL;
        file_copy = strdup(file);
        if (!file_copy || (s->description[0] != '\0' && !description))
                return -ENOMEM;
        service = &m->config->services[m->config->n_services];
        *service = (ConfigService){.enabled = s->enabled, .wire = m->config->wire.n_services};
        (void) stpcpy(service->name, name);
        service->description = TAKE_PTR(description);
        service->file = TAKE_PTR(file_copy);
        if (s->enabled)
                merge_enabled(m, name, s);
        m->config->n_services++;
        return 0;
}
