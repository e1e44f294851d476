/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The host's half of pairing: storing a new key, and putting the old one back.
 */

#include "windows-helper/store/key-store.h"

#include <stdbool.h>

typedef struct PairKeys {
        KeyStore store;
        const uint8_t *key;         /* the new one, borrowed */
        uint8_t old[WIRE_KEY_SIZE]; /* of the guest that answered, if it had one */
        bool had_old;
} PairKeys;

/* Both are functions of WslPairStore, with a PairKeys as userdata. */
int pair_keys_put(void *userdata, const char *owner);
int pair_keys_restore(void *userdata, const char *owner);

/* Wipe the old key and close the store. */
void pair_keys_done(PairKeys *p);
