/* SPDX-License-Identifier: MIT */

/*
 * Claim: after lost events, a storm or failing dumps the watch has exactly what the kernel has, and
 * a storm costs at most one dump per window and a few at its start.
 */

#include "agent/network/throttle.h"
#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define SMALL_BUFFER  (64 * 1024)
#define STORM_CHANGES 5001 /* odd: ends with an address in place */

static Watch w;

static const IpAddr base = {.family = IP_FAMILY_V4, .bytes = {192, 0, 2, 0}};
static const IpAddr address = {.family = IP_FAMILY_V4, .bytes = {192, 0, 2, 251}};

/* A window may begin at any time, so @usec may touch one more than fit into it. */
static void assert_dump_rate(const NetWatchStats *before, const NetWatchStats *after,
                             uint64_t usec) {
        ck_assert_uint_le(after->dumps - before->dumps,
                          THROTTLE_DUMPS_MAX(usec / NETWATCH_WINDOW_USEC + 1));
}

START_TEST(test_lost_events) {
        NetWatchStats before, after;
        char text[IP_TEXT_MAX];
        uint64_t start;
        IpAddr last;

        watch_start(&w, SMALL_BUFFER);
        w.interface = WATCHED;
        before = watch_stats(&w);
        start = now_usec();
        /* Nobody reads in the meantime, so the buffer overflows. */
        ck_assert_int_eq(addr_trigger_storm(w.trigger, &base, 24, STORM_CHANGES, &last), 0);
        watch_settle(&w);
        after = watch_stats(&w);
        ck_assert_uint_gt(after.lost, before.lost);
        ck_assert_uint_lt(after.events - before.events, STORM_CHANGES);
        ck_assert_uint_eq(after.failed, 0);
        assert_dump_rate(&before, &after, now_usec() - start);
        ip_format(&last, text);
        assert_address(&w.last, text);
        ck_assert(w.last.trailing);
        watch_stop(&w);
}
END_TEST

/* Routes to somewhere fill the buffer, and do not cause a dump. Only the kernel's ENOBUFS reports
 * what was lost behind them. */
START_TEST(test_lost_address_event) {
        NetWatchStats before, after;

        run("ip addr add 198.51.100.7/24 dev " WATCHED);
        watch_start(&w, SMALL_BUFFER);
        w.interface = WATCHED;
        before = watch_stats(&w);
        run("for i in $(seq 1000); do echo route add 203.0.113.0/24 dev " WATCHED
            "; echo route del 203.0.113.0/24; done | ip -batch -");
        run("ip addr replace 192.0.2.251/24 dev " WATCHED);
        run("ip addr del 198.51.100.7/24 dev " WATCHED);
        watch_settle(&w);
        after = watch_stats(&w);
        ck_assert_uint_gt(after.lost, before.lost);
        ck_assert_uint_lt(after.events - before.events, 2000);
        assert_address(&w.last, "192.0.2.251");
        watch_stop(&w);
}
END_TEST

/* Links are read again only after a message about one, and that message may be lost. */
START_TEST(test_lost_link_event) {
        NetWatchStats before, after;
        IpAddr last;

        run("ip addr add 198.51.100.7/24 dev " WATCHED);
        watch_start(&w, SMALL_BUFFER);
        w.interface = WATCHED;
        before = watch_stats(&w);
        ck_assert_int_eq(addr_trigger_storm(w.trigger, &base, 24, STORM_CHANGES, &last), 0);
        run("ip link set " WATCHED " down");
        watch_settle(&w);
        after = watch_stats(&w);
        ck_assert_uint_gt(after.lost, before.lost);
        ck_assert_int_eq(w.last.choice.problem, CHOICE_LINK_DOWN);
        watch_stop(&w);
}
END_TEST

static pid_t start_storm(void) {
        pid_t pid = fork();
        IpAddr last;

        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                _cleanup_(addr_trigger_freep) AddrTrigger *t = NULL;

                if (addr_trigger_new(&t, WATCHED) < 0)
                        _exit(1);
                while (addr_trigger_storm(t, &base, 24, 501, &last) == 0 &&
                       addr_trigger_delete(t, &last, 24) == 0)
                        ;
                _exit(1);
        }
        return pid;
}

