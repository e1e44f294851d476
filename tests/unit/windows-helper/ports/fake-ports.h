/* SPDX-License-Identifier: MIT */
#pragma once

/* A host with ports of one guest, and the checks of them, for tests that are one file each. */

#include "tests/suite.h"
#include "windows-helper/core/ports/verify.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MSEC      UINT64_C(1000)
#define SEC       UINT64_C(1000000)
#define FORWARDER 7
#define RELAY     8
#define CHECKS    20 /* more than an endpoint gets before it is late */
#define PORTS_MAX (VERIFY_PROBES_MAX + 6)

typedef struct Port {
        IpEndpoint listen;
        uint32_t service;
        bool open;      /* iphlpsvc listens there */
        bool relay_has; /* the relay does, whose service runs if this is so anywhere */
        bool by_relay;  /* the relay should */
        bool taken;
} Port;

static Port ports[PORTS_MAX]; /* of the only guest, sorted */
static size_t n_ports;
static uint16_t excluded[2]; /* the first and the last port of a reserved range, or 0 */
static WireServiceResult results[PORTS_MAX];
static ReconcileEndpoint endpoints[PORTS_MAX]; /* of the plan: ports, and what was said of them */
static ReconcileInput input;
static Ledger ledger;
static Verify v;
static uint64_t now;
static bool activate, checking, waiting, unsettled;
static int read_error;
static unsigned n_reads, n_probes, tables_read;
static WireReach reach; /* of the guest */

static inline int listening(void *userdata, unsigned tables, ListeningTable *table) {
        n_reads++;
        tables_read = tables;
        table->forwarder = FORWARDER;
        for (size_t i = 0; i < n_ports; i++) {
                if (ports[i].open)
                        ck_assert_int_eq(listening_table_add(table, &ports[i].listen, FORWARDER),
                                         0);
                if (ports[i].relay_has) {
                        table->relay = RELAY;
                        ck_assert_int_eq(listening_table_add(table, &ports[i].listen, RELAY), 0);
                }
        }
        return read_error;
}

static inline void process_text(void *userdata, uint32_t pid, char *ret_text, size_t size) {
        ret_text[0] = '\0';
}

static inline int probe(void *userdata, const IpEndpoint *e) {
        n_probes++;
        ck_assert_uint_gt(e->port, 0); /* that would be any port */
        for (size_t i = 0; i < n_ports; i++)
                if (ports[i].taken && ip_endpoint_compare(&ports[i].listen, e) == 0)
                        return -EADDRINUSE;
        return e->port >= excluded[0] && e->port <= excluded[1] ? -EACCES : 0;
}

static const PortHost host = {NULL, listening, process_text, process_text, probe};

static Port *add(const char *address, uint16_t port) {
        Port *p = &ports[n_ports];

        *p = (Port){.listen.port = port, .service = (uint32_t) n_ports++};
        ck_assert_int_eq(ip_parse(address, &p->listen.addr), 0);
        return p;
}

static inline void forget_results(void) {
        for (size_t i = 0; i < PORTS_MAX; i++) {
                free((char *) (uintptr_t) results[i].text);
                results[i] = (WireServiceResult){.state = WIRE_SERVICE_ACTIVE};
        }
}

/* The plan of the ports as they are now. */
static inline ReconcilePlan *plan_ports(void) {
        static WireServiceResult *of_guest = results;
        static ReconcilePlan plan;

        plan = (ReconcilePlan){.results = &of_guest,
                               .n_guests = 1,
                               .endpoints = endpoints,
                               .n_endpoints = n_ports,
                               .checking = &checking,
                               .waiting = &waiting,
                               .unsettled = &unsettled,
                               .input = &input};
        for (size_t i = 0; i < n_ports; i++)
                endpoints[i] = (ReconcileEndpoint){
                        .listen = ports[i].listen,
                        .service = ports[i].service,
                        .reach = reach,
                        .target = {ip_v4(172, 20, 0, 2), 80,
                                   ports[i].by_relay ? RULE_WAY_RELAY : RULE_WAY_PORTPROXY}};
        return &plan;
}

/* A check, and the activation that it asks for. */
static inline int check(void) {
        ReconcilePlan *plan = plan_ports();
        int r;

        forget_results();
        n_probes = n_reads = 0;
        checking = waiting = unsettled = false;
        activate = true;
        r = verify(&v, &host, plan, now, &activate);
        if (activate)
                verify_restart(&v);
        return r;
}

/* Whether the guest can be answered without a look. */
static inline bool known(void) {
        bool whom = true;

        verify_knows(&v, plan_ports(), &whom);
        return whom;
}

#define expect(i, wanted)                                                                   \
        ck_assert_msg(results[i].state == WIRE_SERVICE_##wanted, "%zu %s %s", (size_t) (i), \
                      wire_service_state_name(results[i].state), results[i].text)

/* The next check, when it is due. */
static inline void wait_check(void) {
        ck_assert_uint_ne(v.due_usec, SESSION_NO_DEADLINE);
        now = v.due_usec;
        ck_assert_int_eq(check(), 0);
}

/* Check until the first port is no longer pending. Return: how often. */
static inline unsigned wait_while_pending(uint64_t ret_pauses[CHECKS]) {
        unsigned n = 0;

        ck_assert_int_eq(check(), 0);
        for (; results[0].state == WIRE_SERVICE_PENDING; n++) {
                ck_assert(v.due_for_waiting && n < CHECKS);
                ret_pauses[n] = v.due_usec - now;
                wait_check();
        }
        return n;
}

static inline void setup(void) {
        n_ports = 0;
        memset(excluded, 0, sizeof(excluded));
        memset(&ledger, 0, sizeof(ledger));
        input = (ReconcileInput){.n_guests = 1, .ledger = &ledger};
        v = VERIFY_INIT;
        now = 1000 * SEC;
        read_error = 0;
        reach = WIRE_REACH_FORWARDED;
}

static inline void teardown(void) {
        forget_results();
        verify_done(&v);
        ledger_done(&ledger);
}
