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

static int table_read_all(TableReader *r, TableReading *reading) {
        int error = 0;

        for (unsigned i = 0; error == 0 && i < TABLE_KEYS; i++) {
                reading->family = TABLE_FAMILY(i);
                error = registry_each(&r->keys[i], table_on_value, reading);
        }
        return error == 0 ? registry_each(&r->limits, table_on_limit, reading) : error;
}

int table_reader_read(TableReader *r, RelayTable *ret_table, RelayLimits *ret_limits) {
        RelayTable table = RELAY_TABLE_NULL;
        RelayLimits limits;
        TableReading reading = {.limit = &r->limit, .table = &table, .limits = &limits};
        size_t n_twice;
        int error;

        relay_limits_init(&limits);
        error = table_read_all(r, &reading);
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
