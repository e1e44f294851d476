/* SPDX-License-Identifier: MIT */

/*
 * A Config as a list of services: appending one, finding one, freeing all.
 */

#include "agent/config/build.h"

#include <errno.h>
#include <string.h>

#define ALLOCATED_MIN 64

bool config_grow(void *array, size_t *n_allocated, size_t n, size_t n_more, size_t item_size) {
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

Config *config_free(Config *c) {
        ConfigProblems problems;

        if (!c)
                return NULL;
        problems = (ConfigProblems){.items = c->problems, .n = c->n_problems};
        config_problems_done(&problems);
        wire_state_done(&c->wire);
        for (size_t i = 0; i < c->n_services; i++) {
                free(c->services[i].description);
                free(c->services[i].file);
        }
        free(c->services);
        free(c);
        return NULL;
}

const ConfigService *config_find(const Config *c, const char *name) {
        size_t low = 0, high = c->n_services;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = strcmp(name, c->services[middle].name);

                if (order == 0)
                        return &c->services[middle];
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return NULL;
}

ConfigItem config_item(const Config *c, size_t i) {
        const ConfigService *s = &c->services[i];
        const WireService *wire = s->enabled ? &c->wire.services[s->wire] : NULL;
        ConfigItem item = {.name = s->name,
                           .file = s->file,
                           .description = s->description,
                           .enabled = s->enabled,
                           .broken = s->broken};

        if (wire) {
                item.profiles = wire->profiles;
                item.remote = wire->remote;
                item.options = wire->options;
                item.listens = c->wire.listens + wire->first_listen;
                item.n_listens = wire->n_listens;
                item.n_remotes = wire->n_remotes;
                if (wire->n_remotes > 0) /* without any, there may be no array */
                        item.remotes = c->wire.remotes + wire->first_remote;
        }
        return item;
}

void config_builder_done(ConfigBuilder *b) {
        config_free(b->config);
        *b = (ConfigBuilder){0};
}

/* Do everything that can fail before anything is changed. */
static bool reserve(ConfigBuilder *b, const ConfigItem *item) {
        Config *c = b->config;
        WireState *wire = &c->wire;

        return config_grow(&c->services, &b->n_services_allocated, c->n_services, 1,
                           sizeof(*c->services)) &&
               config_grow(&wire->services, &b->n_enabled_allocated, wire->n_services, 1,
                           sizeof(*wire->services)) &&
               config_grow(&wire->listens, &b->n_listens_allocated, wire->n_listens,
                           item->n_listens, sizeof(*wire->listens)) &&
               config_grow(&wire->remotes, &b->n_remotes_allocated, wire->n_remotes,
                           item->n_remotes, sizeof(*wire->remotes));
}

static void add_enabled(WireState *wire, const ConfigItem *item) {
        WireService *service = &wire->services[wire->n_services++];

        *service = (WireService){
                .profiles = item->profiles,
                .remote = item->remote,
                .first_listen = wire->n_listens,
                .n_listens = item->n_listens,
                .first_remote = wire->n_remotes,
                .n_remotes = item->n_remotes,
        };
        (void) stpcpy(service->name, item->name);
        memcpy(service->options, item->options, sizeof(service->options));
        memcpy(wire->listens + wire->n_listens, item->listens,
               item->n_listens * sizeof(*item->listens));
        wire->n_listens += item->n_listens;
        if (item->n_remotes > 0)
                memcpy(wire->remotes + wire->n_remotes, item->remotes,
                       item->n_remotes * sizeof(*item->remotes));
        wire->n_remotes += item->n_remotes;
}

int config_builder_add(ConfigBuilder *b, const ConfigItem *item) {
        bool described = item->description && item->description[0] != '\0';
        _cleanup_free_ char *description = NULL, *file = NULL;
        ConfigService *service;

        if (!reserve(b, item))
                return -ENOMEM;
        description = described ? strdup(item->description) : NULL;
        file = strdup(item->file);
        if (!file || (described && !description))
                return -ENOMEM;
        service = &b->config->services[b->config->n_services++];
        *service = (ConfigService){.enabled = item->enabled,
                                   .broken = item->broken,
                                   .wire = b->config->wire.n_services};
        (void) stpcpy(service->name, item->name);
        service->description = TAKE_PTR(description);
        service->file = TAKE_PTR(file);
        if (item->enabled)
                add_enabled(&b->config->wire, item);
        return 0;
}
