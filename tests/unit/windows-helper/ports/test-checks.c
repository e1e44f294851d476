/* SPDX-License-Identifier: MIT */

/* When endpoints are checked, for how long they are pending, and what the host is asked. */

#include "tests/unit/windows-helper/ports/fake-ports.h"

/* Soon at first, and then rarely. Each time from the beginning. */
START_TEST(test_pauses) {
        uint64_t first[CHECKS] = {0}, pauses[CHECKS] = {0};
        Port *web = add("0.0.0.0", 80);
        unsigned n = wait_while_pending(first);

        ck_assert_uint_gt(n, 5);
        ck_assert_uint_le(first[0], 10 * MSEC);
        expect(0, BLOCKED);
        ck_assert(!v.due_for_waiting);
        ck_assert_uint_eq(v.due_usec - now, VERIFY_OBSTACLE_USEC);
        web->open = true;
        wait_check();
        expect(0, ACTIVE);
        ck_assert_uint_eq(v.due_usec, SESSION_NO_DEADLINE);
        web->open = false; /* without a word */
        ck_assert_uint_eq(wait_while_pending(pauses), n);
        ck_assert_mem_eq(pauses, first, sizeof(first));
        verify_forget_late(&v); /* iphlpsvc was started anew */
        verify_restart(&v);
        ck_assert_uint_eq(wait_while_pending(pauses), n);
        ck_assert_mem_eq(pauses, first, sizeof(first));
}
END_TEST

/* Only the tables are read that have what is expected. Those of the other IP version are read too
 * once a reason is looked for, and for a guest that is reached directly. */
START_TEST(test_tables) {
        static const struct {
                const char *addresses[2];
                bool udp;
                unsigned soon, late;
        } cases[] = {{{"0.0.0.0", NULL}, false, LISTENING_TCP_V4, LISTENING_TCP},
                     {{"::", NULL}, false, LISTENING_TCP_V6, LISTENING_TCP},
                     {{"0.0.0.0", "::"}, false, LISTENING_TCP, LISTENING_TCP},
                     {{"0.0.0.0", NULL}, true, LISTENING_UDP_V4, LISTENING_UDP}};

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                teardown();
                setup();
                for (size_t k = 0; k < 2 && cases[i].addresses[k]; k++)
                        add(cases[i].addresses[k], 80)->listen.udp = cases[i].udp;
                ck_assert_int_eq(check(), 0);
                ck_assert_uint_eq(tables_read, cases[i].soon);
                ck_assert_uint_eq(v.unheard.n, n_ports);
                while (n_probes == 0)
                        wait_check();
                ck_assert_uint_eq(tables_read, cases[i].late);
                for (size_t k = 0; k < n_ports; k++)
                        ports[k].open = true;
                wait_check();
                expect(0, ACTIVE);
                ck_assert(!unsettled && v.unheard.n == 0);
                ck_assert_int_eq(check(), 0);
                ck_assert_uint_eq(tables_read, cases[i].soon);
        }
        reach = WIRE_REACH_SHARED;
        ck_assert_int_eq(check(), 0);
        ck_assert_uint_eq(tables_read, LISTENING_UDP);
}
END_TEST

/* The reason is looked for once iphlpsvc has had a moment, and again from then on. */
START_TEST(test_an_obstacle) {
        uint64_t pauses[CHECKS];

        add("0.0.0.0", 80)->taken = true;
        ck_assert_int_eq(check(), 0);
        expect(0, PENDING);
        ck_assert(checking && waiting);
        ck_assert_uint_eq(n_probes, 0);
        (void) wait_while_pending(pauses);
        expect(0, CONFLICT);
        ck_assert(checking && !waiting);
        ck_assert_uint_eq(v.due_usec - now, VERIFY_OBSTACLE_USEC);
        verify_restart(&v); /* for another port */
        wait_check();
        expect(0, CONFLICT);
        ck_assert_uint_eq(v.due_usec - now, VERIFY_OBSTACLE_USEC);
}
END_TEST

/* One that iphlpsvc does not listen on yet does not hide the obstacle of the other, and after an
 * obstacle the others are asked about as well: each of them stays closed. */
START_TEST(test_a_service_with_two_ports) {
        uint64_t pauses[CHECKS];
        Port *http = add("0.0.0.0", 80), *https = add("0.0.0.0", 443);

        https->service = http->service;
        https->taken = true;
        (void) wait_while_pending(pauses);
        expect(0, CONFLICT);
        ck_assert_uint_eq(n_probes, 2);
        http->taken = true;
        wait_check();
        expect(0, CONFLICT);
        ck_assert_uint_eq(n_probes, 2);
}
END_TEST

/* An activation for a third port does not make the two pending again, and does not make their
 * checks more frequent. */
