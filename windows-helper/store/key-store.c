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

int key_store_put(KeyStore *s, const char *owner, const uint8_t key[WIRE_KEY_SIZE]) {
        int r = secure_key(KEY_STORE_PATH, SECURE_SECRET_KEY);

        return r < 0 ? r : registry_set_binary(&s->key, owner, key, WIRE_KEY_SIZE);
}

int key_store_remove(KeyStore *s, const char *owner) {
        int r = key_store_spelled(s, owner);

        return r < 0 ? r : registry_delete(&s->key, owner);
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
        if (r == -EINVAL) {
                log_write(LOG_LEVEL_ERROR,
                          "The key of '%s' is not a REG_BINARY of %d bytes; pair it again", owner,
                          WIRE_KEY_SIZE);
        }
        return r < 0 ? r : key_store_spelled(s, owner);
}
