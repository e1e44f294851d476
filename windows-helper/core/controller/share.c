/* SPDX-License-Identifier: MIT */

/*
 * Who has to wait so that others need not; see scope-private.h.
 */

#include "windows-helper/core/controller/scope-private.h"

void share_claim(PeerConnection *c) {
        WaitingState *w = &c->waiting;

        if (!w->waits)
                return;
        w->waits = false;
        guests_claim(&c->controller->guests, c->guest, &w->state, w->version, w->came_usec);
        c->has_asked = true;
        c->controller->due.partial = true;
}

static bool share_is_used_up(const PeerConnection *c, uint64_t now_usec) {
        bool alone = !c->controller->connections->next;

        return !alone && c->guest->paid_usec > now_usec;
}

void share_ask(PeerConnection *c, WireState *state, uint8_t version, uint64_t now_usec) {
        const ControllerHost *host = &c->controller->host;

        wire_state_done(&c->waiting.state);
        c->waiting = (WaitingState){.state = *state,
                                    .version = version,
                                    .waits = true,
                                    .came_usec = host->now(host->userdata)};
        *state = WIRE_STATE_NULL;
        if (!share_is_used_up(c, now_usec))
                share_claim(c);
}

void share_wake(Controller *controller, uint64_t now_usec) {
        for (PeerConnection *c = controller->connections; c; c = c->next)
                if (c->waiting.waits && !share_is_used_up(c, now_usec))
                        share_claim(c);
}

uint64_t share_deadline(const Controller *controller) {
        uint64_t deadline = SESSION_NO_DEADLINE;

        for (const PeerConnection *c = controller->connections; c; c = c->next)
                if (c->waiting.waits && c->guest->paid_usec < deadline)
                        deadline = c->guest->paid_usec;
        return deadline;
}

/* A guest that asks for much has used more of a run than one that asks for little. */
static uint64_t share_weight(const Scope *scope, size_t i) {
        return scope->is_new[i] ? scope->guests[i]->state.n_listens + UINT64_C(1) : 0;
}

void share_charge(const Scope *scope, uint64_t took_usec, uint64_t now_usec) {
        uint64_t all = 0;

        for (size_t i = 0; i < scope->n; i++)
                all += share_weight(scope, i);
        for (size_t i = 0; i < scope->n; i++) {
                uint64_t used = all ? took_usec * share_weight(scope, i) / all : 0;
                uint64_t *paid = &scope->guests[i]->paid_usec;

                if (*paid + SHARE_UNUSED_USEC < now_usec)
                        *paid = now_usec - SHARE_UNUSED_USEC;
                *paid += used * SHARE_PART; /* a run begins at @now_usec */
                if (*paid > now_usec + SHARE_WAIT_USEC)
                        *paid = now_usec + SHARE_WAIT_USEC;
        }
}
