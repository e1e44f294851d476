/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The ledger: which PortProxy values are ours. An entry exists from before the first write until
 * after the delete, so that after a kill at any instant a value equal to 'current' or 'next' is
 * ours and any other is foreign.
 *
 *   write:   put {current, next}, flush → value still absent or current? write it → put {next}
 *   remove:  put {current, no next}, flush → value still ours? delete it → remove the entry
 *
 * This file is the set of entries and its text form; controller.h's host stores them.
 */

#include "common/ip.h"
#include "protocol/wire/wire.h"

/* 32 hex digits of the agent id, '/', distro name. Distro names may not contain NUL only, so an
 * owner is matched whole and never split. */
#define LEDGER_OWNER_MAX (2 * WIRE_ID_SIZE + 1 + WIRE_DISTRO_MAX)
#define LEDGER_TEXT_MAX  (LEDGER_OWNER_MAX + WIRE_SERVICE_NAME_MAX + 2 * 54 + 4)

typedef struct LedgerEntry {
        IpEndpoint listen; /* the key */
        char owner[LEDGER_OWNER_MAX + 1];
        char service[WIRE_SERVICE_NAME_MAX + 1];
        IpEndpoint current; /* addr.family NONE: no value was there before */
        IpEndpoint next;    /* addr.family NONE: the value is to be removed */
} LedgerEntry;

typedef struct Ledger {
        LedgerEntry *entries; /* owned, sorted by listen */
        size_t n_entries, size;
} Ledger;

#define LEDGER_NULL ((Ledger){0})

/* The entry of @listen, or NULL. Valid until the ledger changes. */
LedgerEntry *ledger_find(const Ledger *l, const IpEndpoint *listen);

/* Add or replace. Return: 0 or -ENOMEM. */
int ledger_put(Ledger *l, const LedgerEntry *entry);
void ledger_done(Ledger *l);

/*
 * The same for a batch, in linear time: make room first (the only step that can fail), merge
 * entries of endpoints that are not in the ledger yet, sorted; void entries one by one, then drop
 * all void ones at once. An entry without 'current' and 'next' is void: it proves nothing.
 */
int ledger_reserve(Ledger *l, size_t n);
void ledger_merge(Ledger *l, const LedgerEntry *const *entries, size_t n);
void ledger_entry_void(LedgerEntry *e);
void ledger_compact(Ledger *l);

/* True when a value @connect under the entry's endpoint is ours by the ledger. */
bool ledger_entry_owns(const LedgerEntry *e, const IpEndpoint *connect);

/* Text: name "0.0.0.0/80", data "owner|service|current|next" with "-" for none. */
void ledger_entry_format(const LedgerEntry *e, char ret_data[LEDGER_TEXT_MAX + 1]);

/* Return: 0, or -EINVAL when name or data is malformed (the entry must then be reported, kept and
 * left out: what cannot be read is nobody's). */
int ledger_entry_parse(const char *name, const char *data, LedgerEntry *ret_entry);
