/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Keys of paired guests: HKLM\SOFTWARE\wslbridge\Keys, value name = owner (core/rules/ledger.h),
 * REG_BINARY of WIRE_KEY_SIZE bytes. Every user can read what is below SOFTWARE, so this registry
 * key has a DACL of its own that admits only SYSTEM and administrators.
 */

#include "protocol/wire/wire.h"
#include "windows-helper/win/registry.h"

#define KEY_STORE_NAME_MAX 256 /* bytes of an owner with the NUL */
#define KEY_STORE_PATH     L"SOFTWARE\\wslbridge\\Keys"

typedef struct KeyStore {
        RegistryKey key;
} KeyStore;

#define KEY_STORE_INIT ((KeyStore){.key = REGISTRY_KEY_INIT(KEY_STORE_PATH)})

void key_store_done(KeyStore *s);

/* Store or replace the key of @owner, after making sure of the DACL. Return: 0 or negative errno
 * (logged). */
int key_store_put(KeyStore *s, const char *owner, const uint8_t key[WIRE_KEY_SIZE]);

/* @owner: in any case, as everywhere in the registry. @ret_spelled: as it was stored, or NULL.
 * Return: 0; -ENOENT when @owner was not paired; or negative errno (logged). */
int key_store_remove(KeyStore *s, const char *owner, char ret_spelled[KEY_STORE_NAME_MAX]);

/* Call @fn for each owner until it returns something other than 0. Return: as registry_each(). */
int key_store_each(KeyStore *s, int (*fn)(void *userdata, const char *owner), void *userdata);

/* Return: 0; -ENOENT when @owner is not paired; -EINVAL when its value is not a key (logged); or
 * another negative errno. */
int key_store_find(KeyStore *s, const char *owner, uint8_t ret_key[WIRE_KEY_SIZE]);
