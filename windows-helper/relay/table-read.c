/* SPDX-License-Identifier: MIT */

/*
 * The keys of the table, one for each family and protocol.
 */

#include "windows-helper/relay/table-read.h"
#include "windows-helper/win/log.h"

#include <errno.h>

#define TABLE_FAMILY(i) ((RuleFamily) (RULE_RELAY_TCP + (i)))

static const wchar_t *const table_paths[TABLE_KEYS] = {
        RELAY_KEY L"\\v4tov4\\tcp", RELAY_KEY L"\\v4tov6\\tcp", RELAY_KEY L"\\v6tov4\\tcp",
        RELAY_KEY L"\\v6tov6\\tcp", RELAY_KEY L"\\v4tov4\\udp", RELAY_KEY L"\\v4tov6\\udp",
        RELAY_KEY L"\\v6tov4\\udp", RELAY_KEY L"\\v6tov6\\udp",
};

typedef struct TableReading {
        LogLimit *limit;
        RelayTable *table;
        RelayLimits *limits;
        RuleFamily family;
        bool torn; /* somebody has written while it was read */
} TableReading;

void table_reader_init(TableReader *r) {
        for (unsigned i = 0; i < TABLE_KEYS; i++)
                r->keys[i] = REGISTRY_KEY_INIT(table_paths[i]);
        r->limits = REGISTRY_KEY_INIT(RELAY_KEY_LIMITS);
}

void table_reader_done(TableReader *r) {
        for (unsigned i = 0; i < TABLE_KEYS; i++)
                registry_close(&r->keys[i]);
        registry_close(&r->limits);
}

/* What somebody has left there is found at each reading, and each change of a guest is one. */
static void table_problem(TableReading *reading, const char *name, const char *problem) {
        if (log_may(reading->limit))
                log_write(LOG_LEVEL_WARNING,
                          "The value '%s' of the relay's table is left out: it %s", name, problem);
}

static int table_on_value(void *userdata, const char *name, const char *data) {
        TableReading *reading = userdata;
        const char *problem;
        RelayEntry entry;
        int r;

        problem = relay_entry_parse(reading->family, name, data, &entry);
        if (!problem) {
                r = relay_table_add(reading->table, &entry);
                if (r != -ENOSPC)
                        return r;
                problem = "is one too many";
        }
        table_problem(reading, name, problem);
        return 0;
}

static int table_on_limit(void *userdata, const char *name, const char *data) {
        TableReading *reading = userdata;
        const char *problem = relay_limits_parse(reading->limits, name, data);

        if (problem)
                table_problem(reading, name, problem);
        return 0;
}

/* Values are read by number. When one goes meanwhile, the next one takes its number and is left
 * out; its endpoint would be closed, and with it the connections of a guest that has changed
 * nothing. */
static int table_read_key(RegistryKey *key, TableReading *reading) {
        uint64_t before, after;
        uint32_t n_before, n_after, n_keys;
        int error;

        error = registry_stamp(key, &before, &n_before, &n_keys);
        if (error == 0)
                error = registry_each(key, table_on_value, reading);
        if (error == 0)
                error = registry_stamp(key, &after, &n_after, &n_keys);
        if (error == 0 && (before != after || n_before != n_after))
                reading->torn = true;
        return error;
}

static int table_read_all(TableReader *r, TableReading *reading) {
        int error = 0;

        for (unsigned i = 0; error == 0 && i < TABLE_KEYS; i++) {
                reading->family = TABLE_FAMILY(i);
                error = table_read_key(&r->keys[i], reading);
        }
        return error == 0 ? registry_each(&r->limits, table_on_limit, reading) : error;
}

int table_reader_read(TableReader *r, bool torn, RelayTable *ret_table, RelayLimits *ret_limits) {
        RelayTable table = RELAY_TABLE_NULL;
        RelayLimits limits;
        TableReading reading = {.limit = &r->limit, .table = &table, .limits = &limits};
        size_t n_twice;
        int error;

        relay_limits_init(&limits);
        error = table_read_all(r, &reading);
        if (error == 0 && reading.torn && !torn)
                error = -EAGAIN;
        if (error < 0) {
                relay_table_done(&table);
                return error;
        }
        n_twice = relay_table_sort(&table);
        if (n_twice > 0 && log_may(&r->limit))
                log_write(LOG_LEVEL_WARNING,
                          "%zu values of the relay's table are left out: another family has the "
                          "same endpoint",
                          n_twice);
        *ret_table = table;
        *ret_limits = limits;
        return 0;
}
