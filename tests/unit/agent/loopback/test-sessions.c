/* SPDX-License-Identifier: MIT */

/*
 * Claim: sessions are found by their port, end after 30 s without an answer or 180 s after an
 * answered one was used last, and only those without an answer make room, the oldest first.
 */

#include "agent/loopback/sessions.h"

#include "tests/unit/agent/testing.h"

#define N 1000

static Sessions t;
static Session all[N];

static void set_up(void) {
        t = (Sessions){0};
        for (uint16_t i = 0; i < N; i++) {
                all[i] = (Session){.port = (uint16_t) (i * 31 + 1)};
                sessions_add(&t, &all[i], i);
        }
}

START_TEST(test_finding) {
        for (uint16_t i = 0; i < N; i++)
                ck_assert_ptr_eq(sessions_find(&t, all[i].port), &all[i]);
        ck_assert_ptr_null(sessions_find(&t, 2));
        for (uint16_t i = 0; i < N; i += 2)
                sessions_remove(&t, &all[i]);
        ck_assert_uint_eq(t.n, N / 2);
        for (uint16_t i = 0; i < N; i++)
                ck_assert_ptr_eq(sessions_find(&t, all[i].port), i % 2 ? &all[i] : NULL);
}
END_TEST

START_TEST(test_making_room) {
        sessions_touch(&t, &all[0], true, N);
        sessions_touch(&t, &all[1], false, N);
        ck_assert_ptr_eq(sessions_least(&t), &all[2]);
        ck_assert_uint_eq(t.unanswered.n, N - 1);
        ck_assert_uint_eq(t.answered.n, 1);
        for (uint16_t i = 1; i < N; i++)
                sessions_touch(&t, &all[i], true, N);
        ck_assert_ptr_null(sessions_least(&t));
}
END_TEST

START_TEST(test_time) {
        ck_assert_uint_eq(sessions_deadline(&(Sessions){0}), UINT64_MAX);
        ck_assert_uint_eq(sessions_deadline(&t), SESSION_UNANSWERED_USEC);
        ck_assert_ptr_null(sessions_expired(&t, SESSION_UNANSWERED_USEC - 1));
        ck_assert_ptr_eq(sessions_expired(&t, SESSION_UNANSWERED_USEC), &all[0]);
        sessions_touch(&t, &all[0], true, 0);
        ck_assert_uint_eq(sessions_deadline(&t), SESSION_UNANSWERED_USEC + 1);
        for (uint16_t i = 1; i < N; i++)
                sessions_remove(&t, sessions_expired(&t, SESSION_UNANSWERED_USEC + N));
        ck_assert_ptr_null(sessions_expired(&t, SESSION_ANSWERED_USEC - 1));
        ck_assert_uint_eq(sessions_deadline(&t), SESSION_ANSWERED_USEC);
        /* Once answered, it stays so. */
        sessions_touch(&t, &all[0], false, 5);
        ck_assert_ptr_null(sessions_expired(&t, SESSION_ANSWERED_USEC));
        ck_assert_ptr_eq(sessions_expired(&t, SESSION_ANSWERED_USEC + 5), &all[0]);
}
END_TEST

int main(void) {
        TCase *c = tcase_create("sessions");

        tcase_add_checked_fixture(c, set_up, NULL);
        tcase_add_test(c, test_finding);
        tcase_add_test(c, test_making_room);
        tcase_add_test(c, test_time);
        return test_run(c, "sessions");
}
