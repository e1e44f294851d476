/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Values of other programs that an administrator asked us to take over: the same keys as PortProxy
 * has, below HKLM\SOFTWARE\wslbridge\Adopt, with copies of the values as they were seen.
 */

#include "windows-helper/core/rules/rule.h"
#include "windows-helper/win/registry.h"

#define ADOPTION_STORE_PATH L"SOFTWARE\\wslbridge\\Adopt"

typedef struct AdoptionStore {
        RegistryKey keys[_RULE_FAMILY_END];
} AdoptionStore;

void adoption_store_init(AdoptionStore *s);
void adoption_store_done(AdoptionStore *s);

/* These are ControllerHost's functions, see there. */
int adoption_store_read(AdoptionStore *s, RuleTable *table);
int adoption_store_remove(AdoptionStore *s, RuleFamily family, const char *name);

/* Ask for one. */
int adoption_store_add(AdoptionStore *s, RuleFamily family, const char *name, const char *data);
