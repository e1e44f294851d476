/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The ledger on disk: HKLM\SOFTWARE\wslbridge\Ledger, one REG_SZ for each endpoint, in the text
 * form of core/rules/ledger.h.
 */

#include "windows-helper/core/rules/ledger.h"
#include "windows-helper/win/registry.h"

#define LEDGER_STORE_PATH L"SOFTWARE\\wslbridge\\Ledger"

typedef struct LedgerStore {
        RegistryKey key;
        bool told; /* it was loaded before, so what cannot be read is known */
} LedgerStore;

#define LEDGER_STORE_INIT ((LedgerStore){.key = REGISTRY_KEY_INIT(LEDGER_STORE_PATH)})

void ledger_store_done(LedgerStore *s);

/* These implement functions that the controller needs, and are documented there.
 * ledger_store_load() skips an entry that cannot be read, which stays in the registry as it is. The
 * first time it also logs it. */
int ledger_store_load(LedgerStore *s, Ledger *ledger);
int ledger_store_put(LedgerStore *s, const LedgerEntry *entry);
int ledger_store_remove(LedgerStore *s, const IpEndpoint *listen);
int ledger_store_flush(LedgerStore *s);