START_TEST(test_late_ports_stay_late) {
        uint64_t pauses[CHECKS];
        Port third;

        (void) add("0.0.0.0", 80);
        (void) add("0.0.0.0", 443);
        (void) wait_while_pending(pauses);
        verify_restart(&v);
        third = *add("0.0.0.0", 8080);
        third.open = true;
        ports[2] = ports[1];
        ports[1] = third;
        ports[1].listen.port = 81;
        wait_check();
        expect(ports[0].service, BLOCKED);
        expect(ports[1].service, ACTIVE);
        expect(ports[2].service, BLOCKED);
        ck_assert_uint_eq(v.due_usec - now, VERIFY_OBSTACLE_USEC);
}
END_TEST

/* In a run for some guests, the ports of the others are neither looked at nor forgotten. */
START_TEST(test_a_run_for_some) {
        static const uint16_t numbers[] = {80, 81, 82, 83, 84};
        LedgerEntry e = {.owner = "guest"};
        uint64_t pauses[CHECKS];

        for (size_t i = 0; i < 5; i++)
                (void) add("0.0.0.0", numbers[i]);
        (void) wait_while_pending(pauses);
        ck_assert_uint_eq(v.unheard.n, 5);
        input.partial = true;
        for (size_t i = 1; i < 5; i += i) { /* 81, 82 and 84 are theirs */
                e.listen = ports[i].listen;
                ck_assert_int_eq(ledger_put(&ledger, &e), 0);
        }
        ports[0] = ports[1];
        ports[1] = ports[2];
        ports[2] = ports[4];
        n_ports = 3;
        ports[1].open = true; /* 82 */
        wait_check();
        expect(ports[0].service, BLOCKED);
        expect(ports[1].service, ACTIVE);
        ck_assert_uint_eq(v.unheard.n, 4);
        for (size_t i = 0; i < 4; i++) {
                ck_assert(v.unheard.items[i].late);
                ck_assert_uint_eq(v.unheard.items[i].endpoint.port, numbers[i < 2 ? i : i + 1]);
        }
        ports[1].open = false;
        verify_restart(&v);
        wait_check();
        expect(ports[1].service, PENDING); /* it was open meanwhile */
}
END_TEST

/* A value that its guest asks for no longer, but that is still there: the guest has changes left,
 * or is away. If it is asked for again, somebody has to look. Once it has gone, nothing is known.
 */
START_TEST(test_a_value_that_nobody_asks_for) {
        LedgerEntry e = {.owner = "guest"};
        uint64_t pauses[CHECKS];

        (void) add("0.0.0.0", 80);
        (void) add("0.0.0.0", 81);
        for (size_t i = 0; i < 2; i++) {
                e.listen = ports[i].listen;
                ck_assert_int_eq(ledger_put(&ledger, &e), 0);
        }
        (void) wait_while_pending(pauses);
        expect(0, BLOCKED);
        expect(1, BLOCKED);
        ck_assert(known());
        input.partial = _i;
        n_ports = 1;
        wait_check();
        ck_assert(known());
        n_ports = 2;
        ck_assert(!known());
        n_ports = 1;
        ledger_entry_void(ledger_find(&ledger, &ports[1].listen));
        ledger_compact(&ledger);
        wait_check();
        ck_assert_uint_eq(v.unheard.n, 1 + (size_t) _i); /* it may be another guest's */
}
END_TEST

/* Where WSL listens for the guest, the port is open although nobody listens yet. So it need not
 * wait for a look, whatever has gone or was started anew. */
START_TEST(test_a_silent_one_never_waits) {
        LedgerEntry e = {.owner = "guest"};

        reach = WIRE_REACH_RELAYED;
        e.listen = add("0.0.0.0", 80)->listen;
        ck_assert_int_eq(ledger_put(&ledger, &e), 0);
        input.partial = _i;
        ck_assert_int_eq(check(), 0);
        ck_assert_uint_eq(v.unheard.n, 1);
        ck_assert(known());
        verify_forget_late(&v);
        ck_assert(known());
        n_ports = 0; /* it is asked for no longer */
        wait_check();
        ck_assert_uint_eq(v.unheard.n, 1);
        n_ports = 1;
        ck_assert(known());
}
END_TEST

/* Where nothing is in the way, another activation may help. It is made every half a minute, and
 * does not delay the search for a reason. */
START_TEST(test_repeated_activations) {
        uint64_t pauses[CHECKS], last = 0;
        Port *web = add("0.0.0.0", 80);
        unsigned n = 0;

        (void) wait_while_pending(pauses);
        expect(0, BLOCKED);
        for (unsigned i = 0; n < 3; i++) {
                ck_assert_uint_lt(i, 100);
                if (activate) {
                        ck_assert(last == 0 || now - last == 30 * SEC);
                        last = now;
                        n++;
                }
                wait_check();
                expect(0, BLOCKED);
        }
        web->taken = true;
        wait_check();
        expect(0, CONFLICT);
}
END_TEST

/* Once an obstacle has gone, nothing is late any more. But what nobody listened on is not taken for
 * open, either, before somebody has looked. */
