/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where and when each agent was met: HKLM\SOFTWARE\wslbridge\Agents, value name = owner
 * (core/ledger.h), REG_SZ "<VM id>|<time in UTC>|<connected or gone>".
 */

#include "windows-helper/core/vm/vm.h"
#include "windows-helper/store/registry.h"

#define AGENT_STORE_PATH     L"SOFTWARE\\wslbridge\\Agents"
#define AGENT_STORE_TEXT_MAX 96

typedef struct AgentStore {
        RegistryKey key;
} AgentStore;

#define AGENT_STORE_INIT ((AgentStore){.key = REGISTRY_KEY_INIT(AGENT_STORE_PATH)})

void agent_store_done(AgentStore *s);

/* These are BridgeHost's functions, see there. */
int agent_store_note(AgentStore *s, const char *owner, const VmId *vm, bool connected);
int agent_store_vm(AgentStore *s, const char *owner, VmId *ret_vm);

/* When it was there last, for people: "2026-11-24 10:00:00 UTC"; "never". */
void agent_store_seen(AgentStore *s, const char *owner, char ret_text[AGENT_STORE_TEXT_MAX]);
