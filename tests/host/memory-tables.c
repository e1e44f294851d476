/* SPDX-License-Identifier: MIT */

/*
 * The part of the Windows in memory that is not in the registry: listening sockets, firewall rules,
 * adoptions and records of guests.
 */

#include "tests/host/memory-host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Add the values of a map "v4tov4 0.0.0.0/80" → data to @table. */
static int memory_map_rules(const TextMap *map, RuleTable *table) {
        const TextMapEntry **list = text_map_list(map);
        int r = list ? 0 : -ENOMEM;

        for (size_t i = 0; r == 0 && i < map->n; i++) {
                RuleFamily f;
                const char *name = memory_host_split(list[i]->key, &f);

                r = name ? rule_table_add(table, f, name, list[i]->data) : -EINVAL;
        }
        free(list);
        return r;
}

#define MEMORY_FORWARDER 7
#define MEMORY_RELAY     8
#define MEMORY_WSL       98
#define MEMORY_OTHER     99

static bool memory_is_taken(const MemoryHost *m, const IpEndpoint *e) {
        return e->port == m->taken_port && e->udp == m->taken_udp;
}

static bool memory_is_obstructed(const MemoryHost *m, const IpEndpoint *e) {
        IpAddr missing;

        return memory_is_taken(m, e) ||
               (m->excluded[0] && e->port >= m->excluded[0] && e->port <= m->excluded[1]) ||
               (m->no_address && ip_parse(m->no_address, &missing) == 0 &&
                ip_compare(&missing, &e->addr) == 0);
}

static int memory_listening_add(const MemoryHost *m, const RuleValue *v, ListeningTable *table) {
        bool relay = rule_family_is_relay(v->family);

        if (!v->parsed || memory_is_obstructed(m, &v->listen) ||
            (relay ? m->relay_slow || !m->relay_runs : m->iphlpsvc_slow))
                return 0;
        return listening_table_add(table, &v->listen, relay ? MEMORY_RELAY : MEMORY_FORWARDER);
}

static int memory_listening_read(void *userdata, unsigned tables, ListeningTable *table) {
        MemoryHost *m = userdata;
        const IpEndpoint taken = {ip_v4(0, 0, 0, 0), m->taken_port, m->taken_udp};
        RuleTable rules = RULE_TABLE_NULL;
        int r;

        m->calls[MEMORY_LISTENING_READ]++;
        m->now_usec += m->look_usec;
        if (!m->listeners)
                return -ENOSYS;
        if (m->look_error < 0)
                return m->look_error;
        table->forwarder = MEMORY_FORWARDER;
        table->relay = m->relay_runs ? MEMORY_RELAY : 0;
        r = memory_map_rules(&m->rules, &rules);
        for (size_t i = 0; r == 0 && i < rules.n_values; i++)
                if (tables & listening_tables_of(&rules.values[i].listen))
                        r = memory_listening_add(m, &rules.values[i], table);
        if (r == 0 && m->taken_port && tables & listening_tables_of(&taken))
                r = listening_table_add(table, &taken, MEMORY_OTHER);
        if (r == 0 && m->wsl.port && tables & listening_tables_of(&m->wsl))
                r = listening_table_add(table, &m->wsl, MEMORY_WSL);
        rule_table_done(&rules);
        return r;
}

static void memory_process_name(void *userdata, uint32_t pid, char *ret_name, size_t size) {
        const MemoryHost *m = userdata;

        (void) snprintf(ret_name, size, "%s",
                        pid == MEMORY_WSL     ? "dllhost.exe"
                        : pid != MEMORY_OTHER ? ""
                        : m->taken_by         ? m->taken_by
                                              : "python.exe");
}

static void memory_process_services(void *userdata, uint32_t pid, char *ret_names, size_t size) {
        ret_names[0] = '\0';
}

static int memory_bind_probe(void *userdata, const IpEndpoint *e) {
        const MemoryHost *m = userdata;

        if (m->excluded[0] && e->port >= m->excluded[0] && e->port <= m->excluded[1])
                return -EACCES;
        if (memory_is_taken(m, e))
                return -EADDRINUSE;
        return memory_is_obstructed(m, e) ? -EADDRNOTAVAIL : 0;
}

static void memory_firewall(void *userdata, const FirewallRules *wanted) {
        MemoryHost *m = userdata;

        firewall_rules_done(&m->firewall);
        for (size_t i = 0; i < wanted->n; i++)
                (void) firewall_rules_add(&m->firewall, &wanted->items[i]);
        m->n_firewall++;
}

static int memory_adoptions_read(void *userdata, RuleTable *table) {
        MemoryHost *m = userdata;

        return m->adoptions_error < 0 ? m->adoptions_error : memory_map_rules(&m->adoptions, table);
}

static int memory_adoption_remove(void *userdata, RuleFamily family, const char *name) {
        MemoryHost *m = userdata;
        char key[128];

        (void) snprintf(key, sizeof(key), "%s %s", rule_family_name(family), name);
        (void) text_map_delete(&m->adoptions, key);
        return 0;
}

static int memory_guest_note(void *userdata, const char *owner, const VmId *vm, bool connected) {
        MemoryHost *m = userdata;
        char text[VM_ID_TEXT_MAX];

        if (!vm) {
                (void) text_map_delete(&m->guests, owner);
                return 0;
        }
        vm_id_format(vm, text);
        return text_map_set(&m->guests, owner, text);
}

static int memory_guest_vm(void *userdata, const char *owner, VmId *ret_vm) {
        const MemoryHost *m = userdata;
        const char *text = text_map_get(&m->guests, owner);

        return text ? vm_id_parse(text, ret_vm) : -ENOENT;
}

void memory_tables_fill(ControllerHost *host) {
        host->ports.listening_read = memory_listening_read;
        host->ports.process_name = memory_process_name;
        host->ports.process_services = memory_process_services;
        host->ports.bind_probe = memory_bind_probe;
        host->firewall = memory_firewall;
        host->rules.adoptions_read = memory_adoptions_read;
        host->rules.adoption_remove = memory_adoption_remove;
        host->identities.guest_note = memory_guest_note;
        host->identities.guest_vm = memory_guest_vm;
}
