/* SPDX-License-Identifier: MIT */

/*
 * Claim: an address that replaces a lost one is reported at once, also when the loss has been seen
 * already; the loss is only confirmed at the end of a window; and only so many events are answered
 * early.
 */

#include "agent/network/throttle.h"
#include "fixture.h"

static Watch w;

static const IpAddr address_a = {.family = IP_FAMILY_V4, .bytes = {192, 0, 2, 10}};
static const IpAddr address_b = {.family = IP_FAMILY_V4, .bytes = {192, 0, 2, 20}};

/* The usual state of a guest: address A and a default route. */
static void start_with_route(void) {
        run("ip addr add 192.0.2.10/24 dev " WATCHED);
        run("ip route add default via 192.0.2.1 dev " WATCHED " metric 100");
        watch_start(&w, 0);
}

static void assert_gateway(const Call *call, const char *expected) {
        char text[IP_TEXT_MAX];

        ip_format(&call->choice.v4.gateway, text);
        ck_assert_str_eq(text, expected);
}

START_TEST(test_replace_at_once) {
        start_with_route();
        w.interface = WATCHED;
        ck_assert_int_eq(addr_trigger_delete(w.trigger, &address_a, 24), 0);
        ck_assert_int_eq(addr_trigger_add(w.trigger, &address_b, 24), 0);
        watch_settle(&w);
        ck_assert_uint_eq(w.n_calls, 2);
        ck_assert(!w.calls[0].trailing && w.calls[1].trailing);
        assert_address(&w.calls[0], "192.0.2.20");
        assert_address(&w.calls[1], "192.0.2.20");
        watch_stop(&w);
}
END_TEST

/* The new address comes after the dump that has seen the loss. It is reported at once all the same,
 * while the loss is not yet confirmed. */
START_TEST(test_replace_within_window) {
        start_with_route();
        w.interface = WATCHED;
        ck_assert_int_eq(addr_trigger_delete(w.trigger, &address_a, 24), 0);
        watch_calls(&w, 1);
        ck_assert_int_eq(addr_trigger_add(w.trigger, &address_b, 24), 0);
        watch_settle(&w);
        ck_assert_uint_eq(w.n_calls, 3);
        ck_assert(!w.calls[0].trailing);
        ck_assert_int_eq(w.calls[0].choice.problem, CHOICE_NO_ADDRESS);
        ck_assert(!w.calls[1].trailing); /* the window has not ended */
        assert_address(&w.calls[1], "192.0.2.20");
        ck_assert_uint_gt(w.calls[1].event_usec, w.calls[0].event_usec);
        ck_assert(w.calls[2].trailing);
        assert_address(&w.calls[2], "192.0.2.20");
        watch_stop(&w);
}
END_TEST

/* As a DHCP client does it: without a default route the new address is not yet the guest's. */
START_TEST(test_replace_with_route) {
        start_with_route();
        ck_assert_int_eq(addr_trigger_delete(w.trigger, &address_a, 24), 0);
        watch_calls(&w, 1);
        ck_assert_int_eq(addr_trigger_add(w.trigger, &address_b, 24), 0);
        watch_calls(&w, 2);
        run("ip route add default via 192.0.2.1 dev " WATCHED);
        watch_settle(&w);
        ck_assert_uint_eq(w.n_calls, 4);
        ck_assert_int_eq(w.calls[1].choice.problem, CHOICE_NO_ROUTE);
        ck_assert(!w.calls[2].trailing);
        assert_address(&w.calls[2], "192.0.2.20");
        assert_gateway(&w.calls[2], "192.0.2.1");
        ck_assert(w.last.trailing);
        watch_stop(&w);
}
END_TEST

/* A loss without anything better is confirmed when the window ends. */
START_TEST(test_loss_is_confirmed) {
        start_with_route();
        w.interface = WATCHED;
        ck_assert_int_eq(addr_trigger_delete(w.trigger, &address_a, 24), 0);
        watch_settle(&w);
        ck_assert_uint_eq(w.n_calls, 2);
        ck_assert(!w.calls[0].trailing && w.calls[1].trailing);
        ck_assert_int_eq(w.calls[0].choice.problem, CHOICE_NO_ADDRESS);
        ck_assert_int_eq(w.calls[1].choice.problem, CHOICE_NO_ADDRESS);
        watch_stop(&w);
}
END_TEST

/* Only so many events are answered early. The next one waits for the end of the window, and after
 * quiet there are as many again. */
START_TEST(test_early_dumps_are_limited) {
        start_with_route();
        w.interface = WATCHED;
        for (unsigned round = 0; round < 2; round++) {
                watch_forget(&w);
                for (unsigned i = 0; i <= THROTTLE_EARLY_MAX; i++) {
                        ck_assert_int_eq((i % 2 ? addr_trigger_add
                                                : addr_trigger_delete)(w.trigger, &address_a, 24),
                                         0);
                        watch_calls(&w, i + 1);
                        ck_assert(!w.last.trailing);
                }
                ck_assert_int_eq(addr_trigger_delete(w.trigger, &address_a, 24), 0);
                watch_calls(&w, THROTTLE_EARLY_MAX + 2);
                ck_assert(w.last.trailing);
                ck_assert_int_eq(w.last.choice.problem, CHOICE_NO_ADDRESS);
                ck_assert_int_eq(addr_trigger_add(w.trigger, &address_a, 24), 0);
                watch_settle(&w);
                assert_address(&w.last, "192.0.2.10");
        }
        watch_stop(&w);
}
END_TEST

int main(void) {
        TCase *tcase = tcase_create("netwatch-replace");

        namespace_require();
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, test_replace_at_once);
        tcase_add_test(tcase, test_replace_within_window);
        tcase_add_test(tcase, test_replace_with_route);
        tcase_add_test(tcase, test_loss_is_confirmed);
        tcase_add_test(tcase, test_early_dumps_are_limited);
        return run_suite("netwatch-replace", tcase);
}
