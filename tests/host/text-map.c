/* SPDX-License-Identifier: MIT */

/*
 * A hash map from text to text, with chained buckets.
 */

#include "tests/host/text-map.h"
#include "common/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAP_BUCKETS_FIRST 64

static uint32_t text_map_hash(const char *key) {
        return (uint32_t) hash_bytes(HASH_START, key, strlen(key));
}

static TextMapEntry **text_map_slot(const TextMap *m, const char *key, uint32_t hash) {
        TextMapEntry **p = &m->buckets[hash & (m->n_buckets - 1)];

        while (*p && ((*p)->hash != hash || strcmp((*p)->key, key) != 0))
                p = &(*p)->next;
        return p;
}

const char *text_map_get(const TextMap *m, const char *key) {
        const TextMapEntry *e;

        if (m->n == 0)
                return NULL;
        e = *text_map_slot(m, key, text_map_hash(key));
        return e ? e->data : NULL;
}

static int text_map_grow(TextMap *m) {
        size_t n = m->n_buckets ? 2 * m->n_buckets : TEXT_MAP_BUCKETS_FIRST;
        TextMapEntry **buckets = calloc(n, sizeof(*buckets));

        if (!buckets)
                return -ENOMEM;
        for (size_t i = 0; i < m->n_buckets; i++) {
                for (TextMapEntry *e = m->buckets[i], *next; e; e = next) {
                        next = e->next;
                        e->next = buckets[e->hash & (n - 1)];
                        buckets[e->hash & (n - 1)] = e;
                }
        }
        free(m->buckets);
        m->buckets = buckets;
        m->n_buckets = n;
        return 0;
}

int text_map_set(TextMap *m, const char *key, const char *data) {
        size_t n = strlen(key) + 1, n_data = strlen(data) + 1;
        uint32_t hash = text_map_hash(key);
        char *copy = malloc(n_data);
        TextMapEntry *e, **slot;

        if (!copy || (m->n >= m->n_buckets && text_map_grow(m) < 0)) {
                free(copy);
                return -ENOMEM;
        }
        memcpy(copy, data, n_data);
        slot = text_map_slot(m, key, hash);
        if (*slot) {
                free((*slot)->data);
                (*slot)->data = copy;
                return 0;
        }
        e = malloc(sizeof(*e) + n);
        if (!e) {
                free(copy);
                return -ENOMEM;
        }
        *e = (TextMapEntry){.hash = hash, .data = copy};
        memcpy(e->key, key, n);
        *slot = e;
        m->n++;
        return 0;
}

bool text_map_delete(TextMap *m, const char *key) {
        TextMapEntry **slot, *e;

        if (m->n == 0)
                return false;
        slot = text_map_slot(m, key, text_map_hash(key));
        e = *slot;
        if (!e)
                return false;
        *slot = e->next;
        free(e->data);
        free(e);
        m->n--;
        return true;
}

void text_map_done(TextMap *m) {
        for (size_t i = 0; i < m->n_buckets; i++) {
                for (TextMapEntry *e = m->buckets[i], *next; e; e = next) {
                        next = e->next;
                        free(e->data);
                        free(e);
                }
        }
        free(m->buckets);
        *m = TEXT_MAP_NULL;
}

static int text_map_compare(const void *pa, const void *pb) {
        const TextMapEntry *const *a = pa, *const *b = pb;

        return strcmp((*a)->key, (*b)->key);
}

const TextMapEntry **text_map_list(const TextMap *m) {
        const TextMapEntry **list = malloc((m->n + 1) * sizeof(*list));
        size_t n = 0;

        for (size_t i = 0; list && i < m->n_buckets; i++)
                for (const TextMapEntry *e = m->buckets[i]; e; e = e->next)
                        list[n++] = e;
        if (list)
                qsort(list, n, sizeof(*list), text_map_compare);
        return list;
}
