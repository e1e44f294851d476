/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Port forwardings of other programs, and values of the relay's table without an owner, that an
 * administrator has asked us to take over. There is a key for each family below
 * HKLM\SOFTWARE\wslbridge\Adopt, with copies of the values as they were then.
 */

#include "windows-helper/core/rules/rule.h"
#include "windows-helper/win/registry.h"

#define ADOPTION_STORE_PATH L"SOFTWARE\\wslbridge\\Adopt"

typedef struct AdoptionStore {
        RegistryKey keys[_RULE_FAMILY_END];
} AdoptionStore;

void adoption_store_init(AdoptionStore *s);
void adoption_store_done(AdoptionStore *s);

/* These implement functions that the controller needs, and are documented there. */
int adoption_store_read(AdoptionStore *s, RuleTable *table);
int adoption_store_remove(AdoptionStore *s, RuleFamily family, const char *name);

/* Request the adoption of a value as it is now. Return: 0 or negative errno (logged). */
int adoption_store_add(AdoptionStore *s, RuleFamily family, const char *name, const char *data);
