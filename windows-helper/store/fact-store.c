/* SPDX-License-Identifier: MIT */

/*
 * Facts as values of a registry key.
 */

#include "windows-helper/store/fact-store.h"
#include "windows-helper/core/selftest/facts.h"

#include <string.h>

#define FACT_TEXT_MAX 32

typedef struct FactReading {
        int (*fn)(void *userdata, const char *id);
        void *userdata;
} FactReading;

/* @always: also when nothing was known and the fact holds */
static void fact_store_write(const char *id, bool holds, bool always) {
        RegistryKey key = REGISTRY_KEY_INIT(FACT_STORE_PATH);
        const char *text = fact_verdict_name(holds ? FACT_HOLDS : FACT_FAILS);
        char now[FACT_TEXT_MAX] = "";
        bool known = registry_get_string(&key, id, now, sizeof(now)) == 0;

        if (known ? strcmp(now, text) != 0 : always || !holds)
                (void) registry_set_string(&key, id, text);
        registry_close(&key);
}

void fact_store_note(const char *id, bool holds) {
        fact_store_write(id, holds, /* always= */ true);
}

void fact_store_seen(const char *id, bool holds) {
        fact_store_write(id, holds, /* always= */ false);
}

static int fact_store_on_value(void *userdata, const char *name, const char *data) {
        FactReading *reading = userdata;
        FactVerdict verdict;

        /* A fact that this version does not know was noted by another one. */
        if (!data || fact_verdict_parse(data, &verdict) < 0 || verdict != FACT_FAILS ||
            !unverified_fact(name))
                return 0;
        return reading->fn(reading->userdata, name);
}

int fact_store_each_failed(int (*fn)(void *userdata, const char *id), void *userdata) {
        RegistryKey key = REGISTRY_KEY_INIT(FACT_STORE_PATH);
        FactReading reading = {fn, userdata};
        int r = registry_each(&key, fact_store_on_value, &reading);

        registry_close(&key);
        return r;
}
