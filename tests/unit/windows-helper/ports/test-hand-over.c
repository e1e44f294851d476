/* SPDX-License-Identifier: MIT */

/* A port that goes from one forwarder to the other, or that a forwarder has just taken: what is
 * seen in the moments between is not believed in. */

#include "tests/unit/windows-helper/ports/fake-ports.h"

/* The table of sockets is read before the port is tried. What has no name then may be the
 * forwarder, which has just begun to listen. */
START_TEST(test_an_obstacle_that_is_the_forwarder) {
        Port *web = add("0.0.0.0", 80);

        ck_assert_int_eq(check(), 0);
        while (n_probes == 0)
                wait_check(); /* until reasons are looked for */
        web->taken = true;
        wait_check();
        expect(0, PENDING);
        web->taken = false;
        web->open = true;
        wait_check();
        expect(0, ACTIVE);
}
END_TEST

/* The relay let go of the port only after iphlpsvc had looked at it. */
START_TEST(test_the_relay_lets_go_late) {
        unsigned n = 0;

        (void) add("0.0.0.0", 80);
        v.relay_changed = true;
        ck_assert_int_eq(check(), 0);
        for (; !activate; n++)
                wait_check();
        ck_assert_uint_lt(n, 6); /* much sooner than without a reason */
        ck_assert(!v.relay_changed);
        expect(0, PENDING);
        for (activate = false; results[0].state == WIRE_SERVICE_PENDING;)
                wait_check(); /* once is enough */
        expect(0, BLOCKED);
}
END_TEST

/* One that still has the port when its time is over has it for somebody else. */
START_TEST(test_the_other_forwarder_keeps_the_port) {
        static const char *const names[] = {"wslbridge-relay", "IP Helper"};
        static const char *const takes[] = {"wslbridge's relay has the port",
                                            "wslbridge did not make has the port"};
        Port *web = add("0.0.0.0", 80), *other = add("0.0.0.0", 81);
        bool named = false;

        web->by_relay = _i == 1;
        other->relay_has = other->by_relay = true; /* its service runs */
        web->open = web->by_relay;
        web->relay_has = !web->by_relay;
        ck_assert_int_eq(check(), 0);
        for (; results[0].state == WIRE_SERVICE_PENDING; wait_check()) {
                named = strstr(results[0].text, "still has the port") != NULL;
                ck_assert(checking && waiting && unsettled == named && !endpoints[0].closed);
                ck_assert(v.due_for_waiting);
                ck_assert_ptr_nonnull(strstr(results[0].text, names[named ? _i : !_i]));
        }
        ck_assert(named);
        expect(0, CONFLICT);
        ck_assert_uint_eq(results[0].reason, WIRE_REASON_FOREIGN_RULE);
        ck_assert_ptr_nonnull(strstr(results[0].text, takes[_i]));
        ck_assert(endpoints[0].closed && checking && !waiting && unsettled);
        ck_assert_uint_eq(v.due_usec - now, VERIFY_OBSTACLE_USEC);
        expect(1, ACTIVE);
        ck_assert(!endpoints[1].closed);

        web->open = !web->by_relay;
        web->relay_has = web->by_relay;
        wait_check();
        expect(0, ACTIVE);
        ck_assert(!endpoints[0].closed && !unsettled);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("hand-over");
        TCase *tc = tcase_create("hand-over");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_an_obstacle_that_is_the_forwarder);
        tcase_add_test(tc, test_the_relay_lets_go_late);
        tcase_add_loop_test(tc, test_the_other_forwarder_keeps_the_port, 0, 2);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
