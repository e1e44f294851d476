/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to agent/config: a Config as a list of services, with config_find() and config_free() of
 * config.h. It appends one service after the other and checks nothing; see merge.h for that. Pure.
 */

#include "agent/config/service-file.h"

typedef struct ConfigItem { /* one service; all borrowed */
        const char *name, *file;
        const char *description; /* NULL or "": none */
        bool enabled, broken;
        uint8_t profiles, remote; /* as in WireService; these and the rest only if it is enabled */
        const uint8_t *options;   /* _WIRE_OPTION_END */
        const WireListen *listens;
        const WirePrefix *remotes;
        uint32_t n_listens, n_remotes;
} ConfigItem;

/* Service @i of @c. It is valid until @c changes. */
ConfigItem config_item(const Config *c, size_t i);

typedef struct ConfigBuilder {
        Config *config; /* owned until the caller takes it */
        size_t n_services_allocated, n_enabled_allocated, n_listens_allocated, n_remotes_allocated;
} ConfigBuilder;

void config_builder_done(ConfigBuilder *b);

/* Return: 0, or -ENOMEM, after which the Config is as before. */
int config_builder_add(ConfigBuilder *b, const ConfigItem *item);

/* Make room for @n_more in the array that @array points to, which has @n. Return: false when out of
 * memory; then nothing has changed. */
bool config_grow(void *array, size_t *n_allocated, size_t n, size_t n_more, size_t item_size);
