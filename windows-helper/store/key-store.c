/* SPDX-License-Identifier: MIT */

/*
 * Keys by owner, with owners spelled exactly.
 */

#include "windows-helper/store/key-store.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/secure.h"

#include <errno.h>
#include <string.h>

void key_store_done(KeyStore *s) {
        registry_close(&s->key);
}

static int key_store_is_name(void *userdata, const char *name, const char *data) {
        return strcmp(name, userdata) == 0; /* true ends the enumeration */
}

/* The registry ignores the case of letters, identities do not. Without this check, one key would be
 * good for "Debian", "debian" and so on, each with connections and rules of its own. */
static int key_store_spelled(KeyStore *s, const char *owner) {
        int r;

        r = registry_each(&s->key, key_store_is_name, (void *) (uintptr_t) owner);
        return r > 0 ? 0 : r < 0 ? r : -ENOENT;
}

/* A value that exists keeps its spelling when it is written. With another one, the guest that has
 * just been paired would count as not paired. */
int key_store_put(KeyStore *s, const char *owner, const uint8_t key[WIRE_KEY_SIZE]) {
        int r = secure_key(KEY_STORE_PATH, SECURE_SECRET_KEY);

        if (r == 0 && key_store_spelled(s, owner) == -ENOENT)
                r = registry_delete(&s->key, owner);
        return r < 0 ? r : registry_set_binary(&s->key, owner, key, WIRE_KEY_SIZE);
}

typedef struct KeyStoreName {
        wchar_t wanted[KEY_STORE_NAME_MAX];
        char *found; /* KEY_STORE_NAME_MAX bytes */
} KeyStoreName;

static int key_store_is_alike(void *userdata, const char *name, const char *data) {
        KeyStoreName *n = userdata;
        wchar_t wide[KEY_STORE_NAME_MAX];

        if (strlen(name) >= KEY_STORE_NAME_MAX || win_to_wide(name, wide, ARRAYSIZE(wide)) < 0 ||
            CompareStringOrdinal(wide, -1, n->wanted, -1, TRUE) != CSTR_EQUAL)
                return 0;
        memcpy(n->found, name, strlen(name) + 1);
        return 1;
}

int key_store_remove(KeyStore *s, const char *owner, char ret_spelled[KEY_STORE_NAME_MAX]) {
        char found[KEY_STORE_NAME_MAX];
        KeyStoreName name = {.found = ret_spelled ? ret_spelled : found};
        int r;

        if (win_to_wide(owner, name.wanted, ARRAYSIZE(name.wanted)) < 0)
                return -ENOENT;
        r = registry_each(&s->key, key_store_is_alike, &name);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        return registry_delete(&s->key, name.found);
}

typedef struct KeyStoreCallback {
        int (*fn)(void *userdata, const char *owner);
        void *userdata;
} KeyStoreCallback;

static int key_store_on_value(void *userdata, const char *name, const char *data) {
        KeyStoreCallback *callback = userdata;

        return callback->fn(callback->userdata, name);
}

int key_store_each(KeyStore *s, int (*fn)(void *userdata, const char *owner), void *userdata) {
        KeyStoreCallback callback = {fn, userdata};

        return registry_each(&s->key, key_store_on_value, &callback);
}

int key_store_find(KeyStore *s, const char *owner, uint8_t ret_key[WIRE_KEY_SIZE]) {
        int r;

        r = registry_get_binary(&s->key, owner, ret_key, WIRE_KEY_SIZE);
        if (r == -EINVAL && log_may(&s->key.limit)) {
                log_write(LOG_LEVEL_ERROR,
                          "The key of '%s' is not a REG_BINARY of %d bytes; pair it again", owner,
                          WIRE_KEY_SIZE);
        }
        return r < 0 ? r : key_store_spelled(s, owner);
}
