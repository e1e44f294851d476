/* SPDX-License-Identifier: MIT */

/*
 * The registry part of the Windows in memory: values, ledger, flushes and power cuts.
 */

#include "tests/host/memory-host.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_KEY_MAX   128 /* foreign names may be longer than ours; they are cut */
#define MEMORY_START_SEC 1000

static int memory_call(MemoryHost *m, MemoryCall call) {
        int r = m->fault ? m->fault(m, call) : 0;

        m->calls[call] += r == 0;
        return r;
}

/* Instead of snprintf("%s"), which took a sixth of the time of a large batch. */
static void memory_copy(const char *text, char *ret_copy, size_t size) {
        size_t n = strlen(text);

        n = n < size ? n : size - 1;
        memcpy(ret_copy, text, n);
        ret_copy[n] = '\0';
}

static void memory_rule_key(RuleFamily family, const char *name, char ret_key[MEMORY_KEY_MAX]) {
        size_t n = strlen(rule_family_name(family));

        memcpy(ret_key, rule_family_name(family), n);
        ret_key[n] = ' ';
        memory_copy(name, ret_key + n + 1, MEMORY_KEY_MAX - n - 1);
}

const char *memory_host_split(const char *key, RuleFamily *ret_family) {
        char family[RULE_FAMILY_TEXT_MAX] = "";
        size_t n = strcspn(key, " ");

        if (key[n] == '\0' || n >= sizeof(family))
                return NULL;
        memcpy(family, key, n);
        return rule_family_parse(family, ret_family) < 0 ? NULL : key + n + 1;
}

static void memory_store(MemoryHost *m, char kind, const char *key, const char *data) {
        if (m->stored)
                m->stored(m, kind, key, data);
}

/* At the first change of @key since the last flush: remember in @unflushed what is on disk. */
static int memory_unflushed(TextMap *unflushed, const TextMap *map, const char *key) {
        const char *disk = text_map_get(map, key);
        char copy[LEDGER_TEXT_MAX + 2];

        if (text_map_get(unflushed, key))
                return 0;
        copy[0] = disk ? '+' : '-';
        memory_copy(disk ? disk : "", copy + 1, sizeof(copy) - 1);
        return text_map_set(unflushed, key, copy);
}

/* Sorted by name in each family, as in a registry, so that a change shifts what is yet to be read.
 */
static int memory_rules_read(void *userdata, RuleCursor *cursor, size_t n, RuleTable *table) {
        MemoryHost *m = userdata;
        int r = memory_call(m, MEMORY_RULES_READ);
        const TextMapEntry **list = r == 0 ? text_map_list(&m->rules) : NULL;
        uint32_t i = cursor->index;

        if (r == 0 && !list)
                r = -ENOMEM;
        for (; r == 0 && i < m->rules.n && n > 0; i++) {
                RuleFamily f = RULE_V4TOV4;
                const char *name = memory_host_split(list[i]->key, &f);

                if (!name)
                        continue;
                n--;
                r = rule_table_add(table, f, name, list[i]->data);
        }
        free(list);
        cursor->index = i;
        return r < 0 ? r : i < m->rules.n;
}

/* A value of the key of @key ("v4tov4 0.0.0.0/80") is about to be set, or deleted (NULL). */
static void memory_touch(MemoryHost *m, const char *key, const char *data) {
        bool exists = text_map_get(&m->rules, key) != NULL;
        RuleFamily f;

        if (!memory_host_split(key, &f) || (!data && !exists))
                return;
        m->now_usec += m->write_usec;
        m->stamp.written[f] = m->coarse ? m->now_usec / 1000000 : ++m->n_written;
        m->stamp.n_values[f] += (data != NULL) - exists;
}

static int memory_rules_stamp(void *userdata, RuleStamp *ret_stamp) {
        MemoryHost *m = userdata;
        int r = memory_call(m, MEMORY_RULES_STAMP);

        if (r == 0)
                *ret_stamp = m->stamp;
        return r;
}

static int memory_rule_get(void *userdata, RuleFamily family, const char *name, char *ret_data,
                           size_t size) {
        MemoryHost *m = userdata;
        const char *data;
        int r = memory_call(m, MEMORY_RULE_GET);

        if (r < 0)
                return r;
        data = memory_host_rule(m, family, name);
        if (!data)
                return -ENOENT;
        memory_copy(data, ret_data, size);
        return 0;
}

