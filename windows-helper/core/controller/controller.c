/* SPDX-License-Identifier: MIT */

/*
 * Life and timers of the controller. It is driven, never drives: see controller.h.
 */

#include "windows-helper/core/base/result.h"
#include "windows-helper/core/controller/controller-private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A run that leaves something for another one (see reconcile.c, two values of ours) is followed by
 * that at once; more than that many in a row would be a mistake, so the slow retry takes over. */
#define CONTROLLER_RUNS_MAX 3

#define CONTROLLER_STRANGERS_MAX  10 /* log lines about them, in each span of: */
#define CONTROLLER_STRANGERS_USEC UINT64_C(60000000)

void controller_log(const Controller *b, LogLevel level, EventId event, const char *format, ...) {
        char text[WIRE_TEXT_MAX + 1];
        va_list args;

        va_start(args, format);
        result_text_v(text, format, args);
        va_end(args);
        b->host.log(b->host.userdata, level, event, text);
}

void controller_log_stranger(Controller *b, uint64_t now_usec, const char *format, ...) {
        char text[WIRE_TEXT_MAX + 1];
        va_list args;

        if (now_usec - b->strangers_usec >= CONTROLLER_STRANGERS_USEC) {
                if (b->n_strangers > CONTROLLER_STRANGERS_MAX) {
                        controller_log(b, LOG_LEVEL_WARNING, EVENT_AGENT_REFUSED,
                                       "refused connections not logged: %u",
                                       b->n_strangers - CONTROLLER_STRANGERS_MAX);
                }
                b->strangers_usec = now_usec;
                b->n_strangers = 0;
        }
        if (b->n_strangers++ < CONTROLLER_STRANGERS_MAX) {
                va_start(args, format);
                result_text_v(text, format, args);
                va_end(args);
                controller_log(b, LOG_LEVEL_WARNING, EVENT_AGENT_REFUSED, "%s", text);
        }
}

void controller_owner_name(const char *owner, char ret_name[CONTROLLER_NAME_MAX]) {
        const char *distro = strchr(owner, '/');

        (void) snprintf(ret_name, CONTROLLER_NAME_MAX, "%.*s (%.8s)", WIRE_DISTRO_MAX,
                        distro ? distro + 1 : owner, owner);
}

void controller_options_init(ControllerOptions *options) {
        *options = (ControllerOptions){
                .heartbeat_ms = WIRE_HEARTBEAT_MS,
                .handshake_ms = WIRE_HANDSHAKE_MS,
                .goodbye_ms = CONTROLLER_GOODBYE_MS,
                .recovery_ms = CONTROLLER_RECOVERY_MS,
                .software = "wslbridge-helper",
        };
        policy_init(&options->policy);
}

/* Where the agents that the ledger knows were met last. */
static void controller_recall_vms(Controller *b) {
        for (size_t i = 0; b->host.identities.guest_vm && i < b->agents.n; i++) {
                Guest *a = b->agents.items[i];

                if (b->host.identities.guest_vm(b->host.identities.userdata, a->owner, &a->vm) < 0)
                        a->vm = VM_ID_NULL;
        }
}

int controller_new(Controller **ret_controller, const ControllerOptions *options,
                   const ControllerHost *host, uint64_t now_usec) {
        Controller *b = calloc(1, sizeof(*b));
        int r;

        if (!b)
                return -ENOMEM;
        b->host = *host;
        b->options = *options;
        b->retry_usec = SESSION_NO_DEADLINE;
        b->verify = VERIFY_INIT;
        b->hostnet.unchecked = options->unchecked_hostnet;
        r = host->rules.ledger_load(host->rules.userdata, &b->ledger);
        if (r == 0) {
                r = guests_recover(&b->agents, &b->ledger,
                                   now_usec + options->recovery_ms * CONTROLLER_USEC_PER_MSEC);
        }
        if (r < 0) {
                controller_free(b);
                return r;
        }
        controller_recall_vms(b);
        b->dirty = true; /* what the last run left in the firewall has no ledger to be found by */
        if (b->ledger.n_entries > 0) {
                /* The last run did not end properly. It may have been killed after a value was
                 * changed and before iphlpsvc was told. */
                controller_log(
                        b, LOG_LEVEL_NOTICE, EVENT_RECOVERED,
                        "port forwardings left from the last run: %zu, kept %u s for their agents "
                        "to come back",
                        b->ledger.n_entries, (unsigned) (options->recovery_ms / 1000));
                b->activate_due = true;
        }
        *ret_controller = b;
        return 0;
}

