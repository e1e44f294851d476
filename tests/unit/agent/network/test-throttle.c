/* SPDX-License-Identifier: MIT */

/*
 * Claim: every input in every state does what the table says, so that an event is never forgotten,
 * a loss is believed only when a window has passed, and a storm costs one dump per window and a few
 * at its start.
 */

#include "agent/network/throttle.h"
#include "tests/suite.h"

enum { NOTHING, LEADING, CONFIRM, TRAILING, MIDDLE, WAIT };

static const ThrottleStep steps[] = {
        [NOTHING] = {.dump = false},
        [LEADING] = {.dump = true, .arm = true},
        [CONFIRM] = {.dump = true, .trailing = true},
        [TRAILING] = {.dump = true, .trailing = true, .arm = true},
        [MIDDLE] = {.dump = true},
        [WAIT] = {.arm = true},
};

/* Whether early dumps are left, and what becomes of their number. */
enum { ANY, LEFT, SPENT };
enum { KEPT, ONE_MORE, BACK };

static const struct Row {
        ThrottleState from;
        ThrottleInput input;
        int when;
        ThrottleState to;
        int step, early;
} table[] = {
        {THROTTLE_REST, THROTTLE_EVENT, ANY, THROTTLE_OPEN, LEADING, KEPT},
        {THROTTLE_REST, THROTTLE_TIMER, ANY, THROTTLE_REST, NOTHING, KEPT},
        {THROTTLE_REST, THROTTLE_REFRESH, ANY, THROTTLE_REST, CONFIRM, KEPT},
        {THROTTLE_REST, THROTTLE_FAILED, ANY, THROTTLE_RETRY, NOTHING, KEPT},
        {THROTTLE_REST, THROTTLE_DOUBT, ANY, THROTTLE_OPEN, WAIT, KEPT},
        {THROTTLE_OPEN, THROTTLE_EVENT, LEFT, THROTTLE_OPEN, LEADING, ONE_MORE},
        {THROTTLE_OPEN, THROTTLE_EVENT, SPENT, THROTTLE_OWING, NOTHING, KEPT},
        {THROTTLE_OPEN, THROTTLE_TIMER, ANY, THROTTLE_REST, CONFIRM, BACK},
        {THROTTLE_OPEN, THROTTLE_REFRESH, ANY, THROTTLE_OPEN, MIDDLE, KEPT},
        {THROTTLE_OPEN, THROTTLE_FAILED, ANY, THROTTLE_RETRY, NOTHING, KEPT},
        {THROTTLE_OPEN, THROTTLE_DOUBT, ANY, THROTTLE_OPEN, NOTHING, KEPT},
        {THROTTLE_OWING, THROTTLE_EVENT, LEFT, THROTTLE_OPEN, LEADING, ONE_MORE},
        {THROTTLE_OWING, THROTTLE_EVENT, SPENT, THROTTLE_OWING, NOTHING, KEPT},
        {THROTTLE_OWING, THROTTLE_TIMER, ANY, THROTTLE_OPEN, TRAILING, KEPT},
        {THROTTLE_OWING, THROTTLE_REFRESH, ANY, THROTTLE_OWING, MIDDLE, KEPT},
        {THROTTLE_OWING, THROTTLE_FAILED, ANY, THROTTLE_RETRY, NOTHING, KEPT},
        {THROTTLE_OWING, THROTTLE_DOUBT, ANY, THROTTLE_OWING, NOTHING, KEPT},
        {THROTTLE_RETRY, THROTTLE_EVENT, ANY, THROTTLE_RETRY, NOTHING, KEPT},
        {THROTTLE_RETRY, THROTTLE_TIMER, ANY, THROTTLE_OPEN, TRAILING, KEPT},
        {THROTTLE_RETRY, THROTTLE_REFRESH, ANY, THROTTLE_OPEN, LEADING, KEPT},
        {THROTTLE_RETRY, THROTTLE_FAILED, ANY, THROTTLE_RETRY, NOTHING, KEPT},
        {THROTTLE_RETRY, THROTTLE_DOUBT, ANY, THROTTLE_RETRY, NOTHING, KEPT},
};

#define N_ROWS (sizeof(table) / sizeof(table[0]))

