/* SPDX-License-Identifier: MIT */
#include "windows-helper/service/backend.h"
#include "windows-helper/host/iphlpsvc.h"
#include "windows-helper/host/tcp-table.h"
#include "windows-helper/net/stream.h"
#include "windows-helper/win/crypto.h"
#include "windows-helper/win/event-log.h"

#include <errno.h>

static int host_rules_read(void *userdata, RuleTable *table) {
        return portproxy_store_read(&((Host *) userdata)->rules, table);
}

static int host_rule_get(void *userdata, RuleFamily family, const char *name, char *ret_data,
                         size_t size) {
        return portproxy_store_get(&((Host *) userdata)->rules, family, name, ret_data, size);
}

static int host_rule_set(void *userdata, RuleFamily family, const char *name, const char *data) {
        return portproxy_store_set(&((Host *) userdata)->rules, family, name, data);
}

static int host_rule_delete(void *userdata, RuleFamily family, const char *name) {
        return portproxy_store_delete(&((Host *) userdata)->rules, family, name);
}

static int host_rules_flush(void *userdata) {
        return portproxy_store_flush(&((Host *) userdata)->rules);
}

static int host_ledger_load(void *userdata, Ledger *ledger) {
        return ledger_store_load(&((Host *) userdata)->ledger, ledger);
}

static int host_ledger_put(void *userdata, const LedgerEntry *entry) {
        return ledger_store_put(&((Host *) userdata)->ledger, entry);
}

static int host_ledger_remove(void *userdata, const IpEndpoint *listen) {
        return ledger_store_remove(&((Host *) userdata)->ledger, listen);
}

static int host_ledger_flush(void *userdata) {
        return ledger_store_flush(&((Host *) userdata)->ledger);
}

static int host_activate(void *userdata) {
        return iphlpsvc_activate(((Host *) userdata)->forwarder);
}

static int host_listening_read(void *userdata, ListeningTable *table) {
        IphlpsvcState state;
        int r = iphlpsvc_query(&state);

        table->forwarder = state.pid;
        return r < 0 ? r : tcp_table_read(table);
}

static void host_process_name(void *userdata, uint32_t pid, char *ret_name, size_t size) {
        tcp_table_process_name(pid, ret_name, size);
}

static int host_bind_probe(void *userdata, const IpEndpoint *endpoint) {
        return tcp_table_bind_probe(endpoint);
}

static void host_firewall(void *userdata, const FirewallRules *wanted) {
        if (firewall_apply_want(((Host *) userdata)->firewall, wanted) < 0)
                log_write(BRIDGE_LEVEL_ERROR, "Out of memory, firewall rules stay as they are");
}

static int host_adoptions_read(void *userdata, RuleTable *table) {
        return adoption_store_read(&((Host *) userdata)->adoptions, table);
}

static int host_adoption_remove(void *userdata, RuleFamily family, const char *name) {
        return adoption_store_remove(&((Host *) userdata)->adoptions, family, name);
}

static int host_agent_note(void *userdata, const char *owner, const VmId *vm, bool connected) {
        return agent_store_note(&((Host *) userdata)->agents, owner, vm, connected);
}

static int host_agent_vm(void *userdata, const char *owner, VmId *ret_vm) {
        return agent_store_vm(&((Host *) userdata)->agents, owner, ret_vm);
}

static int host_key_find(void *userdata, const char *owner, uint8_t *ret_key) {
        return key_store_find(&((Host *) userdata)->keys, owner, ret_key);
}

static int host_random(void *userdata, uint8_t *ret_bytes, size_t n) {
        return random_bcrypt(ret_bytes, n);
}

/* The loop's clock advances with the tick of the machine, up to 16 ms: too coarse to measure. */
static uint64_t host_now(void *userdata) {
        LARGE_INTEGER count, frequency;

        (void) QueryPerformanceCounter(&count);
        (void) QueryPerformanceFrequency(&frequency);
        return (uint64_t) count.QuadPart / (uint64_t) frequency.QuadPart * 1000000 +
               (uint64_t) count.QuadPart % (uint64_t) frequency.QuadPart * 1000000 /
                       (uint64_t) frequency.QuadPart;
}

static int host_send(void *userdata, void *peer, const uint8_t *data, size_t n) {
        return stream_send(peer, data, n);
}

static void host_close(void *userdata, void *peer) {
        stream_close(peer);
}

static void host_log(void *userdata, BridgeLevel level, EventId event, const char *text) {
        log_event(level, event, "%s", text);
}

void host_init(Host *h, BridgeHost *ret_host) {
        portproxy_store_init(&h->rules);
        h->ledger = LEDGER_STORE_INIT;
        h->keys = KEY_STORE_INIT;
        h->agents = AGENT_STORE_INIT;
        adoption_store_init(&h->adoptions);
        *ret_host = (BridgeHost){
                .userdata = h,
                .rules_read = host_rules_read,
                .rule_get = host_rule_get,
                .rule_set = host_rule_set,
                .rule_delete = host_rule_delete,
                .rules_flush = host_rules_flush,
                .ledger_load = host_ledger_load,
                .ledger_put = host_ledger_put,
                .ledger_remove = host_ledger_remove,
                .ledger_flush = host_ledger_flush,
                .activate = host_activate,
                .listening_read = host_listening_read,
                .process_name = host_process_name,
                .bind_probe = host_bind_probe,
                .firewall = host_firewall,
                .adoptions_read = host_adoptions_read,
                .adoption_remove = host_adoption_remove,
                .agent_note = host_agent_note,
                .agent_vm = host_agent_vm,
                .key_find = host_key_find,
                .random = host_random,
                .now = host_now,
                .send = host_send,
                .close = host_close,
                .log = host_log,
        };
}

void host_done(Host *h) {
        agent_store_done(&h->agents);
        adoption_store_done(&h->adoptions);
        key_store_done(&h->keys);
        ledger_store_done(&h->ledger);
        portproxy_store_done(&h->rules);
}