static void connection_free(PeerConnection *c) {
        helper_session_free(c->session);
        buffer_done(&c->in);
        free(c);
}

Controller *controller_free(Controller *b) {
        if (b) {
                for (PeerConnection *c = b->connections, *next; c; c = next) {
                        next = c->next;
                        connection_free(c);
                }
                guests_done(&b->agents);
                ledger_done(&b->ledger);
                firewall_rules_done(&b->firewall);
                free(b);
        }
        return NULL;
}

/* Make room for one more: close the oldest one that has not proven who it is. */
static int controller_make_room(Controller *b, uint64_t now_usec) {
        PeerConnection *oldest = NULL;
        size_t n = 0;

        for (PeerConnection *c = b->connections; c; c = c->next) { /* newest first */
                HelperSessionState state = helper_session_state(c->session);

                if (c->closing)
                        continue;
                n++;
                if (state != HELPER_SESSION_READY && state != HELPER_SESSION_SLOT_WAIT)
                        oldest = c;
        }
        if (n < CONTROLLER_CONNECTIONS_MAX)
                return 0;
        if (!oldest)
                return -EBUSY;
        connection_bye(oldest, WIRE_BYE_TIMEOUT, "all slots are taken", now_usec);
        return 0;
}

int controller_connect(Controller *b, void *peer, const Peer *info, uint64_t now_usec,
                       PeerConnection **ret_connection) {
        HelperSessionConfig config = {
                .mac = b->options.mac,
                .pairing_required = b->options.policy.pairing_required,
                .endpoints_max = WIRE_ENDPOINTS_MAX,
                .heartbeat_ms = b->options.heartbeat_ms,
                .handshake_ms = b->options.handshake_ms,
                .software = b->options.software,
        };
        PeerConnection *c;
        int r = controller_make_room(b, now_usec);

        if (r < 0)
                return r;
        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        r = helper_session_new(&c->session, &config, now_usec);
        if (r < 0) {
                connection_free(c);
                return r;
        }
        c->controller = b;
        c->peer = peer;
        c->info = *info;
        c->slot_deadline = SESSION_NO_DEADLINE;
        c->next = b->connections;
        b->connections = c;
        *ret_connection = c;
        return 0;
}

void controller_disconnect(PeerConnection *c, uint64_t now_usec) {
        PeerConnection **p = &c->controller->connections;

        c->closing = true; /* the transport is gone, there is nothing to close any more */
        c->slot_deadline = SESSION_NO_DEADLINE;
        connection_leave(c, now_usec);
        while (*p != c)
                p = &(*p)->next;
        *p = c->next;
        connection_free(c);
}

void controller_rules_changed(Controller *b) {
        b->dirty = true;
}

static bool controller_vm_runs(const VmId *vm, const VmId *vms, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (vm_id_equal(vm, &vms[i]))
                        return true;
        return false;
}

void controller_set_vms(Controller *b, const VmId *vms, size_t n, uint64_t now_usec) {
        for (PeerConnection *c = b->connections; c; c = c->next)
                if (!vm_id_is_null(&c->info.vm) && !controller_vm_runs(&c->info.vm, vms, n))
                        connection_bye(c, WIRE_BYE_STOPPING, "the VM has gone", now_usec);
        for (size_t i = 0; i < b->agents.n; i++) {
                Guest *a = b->agents.items[i];

                if (!vm_id_is_null(&a->vm) && !controller_vm_runs(&a->vm, vms, n))
                        a->expires = now_usec;
        }
}

void controller_set_policy(Controller *b, const Policy *policy) {
        b->options.policy = *policy;
        b->dirty = true;
}

void controller_set_hostnet(Controller *b, const Hostnet *hostnet) {
        b->hostnet = *hostnet;
        b->dirty = true;
}

void controller_forwarder_changed(Controller *b) {
        b->activate_due = true;
        b->dirty = true;
}

void controller_keys_changed(Controller *b, uint64_t now_usec) {
        uint8_t key[WIRE_KEY_SIZE];

        for (PeerConnection *c = b->connections; c; c = c->next)
                (void) connection_check_key(c, now_usec);
        for (size_t i = 0; i < b->agents.n; i++) {
                Guest *a = b->agents.items[i];

                /* Unpaired: nobody waits for it to come back. */
                if (!a->connection && b->options.policy.pairing_required &&
                    b->host.identities.key_find(b->host.identities.userdata, a->owner, key) ==
                            -ENOENT)
                        a->expires = now_usec;
        }
        session_wipe(key, sizeof(key));
}

