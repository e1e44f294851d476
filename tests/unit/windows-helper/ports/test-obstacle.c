/* SPDX-License-Identifier: MIT */

/* Which process is named when iphlpsvc cannot listen, and when none is to blame. */

#include "tests/suite.h"
#include "windows-helper/core/ports/verify.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(a)      (sizeof(a) / sizeof((a)[0]))
#define FORWARDER 7
#define LATE      4 /* checks after which the reason is looked for */

/* Each case is one of TCP and one of UDP. Sockets of processes, as "ADDRESS PID" at port 80; what
 * binding says; and a part of the text. */
static const struct {
        const char *sockets[3];
        const char *listen;
        int probe;
        WireServiceState state;
        const char *says;
} cases[] = {
        {{"0.0.0.0 7"}, "0.0.0.0", 0, WIRE_SERVICE_ACTIVE, NULL},
        {{"0.0.0.0 0"}, "0.0.0.0", 0, WIRE_SERVICE_ACTIVE, NULL}, /* its owner is not reported */
        {{"0.0.0.0 99"}, "0.0.0.0", 0, WIRE_SERVICE_CONFLICT, "p99.exe"},
        {{"0.0.0.0 99"}, "192.168.1.5", 0, WIRE_SERVICE_CONFLICT, "p99.exe"},
        {{":: 99"}, "fd00::5", 0, WIRE_SERVICE_CONFLICT, "p99.exe"},
        {{"0.0.0.0 98", "192.168.1.5 99"}, "192.168.1.5", 0, WIRE_SERVICE_CONFLICT, "p99.exe"},
        {{"192.168.1.5 99", "0.0.0.0 98"}, "192.168.1.5", 0, WIRE_SERVICE_CONFLICT, "p99.exe"},
        /* a more specific socket, and a dual one of IPv6, are in the way only if binding fails */
        {{"127.0.0.1 99"}, "0.0.0.0", 0, WIRE_SERVICE_PENDING, NULL},
        {{"127.0.0.1 99"}, "0.0.0.0", -EADDRINUSE, WIRE_SERVICE_CONFLICT, "p99.exe"},
        {{":: 99"}, "0.0.0.0", 0, WIRE_SERVICE_PENDING, NULL},
        {{":: 99"}, "0.0.0.0", -EADDRINUSE, WIRE_SERVICE_CONFLICT, "p99.exe"},
        {{":: 98", "127.0.0.1 99"}, "0.0.0.0", -EADDRINUSE, WIRE_SERVICE_CONFLICT, "p99.exe"},
        {{"127.0.0.1 98", "127.0.0.2 99"},
         "0.0.0.0",
         -EADDRINUSE,
         WIRE_SERVICE_CONFLICT,
         "p98.exe"},
        /* these have nothing to do with it */
        {{"192.168.1.6 99"}, "192.168.1.5", -EADDRINUSE, WIRE_SERVICE_CONFLICT, "not name"},
        {{"0.0.0.0 99"}, "fd00::5", -EADDRINUSE, WIRE_SERVICE_CONFLICT, "not name"},
        {{"fd00::1 99"}, "0.0.0.0", -EADDRINUSE, WIRE_SERVICE_CONFLICT, "not name"},
        {{"192.168.1.6 7"}, "0.0.0.0", -EADDRINUSE, WIRE_SERVICE_CONFLICT, "not name"},
        {{"192.168.1.6 99"}, "192.168.1.5", -EADDRNOTAVAIL, WIRE_SERVICE_BLOCKED, "does not have"},
        {{NULL}, "0.0.0.0", -EACCES, WIRE_SERVICE_BLOCKED, "the ports 79 to 81"},
        /* a socket of another account refuses with the same error (fact 4.3.11) */
        {{":: 99"}, "192.168.1.5", -EACCES, WIRE_SERVICE_CONFLICT, "p99.exe"},
        {{"127.0.0.1 99"}, "0.0.0.0", -EACCES, WIRE_SERVICE_CONFLICT, "p99.exe"},
        {{"192.168.1.6 99"}, "192.168.1.5", -EACCES, WIRE_SERVICE_BLOCKED, "the ports 79 to 81"},
        /* … so does the forwarder's own on all addresses, and that says nothing */
        {{"0.0.0.0 7"}, "192.168.1.5", -EACCES, WIRE_SERVICE_PENDING, NULL},
        {{"192.168.1.6 7"}, "192.168.1.5", -EACCES, WIRE_SERVICE_BLOCKED, "the ports 79 to 81"},
        {{":: 7"}, "0.0.0.0", -EACCES, WIRE_SERVICE_BLOCKED, "the ports 79 to 81"},
};

