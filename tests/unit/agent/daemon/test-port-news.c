/* SPDX-License-Identifier: MIT */

/* Claim: a port on which nobody listens is said once, when a later look has seen the same. */

#include "agent/daemon/port-news.h"

#include "tests/suite.h"

#define SEEN  (60 * USEC_PER_SEC)
#define LATER (SEEN + PORT_NEWS_PAUSE_USEC)

static StatusService service(GuestPort is, GuestPort said) {
        return (StatusService){.state = WIRE_SERVICE_ACTIVE,
                               .guest = (uint8_t) is,
                               .guest_logged = (uint8_t) said,
                               .guest_usec = SEEN};
}

START_TEST(test_when) {
        static const struct {
                GuestPort is, said;
                uint64_t now_usec;
                bool active, news;
        } cases[] = {
                {GUEST_PORT_NOT_LISTENING, GUEST_PORT_LISTENING, SEEN, true, false},
                {GUEST_PORT_NOT_LISTENING, GUEST_PORT_LISTENING, LATER - 1, true, false},
                {GUEST_PORT_NOT_LISTENING, GUEST_PORT_LISTENING, LATER, true, true},
                {GUEST_PORT_NOT_LISTENING, GUEST_PORT_NOT_LISTENING, LATER, true, false},
                {GUEST_PORT_LOOPBACK_ONLY, GUEST_PORT_NOT_LISTENING, LATER, true, true},
                {GUEST_PORT_NOT_LISTENING, GUEST_PORT_LISTENING, LATER, false, false},
                {GUEST_PORT_LISTENING, GUEST_PORT_NOT_LISTENING, LATER, true, false},
                {GUEST_PORT_UNKNOWN, GUEST_PORT_LISTENING, LATER, true, false},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                StatusService s = service(cases[i].is, cases[i].said);

                if (!cases[i].active)
                        s.state = WIRE_SERVICE_PENDING;
                ck_assert_msg(port_is_news(&s, cases[i].now_usec) == cases[i].news, "case %zu", i);
                ck_assert_msg(!port_is_news(&s, cases[i].now_usec), "case %zu: said twice", i);
        }
}
END_TEST

/* A program that came back and has gone again is news again. */
START_TEST(test_again) {
        StatusService s = service(GUEST_PORT_NOT_LISTENING, GUEST_PORT_LISTENING);

        ck_assert(port_is_news(&s, LATER));
        s.guest = GUEST_PORT_LISTENING;
        ck_assert(!port_is_news(&s, LATER));
        s.guest = GUEST_PORT_NOT_LISTENING;
        s.guest_usec = LATER;
        ck_assert(!port_is_news(&s, LATER));
        ck_assert(port_is_news(&s, LATER + PORT_NEWS_PAUSE_USEC));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("port-news");
        TCase *tc = tcase_create("port-news");

        tcase_add_test(tc, test_when);
        tcase_add_test(tc, test_again);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
