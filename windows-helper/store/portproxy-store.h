/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The values of PortProxy, which is a part of Windows (fact 4.1.1), and of our relay, with one
 * registry key for each family. The core decides what may be written or deleted.
 */

#include "windows-helper/core/rules/rule-host.h"
#include "windows-helper/win/registry.h"

#include "common/names.h"

#define PORTPROXY_STORE_PATH L"SYSTEM\\CurrentControlSet\\Services\\PortProxy"
#define RELAY_STORE_PATH     L"" NAMES_RELAY_KEY

typedef struct PortproxyStore {
        RegistryKey keys[_RULE_FAMILY_END];
} PortproxyStore;

void portproxy_store_init(PortproxyStore *s);
void portproxy_store_done(PortproxyStore *s);

/* Append all values to @table: those of PortProxy, or with @relay those of both. Return: 0 or
 * negative errno. */
int portproxy_store_read(PortproxyStore *s, bool relay, RuleTable *table);

/* These implement functions that the controller needs, and are documented there. */
int portproxy_store_read_some(PortproxyStore *s, RuleCursor *cursor, size_t n, RuleTable *table);
int portproxy_store_get(PortproxyStore *s, RuleFamily family, const char *name, char *ret_data,
                        size_t size);
int portproxy_store_set(PortproxyStore *s, RuleFamily family, const char *name, const char *data);
int portproxy_store_delete(PortproxyStore *s, RuleFamily family, const char *name);
int portproxy_store_flush(PortproxyStore *s);
int portproxy_store_stamp(PortproxyStore *s, RuleStamp *ret_stamp);