START_TEST(test_after_an_obstacle) {
        uint64_t pauses[CHECKS];

        (void) add("0.0.0.0", 80);
        add("0.0.0.0", 443)->taken = true;
        (void) wait_while_pending(pauses);
        expect(0, BLOCKED);
        expect(1, CONFLICT);
        n_ports = 1;
        ck_assert(known());
        n_ports = 2;
        ports[1].taken = false;
        wait_check();
        ck_assert(activate && !known());
        n_ports = 1;
        ck_assert(!known());
}
END_TEST

#define expect_range(i, words)                                                        \
        do {                                                                          \
                expect(i, BLOCKED);                                                   \
                ck_assert_msg(strstr(results[i].text, words), "%s", results[i].text); \
        } while (0)

/* A reserved range is looked at once for all its ports. */
START_TEST(test_ports_in_one_range) {
        uint64_t pauses[CHECKS];

        excluded[0] = 79;
        excluded[1] = 81;
        (void) add("0.0.0.0", 79);
        (void) add("0.0.0.0", 81);
        (void) add("10.0.0.1", 79);
        (void) wait_while_pending(pauses);
        for (size_t i = 0; i < n_ports; i++)
                expect_range(i, "the ports 79 to 81 ");
        ck_assert_uint_eq(n_probes, 3 + 4); /* each port, and 78, 80, 81, 82 */
}
END_TEST

/* Up to the first and the last port that there is, and not for ever. */
START_TEST(test_edges_of_ranges) {
        static const struct {
                uint16_t first, last, port;
                const char *says;
        } cases[] = {{1, 3, 2, "the ports 1 to 3 "},
                     {65530, 65535, 65533, "the ports 65530 to 65535 "},
                     {1, 65535, 5000, "the ports 3976 to 6024 "},
                     {1, 65535, 5, "the ports 1 to 1029 "}};
        uint64_t pauses[CHECKS];

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                teardown();
                setup();
                excluded[0] = cases[i].first;
                excluded[1] = cases[i].last;
                (void) add("0.0.0.0", cases[i].port);
                (void) wait_while_pending(pauses);
                expect_range(0, cases[i].says);
        }
}
END_TEST

START_TEST(test_two_ranges) {
        uint64_t pauses[CHECKS];

        (void) add("0.0.0.0", 100);
        (void) add("0.0.0.0", 2000);
        (void) add("10.0.0.1", 100);
        excluded[0] = 1;
        excluded[1] = 65535;
        (void) wait_while_pending(pauses);
        expect_range(0, "the ports 1 to 1124 ");
        expect_range(1, "the ports 976 to 3024 ");
        expect_range(2, "the ports 1 to 1124 ");
}
END_TEST

START_TEST(test_not_too_many_are_asked_about) {
        uint64_t pauses[CHECKS];

        for (uint16_t i = 0; i < PORTS_MAX; i++)
                (void) add("0.0.0.0", 8000 + i);
        (void) wait_while_pending(pauses);
        expect(PORTS_MAX - 1, BLOCKED);
        ck_assert_uint_eq(n_probes, VERIFY_PROBES_MAX);
}
END_TEST

START_TEST(test_nothing_to_check) {
        ck_assert_int_eq(check(), 0);
        ck_assert(!activate);
        ck_assert_uint_eq(n_reads, 0);
}
END_TEST

/* A look that fails says nothing, so it is repeated. One that cannot be had at all is not. */
START_TEST(test_the_host_does_not_tell) {
        (void) add("0.0.0.0", 80);
        ck_assert_int_eq(check(), 0);
        expect(0, PENDING);
        read_error = -EIO;
        ck_assert_int_eq(check(), -EIO);
        ck_assert(!activate && unsettled);
        expect(0, PENDING);
        ck_assert_uint_eq(v.due_usec, now + VERIFY_OBSTACLE_USEC);
        read_error = -ENOSYS;
        ck_assert_int_eq(check(), 0);
        ck_assert(!activate);
        expect(0, ACTIVE);
        ck_assert_uint_eq(v.due_usec, SESSION_NO_DEADLINE);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("checks");
        TCase *tc = tcase_create("checks");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_pauses);
        tcase_add_test(tc, test_tables);
        tcase_add_test(tc, test_an_obstacle);
        tcase_add_test(tc, test_a_service_with_two_ports);
        tcase_add_test(tc, test_late_ports_stay_late);
        tcase_add_test(tc, test_a_run_for_some);
        tcase_add_loop_test(tc, test_a_value_that_nobody_asks_for, 0, 2);
        tcase_add_loop_test(tc, test_a_silent_one_never_waits, 0, 2);
        tcase_add_test(tc, test_repeated_activations);
        tcase_add_test(tc, test_after_an_obstacle);
        tcase_add_test(tc, test_ports_in_one_range);
        tcase_add_test(tc, test_edges_of_ranges);
        tcase_add_test(tc, test_two_ranges);
        tcase_add_test(tc, test_not_too_many_are_asked_about);
        tcase_add_test(tc, test_nothing_to_check);
        tcase_add_test(tc, test_the_host_does_not_tell);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
