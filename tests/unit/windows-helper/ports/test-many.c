/* SPDX-License-Identifier: MIT */

/* A look at thousands of endpoints costs a few steps for each of them, however many sockets the
 * host has: steps are counted. */

#include "tests/suite.h"
#include "windows-helper/core/ports/listening.h"

/* Each socket that is considered as an obstacle is asked about first. */
static bool counted_may_be(const Listening *a, uint32_t process);

#define listening_may_be counted_may_be
#include "windows-helper/core/ports/obstacle.c"
#undef listening_may_be

#include "windows-helper/core/ports/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY  16384 /* as many as an agent may ask for */
#define FIRST 20000 /* the first port */
#define WSL   70    /* the process that listens for the guest */
#define OTHER 71

static size_t n_steps, n_asked;
static bool with_udp; /* each port is bound in UDP, too, and nobody asks for that */
static WireServiceResult results[MANY];

static bool counted_may_be(const Listening *a, uint32_t process) {
        n_steps++;
        return listening_may_be(a, process);
}

static int listening(void *userdata, unsigned tables, ListeningTable *table) {
        for (unsigned i = 0; i < MANY; i++) {
                IpEndpoint e = {ip_v4(0, 0, 0, 0), (uint16_t) (FIRST + i)};

                ck_assert_int_eq(listening_table_add(table, &e, i == 5 ? OTHER : WSL), 0);
                e.addr = ip_v4(127, 0, 0, 1);
                ck_assert_int_eq(listening_table_add(table, &e, WSL), 0);
                e.udp = true;
                if (with_udp)
                        ck_assert_int_eq(listening_table_add(table, &e, OTHER), 0);
        }
        return 0;
}

static void process_name(void *userdata, uint32_t pid, char *ret_name, size_t size) {
        n_asked++;
        (void) snprintf(ret_name, size, "%s", pid == WSL ? "wslrelay.exe" : "other.exe");
}

static void process_services(void *userdata, uint32_t pid, char *ret_names, size_t size) {
        ret_names[0] = '\0';
}

static int probe(void *userdata, const IpEndpoint *e) {
        return 0;
}

static void look(bool udp) {
        const PortHost host = {NULL, listening, process_name, process_services, probe};
        ReconcileEndpoint *endpoints = calloc(MANY, sizeof(*endpoints));
        WireServiceResult *of_guest = results;
        ReconcileInput input = {.n_guests = 1};
        bool checking = false, waiting = false, unsettled = false, activate;
        ReconcilePlan plan = {.results = &of_guest,
                              .n_guests = 1,
                              .endpoints = endpoints,
                              .n_endpoints = MANY,
                              .checking = &checking,
                              .waiting = &waiting,
                              .unsettled = &unsettled,
                              .input = &input};
        Verify v = VERIFY_INIT;

        ck_assert_ptr_nonnull(endpoints);
        for (unsigned i = 0; i < MANY; i++) {
                endpoints[i] = (ReconcileEndpoint){
                        .listen = {ip_v4(0, 0, 0, 0), (uint16_t) (FIRST + i), udp},
                        .service = i,
                        .reach = WIRE_REACH_RELAYED,
                };
                results[i] = (WireServiceResult){.state = WIRE_SERVICE_ACTIVE};
        }
        n_steps = n_asked = 0;
        ck_assert_int_eq(verify(&v, &host, &plan, 1000000, &activate), 0);
        verify_done(&v);
        free(endpoints);
}

static void forget(void) {
        for (unsigned i = 0; i < MANY; i++)
                free((char *) (uintptr_t) results[i].text);
}

START_TEST(test_direct) {
        for (int i = 0; i < 2; i++) {
                with_udp = i;
                look(/* udp= */ false);
                ck_assert_uint_le(n_steps, 2 * MANY);
                ck_assert_uint_le(n_asked, 3);
                for (unsigned k = 0; k < MANY; k++)
                        ck_assert_int_eq(results[k].state,
                                         k == 5 ? WIRE_SERVICE_CONFLICT : WIRE_SERVICE_ACTIVE);
                forget();
        }
}
END_TEST

/* What TCP has is no step for UDP. */
START_TEST(test_the_other_protocol) {
        with_udp = false;
        look(/* udp= */ true);
        ck_assert_uint_eq(n_steps, 0);
        with_udp = true;
        look(/* udp= */ true);
        ck_assert_uint_le(n_steps, MANY);
        forget();
}
END_TEST

int main(void) {
        Suite *suite = suite_create("many-ports");
        TCase *tc = tcase_create("many-ports");

        tcase_add_test(tc, test_direct);
        tcase_add_test(tc, test_the_other_protocol);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
