/* SPDX-License-Identifier: MIT */

/*
 * The list of guests. There are at most CONTROLLER_GUESTS_MAX, so looking through all is cheap.
 */

#include "windows-helper/core/controller/guests-private.h"

#include "windows-helper/core/base/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool guest_has_news(const Guest *guest) {
        return guest->has_state && guest->reported_serial != guest->state_serial;
}

void guest_drop_next(Guest *guest) {
        wire_state_done(&guest->next.state);
        guest->next = (GuestNext){.waits = false};
}

static void guest_free(Guest *guest) {
        guest_drop_next(guest);
        wire_state_done(&guest->state);
        result_list_free(guest->results, guest->n_reported);
        free(guest->reported);
        free(guest);
}

Guest *guests_find(const Guests *guests, const char *owner) {
        for (size_t i = 0; i < guests->n; i++)
                if (strcmp(guests->items[i]->owner, owner) == 0)
                        return guests->items[i];
        return NULL;
}

int guests_add(Guests *guests, const char *owner, Guest **ret_guest) {
        size_t n = strlen(owner);
        Guest *guest;

        if (guests->n == CONTROLLER_GUESTS_MAX)
                return -ENOSPC;
        guest = calloc(1, sizeof(*guest));
        if (!guest)
                return -ENOMEM;
        memcpy(guest->owner, owner, n + 1);
        guest->since = ++guests->arrivals;
        guest->expires = GUEST_NO_EXPIRY;
        guests->items[guests->n++] = guest;
        *ret_guest = guest;
        return 0;
}

void guests_remove(Guests *guests, Guest *guest) {
        size_t i = 0;

        while (guests->items[i] != guest)
                i++;
        guests->n--;
        memmove(&guests->items[i], &guests->items[i + 1],
                (guests->n - i) * sizeof(guests->items[0]));
        guest_free(guest);
}

int guests_recover(Guests *guests, const Ledger *ledger, uint64_t expires) {
        const Guest *last = NULL;

        for (size_t i = 0; i < ledger->n_entries; i++) {
                const char *owner = ledger->entries[i].owner;
                Guest *guest;
                int r;

                if ((last && strcmp(last->owner, owner) == 0) || guests_find(guests, owner))
                        continue;
                r = guests_add(guests, owner, &guest);
                if (r == -ENOSPC)
                        return 0;
                if (r < 0)
                        return r;
                guest->in_grace = true;
                guest->expires = expires;
                last = guest;
        }
        return 0;
}

void guests_claim(Guests *guests, Guest *guest, WireState *state, uint8_t version,
                  uint64_t now_usec) {
        guest->corrected = guest_has_news(guest);
        wire_state_done(&guest->state);
        guest->state = *state;
        guest->version = version;
        *state = WIRE_STATE_NULL;
        guest->state_serial = ++guests->states;
        guest->asked_usec = now_usec;
        guest->has_state = true;
        guest->in_grace = false;
        guest->expires = GUEST_NO_EXPIRY;
        guest->answer_due = true;
}

bool guests_expire(Guests *guests, uint64_t now_usec) {
        bool dropped = false;

        for (size_t i = guests->n; i > 0; i--) {
                Guest *guest = guests->items[i - 1];

                if (guest->expires <= now_usec) {
                        dropped |= guest->in_grace || guest->has_state;
                        wire_state_done(&guest->state);
                        guest->state = WIRE_STATE_NULL;
                        if (!guest->next.of_session)
                                guest_drop_next(guest);
                        guest->has_state = guest->in_grace = guest->answer_due = false;
                        guest->expires = GUEST_NO_EXPIRY;
                }
                if (!guest->connection && !guest->in_grace && !guest->has_state)
                        guests_remove(guests, guest);
        }
        return dropped;
}

uint64_t guests_deadline(const Guests *guests) {
        uint64_t deadline = GUEST_NO_EXPIRY;

        for (size_t i = 0; i < guests->n; i++)
                if (guests->items[i]->expires < deadline)
                        deadline = guests->items[i]->expires;
        return deadline;
}

void guests_done(Guests *guests) {
        for (size_t i = 0; i < guests->n; i++)
                guest_free(guests->items[i]);
        *guests = GUESTS_NULL;
}
