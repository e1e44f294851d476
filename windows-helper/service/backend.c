/* SPDX-License-Identifier: MIT */

/*
 * ControllerHost on Windows: each function passes on to a store, to iphlpsvc, to the firewall or to
 * a stream.
 */

#include "windows-helper/service/backend.h"
#include "windows-helper/forwarders/iphlpsvc.h"
#include "windows-helper/host/port-table.h"
#include "windows-helper/host/process-services.h"
#include "windows-helper/net/stream.h"
#include "windows-helper/service/trace.h"
#include "windows-helper/win/crypto.h"
#include "windows-helper/win/log.h"

#include <errno.h>

static int backend_rules_read(void *userdata, RuleCursor *cursor, size_t n, RuleTable *table) {
        return rule_store_read_some(&((Backend *) userdata)->rules, cursor, n, table);
}

static int backend_rule_get(void *userdata, RuleFamily family, const char *name, char *ret_data,
                            size_t size) {
        return rule_store_get(&((Backend *) userdata)->rules, family, name, ret_data, size);
}

static int backend_rule_set(void *userdata, RuleFamily family, const char *name, const char *data) {
        int r = rule_store_set(&((Backend *) userdata)->rules, family, name, data);

        trace_point(TRACE_VALUES);
        return r;
}

static int backend_rule_delete(void *userdata, RuleFamily family, const char *name) {
        return rule_store_delete(&((Backend *) userdata)->rules, family, name);
}

static int backend_rules_flush(void *userdata, bool relay) {
        return rule_store_flush(&((Backend *) userdata)->rules, relay);
}

static int backend_rules_stamp(void *userdata, RuleStamp *ret_stamp) {
        return rule_store_stamp(&((Backend *) userdata)->rules, ret_stamp);
}

static int backend_ledger_load(void *userdata, Ledger *ledger) {
        return ledger_store_load(&((Backend *) userdata)->ledger, ledger);
}

static int backend_ledger_put(void *userdata, const LedgerEntry *entry) {
        return ledger_store_put(&((Backend *) userdata)->ledger, entry);
}

static int backend_ledger_remove(void *userdata, const IpEndpoint *listen) {
        return ledger_store_remove(&((Backend *) userdata)->ledger, listen);
}

static int backend_ledger_flush(void *userdata) {
        int r = ledger_store_flush(&((Backend *) userdata)->ledger);

        trace_point(TRACE_LEDGER);
        return r;
}

static int backend_activate(void *userdata) {
        int r = iphlpsvc_activate(((Backend *) userdata)->forwarder);

        trace_point(TRACE_ACTIVATED);
        return r;
}

static void backend_relay_want(void *userdata, bool wanted) {
        relay_service_want(((Backend *) userdata)->relay, wanted);
}

static int backend_listening_read(void *userdata, unsigned tables, ListeningTable *table) {
        IphlpsvcState state;
        int r = iphlpsvc_query(&state);

        table->forwarder = state.pid;
        table->relay = relay_service_pid(((Backend *) userdata)->relay);
        if (r == 0)
                r = port_table_read(tables, table);
        trace_point(TRACE_LOOKED);
        return r;
}

static void backend_process_name(void *userdata, uint32_t pid, char *ret_name, size_t size) {
        port_table_process_name(pid, ret_name, size);
}

static void backend_process_services(void *userdata, uint32_t pid, char *ret_names, size_t size) {
        process_services(pid, ret_names, size);
}

static int backend_bind_probe(void *userdata, const IpEndpoint *endpoint) {
        return port_table_bind_probe(endpoint);
}

static void backend_firewall(void *userdata, const FirewallRules *wanted) {
        if (firewall_apply_want(((Backend *) userdata)->firewall, wanted) < 0)
                log_write(LOG_LEVEL_ERROR, "Out of memory; the firewall rules stay as they are");
}