static int now;  /* the case */
static bool udp; /* … of UDP */

static IpEndpoint endpoint(const char *address, uint16_t port) {
        IpEndpoint e = {.port = port, .udp = udp};

        ck_assert_int_eq(ip_parse(address, &e.addr), 0);
        return e;
}

static int listening(void *userdata, unsigned tables, ListeningTable *table) {
        table->forwarder = FORWARDER;
        for (size_t i = 0; i < N(cases[now].sockets) && cases[now].sockets[i]; i++) {
                char address[64];
                unsigned pid;
                IpEndpoint e;

                ck_assert_int_eq(sscanf(cases[now].sockets[i], "%63s %u", address, &pid), 2);
                e = endpoint(address, 80);
                ck_assert_int_eq(listening_table_add(table, &e, pid), 0);
                e.port = 81; /* another port is not in the way, nor one of the other protocol */
                ck_assert_int_eq(listening_table_add(table, &e, 97), 0);
                e = (IpEndpoint){e.addr, 80, !udp};
                ck_assert_int_eq(listening_table_add(table, &e, 96), 0);
        }
        return 0;
}

static void process_name(void *userdata, uint32_t pid, char *ret_name, size_t size) {
        (void) snprintf(ret_name, size, "p%u.exe", (unsigned) pid);
}

static void process_services(void *userdata, uint32_t pid, char *ret_names, size_t size) {
        ret_names[0] = '\0';
}

static int probe(void *userdata, const IpEndpoint *e) {
        int r = cases[now].probe;

        return r == -EACCES && (e->port < 79 || e->port > 81) ? 0 : r;
}

START_TEST(test_obstacle) {
        const PortHost host = {NULL, listening, process_name, process_services, probe};
        ReconcileEndpoint e = {.listen.udp = false};
        WireServiceResult result = {.state = WIRE_SERVICE_ACTIVE}, *results = &result;
        ReconcileInput input = {.n_guests = 1};
        bool checking = false, waiting = false, unsettled = false, activate;
        ReconcilePlan plan = {.results = &results,
                              .n_guests = 1,
                              .endpoints = &e,
                              .n_endpoints = 1,
                              .checking = &checking,
                              .waiting = &waiting,
                              .unsettled = &unsettled,
                              .input = &input};
        Verify v = VERIFY_INIT;

        now = _i / 2;
        udp = _i % 2;
        e.listen = endpoint(cases[now].listen, 80);
        v.attempt = LATE;
        v.unnamed = true; /* what has no name was there at the last check, too */
        ck_assert_int_eq(verify(&v, &host, &plan, 1000000, &activate), 0);
        ck_assert_msg(result.state == cases[now].state, "case %d: %s: %s", now,
                      wire_service_state_name(result.state), result.text ? result.text : "");
        if (cases[now].says)
                ck_assert_msg(strstr(result.text, cases[now].says), "case %d: %s", now,
                              result.text);
        if (result.state != WIRE_SERVICE_ACTIVE)
                ck_assert((strstr(result.text, "/udp: ") != NULL) == udp);
        ck_assert(!activate);
        ck_assert(checking == (result.state != WIRE_SERVICE_ACTIVE));
        ck_assert_uint_eq(v.n_obstacles, result.state == WIRE_SERVICE_CONFLICT ||
                                                 result.state == WIRE_SERVICE_BLOCKED);
        free((char *) (uintptr_t) result.text);
        verify_done(&v);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("obstacle");
        TCase *tc = tcase_create("obstacle");

        tcase_add_loop_test(tc, test_obstacle, 0, 2 * (int) N(cases));
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
