/* SPDX-License-Identifier: MIT */

/* See fixture.h. Nothing here is timed: to settle is to wait for silence, however long it takes. */

#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define SKIPPED 77

static int write_file(const char *path, const char *text) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        return write(fd, text, strlen(text)) == (ssize_t) strlen(text) ? 0 : -EIO;
}

/* As root of a user namespace where we are not root already. Without the maps a program that is
 * executed (ip) would have lost its capabilities. */
static int enter_namespace(void) {
        char uid_map[32], gid_map[32];

        (void) snprintf(uid_map, sizeof(uid_map), "0 %u 1", geteuid());
        (void) snprintf(gid_map, sizeof(gid_map), "0 %u 1", getegid());
        if (geteuid() == 0 && unshare(CLONE_NEWNET) == 0)
                return 0;
        if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
                return -errno;
        if (write_file("/proc/self/setgroups", "deny") < 0 ||
            write_file("/proc/self/uid_map", uid_map) < 0 ||
            write_file("/proc/self/gid_map", gid_map) < 0)
                return -EPERM;
        return 0;
}

void require_namespaces(void) {
        pid_t pid = fork();
        int status;

        if (pid == 0)
                _exit(enter_namespace() < 0 ||
                      system("ip link add " WATCHED " type veth peer name " PEER) != 0);
        if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
            WEXITSTATUS(status) != 0) {
                (void) fprintf(stderr, "network namespaces with veth are not permitted here\n");
                exit(SKIPPED);
        }
}

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

void namespace_setup(void) {
        ck_assert_int_eq(enter_namespace(), 0);
        (void) write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
        (void) write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
        run("ip link set lo up");
        run("ip link add " WATCHED " type veth peer name " PEER);
        run("ip link set " PEER " up");
        run("ip link set " WATCHED " up");
}

static int on_snapshot(NetWatch *nw, const Snapshot *s, uint64_t event_usec, bool trailing,
                       void *userdata) {
        Watch *w = userdata;

        w->last = (Call){.trailing = trailing,
                         .event_usec = event_usec,
                         .n_links = s->n_links,
                         .n_addresses = s->n_addresses,
                         .n_routes = s->n_routes};
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

NetWatchStats watch_stats(const Watch *w) {
        NetWatchStats stats;

        netwatch_stats(w->netwatch, &stats);
        return stats;
}

void assert_address(const Call *call, const char *expected) {
        char text[IP_TEXT_MAX];

        ip_format(&call->choice.v4.addr, text);
        ck_assert_str_eq(text, expected);
}

int run_suite(const char *name, TCase *tcase) {
        Suite *suite = suite_create(name);
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tcase, namespace_setup, NULL);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
