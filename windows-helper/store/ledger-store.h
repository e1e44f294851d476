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
} LedgerStore;

#define LEDGER_STORE_INIT ((LedgerStore){.key = REGISTRY_KEY_INIT(LEDGER_STORE_PATH)})

void ledger_store_done(LedgerStore *s);

/* These implement functions that the controller needs, and are documented there.
 * ledger_store_load() logs an entry that cannot be read and skips it; the entry stays in the
 * registry as it is. */
int ledger_store_load(LedgerStore *s, Ledger *ledger);
int ledger_store_put(LedgerStore *s, const LedgerEntry *entry);
int ledger_store_remove(LedgerStore *s, const IpEndpoint *listen);
int ledger_store_flush(LedgerStore *s);
