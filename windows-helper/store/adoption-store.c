/* SPDX-License-Identifier: MIT */

/*
 * Requested adoptions, from and to a table of rules.
 */

#include "windows-helper/store/adoption-store.h"

typedef struct AdoptionRead {
        RuleTable *table;
        RuleFamily family;
} AdoptionRead;

void adoption_store_init(AdoptionStore *s) {
        static const wchar_t *const paths[_RULE_FAMILY_END] = {
                [RULE_V4TOV4] = ADOPTION_STORE_PATH L"\\v4tov4",
                [RULE_V4TOV6] = ADOPTION_STORE_PATH L"\\v4tov6",
                [RULE_V6TOV4] = ADOPTION_STORE_PATH L"\\v6tov4",
                [RULE_V6TOV6] = ADOPTION_STORE_PATH L"\\v6tov6",
                [RULE_RELAY_TCP + RULE_V4TOV4] = ADOPTION_STORE_PATH L"\\relay-tcp-v4tov4",
                [RULE_RELAY_TCP + RULE_V4TOV6] = ADOPTION_STORE_PATH L"\\relay-tcp-v4tov6",
                [RULE_RELAY_TCP + RULE_V6TOV4] = ADOPTION_STORE_PATH L"\\relay-tcp-v6tov4",
                [RULE_RELAY_TCP + RULE_V6TOV6] = ADOPTION_STORE_PATH L"\\relay-tcp-v6tov6",
                [RULE_RELAY_UDP + RULE_V4TOV4] = ADOPTION_STORE_PATH L"\\relay-udp-v4tov4",
                [RULE_RELAY_UDP + RULE_V4TOV6] = ADOPTION_STORE_PATH L"\\relay-udp-v4tov6",
                [RULE_RELAY_UDP + RULE_V6TOV4] = ADOPTION_STORE_PATH L"\\relay-udp-v6tov4",
                [RULE_RELAY_UDP + RULE_V6TOV6] = ADOPTION_STORE_PATH L"\\relay-udp-v6tov6",
        };

        for (int i = 0; i < _RULE_FAMILY_END; i++)
                s->keys[i] = REGISTRY_KEY_INIT(paths[i]);
}

void adoption_store_done(AdoptionStore *s) {
        for (int i = 0; i < _RULE_FAMILY_END; i++)
                registry_close(&s->keys[i]);
}

static int adoption_store_on_value(void *userdata, const char *name, const char *data) {
        AdoptionRead *read = userdata;

        return rule_table_add(read->table, read->family, name, data);
}

int adoption_store_read(AdoptionStore *s, RuleTable *table) {
        int r = 0;

        for (int i = 0; r == 0 && i < _RULE_FAMILY_END; i++) {
                AdoptionRead read = {table, (RuleFamily) i};

                r = registry_each(&s->keys[i], adoption_store_on_value, &read);
        }
        return r;
}

int adoption_store_remove(AdoptionStore *s, RuleFamily family, const char *name) {
        return registry_delete(&s->keys[family], name);
}

int adoption_store_add(AdoptionStore *s, RuleFamily family, const char *name, const char *data) {
        return registry_set_string(&s->keys[family], name, data);
}