/* During a storm that does not end there is still a dump for each window, and not more. */
START_TEST(test_sustained_storm) {
        NetWatchStats before, after;
        uint64_t start;
        unsigned n_trailing = 0;
        int status;
        pid_t pid;

        watch_start(&w, 0);
        w.interface = WATCHED;
        before = watch_stats(&w);
        start = now_usec();
        pid = start_storm();
        while (n_trailing < 6) {
                watch_calls(&w, w.n_calls + 1);
                if (w.last.trailing)
                        n_trailing++;
        }
        after = watch_stats(&w);
        assert_dump_rate(&before, &after, now_usec() - start);
        ck_assert_uint_gt(after.events - before.events, 10 * (after.dumps - before.dumps));
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFSIGNALED(status)); /* it was still running */
        run("ip addr flush dev " WATCHED);
        ck_assert_int_eq(addr_trigger_add(w.trigger, &address, 24), 0);
        watch_settle(&w);
        assert_address(&w.last, "192.0.2.251");
        watch_stop(&w);
}
END_TEST

/* Put /dev/null in place of the watch's blocking socket, which is the one for dumps. */
static void break_dump_socket(void) {
        int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC), n_broken = 0;

        ck_assert_int_ge(null_fd, 0);
        for (int fd = 3; fd < 64; fd++) {
                struct timeval timeout = {0};
                socklen_t size = sizeof(timeout);

                if (getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, &size) < 0 ||
                    timeout.tv_sec == 0)
                        continue;
                ck_assert_int_eq(dup3(null_fd, fd, O_CLOEXEC), fd);
                n_broken++;
        }
        ck_assert_int_eq(n_broken, 1);
        (void) close(null_fd);
}

START_TEST(test_failed_dump_is_retried) {
        watch_start(&w, 0);
        w.interface = WATCHED;
        break_dump_socket();
        ck_assert_int_eq(addr_trigger_add(w.trigger, &address, 24), 0);
        watch_settle(&w);
        ck_assert_uint_eq(watch_stats(&w).failed, 1);
        assert_address(&w.last, "192.0.2.251");
        ck_assert(w.last.trailing);
        watch_stop(&w);
}
END_TEST

START_TEST(test_retries_grow_rare) {
        struct rlimit limit, none;
        uint64_t start, failed, most = 1, usec = 0;

        watch_start(&w, 0);
        w.interface = WATCHED;
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        break_dump_socket();
        none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0); /* the socket cannot be replaced */
        ck_assert_int_eq(addr_trigger_add(w.trigger, &address, 24), 0);
        start = now_usec();
        while (now_usec() - start < USEC_PER_SEC || watch_stats(&w).failed < 2)
                ck_assert_int_ge(sd_event_run(w.event, USEC_PER_SEC / 4), 0);
        failed = watch_stats(&w).failed;
        /* One comes at once, then more after 1, 2, 4, … windows. */
        for (uint64_t delay = NETWATCH_WINDOW_USEC; usec <= now_usec() - start; delay *= 2) {
                usec += delay;
                most++;
        }
        ck_assert_uint_le(failed, most);
        /* A failure is not an empty snapshot. The new address was reported before it. */
        ck_assert_uint_eq(w.n_calls, 1);
        assert_address(&w.last, "192.0.2.251");
        /* More events do not cause more tries. */
        ck_assert_int_eq(addr_trigger_delete(w.trigger, &address, 24), 0);
        ck_assert_int_eq(addr_trigger_add(w.trigger, &address, 24), 0);
        ck_assert_int_ge(sd_event_run(w.event, 0), 0);
        ck_assert_uint_le(watch_stats(&w).failed, failed + 1);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        watch_calls(&w, 2);
        assert_address(&w.last, "192.0.2.251");
        watch_stop(&w);
}
END_TEST

/* An agent that can no longer look must not keep the last address in force for ever. */
START_TEST(test_dumps_that_always_fail_end_the_loop) {
        struct rlimit limit, none;

        watch_start(&w, 0);
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        break_dump_socket();
        none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
        for (unsigned i = 1; i < NETWATCH_FAILURES_MAX; i++)
                ck_assert_int_eq(netwatch_refresh(w.netwatch), 0);
        ck_assert_int_lt(netwatch_refresh(w.netwatch), 0);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        ck_assert_int_eq(netwatch_refresh(w.netwatch), 0); /* only failures in a row count */
        watch_stop(&w);
}
END_TEST

int main(void) {
        TCase *tcase = tcase_create("storm");

        namespace_require();
        tcase_set_timeout(tcase, 120);
        tcase_add_test(tcase, test_lost_events);
        tcase_add_test(tcase, test_lost_address_event);
        tcase_add_test(tcase, test_lost_link_event);
        tcase_add_test(tcase, test_sustained_storm);
        tcase_add_test(tcase, test_failed_dump_is_retried);
        tcase_add_test(tcase, test_retries_grow_rare);
        tcase_add_test(tcase, test_dumps_that_always_fail_end_the_loop);
        return run_suite("netwatch-storm", tcase);
}
