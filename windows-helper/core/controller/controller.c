/* SPDX-License-Identifier: MIT */

/*
 * Life and timers of the bridge. It is driven, never drives: see bridge.h.
 */

#include "windows-helper/core/base/result.h"
#include "windows-helper/core/controller/controller-private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A run that leaves something for another one (see reconcile.c, two values of ours) is followed by
 * that at once; more than that many in a row would be a mistake, so the slow retry takes over. */
#define BRIDGE_RUNS_MAX 3

#define BRIDGE_STRANGERS_MAX  10 /* log lines about them, in each span of: */
#define BRIDGE_STRANGERS_USEC UINT64_C(60000000)

void bridge_log(const Bridge *b, BridgeLevel level, EventId event, const char *format, ...) {
        char text[WIRE_TEXT_MAX + 1];
        va_list args;

        va_start(args, format);
        result_text_v(text, format, args);
        va_end(args);
        b->host.log(b->host.userdata, level, event, text);
}

void bridge_log_stranger(Bridge *b, uint64_t now_usec, const char *format, ...) {
        char text[WIRE_TEXT_MAX + 1];
        va_list args;

        if (now_usec - b->strangers_usec >= BRIDGE_STRANGERS_USEC) {
                if (b->n_strangers > BRIDGE_STRANGERS_MAX) {
                        bridge_log(b, BRIDGE_LEVEL_WARNING, EVENT_AGENT_REFUSED,
                                   "refused connections not logged: %u",
                                   b->n_strangers - BRIDGE_STRANGERS_MAX);
                }
                b->strangers_usec = now_usec;
                b->n_strangers = 0;
        }
        if (b->n_strangers++ < BRIDGE_STRANGERS_MAX) {
                va_start(args, format);
                result_text_v(text, format, args);
                va_end(args);
                bridge_log(b, BRIDGE_LEVEL_WARNING, EVENT_AGENT_REFUSED, "%s", text);
        }
}

void bridge_owner_name(const char *owner, char ret_name[BRIDGE_NAME_MAX]) {
        const char *distro = strchr(owner, '/');

        (void) snprintf(ret_name, BRIDGE_NAME_MAX, "%.*s (%.8s)", WIRE_DISTRO_MAX,
                        distro ? distro + 1 : owner, owner);
}

void bridge_options_init(BridgeOptions *options) {
        *options = (BridgeOptions){
                .heartbeat_ms = WIRE_HEARTBEAT_MS,
                .handshake_ms = WIRE_HANDSHAKE_MS,
                .goodbye_ms = BRIDGE_GOODBYE_MS,
                .recovery_ms = BRIDGE_RECOVERY_MS,
                .software = "wslbridge-helper",
        };
        policy_init(&options->policy);
}

/* Where the agents that the ledger knows were met last. */
static void bridge_recall_vms(Bridge *b) {
        for (size_t i = 0; b->host.agent_vm && i < b->agents.n; i++) {
                Agent *a = b->agents.items[i];

                if (b->host.agent_vm(b->host.userdata, a->owner, &a->vm) < 0)
                        a->vm = VM_ID_NULL;
        }
}

int bridge_new(Bridge **ret_bridge, const BridgeOptions *options, const BridgeHost *host,
               uint64_t now_usec) {
        Bridge *b = calloc(1, sizeof(*b));
        int r;

        if (!b)
                return -ENOMEM;
        b->host = *host;
        b->options = *options;
        b->retry_usec = SESSION_NO_DEADLINE;
        b->verify = VERIFY_INIT;
        b->hostnet.unchecked = options->unchecked_hostnet;
        r = host->ledger_load(host->userdata, &b->ledger);
        if (r == 0) {
                r = agents_recover(&b->agents, &b->ledger,
                                   now_usec + options->recovery_ms * BRIDGE_USEC_PER_MSEC);
        }
        if (r < 0) {
                bridge_free(b);
                return r;
        }
        bridge_recall_vms(b);
        b->dirty = true; /* what the last run left in the firewall has no ledger to be found by */
        if (b->ledger.n_entries > 0) {
                /* The last run did not end properly. It may have been killed after a value was
                 * changed and before iphlpsvc was told. */
                bridge_log(
                        b, BRIDGE_LEVEL_NOTICE, EVENT_RECOVERED,
                        "port forwardings left from the last run: %zu, kept %u s for their agents "
                        "to come back",
                        b->ledger.n_entries, (unsigned) (options->recovery_ms / 1000));
                b->activate_due = true;
        }
        *ret_bridge = b;
        return 0;
}

