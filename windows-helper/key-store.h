/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Keys of paired agents: HKLM\SOFTWARE\wslbridge\Keys, value name = owner (core/ledger.h),
 * REG_BINARY of WIRE_KEY_SIZE bytes. Reading only. The key below SOFTWARE would be readable for
 * every user: who creates it gives it a DACL for SYSTEM and Administrators.
 */

#include "protocol/wire.h"
#include "windows-helper/registry.h"

#define KEY_STORE_PATH L"SOFTWARE\\wslbridge\\Keys"

typedef struct KeyStore {
        RegistryKey key;
} KeyStore;

#define KEY_STORE_INIT ((KeyStore){.key = REGISTRY_KEY_INIT(KEY_STORE_PATH)})

void key_store_done(KeyStore *s);

/* Return: 0; -ENOENT when @owner is not paired; -EINVAL when its value is no key (logged). */
int key_store_find(KeyStore *s, const char *owner, uint8_t ret_key[WIRE_KEY_SIZE]);
