/* SPDX-License-Identifier: MIT */

/* The fixture of the netns tests; see fixture.h. Nothing here is timed: settling means waiting for
 * silence, however long it takes. */

#include "fixture.h"
#include "tests/suite.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const IpAddr address_a = {.family = IP_FAMILY_V4, .bytes = {192, 0, 2, 10}};
const IpAddr address_b = {.family = IP_FAMILY_V4, .bytes = {192, 0, 2, 20}};

void run(const char *format, ...) {
        char command[256];
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(command, sizeof(command), format, ap);
        va_end(ap);
        ck_assert_int_lt(n, (int) sizeof(command));
        ck_assert_msg(system(command) == 0, "failed: %s", command);
}

static void namespace_setup(void) {
        ck_assert_int_eq(namespace_enter(), 0);
}

static int on_snapshot(NetWatch *nw, const Snapshot *s, uint64_t event_usec, bool trailing,
                       void *userdata) {
        Watch *w = userdata;
        NetWatchStats stats;

        netwatch_stats(nw, &stats);
        w->last = (Call){.trailing = trailing,
                         .event_usec = event_usec,
                         .n_links = s->n_links,
                         .n_addresses = s->n_addresses,
                         .n_routes = s->n_routes,
                         .n_dumps = stats.dumps};
        snapshot_choose(s, w->interface, &w->last.choice);
        if (w->n_calls < CALLS_MAX)
                w->calls[w->n_calls] = w->last;
        w->n_calls++;
        return w->result;
}

void watch_start(Watch *w, unsigned receive_buffer) {
        *w = (Watch){.interface = ""};
        ck_assert_int_ge(sd_event_new(&w->event), 0);
        ck_assert_int_eq(addr_trigger_new(&w->trigger, WATCHED), 0);
        ck_assert_int_eq(netwatch_new(&w->netwatch, w->event, receive_buffer, on_snapshot, w), 0);
        ck_assert_int_eq(netwatch_refresh(w->netwatch), 0);
        ck_assert_uint_eq(w->n_calls, 1);
        watch_settle(w);
        watch_forget(w);
}

void watch_start_with_route(Watch *w) {
        run("ip addr add 192.0.2.10/24 dev " WATCHED);
        run("ip route add default via 192.0.2.1 dev " WATCHED " metric 100");
        watch_start(w, 0);
}

void watch_stop(Watch *w) {
        netwatch_free(w->netwatch);
        addr_trigger_free(w->trigger);
        sd_event_unref(w->event);
}

void watch_forget(Watch *w) {
        w->n_calls = 0;
}

void watch_settle(Watch *w) {
        int r;

        do {
                r = sd_event_run(w->event, 3 * NETWATCH_WINDOW_USEC);
                ck_assert_int_ge(r, 0);
        } while (r > 0);
}

void watch_calls(Watch *w, unsigned n) {
        while (w->n_calls < n)
                ck_assert_int_ge(sd_event_run(w->event, UINT64_MAX), 0);
}

void watch_dumps(Watch *w, uint64_t n) {
        while (watch_stats(w).dumps < n)
                ck_assert_int_ge(sd_event_run(w->event, UINT64_MAX), 0);
}

NetWatchStats watch_stats(const Watch *w) {
        NetWatchStats stats;

        netwatch_stats(w->netwatch, &stats);
        return stats;
}

static void assert_ip(const IpAddr *addr, const char *expected) {
        char text[IP_TEXT_MAX];

        ip_format(addr, text);
        ck_assert_str_eq(text, expected);
}

void assert_address(const Call *call, const char *expected) {
        assert_ip(&call->choice.v4.addr, expected);
}

void assert_gateway(const Call *call, const char *expected) {
        assert_ip(&call->choice.v4.gateway, expected);
}

int run_suite(const char *name, TCase *tcase) {
        Suite *suite = suite_create(name);

        tcase_add_checked_fixture(tcase, namespace_setup, NULL);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
