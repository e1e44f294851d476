/* SPDX-License-Identifier: MIT */

/*
 * Compares results with those of the last RESULT; see reported-private.h.
 */

#include "windows-helper/core/controller/reported-private.h"

#include <stdlib.h>
#include <string.h>

/* Services of a guest with a line of their own in the log of one run; others are counted. */
#define REPORTED_LOG_LINES_MAX CONTROLLER_LOG_LINES_MAX

/* How far the list of services that were reported last is searched for a name. Lists keep their
 * order, and a service that moves further than that is logged as if it was new. */
#define REPORTED_WINDOW 16

static bool reported_same(const WireServiceResult *a, const WireServiceResult *b) {
        return a->state == b->state && a->reason == b->reason && a->forwarder == b->forwarder &&
               a->why == b->why && strcmp(a->text ? a->text : "", b->text ? b->text : "") == 0;
}

/* What was reported last about service @name, or NULL. @cursor moves along both lists. */
static const WireServiceResult *reported_find(const Guest *guest, const char *name,
                                              uint32_t *cursor) {
        for (uint32_t i = *cursor; i < guest->n_reported && i - *cursor < REPORTED_WINDOW; i++) {
                if (strcmp(guest->reported[i].text, name) == 0) {
                        *cursor = i + 1;
                        return &guest->results[i];
                }
        }
        return NULL;
}

void reported_log(ControllerLog *log, const Guest *guest, const WireServiceResult *results) {
        uint32_t cursor = 0, n_changed = 0, n_active = 0;
        LogCause cause = {guest->owner, peer_vm(&guest->peer), guest->keyed};
        char name[CONTROLLER_NAME_MAX];

        controller_log_name(guest->owner, name);
        for (uint32_t i = 0; i < guest->state.n_services; i++) {
                const WireServiceResult *now = &results[i], *last;
                bool good =
                        now->state == WIRE_SERVICE_ACTIVE && now->reason != WIRE_REASON_UNREACHABLE;

                n_active += now->state == WIRE_SERVICE_ACTIVE;
                last = reported_find(guest, guest->state.services[i].name, &cursor);
                if ((last && reported_same(last, now)) || n_changed++ >= REPORTED_LOG_LINES_MAX)
                        continue;
                controller_log_peer(log, &cause, good ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING,
                                    good ? EVENT_SERVICE_STATE : EVENT_SERVICE_PROBLEM,
                                    "%s: service '%s' is %s%s%s", name,
                                    guest->state.services[i].name,
                                    wire_service_state_name(now->state), now->text ? ": " : "",
                                    now->text ? now->text : "");
        }
        if (n_changed > REPORTED_LOG_LINES_MAX) {
                controller_log_peer(log, &cause, LOG_LEVEL_NOTICE, EVENT_SERVICE_STATE,
                                    "%s: services changed besides these: %u; active: %u of %u",
                                    name, (unsigned) (n_changed - REPORTED_LOG_LINES_MAX),
                                    (unsigned) n_active, (unsigned) guest->state.n_services);
        }
}

bool reported_changed(const Guest *guest, const WireServiceResult *results) {
        bool renamed = guest->reported_serial != guest->state_serial;

        if (guest->n_reported != guest->state.n_services)
                return true;
        for (uint32_t i = 0; i < guest->n_reported; i++)
                if (!reported_same(&guest->results[i], &results[i]) ||
                    (renamed &&
                     strcmp(guest->reported[i].text, guest->state.services[i].name) != 0))
                        return true;
        return false;
}

void reported_remember(Guest *guest, WireServiceResult *results) {
        uint32_t n = guest->state.n_services;
        GuestServiceName *names = malloc((n + 1u) * sizeof(*names));

        result_list_free(guest->results, guest->n_reported);
        free(guest->reported);
        guest->reported = names;
        guest->results = results;
        guest->n_reported = n;
        if (!names) { /* out of memory: the next run treats everything as new */
                result_list_free(results, n);
                guest->results = NULL;
                guest->n_reported = 0;
                return;
        }
        for (uint32_t i = 0; i < n; i++)
                memcpy(names[i].text, guest->state.services[i].name, sizeof(names[i].text));
}
