/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where and when each guest's agent was last seen: HKLM\SOFTWARE\wslbridge\Agents, value name =
 * owner (core/rules/ledger.h), REG_SZ "<VM id>|<time in UTC>|<connected or gone>".
 */

#include "windows-helper/core/vm/vm.h"
#include "windows-helper/win/registry.h"

#define GUEST_STORE_PATH     L"SOFTWARE\\wslbridge\\Agents"
#define GUEST_STORE_TEXT_MAX 96

typedef struct GuestStore {
        RegistryKey key;
} GuestStore;

#define GUEST_STORE_INIT ((GuestStore){.key = REGISTRY_KEY_INIT(GUEST_STORE_PATH)})

void guest_store_done(GuestStore *s);

/* These implement functions that the controller needs, and are documented there. */
int guest_store_note(GuestStore *s, const char *owner, const VmId *vm, bool connected);
int guest_store_vm(GuestStore *s, const char *owner, VmId *ret_vm);

/* When the guest was last seen, for people: "2026-11-24 10:00:00 UTC", or "never". */
void guest_store_seen(GuestStore *s, const char *owner, char ret_text[GUEST_STORE_TEXT_MAX]);
