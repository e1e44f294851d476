/* SPDX-License-Identifier: MIT */

/*
 * All keys as one table.
 */

#include "windows-helper/store/rule-store.h"

#include <errno.h>

/* The keys need not exist; the first write creates them (fact 4.1.3). */
static const wchar_t *const rule_store_paths[_RULE_FAMILY_END] = {
        [RULE_V4TOV4] = RULE_STORE_PORTPROXY L"\\v4tov4\\tcp",
        [RULE_V4TOV6] = RULE_STORE_PORTPROXY L"\\v4tov6\\tcp",
        [RULE_V6TOV4] = RULE_STORE_PORTPROXY L"\\v6tov4\\tcp",
        [RULE_V6TOV6] = RULE_STORE_PORTPROXY L"\\v6tov6\\tcp",
        [RULE_RELAY_TCP + RULE_V4TOV4] = RULE_STORE_RELAY L"\\v4tov4\\tcp",
        [RULE_RELAY_TCP + RULE_V4TOV6] = RULE_STORE_RELAY L"\\v4tov6\\tcp",
        [RULE_RELAY_TCP + RULE_V6TOV4] = RULE_STORE_RELAY L"\\v6tov4\\tcp",
        [RULE_RELAY_TCP + RULE_V6TOV6] = RULE_STORE_RELAY L"\\v6tov6\\tcp",
        [RULE_RELAY_UDP + RULE_V4TOV4] = RULE_STORE_RELAY L"\\v4tov4\\udp",
        [RULE_RELAY_UDP + RULE_V4TOV6] = RULE_STORE_RELAY L"\\v4tov6\\udp",
        [RULE_RELAY_UDP + RULE_V6TOV4] = RULE_STORE_RELAY L"\\v6tov4\\udp",
        [RULE_RELAY_UDP + RULE_V6TOV6] = RULE_STORE_RELAY L"\\v6tov6\\udp",
};

void rule_store_init(RuleStore *s) {
        for (unsigned i = 0; i < _RULE_FAMILY_END; i++)
                s->keys[i] = REGISTRY_KEY_INIT(rule_store_paths[i]);
        s->relay = REGISTRY_KEY_INIT(RULE_STORE_RELAY);
}

void rule_store_done(RuleStore *s) {
        for (unsigned i = 0; i < _RULE_FAMILY_END; i++)
                registry_close(&s->keys[i]);
        registry_close(&s->relay);
}

typedef struct RuleReading {
        RuleTable *table;
        RuleFamily family;
} RuleReading;

static int rule_store_on_value(void *userdata, const char *name, const char *data) {
        RuleReading *reading = userdata;

        return rule_table_add(reading->table, reading->family, name, data);
}

static int rule_store_read_to(RuleStore *s, unsigned last, RuleCursor *cursor, size_t n,
                              RuleTable *table) {
        size_t end = table->n_values + n;

        while (cursor->family < last) {
                RuleReading reading = {table, (RuleFamily) cursor->family};
                int r;

                r = registry_some(&s->keys[cursor->family], &cursor->index, end - table->n_values,
                                  rule_store_on_value, &reading);
                if (r != 0)
                        return r;
                cursor->family++;
                cursor->index = 0;
        }
        return 0;
}

int rule_store_read_some(RuleStore *s, RuleCursor *cursor, size_t n, RuleTable *table) {
        return rule_store_read_to(s, _RULE_FAMILY_END, cursor, n, table);
}

int rule_store_read(RuleStore *s, bool relay, RuleTable *table) {
        RuleCursor cursor = {0};

        return rule_store_read_to(s, relay ? _RULE_FAMILY_END : _RULE_PORTPROXY_END, &cursor,
                                  SIZE_MAX - table->n_values, table);
}

int rule_store_get(RuleStore *s, RuleFamily family, const char *name, char *ret_data, size_t size) {
        int r;

        r = registry_get_string(&s->keys[family], name, ret_data, size);
        if (r == REGISTRY_E_NOT_STRING) {
                ret_data[0] = '\0'; /* it exists, but cannot be ours */
                return 0;
        }
        return r;
}

int rule_store_set(RuleStore *s, RuleFamily family, const char *name, const char *data) {
        return registry_set_string(&s->keys[family], name, data);
}

int rule_store_delete(RuleStore *s, RuleFamily family, const char *name) {
        return registry_delete(&s->keys[family], name);
}

/* A flush writes the whole hive, SYSTEM or SOFTWARE, so one key that exists is enough. */
int rule_store_flush(RuleStore *s, bool relay) {
        unsigned end = relay ? _RULE_FAMILY_END : _RULE_PORTPROXY_END;

        for (unsigned i = relay ? RULE_RELAY_TCP : RULE_V4TOV4; i < end; i++) {
                int r;

                r = registry_flush(&s->keys[i]);
                if (r < 0 || s->keys[i].key) /* without a handle, the key does not exist */
                        return r;
        }
        return 0;
}

int rule_store_stamp(RuleStore *s, RuleStamp *ret_stamp) {
        uint32_t n_values, n_keys, end;
        uint64_t written;
        int r = registry_stamp(&s->relay, &written, &n_values, &n_keys);

        *ret_stamp = (RuleStamp){0};
        end = n_keys > 0 ? _RULE_FAMILY_END : _RULE_PORTPROXY_END;
        for (unsigned i = 0; r == 0 && i < end; i++)
                r = registry_stamp(&s->keys[i], &ret_stamp->written[i], &ret_stamp->n_values[i],
                                   &n_keys);
        return r;
}