static const struct Row *find(unsigned state, unsigned input, unsigned n_early) {
        for (size_t i = 0; i < N_ROWS; i++)
                if (table[i].from == state && table[i].input == input &&
                    table[i].when != (n_early < THROTTLE_EARLY_MAX ? SPENT : LEFT))
                        return &table[i];
        ck_abort_msg("no row for state %u, input %u", state, input);
        return NULL;
}

static void check(unsigned state, unsigned input, unsigned n_early) {
        const struct Row *row = find(state, input, n_early);
        const ThrottleStep *expected = &steps[row->step];
        Throttle t = {.state = (ThrottleState) state, .n_early = n_early};
        ThrottleStep step = throttle_step(&t, (ThrottleInput) input);
        unsigned n_after = n_early + (row->early == ONE_MORE);

        if (row->early == BACK)
                n_after = n_early > THROTTLE_EARLY_BACK ? n_early - THROTTLE_EARLY_BACK : 0;
        ck_assert_msg(t.state == row->to && t.n_early == n_after && step.dump == expected->dump &&
                              step.trailing == expected->trailing && step.arm == expected->arm,
                      "state %u, input %u, %u early dumps", state, input, n_early);
}

START_TEST(test_every_state_and_input) {
        for (unsigned state = 0; state < _THROTTLE_STATE_END; state++)
                for (unsigned input = 0; input < _THROTTLE_INPUT_END; input++)
                        for (unsigned n_early = 0; n_early <= THROTTLE_EARLY_MAX; n_early++)
                                check(state, input, n_early);
}
END_TEST

/* The usual change: the loss is seen at once, the new address and its route too, and then all is
 * confirmed. This goes on for ever, if a window passes between two changes. */
START_TEST(test_lost_and_found) {
        Throttle t = {0};

        for (unsigned i = 0; i < 20; i++) {
                ck_assert(throttle_step(&t, THROTTLE_EVENT).dump);
                ck_assert(throttle_step(&t, THROTTLE_EVENT).dump);
                ck_assert(throttle_step(&t, THROTTLE_EVENT).dump);
                ck_assert(throttle_step(&t, THROTTLE_TIMER).trailing);
                ck_assert_int_eq(t.state, THROTTLE_REST);
        }
}
END_TEST

/* In each window @n_events, and then the timer, once more if the events @pause. Return: all dumps.
 */
static unsigned storm(unsigned n_windows, unsigned n_events, bool pause) {
        Throttle t = {0};
        unsigned n_dumps = 0;

        for (unsigned w = 0; w < n_windows; w++) {
                for (unsigned i = 0; i < n_events; i++)
                        n_dumps += throttle_step(&t, THROTTLE_EVENT).dump;
                n_dumps += throttle_step(&t, THROTTLE_TIMER).dump;
                if (pause)
                        n_dumps += throttle_step(&t, THROTTLE_TIMER).dump;
        }
        n_dumps += throttle_step(&t, THROTTLE_TIMER).dump;
        ck_assert_int_eq(t.state, THROTTLE_REST);
        return n_dumps;
}

START_TEST(test_storm) {
        for (unsigned n = 1; n < 20; n++)
                ck_assert_uint_eq(storm(n, 100, false), THROTTLE_STORM_MAX(n));
}
END_TEST

START_TEST(test_worst_rhythm) {
        for (unsigned n = 1; n < 20; n++)
                for (unsigned n_events = 1; n_events < 10; n_events++) {
                        ck_assert_uint_le(storm(n, n_events, false), THROTTLE_DUMPS_MAX(n));
                        ck_assert_uint_le(storm(n, n_events, true), THROTTLE_DUMPS_MAX(2 * n));
                }
        /* As many events as are answered early, and not one more. */
        ck_assert_uint_eq(storm(20, 1 + THROTTLE_EARLY_BACK, false),
                          THROTTLE_DUMPS_MAX(20) - THROTTLE_EARLY_MAX);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("throttle");
        TCase *tcase = tcase_create("throttle");

        tcase_add_test(tcase, test_every_state_and_input);
        tcase_add_test(tcase, test_lost_and_found);
        tcase_add_test(tcase, test_storm);
        tcase_add_test(tcase, test_worst_rhythm);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
