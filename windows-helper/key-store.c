/* SPDX-License-Identifier: MIT */
#include "windows-helper/key-store.h"
#include "windows-helper/log.h"

#include <errno.h>

void key_store_done(KeyStore *s) {
        registry_close(&s->key);
}

int key_store_find(KeyStore *s, const char *owner, uint8_t ret_key[WIRE_KEY_SIZE]) {
        int r;

        r = registry_get_binary(&s->key, owner, ret_key, WIRE_KEY_SIZE);
        if (r == -EINVAL) {
                log_write(BRIDGE_LEVEL_ERROR,
                          "The key of '%s' is not a REG_BINARY of %d bytes; pair it again", owner,
                          WIRE_KEY_SIZE);
        }
        return r;
}
