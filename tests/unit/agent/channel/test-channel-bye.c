/* SPDX-License-Identifier: MIT */

/*
 * Claim: saying goodbye to a helper that reads too slowly takes no longer than CHANNEL_BYE_MSEC.
 * The linker puts a clock and a poll() of the test in place of the real ones (--wrap), so the test
 * waits for nothing.
 */

#include "tests/unit/agent/channel/channel-peer.h"

#include "agent/channel/channel-private.h"

#include <poll.h>
#include <time.h>

#define READS_EVERY_MSEC 400 /* so one pause is not enough, and two are too much */

int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);

static uint64_t waited_msec;
static unsigned n_polls;

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret) {
        int r = __real_clock_gettime(clock, ret);

        ret->tv_sec += (time_t) (waited_msec / 1000);
        ret->tv_nsec += (long) (waited_msec % 1000) * 1000000;
        if (ret->tv_nsec >= 1000000000) {
                ret->tv_sec++;
                ret->tv_nsec -= 1000000000;
        }
        return r;
}

/* The helper takes a little, and the rest does not fit. */
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout) {
        ck_assert_uint_eq(n, 1);
        ck_assert_int_eq(fds->fd, channel->fd);
        ck_assert_int_gt(timeout, 0);
        n_polls++;
        waited_msec += (uint64_t) (timeout < READS_EVERY_MSEC ? timeout : READS_EVERY_MSEC);
        return 1;
}

static void fill_the_socket(void) {
        static const char bytes[4096];

        while (send(channel->fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
        }
}

START_TEST(test_a_helper_that_reads_slowly) {
        static void (*const goodbyes[])(Channel *, const char *) = {channel_bye, channel_leave};

        connect_well();
        fill_the_socket();
        goodbyes[_i](channel, "the agent stops");
        ck_assert_uint_gt(n_polls, 0);
        ck_assert_uint_le(waited_msec, CHANNEL_BYE_MSEC + 1); /* poll() counts whole ones */
        ck_assert_int_eq(channel_state(channel), CHANNEL_IDLE);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("channel-bye");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_loop_test(t, test_a_helper_that_reads_slowly, 0, 2);
        return test_run(t, "channel-bye");
}
