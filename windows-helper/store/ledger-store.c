/* SPDX-License-Identifier: MIT */

/*
 * Loading the ledger, and changing entry by entry.
 */

#include "windows-helper/store/ledger-store.h"
#include "windows-helper/core/rules/rule.h"
#include "windows-helper/win/log.h"

#include <errno.h>

void ledger_store_done(LedgerStore *s) {
        registry_close(&s->key);
}

typedef struct LedgerLoad {
        Ledger *ledger;
        bool told;
} LedgerLoad;

static int ledger_store_on_value(void *userdata, const char *name, const char *data) {
        LedgerLoad *load = userdata;
        LedgerEntry entry;

        if (!data || ledger_entry_parse(name, data, &entry) < 0) {
                if (load->told)
                        return 0;
                log_write(LOG_LEVEL_WARNING,
                          "Ledger entry '%s' cannot be read, so its rule counts as another "
                          "program's; "
                          "delete the entry (and the rule) to get rid of it",
                          name);
                return 0;
        }
        return ledger_put(load->ledger, &entry);
}

int ledger_store_load(LedgerStore *s, Ledger *ledger) {
        LedgerLoad load = {ledger, s->told};
        int r = registry_each(&s->key, ledger_store_on_value, &load);

        s->told |= r == 0;
        return r;
}

int ledger_store_put(LedgerStore *s, const LedgerEntry *entry) {
        char name[LEDGER_NAME_MAX], data[LEDGER_TEXT_MAX + 1];

        ledger_name_format(&entry->listen, name);
        ledger_entry_format(entry, data);
        return registry_set_string(&s->key, name, data);
}

int ledger_store_remove(LedgerStore *s, const IpEndpoint *listen) {
        char name[LEDGER_NAME_MAX];

        ledger_name_format(listen, name);
        return registry_delete(&s->key, name);
}

/* On Windows this writes the whole hive, so the core flushes once per batch. Under Wine it does
 * nothing. */
int ledger_store_flush(LedgerStore *s) {
        return registry_flush(&s->key);
}