static int backend_adoptions_read(void *userdata, RuleTable *table) {
        return adoption_store_read(&((Backend *) userdata)->adoptions, table);
}

static int backend_adoption_remove(void *userdata, RuleFamily family, const char *name) {
        return adoption_store_remove(&((Backend *) userdata)->adoptions, family, name);
}

static int backend_guest_note(void *userdata, const char *owner, const VmId *vm, bool connected) {
        return guest_store_note(&((Backend *) userdata)->guests, owner, vm, connected);
}

static int backend_guest_vm(void *userdata, const char *owner, VmId *ret_vm) {
        return guest_store_vm(&((Backend *) userdata)->guests, owner, ret_vm);
}

static int backend_key_find(void *userdata, const char *owner, uint8_t *ret_key) {
        return key_store_find(&((Backend *) userdata)->keys, owner, ret_key);
}

static int backend_random(void *userdata, uint8_t *ret_bytes, size_t n) {
        return random_bcrypt(ret_bytes, n);
}

/* The loop's clock advances in steps of up to 16 ms, which is too coarse to measure with. */
static uint64_t backend_now(void *userdata) {
        LARGE_INTEGER count, frequency;

        (void) QueryPerformanceCounter(&count);
        (void) QueryPerformanceFrequency(&frequency);
        return (uint64_t) count.QuadPart / (uint64_t) frequency.QuadPart * 1000000 +
               (uint64_t) count.QuadPart % (uint64_t) frequency.QuadPart * 1000000 /
                       (uint64_t) frequency.QuadPart;
}

static int backend_send(void *userdata, void *handle, const uint8_t *data, size_t n) {
        int r = stream_send(handle, data, n);

        trace_point(TRACE_ANSWERED);
        return r;
}

static void backend_close(void *userdata, void *handle) {
        stream_close(handle);
}

static void backend_log(void *userdata, LogLevel level, EventId event, const char *text) {
        log_event(level, event, "%s", text);
}

void backend_init(Backend *backend, ControllerHost *ret_host) {
        rule_store_init(&backend->rules);
        backend->ledger = LEDGER_STORE_INIT;
        backend->keys = KEY_STORE_INIT;
        backend->guests = GUEST_STORE_INIT;
        adoption_store_init(&backend->adoptions);
        *ret_host = (ControllerHost){
                .rules =
                        {
                                .userdata = backend,
                                .rules_read = backend_rules_read,
                                .rule_get = backend_rule_get,
                                .rule_set = backend_rule_set,
                                .rule_delete = backend_rule_delete,
                                .rules_flush = backend_rules_flush,
                                .rules_stamp = backend_rules_stamp,
                                .ledger_load = backend_ledger_load,
                                .ledger_put = backend_ledger_put,
                                .ledger_remove = backend_ledger_remove,
                                .ledger_flush = backend_ledger_flush,
                                .adoptions_read = backend_adoptions_read,
                                .adoption_remove = backend_adoption_remove,
                                .activate = backend_activate,
                                .relay_want = backend_relay_want,
                        },
                .ports =
                        {
                                .userdata = backend,
                                .listening_read = backend_listening_read,
                                .process_name = backend_process_name,
                                .process_services = backend_process_services,
                                .bind_probe = backend_bind_probe,
                        },
                .connections =
                        {
                                .userdata = backend,
                                .send = backend_send,
                                .close = backend_close,
                        },
                .identities =
                        {
                                .userdata = backend,
                                .key_find = backend_key_find,
                                .random = backend_random,
                                .guest_note = backend_guest_note,
                                .guest_vm = backend_guest_vm,
                        },
                .userdata = backend,
                .firewall = backend_firewall,
                .now = backend_now,
                .log = backend_log,
        };
}

void backend_done(Backend *backend) {
        guest_store_done(&backend->guests);
        adoption_store_done(&backend->adoptions);
        key_store_done(&backend->keys);
        ledger_store_done(&backend->ledger);
        rule_store_done(&backend->rules);
}