static int memory_rule_set(void *userdata, RuleFamily family, const char *name, const char *data) {
        MemoryHost *m = userdata;
        char key[MEMORY_KEY_MAX];
        int r = memory_call(m, MEMORY_RULE_SET);

        if (r < 0)
                return r;
        memory_rule_key(family, name, key);
        if (m->changing)
                m->changing(m, key, data);
        m->iphlpsvc_behind |= !rule_family_is_relay(family);
        memory_touch(m, key, data);
        r = memory_unflushed(m->rules_unflushed + rule_family_is_relay(family), &m->rules, key);
        if (r == 0)
                r = text_map_set(&m->rules, key, data);
        memory_store(m, 'R', key, data);
        return r;
}

static int memory_rule_delete(void *userdata, RuleFamily family, const char *name) {
        MemoryHost *m = userdata;
        char key[MEMORY_KEY_MAX];
        int r = memory_call(m, MEMORY_RULE_DELETE);

        if (r < 0)
                return r;
        memory_rule_key(family, name, key);
        if (m->changing)
                m->changing(m, key, NULL);
        m->iphlpsvc_behind |= !rule_family_is_relay(family);
        memory_touch(m, key, NULL);
        r = memory_unflushed(m->rules_unflushed + rule_family_is_relay(family), &m->rules, key);
        if (r == 0)
                (void) text_map_delete(&m->rules, key);
        memory_store(m, 'R', key, NULL);
        return r;
}

static int memory_rules_flush(void *userdata, bool relay) {
        MemoryHost *m = userdata;
        int r = memory_call(m, MEMORY_RULES_FLUSH);

        if (r == 0)
                text_map_done(&m->rules_unflushed[relay]);
        return r;
}

static int memory_ledger_load(void *userdata, Ledger *ledger) {
        MemoryHost *m = userdata;
        int r = memory_call(m, MEMORY_LEDGER_LOAD);
        const TextMapEntry **list = r == 0 ? text_map_list(&m->ledger) : NULL;

        if (r == 0 && !list)
                r = -ENOMEM;
        for (size_t i = 0; r == 0 && i < m->ledger.n; i++) {
                LedgerEntry entry;

                if (ledger_entry_parse(list[i]->key, list[i]->data, &entry) == 0)
                        r = ledger_put(ledger, &entry);
                else if (m->log)
                        m->log(m, LOG_LEVEL_ERROR, EVENT_RULES_PROBLEM,
                               "ledger entry cannot be read, ignoring it");
        }
        free(list);
        return r;
}

static int memory_ledger_put(void *userdata, const LedgerEntry *entry) {
        MemoryHost *m = userdata;
        char name[LEDGER_NAME_MAX], data[LEDGER_TEXT_MAX + 1];
        int r = memory_call(m, MEMORY_LEDGER_PUT);

        if (r < 0)
                return r;
        ledger_name_format(&entry->listen, name);
        ledger_entry_format(entry, data);
        r = memory_unflushed(&m->unflushed, &m->ledger, name);
        if (r == 0)
                r = text_map_set(&m->ledger, name, data);
        memory_store(m, 'L', name, data);
        return r;
}

static int memory_ledger_remove(void *userdata, const IpEndpoint *listen) {
        MemoryHost *m = userdata;
        char name[LEDGER_NAME_MAX];
        int r = memory_call(m, MEMORY_LEDGER_REMOVE);

        if (r < 0)
                return r;
        ledger_name_format(listen, name);
        r = memory_unflushed(&m->unflushed, &m->ledger, name);
        if (r == 0)
                (void) text_map_delete(&m->ledger, name);
        memory_store(m, 'L', name, NULL);
        return r;
}

static int memory_ledger_flush(void *userdata) {
        MemoryHost *m = userdata;
        int r = memory_call(m, MEMORY_LEDGER_FLUSH);

        if (r == 0)
                text_map_done(&m->unflushed);
        return r;
}

static int memory_activate(void *userdata) {
        MemoryHost *m = userdata;
        int r = memory_call(m, MEMORY_ACTIVATE);

        if (r == 0)
                m->iphlpsvc_behind = false;
        return r;
}

static void memory_relay_want(void *userdata, bool wanted) {
        MemoryHost *m = userdata;

        m->relay_runs = wanted;
}

static int memory_key_find(void *userdata, const char *owner, uint8_t *ret_key) {
        MemoryHost *m = userdata;
        const char *hex = text_map_get(&m->keys, owner);

        if (m->key_error < 0)
                return m->key_error;
        if (hex && sodium_hex2bin(ret_key, WIRE_KEY_SIZE, hex, strlen(hex), NULL, NULL, NULL) < 0)
                return -EINVAL;
        if (hex)
                return 0;
        if (!m->key)
                return -ENOENT;
        memcpy(ret_key, m->key, WIRE_KEY_SIZE);
        return 0;
}

