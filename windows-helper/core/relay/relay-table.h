/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The relay's table: which endpoints it listens on, and where each leads. It is stored like
 * PortProxy's, so that one code of the helper writes both. There is a registry key for each family
 * and protocol, "v4tov4\udp". The value name is "listen/port", and the value data is "connect/port"
 * with " proxy-v2" behind it if the service reads the PROXY protocol.
 *
 * Only one text is good for one entry, the one that the helper writes. A value that is anything
 * else is named and left out, and costs no other value anything.
 */

#include "windows-helper/core/rules/rule.h"

#include <stdbool.h>
#include <stddef.h>

/* Room for the most that all guests of a helper together may ask for, so no guest takes entries
 * away from another one. What bounds each guest is the policy (MaxEndpointsPerAgent). */
#define RELAY_ENTRIES_MAX (64u * 16384u)

typedef struct RelayEntry {
        IpEndpoint listen;
        IpEndpoint connect; /* .udp is that of .listen */
        bool proxy_v2;      /* the service learns the client's address from a header (TCP only) */
} RelayEntry;

typedef struct RelayTable {
        RelayEntry *entries; /* owned */
        size_t n_entries, size;
} RelayTable;

#define RELAY_TABLE_NULL ((RelayTable){0})

/**
 * relay_entry_parse() - read one value
 * @family: one of the relay's
 * @data: NULL when the value is not a plain REG_SZ
 *
 * Return: NULL, or a constant phrase that continues a sentence about the value: "is not an address
 * and a port".
 */
const char *relay_entry_parse(RuleFamily family, const char *name, const char *data,
                              RelayEntry *ret_entry);

/* The value of @entry: what relay_entry_parse() takes. */
void relay_entry_format(const RelayEntry *entry, char ret_name[RULE_TEXT_MAX],
                        char ret_data[RULE_DATA_MAX]);

/* Append an entry. Return: 0, -ENOMEM, or -ENOSPC when the table has RELAY_ENTRIES_MAX. */
int relay_table_add(RelayTable *t, const RelayEntry *entry);

/* Sort by listen endpoint. Of two entries with one endpoint, which only values of two
 * families can make, the one that was added first stays. Return: how many were left out. */
size_t relay_table_sort(RelayTable *t);
void relay_table_done(RelayTable *t);

typedef enum RelayChangeKind {
        RELAY_OPEN,  /* only in the new table */
        RELAY_CLOSE, /* only in the old one */
        RELAY_MOVE,  /* in both, and leads elsewhere or in another way now */
        RELAY_SAME,
} RelayChangeKind;

typedef struct RelayChange {
        RelayChangeKind kind;
        const RelayEntry *old, *new; /* NULL where there is none */
} RelayChange;

typedef struct RelayDiff {
        size_t old, new; /* how far each table has been compared; zero at first */
} RelayDiff;

/* What becomes of the next endpoint from one sorted table to another. Return: false after the last
 * one. */
bool relay_diff_next(RelayDiff *d, const RelayTable *old, const RelayTable *new,
                     RelayChange *ret_change);
