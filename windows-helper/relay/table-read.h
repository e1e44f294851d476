/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads the relay's table and limits from the registry, which only SYSTEM and administrators may
 * write. The relay never writes there.
 */

#include "windows-helper/core/relay/relay-limits.h"
#include "windows-helper/core/relay/relay-table.h"
#include "windows-helper/win/registry.h"

#include "common/names.h"

/* Below HKEY_LOCAL_MACHINE */
#define RELAY_KEY        L"" NAMES_RELAY_KEY
#define RELAY_KEY_LIMITS RELAY_KEY L"\\Limits"

#define TABLE_KEYS (_RULE_FAMILY_END - RULE_RELAY_TCP)

typedef struct TableReader {
        RegistryKey keys[TABLE_KEYS]; /* one for each family of the relay */
        RegistryKey limits;
        LogLimit limit; /* of lines about values that are left out, at every reading */
} TableReader;

void table_reader_init(TableReader *r);
void table_reader_done(TableReader *r);

/**
 * table_reader_read() - read everything
 * @torn: take it also if somebody has written meanwhile, so that a value may be missing
 * @ret_table: sorted; the caller frees it with relay_table_done(). Values that are not good are
 *             left out and logged, each with its name, as far as there is room for it in the log
 * @ret_limits: the defaults, except for what the registry has
 *
 * Return: 0, -EAGAIN (not logged; see @torn), or another negative errno (logged). Nothing is
 * returned with an error.
 */
int table_reader_read(TableReader *r, bool torn, RelayTable *ret_table, RelayLimits *ret_limits);