uint64_t memory_host_random(MemoryHost *m) {
        uint64_t z;

        m->random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
        z = m->random;
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return z ^ z >> 31;
}

static int memory_random(void *userdata, uint8_t *ret_bytes, size_t n) {
        for (size_t i = 0; i < n; i++)
                ret_bytes[i] = (uint8_t) memory_host_random(userdata);
        return 0;
}

static uint64_t memory_now(void *userdata) {
        MemoryHost *m = userdata;

        return m->now_usec + (uint64_t) m->clock_usec;
}

static void memory_log(void *userdata, LogLevel level, EventId event, const char *text) {
        MemoryHost *m = userdata;

        if (m->log)
                m->log(m, level, event, text);
}

void memory_host_init(MemoryHost *m) {
        *m = (MemoryHost){.now_usec = MEMORY_START_SEC * UINT64_C(1000000)};
}

void memory_host_done(MemoryHost *m) {
        text_map_done(&m->rules);
        text_map_done(&m->ledger);
        text_map_done(&m->unflushed);
        for (int i = 0; i < 2; i++)
                text_map_done(&m->rules_unflushed[i]);
        text_map_done(&m->guests);
        text_map_done(&m->adoptions);
        text_map_done(&m->keys);
        firewall_rules_done(&m->firewall);
}

void memory_host_fill(MemoryHost *m, ControllerHost *ret_host) {
        *ret_host = (ControllerHost){
                .rules =
                        {
                                .userdata = m,
                                .rules_read = memory_rules_read,
                                .rule_get = memory_rule_get,
                                .rule_set = memory_rule_set,
                                .rule_delete = memory_rule_delete,
                                .rules_flush = memory_rules_flush,
                                .rules_stamp = memory_rules_stamp,
                                .ledger_load = memory_ledger_load,
                                .ledger_put = memory_ledger_put,
                                .ledger_remove = memory_ledger_remove,
                                .ledger_flush = memory_ledger_flush,
                                .activate = memory_activate,
                                .relay_want = memory_relay_want,
                        },
                .ports = {.userdata = m},
                .connections = {.userdata = m},
                .identities =
                        {
                                .userdata = m,
                                .key_find = memory_key_find,
                                .random = memory_random,
                        },
                .userdata = m,
                .now = memory_now,
                .log = memory_log,
        };
        memory_tables_fill(ret_host);
}

int memory_host_mac(const uint8_t *key, const uint8_t *data, size_t n, uint8_t *ret_mac) {
        return crypto_auth_hmacsha256(ret_mac, data, n, key) == 0 ? 0 : -EIO;
}

void memory_host_foreign(MemoryHost *m, RuleFamily family, const char *name, const char *data) {
        char key[MEMORY_KEY_MAX];

        memory_rule_key(family, name, key);
        memory_touch(m, key, data);
        /* foreign changes are on disk at once */
        (void) text_map_delete(&m->rules_unflushed[rule_family_is_relay(family)], key);
        if (data)
                (void) text_map_set(&m->rules, key, data);
        else
                (void) text_map_delete(&m->rules, key);
        memory_store(m, 'R', key, data);
}

const char *memory_host_rule(const MemoryHost *m, RuleFamily family, const char *name) {
        char key[MEMORY_KEY_MAX];

        memory_rule_key(family, name, key);
        return text_map_get(&m->rules, key);
}

static void memory_lose(MemoryHost *m, TextMap *unflushed, TextMap *map) {
        const TextMapEntry **list = text_map_list(unflushed);

        for (size_t i = 0; list && i < unflushed->n; i++) {
                if (memory_host_random(m) & 1)
                        continue;
                if (list[i]->data[0] == '+')
                        (void) text_map_set(map, list[i]->key, list[i]->data + 1);
                else
                        (void) text_map_delete(map, list[i]->key);
        }
        free(list);
        text_map_done(unflushed);
}

void memory_host_power_cut(MemoryHost *m) {
        memory_lose(m, &m->unflushed, &m->ledger);
        for (int i = 0; i < 2; i++)
                memory_lose(m, &m->rules_unflushed[i], &m->rules);
}

int memory_host_restore(MemoryHost *m, char kind, const char *key, const char *data) {
        TextMap *map = kind == 'R' ? &m->rules : &m->ledger;

        if ((kind != 'R' && kind != 'L') || (kind == 'R' && strlen(key) < 8))
                return -EINVAL;
        if (!data) {
                (void) text_map_delete(map, key);
                return 0;
        }
        return text_map_set(map, key, data);
}
