/* SPDX-License-Identifier: MIT */

/*
 * Claim: deferred work runs once for any number of requests, after a socket that is readable and
 * before the status is written; spaced requests keep their distance; a failure ends the loop.
 */

#include "agent/daemon/deferred-work.h"

#include "tests/unit/agent/testing.h"

#include <sys/epoll.h>

static sd_event *event;
static DeferredWork *work;
static char order[8]; /* who ran, as letters */
static size_t n_order;
static int result;

static int note(char who) {
        ck_assert_uint_lt(n_order, sizeof(order) - 1);
        order[n_order++] = who;
        order[n_order] = '\0';
        return 0;
}

static int on_work(void *userdata) {
        (void) note('w');
        return result;
}

static int on_socket(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        char byte;

        ck_assert_int_eq(read(fd, &byte, 1), 1);
        return note('s');
}

static int on_idle(sd_event_source *s, void *userdata) {
        return note('i');
}

static void run_until_quiet(void) {
        while (sd_event_run(event, 0) > 0)
                ;
}

static void setup(void) {
        n_order = 0;
        order[0] = '\0';
        result = 0;
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(deferred_work_new(&work, event, on_work, NULL), 0);
}

static void teardown(void) {
        deferred_work_free(work);
        sd_event_unref(event);
}

START_TEST(test_nothing_runs_without_a_request) {
        run_until_quiet();
        ck_assert_str_eq(order, "");
}
END_TEST

START_TEST(test_many_requests_run_it_once) {
        for (unsigned i = 0; i < 3; i++)
                deferred_work_request(work);
        run_until_quiet();
        ck_assert_str_eq(order, "w");
        deferred_work_request(work);
        run_until_quiet();
        ck_assert_str_eq(order, "ww");
}
END_TEST

START_TEST(test_runs_after_sockets_and_before_idle_sources) {
        sd_event_source *idle = NULL, *io = NULL;
        int fds[2];

        ck_assert_int_eq(pipe(fds), 0);
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        ck_assert_int_ge(sd_event_add_defer(event, &idle, on_idle, NULL), 0);
        ck_assert_int_ge(sd_event_source_set_priority(idle, SD_EVENT_PRIORITY_IDLE), 0);
        deferred_work_request(work);
        ck_assert_int_ge(sd_event_add_io(event, &io, fds[0], EPOLLIN, on_socket, NULL), 0);
        run_until_quiet();
        ck_assert_str_eq(order, "swi");
        sd_event_source_disable_unref(idle);
        sd_event_source_disable_unref(io);
        close(fds[0]);
        close(fds[1]);
}
END_TEST

START_TEST(test_spaced_requests_keep_their_distance) {
        deferred_work_request_spaced(work, 3600 * USEC_PER_SEC); /* it has never run */
        run_until_quiet();
        ck_assert_str_eq(order, "w");
        deferred_work_request_spaced(work, 3600 * USEC_PER_SEC);
        run_until_quiet();
        ck_assert_str_eq(order, "w");
        deferred_work_request_spaced(work, 0);
        run_until_quiet();
        ck_assert_str_eq(order, "ww");
}
END_TEST

START_TEST(test_failure_ends_the_loop) {
        result = -ENOMEM;
        deferred_work_request(work);
        ck_assert_int_eq(sd_event_loop(event), -ENOMEM);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("deferred-work");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, test_nothing_runs_without_a_request);
        tcase_add_test(t, test_many_requests_run_it_once);
        tcase_add_test(t, test_runs_after_sockets_and_before_idle_sources);
        tcase_add_test(t, test_spaced_requests_keep_their_distance);
        tcase_add_test(t, test_failure_ends_the_loop);
        return test_run(t, "deferred-work");
}
