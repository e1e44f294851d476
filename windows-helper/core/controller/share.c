/* SPDX-License-Identifier: MIT */

/*
 * Who has to wait so that others need not; see scope-private.h.
 */

#include "windows-helper/core/controller/scope-private.h"

static bool share_is_alone(const Controller *controller, const Guest *guest) {
        for (size_t i = 0; i < controller->guests.n; i++)
                if (controller->guests.items[i] != guest && controller->guests.items[i]->connection)
                        return false;
        return true;
}

/* When what waits has waited long enough, if its guest is not alone. */
static uint64_t share_wait_end(const Guest *guest) {
        uint64_t latest = guest->next.since_usec + SHARE_WAIT_USEC;

        return guest->paid_usec < latest ? guest->paid_usec : latest;
}

static bool share_must_wait(const Controller *controller, const Guest *guest, uint64_t now_usec) {
        bool corrects = guest_has_news(guest) && !guest->corrected;

        return share_wait_end(guest) > now_usec && !corrects && !share_is_alone(controller, guest);
}

/* What waits becomes the claim. If its session has ended, the claim lasts no longer than the one
 * before, and nobody is answered. */
static void share_claim(Controller *controller, Guest *guest) {
        GuestNext *next = &guest->next;
        uint64_t expires = guest->expires;

        guests_claim(&controller->guests, guest, &next->state, next->version, next->came_usec);
        if (next->of_session)
                guest->connection->has_asked = true;
        else
                guest->expires = expires;
        next->waits = false;
        controller->due.partial = true;
}

void share_ask(PeerConnection *c, WireState *state, uint8_t version, uint64_t now_usec) {
        const ControllerHost *host = &c->controller->host;
        GuestNext *next = &c->guest->next;
        uint64_t since_usec = next->waits ? next->since_usec : now_usec;

        wire_state_done(&next->state);
        *next = (GuestNext){.state = *state,
                            .version = version,
                            .waits = true,
                            .of_session = true,
                            .came_usec = host->now(host->userdata),
                            .since_usec = since_usec};
        *state = WIRE_STATE_NULL;
        if (!share_must_wait(c->controller, c->guest, now_usec))
                share_claim(c->controller, c->guest);
}

void share_wake(Controller *controller, uint64_t now_usec) {
        for (size_t i = 0; i < controller->guests.n; i++) {
                Guest *guest = controller->guests.items[i];

                if (guest->next.waits && !share_must_wait(controller, guest, now_usec))
                        share_claim(controller, guest);
        }
}

uint64_t share_deadline(const Controller *controller) {
        uint64_t deadline = SESSION_NO_DEADLINE;

        for (size_t i = 0; i < controller->guests.n; i++) {
                const Guest *guest = controller->guests.items[i];

                if (guest->next.waits && share_wait_end(guest) < deadline)
                        deadline = share_wait_end(guest);
        }
        return deadline;
}

bool share_may_look(Controller *controller, uint64_t now_usec) {
        uint64_t first = SESSION_NO_DEADLINE;

        for (size_t i = 0; i < controller->guests.n; i++) {
                const Guest *guest = controller->guests.items[i];

                if (!guest->waits || !guest->has_state)
                        continue;
                if (guest->paid_usec <= now_usec || share_is_alone(controller, guest))
                        return true;
                if (guest->paid_usec < first)
                        first = guest->paid_usec;
        }
        if (first != SESSION_NO_DEADLINE)
                controller->verify.due_usec = first;
        return first == SESSION_NO_DEADLINE;
}

/* A guest with many endpoints uses more of a run than one with few. But a look who listens takes as
 * long for one endpoint as for a thousand. */
static uint64_t share_weight(const Scope *scope, size_t i) {
        const Guest *guest = scope->guests[i];

        if (scope->requested && !scope->has_news[i])
                return 1;
        return guest->n_reported + UINT64_C(1) + wire_state_endpoints(&guest->state);
}

/* The changes of a guest that has waited were left for the next slice. */
static bool share_has_used(const Scope *scope, size_t i) {
        return (scope->has_news[i] && scope->guests[i]->waited == 0) ||
               (scope->looked && scope->waits[i]);
}

void share_charge(const Scope *scope, uint64_t took_usec, uint64_t now_usec) {
        uint64_t all = 0;

        /* In a run that follows requests the others are there because of those. */
        for (size_t i = 0; i < scope->n; i++)
                if (!scope->requested || share_has_used(scope, i))
                        all += share_weight(scope, i);
        for (size_t i = 0; i < scope->n; i++) {
                Guest *guest = scope->guests[i];

                if (!share_has_used(scope, i))
                        continue;
                if (guest->paid_usec + SHARE_UNUSED_USEC < now_usec)
                        guest->paid_usec = now_usec - SHARE_UNUSED_USEC;
                guest->paid_usec += took_usec * share_weight(scope, i) / all * SHARE_PART;
                if (guest->paid_usec > now_usec + took_usec + SHARE_WAIT_USEC)
                        guest->paid_usec = now_usec + took_usec + SHARE_WAIT_USEC;
        }
}
