/* SPDX-License-Identifier: MIT */

/*
 * Whom a run is for; see scope-private.h. A run for some is possible when no other guest has to do
 * with their endpoints: with those that they ask for now, and those that they hold by the ledger.
 * Ports are compared without the address. That finds too many, but it costs next to nothing.
 */

#include "windows-helper/core/controller/scope-private.h"

#include <string.h>

/* A set of ports. */
typedef struct ScopePorts {
        uint8_t bits[(UINT16_MAX + 1) / 8];
} ScopePorts;

static bool scope_ports_have(const ScopePorts *p, unsigned port) {
        return p->bits[port / 8] & 1u << port % 8;
}

/* Add all ports that @state asks for. */
static void scope_ports_add(ScopePorts *p, const WireState *state) {
        for (uint32_t i = 0; i < state->n_listens; i++)
                for (unsigned k = 0; k < state->listens[i].count; k++) {
                        unsigned port = (state->listens[i].port + k) & UINT16_MAX;

                        p->bits[port / 8] |= (uint8_t) (1u << port % 8);
                }
}

static bool scope_ports_meet(const ScopePorts *p, const WireState *state) {
        for (uint32_t i = 0; i < state->n_listens; i++)
                for (unsigned k = 0; k < state->listens[i].count; k++)
                        if (scope_ports_have(p, (state->listens[i].port + k) & UINT16_MAX))
                                return true;
        return false;
}

static bool scope_concerns(const Guest *guest) {
        return guest_has_news(guest) || (guest->has_state && guest->is_checked);
}

static void scope_add(Scope *scope, Guest *guest) {
        scope->guests[scope->n] = guest;
        scope->has_news[scope->n] = guest_has_news(guest);
        scope->waits[scope->n] = guest->waits;
        scope->inputs[scope->n++] = (ReconcileGuest){
                .owner = guest->owner,
                .state = guest->in_grace ? NULL : &guest->state,
                .since = guest->since,
                .in_grace = guest->in_grace,
                .version = guest->version,
                .wsl = guest->peer.wsl,
        };
}

static bool scope_has_owner(const Scope *scope, const char *owner) {
        for (size_t i = 0; i < scope->n; i++)
                if (strcmp(scope->guests[i]->owner, owner) == 0)
                        return true;
        return false;
}

/* Collect what the ledger has for the guests in @scope, and the ports of that. Return: false when
 * somebody else holds one of the ports, or there is no memory. */
static bool scope_take_ledger(Scope *scope, const Ledger *ledger, ScopePorts *ports) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < ledger->n_entries; i++) {
                const LedgerEntry *e = &ledger->entries[i];
                unsigned port = e->listen.port;

                if (scope_has_owner(scope, e->owner)) {
                        r = ledger_put(&scope->ledger, e);
                        ports->bits[port / 8] |= (uint8_t) (1u << port % 8);
                } else if (scope_ports_have(ports, port)) {
                        return false;
                }
        }
        return r == 0;
}

/* Return: false when the run has to be for all. */
static bool scope_choose_some(Scope *scope, const Controller *controller) {
        const Guests *guests = &controller->guests;
        ScopePorts ports;
        bool others = false;

        memset(&ports, 0, sizeof(ports)); /* as an initializer it would be 8 KiB of the program */
        for (size_t i = 0; i < guests->n; i++) {
                Guest *guest = guests->items[i];

                if (scope_concerns(guest)) {
                        scope_add(scope, guest);
                        scope_ports_add(&ports, &guest->state);
                } else {
                        others |= guest->in_grace || guest->has_state;
                }
        }
        if (!others || !scope_take_ledger(scope, &controller->ledger, &ports))
                return false;
        for (size_t i = 0; i < guests->n; i++)
                if (!scope_concerns(guests->items[i]) && guests->items[i]->has_state &&
                    scope_ports_meet(&ports, &guests->items[i]->state))
                        return false;
        return true;
}

void scope_all(Scope *scope, const Controller *controller) {
        *scope = (Scope){.partial = false};
        for (size_t i = 0; i < controller->guests.n; i++)
                if (controller->guests.items[i]->in_grace || controller->guests.items[i]->has_state)
                        scope_add(scope, controller->guests.items[i]);
}

void scope_choose(Scope *scope, const Controller *controller) {
        bool requested = !controller->due.run;
        bool asked = requested && !controller->last_run.error;

        *scope = (Scope){.partial = true, .requested = requested, .asked = asked};
        if (asked && !controller->due.rest && scope_choose_some(scope, controller))
                return;
        scope_done(scope);
        scope_all(scope, controller);
        scope->requested = requested;
        scope->asked = asked;
}

void scope_done(Scope *scope) {
        ledger_done(&scope->ledger);
}
