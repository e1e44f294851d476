/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The ledger: which values of PortProxy and the relay are ours. A ledger entry exists from before
 * the first write until after the delete. So after a kill at any instant, a value equal to .current
 * or .next is ours, and any other value is foreign.
 *
 *   write:   put {current, next}, flush → value still absent or current? write it → put {next}
 *   remove:  put {current, no next}, flush → value still ours? delete it → remove the entry
 *
 * An entry may also be for a port that needs no value, because WSL leads it to the guest by itself.
 * Then it has neither, and is written before its firewall rule and removed after it. It remembers
 * who holds the endpoint.
 *
 * This file is the set of entries and their text form; RuleHost stores them.
 */

#include "common/ip.h"
#include "protocol/wire/wire.h"
#include "windows-helper/core/rules/rule.h"

/* 32 hex digits of the agent id, '/', distro name. A distro name may contain anything but NUL, so
 * an owner is matched as a whole and never split. */
#define LEDGER_OWNER_MAX  (2 * WIRE_ID_SIZE + 1 + WIRE_DISTRO_MAX)
#define LEDGER_NAME_MAX   (RULE_TEXT_MAX + 4) /* "/udp" */
#define LEDGER_TARGET_MAX (RULE_DATA_MAX + 6) /* "relay " */
#define LEDGER_TEXT_MAX   (LEDGER_OWNER_MAX + WIRE_SERVICE_NAME_MAX + 2 * LEDGER_TARGET_MAX + 6)

typedef struct LedgerEntry {
        IpEndpoint listen; /* the key */
        char owner[LEDGER_OWNER_MAX + 1];
        char service[WIRE_SERVICE_NAME_MAX + 1];
        RuleTarget current; /* not set: there was no value before */
        RuleTarget next;    /* not set: the value is to be removed */
        bool star;   /* its value is called "*" and not 0.0.0.0 or ::, because it was adopted. It
                        keeps the name as long as it is there (fact 4.1.11) */
        bool direct; /* no value belongs to it: both are NONE */
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
 * The same for a batch, in linear time. ledger_reserve() makes room and is the only step that can
 * fail. ledger_merge() adds sorted entries of endpoints that are not in the ledger yet.
 * ledger_entry_void() voids one entry: without .current, .next and .direct it says nothing.
 * ledger_compact() drops all void entries at once.
 */
int ledger_reserve(Ledger *l, size_t n);
void ledger_merge(Ledger *l, const LedgerEntry *const *entries, size_t n);
void ledger_entry_void(LedgerEntry *e);
LedgerEntry ledger_entry_held(const LedgerEntry *e); /* what a direct entry of its holder is */
void ledger_compact(Ledger *l);

/* True when the entry proves that a value @target under its endpoint is ours. */
bool ledger_entry_owns(const LedgerEntry *e, const RuleTarget *target);

/* The forwarders, as bits, whose values belong to it, or belonged to it until now. */
unsigned ledger_entry_forwarders(const LedgerEntry *e);

/* True when @known proves a value that @e does not. */
bool ledger_entry_drops_proof(const LedgerEntry *known, const LedgerEntry *e);

/* True when the entry proves that @value, which listens on its endpoint, is ours. */
bool ledger_entry_proves(const LedgerEntry *e, const RuleValue *value);

/* The text form: name "0.0.0.0/80" (for UDP "0.0.0.0/53/udp"), data "owner|service|current|next",
 * with "-" for none and "relay " before a target of the relay. For a value that is called "*" it
 * ends with "|*". A direct entry has "direct" in the place of next. An older helper refuses what it
 * does not know here: to it, the value is somebody else's. */
void ledger_name_format(const IpEndpoint *listen, char ret_name[LEDGER_NAME_MAX]);
void ledger_entry_format(const LedgerEntry *e, char ret_data[LEDGER_TEXT_MAX + 1]);

/* Return: 0, or -EINVAL when name or data is malformed. Then the caller reports the entry, keeps it
 * in the storage and leaves it out of the ledger, because it proves nothing. */
int ledger_entry_parse(const char *name, const char *data, LedgerEntry *ret_entry);

/* Whether an entry can lead to @t. One that says so without that could not be read again. */
bool ledger_target_fits(const LedgerEntry *e, const RuleTarget *t);
