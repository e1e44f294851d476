/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The values of PortProxy, which is a part of Windows (fact 4.1.1), and of our relay, with one
 * registry key for each family. The core decides what may be written or deleted.
 */

#include "windows-helper/core/rules/rule-host.h"
#include "windows-helper/win/registry.h"

#include "common/names.h"

#define RULE_STORE_PORTPROXY L"SYSTEM\\CurrentControlSet\\Services\\PortProxy"
#define RULE_STORE_RELAY     L"" NAMES_RELAY_KEY

typedef struct RuleStore {
        RegistryKey keys[_RULE_FAMILY_END];
        RegistryKey relay; /* the parent of the relay's: where the relay carries nothing, one look
                              at it is enough */
} RuleStore;

void rule_store_init(RuleStore *s);
void rule_store_done(RuleStore *s);

/* Append all values to @table: those of PortProxy, or with @relay those of both. Return: 0 or
 * negative errno. */
int rule_store_read(RuleStore *s, bool relay, RuleTable *table);

/* These implement functions that the controller needs, and are documented there. */
int rule_store_read_some(RuleStore *s, RuleCursor *cursor, size_t n, RuleTable *table);
int rule_store_get(RuleStore *s, RuleFamily family, const char *name, char *ret_data, size_t size);
int rule_store_set(RuleStore *s, RuleFamily family, const char *name, const char *data);
int rule_store_delete(RuleStore *s, RuleFamily family, const char *name);
int rule_store_flush(RuleStore *s, bool relay);
int rule_store_stamp(RuleStore *s, RuleStamp *ret_stamp);