void controller_set_firewall_problem(Controller *b, const char *text, bool failed) {
        if (strcmp(b->firewall_problem, text) == 0 && b->firewall_failed == failed)
                return;
        result_text(b->firewall_problem, "%s", text);
        b->firewall_failed = failed;
        b->dirty = true;
}

void controller_keep_stranger(Controller *b, const char *owner) {
        size_t i = 0;

        while (i < b->n_strangers_kept && strcmp(b->strangers[i], owner) != 0)
                i++;
        if (i == b->n_strangers_kept && i < CONTROLLER_STRANGERS_KEPT)
                b->n_strangers_kept++;
        else if (i == CONTROLLER_STRANGERS_KEPT)
                i--;
        if (i > 0)
                memmove(b->strangers[1], b->strangers[0], i * sizeof(b->strangers[0]));
        (void) snprintf(b->strangers[0], sizeof(b->strangers[0]), "%s", owner);
        b->generation++;
}

void controller_summary(const Controller *b, ControllerSummary *ret_summary) {
        *ret_summary = (ControllerSummary){
                .applied_usec = b->applied_usec,
                .apply_usec = b->apply_usec,
                .activation_error = b->activation_error,
                .strangers = b->strangers,
                .n_strangers = b->n_strangers_kept,
                .generation = b->generation,
        };
}

void controller_dispatch(Controller *b, uint64_t now_usec) {
        for (PeerConnection *c = b->connections, *next; c; c = next) {
                next = c->next;
                connection_tick(c, now_usec);
        }
        for (PeerConnection *c = b->connections, *next; c; c = next) {
                next = c->next;
                connection_resume(c, now_usec);
        }
        if (guests_expire(&b->agents, now_usec))
                b->dirty = true;
        if (b->retry_usec <= now_usec || b->verify.due_usec <= now_usec)
                b->dirty = true;
        for (int i = 0; i < CONTROLLER_RUNS_MAX && b->dirty; i++)
                (void) controller_settle(b, now_usec); /* logged, told, and tried again */
        if (b->dirty) {
                b->dirty = false;
                b->retry_usec = now_usec + CONTROLLER_RETRY_MS * CONTROLLER_USEC_PER_MSEC;
        }
}

uint64_t controller_deadline(const Controller *b) {
        uint64_t deadline = guests_deadline(&b->agents);

        if (b->dirty)
                return 0;
        if (b->retry_usec < deadline)
                deadline = b->retry_usec;
        if (b->verify.due_usec < deadline)
                deadline = b->verify.due_usec;
        for (const PeerConnection *c = b->connections; c; c = c->next) {
                uint64_t d = helper_session_deadline(c->session);

                if (c->closing)
                        continue;
                if (c->slot_deadline < d)
                        d = c->slot_deadline;
                if (d < deadline)
                        deadline = d;
        }
        return deadline;
}

void controller_hand_over(Controller *b, uint64_t now_usec) {
        static const char why[] = "the helper stops";

        /* Those that have no place first, or the end of another would give them one. */
        for (PeerConnection *c = b->connections; c; c = c->next)
                if (!c->agent)
                        connection_bye(c, WIRE_BYE_STOPPING, why, now_usec);
        for (PeerConnection *c = b->connections; c; c = c->next)
                connection_bye(c, WIRE_BYE_STOPPING, why, now_usec);
}

int controller_stop(Controller *b, uint64_t now_usec) {
        int r = 0;

        controller_hand_over(b, now_usec);
        for (size_t i = 0; i < b->agents.n; i++)
                b->agents.items[i]->expires = now_usec;
        (void) guests_expire(&b->agents, now_usec);
        b->dirty = true;
        for (int i = 0; i < CONTROLLER_RUNS_MAX && b->dirty; i++) {
                int r2 = controller_settle(b, now_usec);

                r = r ? r : r2;
        }
        return r;
}

void controller_guests(const Controller *b, void (*fn)(void *userdata, const GuestView *view),
                       void *userdata) {
        for (size_t i = 0; i < b->agents.n; i++) {
                const Guest *a = b->agents.items[i];
                const WireHello *hello =
                        a->connection ? helper_session_hello(a->connection->session) : NULL;
                GuestView view = {
                        .owner = a->owner,
                        .software = hello ? hello->software : "",
                        .connected = a->connection != NULL,
                        .hold = a->hold,
                        .state = a->has_state ? &a->state : NULL,
                        .serial = a->state_serial,
                        .results = a->has_state && !a->answer_due ? a->results : NULL,
                        .vm = a->vm,
                        .heard_usec = a->connection
                                              ? helper_session_last_heard(a->connection->session)
                                              : 0,
                };

                fn(userdata, &view);
        }
}
