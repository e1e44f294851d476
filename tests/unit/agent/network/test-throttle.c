/* SPDX-License-Identifier: MIT */

/*
 * Claim: every input in every state does what the table says, so that an event is never forgotten,
 * a loss is believed only at the end of a window, and a storm costs one dump per window and a few
 * at its start.
 */

#include "agent/network/throttle.h"
#include "tests/suite.h"

enum { NOTHING, LEADING, CONFIRM, TRAILING, MIDDLE };

static const ThrottleStep steps[] = {
        [NOTHING] = {.dump = false},
        [LEADING] = {.dump = true, .arm = true},
        [CONFIRM] = {.dump = true, .trailing = true},
        [TRAILING] = {.dump = true, .trailing = true, .arm = true},
        [MIDDLE] = {.dump = true},
};

#define WINDOW 50u
#define QUIET  (THROTTLE_QUIET_WINDOWS * WINDOW)
#define NOW    1000u

/* Whether early dumps are left, and what becomes of their number. */
enum { ANY, LEFT, SPENT };
enum { KEPT, ONE_MORE, RESET };

static const struct Row {
        ThrottleState from;
        ThrottleInput input;
        int when;
        ThrottleState to;
        int step, early;
} table[] = {
        {THROTTLE_REST, THROTTLE_EVENT, ANY, THROTTLE_OPEN, LEADING, RESET},
        {THROTTLE_REST, THROTTLE_TIMER, ANY, THROTTLE_REST, NOTHING, KEPT},
        {THROTTLE_REST, THROTTLE_REFRESH, ANY, THROTTLE_REST, CONFIRM, KEPT},
        {THROTTLE_REST, THROTTLE_FAILED, ANY, THROTTLE_RETRY, NOTHING, KEPT},
        {THROTTLE_OPEN, THROTTLE_EVENT, LEFT, THROTTLE_OPEN, LEADING, ONE_MORE},
        {THROTTLE_OPEN, THROTTLE_EVENT, SPENT, THROTTLE_OWING, NOTHING, KEPT},
        {THROTTLE_OPEN, THROTTLE_TIMER, ANY, THROTTLE_REST, CONFIRM, KEPT},
        {THROTTLE_OPEN, THROTTLE_REFRESH, ANY, THROTTLE_OPEN, MIDDLE, KEPT},
        {THROTTLE_OPEN, THROTTLE_FAILED, ANY, THROTTLE_RETRY, NOTHING, KEPT},
        {THROTTLE_OWING, THROTTLE_EVENT, LEFT, THROTTLE_OPEN, LEADING, ONE_MORE},
        {THROTTLE_OWING, THROTTLE_EVENT, SPENT, THROTTLE_OWING, NOTHING, KEPT},
        {THROTTLE_OWING, THROTTLE_TIMER, ANY, THROTTLE_OPEN, TRAILING, KEPT},
        {THROTTLE_OWING, THROTTLE_REFRESH, ANY, THROTTLE_OWING, MIDDLE, KEPT},
        {THROTTLE_OWING, THROTTLE_FAILED, ANY, THROTTLE_RETRY, NOTHING, KEPT},
        {THROTTLE_RETRY, THROTTLE_EVENT, ANY, THROTTLE_RETRY, NOTHING, KEPT},
        {THROTTLE_RETRY, THROTTLE_TIMER, ANY, THROTTLE_OPEN, TRAILING, KEPT},
        {THROTTLE_RETRY, THROTTLE_REFRESH, ANY, THROTTLE_OPEN, LEADING, KEPT},
        {THROTTLE_RETRY, THROTTLE_FAILED, ANY, THROTTLE_RETRY, NOTHING, KEPT},
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

/* @rest: how long it has rested. Only then, and only if it was long, the number goes back to zero.
 */
static void check(unsigned state, unsigned input, unsigned n_early, unsigned rest) {
        const struct Row *row = find(state, input, n_early);
        const ThrottleStep *expected = &steps[row->step];
        Throttle t = {.window_usec = WINDOW,
                      .state = (ThrottleState) state,
                      .n_early = n_early,
                      .rest_usec = NOW - rest};
        ThrottleStep step = throttle_step(&t, (ThrottleInput) input, NOW);
        bool reset = row->early == RESET && rest >= QUIET;
        bool rests = state != THROTTLE_REST && row->to == THROTTLE_REST;

        ck_assert_msg(t.state == row->to &&
                              t.n_early == (reset ? 0 : n_early + (row->early == ONE_MORE)) &&
                              t.rest_usec == (rests ? NOW : NOW - rest) &&
                              step.dump == expected->dump && step.trailing == expected->trailing &&
                              step.arm == expected->arm,
                      "state %u, input %u, %u early dumps, rest %u", state, input, n_early, rest);
}

START_TEST(test_every_state_and_input) {
        for (unsigned state = 0; state < _THROTTLE_STATE_END; state++)
                for (unsigned input = 0; input < _THROTTLE_INPUT_END; input++)
                        for (unsigned n_early = 0; n_early <= THROTTLE_EARLY_MAX; n_early++)
                                for (unsigned rest = QUIET - 1; rest <= QUIET; rest++)
                                        check(state, input, n_early, rest);
}
END_TEST

/* The usual change: the loss is seen at once, the new address too, and then all is confirmed. */
START_TEST(test_lost_and_found) {
        Throttle t = {.window_usec = WINDOW};

        ck_assert(!throttle_step(&t, THROTTLE_EVENT, NOW).trailing);
        ck_assert(throttle_step(&t, THROTTLE_EVENT, NOW).dump);
        ck_assert(throttle_step(&t, THROTTLE_TIMER, NOW + WINDOW).trailing);
        ck_assert_int_eq(t.state, THROTTLE_REST);
}
END_TEST

/* @n_events in each window, then the timer, and then a pause of @pause. Return: all dumps. */
static unsigned storm(unsigned n_windows, unsigned n_events, unsigned pause) {
        Throttle t = {.window_usec = WINDOW};
        uint64_t now = NOW;
        unsigned n_dumps = 0;

        for (unsigned w = 0; w < n_windows; w++) {
                for (unsigned i = 0; i < n_events; i++)
                        n_dumps += throttle_step(&t, THROTTLE_EVENT, now).dump;
                now += WINDOW;
                n_dumps += throttle_step(&t, THROTTLE_TIMER, now).dump;
                now += pause;
        }
        n_dumps += throttle_step(&t, THROTTLE_TIMER, now + WINDOW).dump;
        ck_assert_int_eq(t.state, THROTTLE_REST);
        return n_dumps;
}

START_TEST(test_storm) {
        for (unsigned n = 1; n < 20; n++)
                ck_assert_uint_eq(storm(n, 100, 0), THROTTLE_STORM_MAX(n));
}
END_TEST

/* The worst that can be: as many events as are answered early, and then just enough quiet. */
START_TEST(test_worst_rhythm) {
        for (unsigned n = 1; n < 20; n++) {
                unsigned n_windows = n * (1 + THROTTLE_QUIET_WINDOWS);

                for (unsigned pause = 0; pause <= QUIET; pause += WINDOW)
                        for (unsigned n_events = 1; n_events < 10; n_events++)
                                ck_assert_uint_le(storm(n, n_events, pause),
                                                  THROTTLE_DUMPS_MAX(n_windows));
                ck_assert_uint_eq(storm(n, 1 + THROTTLE_EARLY_MAX, QUIET),
                                  n * (2 + THROTTLE_EARLY_MAX));
        }
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
