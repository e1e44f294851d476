/* SPDX-License-Identifier: MIT */

/*
 * Remembers one old key.
 */

#include "windows-helper/vm/pair-keys.h"

int pair_keys_put(void *userdata, const char *owner) {
        PairKeys *p = userdata;

        p->had_old = key_store_find(&p->store, owner, p->old) == 0;
        return key_store_put(&p->store, owner, p->key);
}

int pair_keys_restore(void *userdata, const char *owner) {
        PairKeys *p = userdata;

        return p->had_old ? key_store_put(&p->store, owner, p->old)
                          : key_store_remove(&p->store, owner, NULL);
}

void pair_keys_done(PairKeys *p) {
        SecureZeroMemory(p->old, sizeof(p->old));
        key_store_done(&p->store);
}