static void connection_free(BridgeConnection *c) {
        helper_session_free(c->session);
        buffer_done(&c->in);
        free(c);
}

Bridge *bridge_free(Bridge *b) {
        if (b) {
                for (BridgeConnection *c = b->connections, *next; c; c = next) {
                        next = c->next;
                        connection_free(c);
                }
                agents_done(&b->agents);
                ledger_done(&b->ledger);
                firewall_rules_done(&b->firewall);
                free(b);
        }
        return NULL;
}

/* Make room for one more: close the oldest one that has not proven who it is. */
static int bridge_make_room(Bridge *b, uint64_t now_usec) {
        BridgeConnection *oldest = NULL;
        size_t n = 0;

        for (BridgeConnection *c = b->connections; c; c = c->next) { /* newest first */
                HelperSessionState state = helper_session_state(c->session);

                if (c->closing)
                        continue;
                n++;
                if (state != HELPER_SESSION_READY && state != HELPER_SESSION_SLOT_WAIT)
                        oldest = c;
        }
        if (n < BRIDGE_CONNECTIONS_MAX)
                return 0;
        if (!oldest)
                return -EBUSY;
        connection_bye(oldest, WIRE_BYE_TIMEOUT, "all slots are taken", now_usec);
        return 0;
}

int bridge_connect(Bridge *b, void *peer, const BridgePeer *info, uint64_t now_usec,
                   BridgeConnection **ret_connection) {
        HelperSessionConfig config = {
                .mac = b->options.mac,
                .pairing_required = b->options.policy.pairing_required,
                .endpoints_max = WIRE_ENDPOINTS_MAX,
                .heartbeat_ms = b->options.heartbeat_ms,
                .handshake_ms = b->options.handshake_ms,
                .software = b->options.software,
        };
        BridgeConnection *c;
        int r = bridge_make_room(b, now_usec);

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
        c->bridge = b;
        c->peer = peer;
        c->info = *info;
        c->slot_deadline = SESSION_NO_DEADLINE;
        c->next = b->connections;
        b->connections = c;
        *ret_connection = c;
        return 0;
}

void bridge_disconnect(BridgeConnection *c, uint64_t now_usec) {
        BridgeConnection **p = &c->bridge->connections;

        c->closing = true; /* the transport is gone, there is nothing to close any more */
        c->slot_deadline = SESSION_NO_DEADLINE;
        connection_leave(c, now_usec);
        while (*p != c)
                p = &(*p)->next;
        *p = c->next;
        connection_free(c);
}

void bridge_rules_changed(Bridge *b) {
        b->dirty = true;
}

static bool bridge_vm_runs(const VmId *vm, const VmId *vms, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (vm_id_equal(vm, &vms[i]))
                        return true;
        return false;
}

void bridge_set_vms(Bridge *b, const VmId *vms, size_t n, uint64_t now_usec) {
        for (BridgeConnection *c = b->connections; c; c = c->next)
                if (!vm_id_is_null(&c->info.vm) && !bridge_vm_runs(&c->info.vm, vms, n))
                        connection_bye(c, WIRE_BYE_STOPPING, "the VM has gone", now_usec);
        for (size_t i = 0; i < b->agents.n; i++) {
                Agent *a = b->agents.items[i];

                if (!vm_id_is_null(&a->vm) && !bridge_vm_runs(&a->vm, vms, n))
                        a->expires = now_usec;
        }
}

void bridge_set_policy(Bridge *b, const Policy *policy) {
        b->options.policy = *policy;
        b->dirty = true;
}

void bridge_set_hostnet(Bridge *b, const Hostnet *hostnet) {
        b->hostnet = *hostnet;
        b->dirty = true;
}

void bridge_forwarder_changed(Bridge *b) {
        b->activate_due = true;
        b->dirty = true;
}

void bridge_keys_changed(Bridge *b, uint64_t now_usec) {
        uint8_t key[WIRE_KEY_SIZE];

        for (BridgeConnection *c = b->connections; c; c = c->next)
                (void) connection_check_key(c, now_usec);
        for (size_t i = 0; i < b->agents.n; i++) {
                Agent *a = b->agents.items[i];

                /* Unpaired: nobody waits for it to come back. */
                if (!a->connection && b->options.policy.pairing_required &&
                    b->host.key_find(b->host.userdata, a->owner, key) == -ENOENT)
                        a->expires = now_usec;
        }
        session_wipe(key, sizeof(key));
}

