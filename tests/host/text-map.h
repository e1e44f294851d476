/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A hash map from text to text. In tests it stands for a key of the Windows registry.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct TextMapEntry {
        struct TextMapEntry *next;
        uint32_t hash;
        char *data;
        char key[];
} TextMapEntry;

typedef struct TextMap {
        TextMapEntry **buckets; /* owned */
        size_t n_buckets, n;
} TextMap;

#define TEXT_MAP_NULL ((TextMap){0})

const char *text_map_get(const TextMap *m, const char *key);     /* NULL: absent */
int text_map_set(TextMap *m, const char *key, const char *data); /* 0 or -ENOMEM */
bool text_map_delete(TextMap *m, const char *key);
void text_map_done(TextMap *m);

/* All entries sorted by key: an array of .n pointers, which the caller frees; NULL when out of
 * memory. Valid until the map changes. */
const TextMapEntry **text_map_list(const TextMap *m);