void bridge_set_firewall_problem(Bridge *b, const char *text, bool failed) {
        if (strcmp(b->firewall_problem, text) == 0 && b->firewall_failed == failed)
                return;
        result_text(b->firewall_problem, "%s", text);
        b->firewall_failed = failed;
        b->dirty = true;
}

void bridge_keep_stranger(Bridge *b, const char *owner) {
        size_t i = 0;

        while (i < b->n_strangers_kept && strcmp(b->strangers[i], owner) != 0)
                i++;
        if (i == b->n_strangers_kept && i < BRIDGE_STRANGERS_KEPT)
                b->n_strangers_kept++;
        else if (i == BRIDGE_STRANGERS_KEPT)
                i--;
        if (i > 0)
                memmove(b->strangers[1], b->strangers[0], i * sizeof(b->strangers[0]));
        (void) snprintf(b->strangers[0], sizeof(b->strangers[0]), "%s", owner);
        b->generation++;
}

void bridge_summary(const Bridge *b, BridgeSummary *ret_summary) {
        *ret_summary = (BridgeSummary){
                .applied_usec = b->applied_usec,
                .apply_usec = b->apply_usec,
                .activation_error = b->activation_error,
                .strangers = b->strangers,
                .n_strangers = b->n_strangers_kept,
                .generation = b->generation,
        };
}

void bridge_dispatch(Bridge *b, uint64_t now_usec) {
        for (BridgeConnection *c = b->connections, *next; c; c = next) {
                next = c->next;
                connection_tick(c, now_usec);
        }
        for (BridgeConnection *c = b->connections, *next; c; c = next) {
                next = c->next;
                connection_resume(c, now_usec);
        }
        if (agents_expire(&b->agents, now_usec))
                b->dirty = true;
        if (b->retry_usec <= now_usec || b->verify.due_usec <= now_usec)
                b->dirty = true;
        for (int i = 0; i < BRIDGE_RUNS_MAX && b->dirty; i++)
                (void) bridge_settle(b, now_usec); /* logged, told, and tried again */
        if (b->dirty) {
                b->dirty = false;
                b->retry_usec = now_usec + BRIDGE_RETRY_MS * BRIDGE_USEC_PER_MSEC;
        }
}

uint64_t bridge_deadline(const Bridge *b) {
        uint64_t deadline = agents_deadline(&b->agents);

        if (b->dirty)
                return 0;
        if (b->retry_usec < deadline)
                deadline = b->retry_usec;
        if (b->verify.due_usec < deadline)
                deadline = b->verify.due_usec;
        for (const BridgeConnection *c = b->connections; c; c = c->next) {
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

void bridge_hand_over(Bridge *b, uint64_t now_usec) {
        static const char why[] = "the helper stops";

        /* Those that have no place first, or the end of another would give them one. */
        for (BridgeConnection *c = b->connections; c; c = c->next)
                if (!c->agent)
                        connection_bye(c, WIRE_BYE_STOPPING, why, now_usec);
        for (BridgeConnection *c = b->connections; c; c = c->next)
                connection_bye(c, WIRE_BYE_STOPPING, why, now_usec);
}

int bridge_stop(Bridge *b, uint64_t now_usec) {
        int r = 0;

        bridge_hand_over(b, now_usec);
        for (size_t i = 0; i < b->agents.n; i++)
                b->agents.items[i]->expires = now_usec;
        (void) agents_expire(&b->agents, now_usec);
        b->dirty = true;
        for (int i = 0; i < BRIDGE_RUNS_MAX && b->dirty; i++) {
                int r2 = bridge_settle(b, now_usec);

                r = r ? r : r2;
        }
        return r;
}

void bridge_agents(const Bridge *b, void (*fn)(void *userdata, const BridgeAgentView *view),
                   void *userdata) {
        for (size_t i = 0; i < b->agents.n; i++) {
                const Agent *a = b->agents.items[i];
                const WireHello *hello =
                        a->connection ? helper_session_hello(a->connection->session) : NULL;
                BridgeAgentView view = {
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
