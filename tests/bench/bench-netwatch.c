/* SPDX-License-Identifier: MIT */

/*
 * Measures how long it takes from the change of an address in the kernel until another process has
 * received it, and what a storm of changes costs. Prints one line of JSON per metric. Exit code 1
 * means that a result is wrong, 77 that namespaces are not permitted.
 *
 * Latency is the whole way as an outside process sees it: from before the request to the kernel
 * until the bytes of a STATE have arrived over a socketpair. The baseline is a process that blocks
 * on a netlink socket and writes as many bytes for each address event, without doing anything else.
 *
 *      bench-netwatch [EVENTS [CHANGES]]      the default is 1000 and 100000
 */

#include "agent/network/netwatch.h"
#include "agent/network/throttle.h"
#include "tests/bench/addr-trigger.h"
#include "tests/netns/namespace.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define EVENTS       1000
#define CHANGES      100000
#define STATE_BYTES  256 /* a STATE with a service or two */
#define SPACING_USEC (NETWATCH_WINDOW_USEC + 10 * USEC_PER_MSEC)
#define SMALL_BUFFER (64 * 1024)

static const IpAddr base = {.family = IP_FAMILY_V4, .bytes = {192, 0, 2, 0}};
static const IpAddr address = {.family = IP_FAMILY_V4, .bytes = {192, 0, 2, 251}};

typedef union State { /* the bytes that are written; our own reporter puts its duration into them */
        uint8_t bytes[STATE_BYTES];
        uint64_t own_usec; /* since the first message was read; 0: not known */
} State;

typedef struct Latency {
        double p50, p95, p99, max;
} Latency;

typedef int (*ReporterFn)(int fd);

/* The baseline, without a dump, a choice of address or an event loop. */
static int report_raw(int fd) {
        struct sockaddr_nl local = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR};
        _cleanup_close_ int netlink_fd = -1;
        const State state = {0};
        uint8_t buffer[8192];

        netlink_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        if (netlink_fd < 0 || bind(netlink_fd, (struct sockaddr *) &local, sizeof(local)) < 0 ||
            write(fd, "", 1) != 1)
                return -errno;
        for (;;)
                if (recv(netlink_fd, buffer, sizeof(buffer), 0) < 0 ||
                    write(fd, &state, sizeof(state)) != sizeof(state))
                        return -errno;
}

static int write_state(NetWatch *w, const Snapshot *s, uint64_t event_usec, bool trailing,
                       void *userdata) {
        const int *fd = userdata;
        State state = {0};
        Choice choice;

        snapshot_choose(s, "", &choice);
        if (trailing) /* a confirmation, in which the agent would see no change */
                return 0;
        state.own_usec = now_usec() - event_usec;
        return write(*fd, &state, sizeof(state)) == sizeof(state) ? 0 : -errno;
}

static int report_netwatch(int fd) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(netwatch_freep) NetWatch *w = NULL;
        int r;

        r = sd_event_new(&event);
        if (r >= 0)
                r = netwatch_new(&w, event, 0, write_state, &fd);
        if (r >= 0)
                r = netwatch_refresh(w);
        if (r >= 0 && write(fd, "", 1) != 1)
                r = -errno;
        return r < 0 ? r : sd_event_loop(event);
}

static int compare_usec(const void *a, const void *b) {
        const double *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

static double monotonic_usec(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (double) ts.tv_sec * 1e6 + (double) ts.tv_nsec / 1e3;
}

static Latency latency_of(double *usec, unsigned n) {
        qsort(usec, n, sizeof(*usec), compare_usec);
        return (Latency){usec[n / 2], usec[n * 95 / 100], usec[n * 99 / 100], usec[n - 1]};
}

/* Add and delete in turns, each after the reporter has become idle. Return: 0 or negative errno. */
static int trigger_and_time(int fd, unsigned n, double *usec, double *own_usec) {
        const struct timespec pause = {.tv_nsec = (long) (SPACING_USEC * 1000)};
        _cleanup_(addr_trigger_freep) AddrTrigger *t = NULL;
        State state;
        int r;

        r = addr_trigger_new(&t, WATCHED);
        for (unsigned i = 0; r >= 0 && i < n; i++) {
                double start;

                (void) nanosleep(&pause, NULL);
                start = monotonic_usec();
                r = i % 2 == 0 ? addr_trigger_add(t, &address, 24)
                               : addr_trigger_delete(t, &address, 24);
                if (r >= 0 && recv(fd, &state, sizeof(state), MSG_WAITALL) != sizeof(state))
                        r = -EPIPE;
                usec[i] = monotonic_usec() - start;
                own_usec[i] = (double) state.own_usec;
        }
        return r < 0 ? r : 0;
}

static int measure(ReporterFn reporter, unsigned n, Latency *ret_latency, Latency *ret_own) {
        _cleanup_free_ double *usec = calloc(n, sizeof(*usec));
        _cleanup_free_ double *own_usec = calloc(n, sizeof(*own_usec));
        int fds[2], r = 0;
        uint8_t ready;
        pid_t pid;

        if (!usec || !own_usec || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
                return -ENOMEM;
        pid = fork();
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) close(fds[0]);
                _exit(reporter(fds[1]) < 0);
        }
        (void) close(fds[1]);
        if (pid < 0 || recv(fds[0], &ready, 1, 0) != 1)
                r = -EPIPE;
        if (r >= 0)
                r = trigger_and_time(fds[0], n, usec, own_usec);
        if (pid > 0) {
                (void) kill(pid, SIGKILL);
                (void) waitpid(pid, NULL, 0);
        }
        (void) close(fds[0]);
        if (r < 0)
                return r;
        *ret_latency = latency_of(usec, n);
        *ret_own = latency_of(own_usec, n);
        return 0;
}

static void print_latency(const char *name, unsigned n, const Latency *l) {
        (void) printf("{\"name\": \"%s\", \"unit\": \"usec\", \"events\": %u, \"p50\": %.1f, "
                      "\"p95\": %.1f, \"p99\": %.1f, \"max\": %.1f",
                      name, n, l->p50, l->p95, l->p99, l->max);
}

static int bench_latency(unsigned n) {
        Latency raw, ours, own, unused;
        int r;

        r = measure(report_raw, n, &raw, &unused);
        if (r >= 0)
                r = measure(report_netwatch, n, &ours, &own);
        if (r < 0)
                return r;
        print_latency("address event to state received", n, &ours);
        (void) printf(", \"baseline\": \"raw netlink read and write\", \"baseline_p50\": %.1f, "
                      "\"baseline_p95\": %.1f, \"baseline_p99\": %.1f, \"baseline_max\": %.1f, "
                      "\"ratio\": %.2f}\n",
                      raw.p50, raw.p95, raw.p99, raw.max, ours.p50 / raw.p50);
        print_latency("of which from the first read to the choice", n, &own);
        (void) printf("}\n");
        return 0;
}

typedef struct Storm {
        IpAddr chosen;
        bool settled; /* the latest snapshot has the last address of the storm */
        uint64_t settled_usec;
} Storm;

static int follow_storm(NetWatch *w, const Snapshot *s, uint64_t event_usec, bool trailing,
                        void *userdata) {
        Storm *storm = userdata;
        Choice choice;

        snapshot_choose(s, WATCHED, &choice);
        storm->chosen = choice.v4.addr;
        if (!storm->settled && ip_compare(&choice.v4.addr, &address) == 0) {
                storm->settled = true;
                storm->settled_usec = now_usec();
        }
        return 0;
}

/* Make a storm of changes, after which only its last address exists. */
static int storm_child(unsigned n) {
        _cleanup_(addr_trigger_freep) AddrTrigger *t = NULL;
        IpAddr last;
        int r;

        r = addr_trigger_new(&t, WATCHED);
        if (r >= 0)
                r = addr_trigger_storm(t, &base, 24, n | 1, &last);
        if (r >= 0)
                r = addr_trigger_delete(t, &last, 24);
        return r < 0 ? r : addr_trigger_add(t, &address, 24);
}

static void print_storm(unsigned n, unsigned buffer, uint64_t usec, uint64_t windows, double cpu,
                        const NetWatchStats *stats, const Storm *storm, bool right) {
        (void) printf("{\"name\": \"%u address changes in a burst, %s buffer\", \"unit\": "
                      "\"dumps\", \"dumps\": %" PRIu64 ", \"windows\": %" PRIu64
                      ", \"dumps_max\": %" PRIu64 ", \"usec\": %" PRIu64
                      ", \"cpu_usec\": %.0f, \"lost_episodes\": %" PRIu64 ", \"failed\": %" PRIu64
                      ", \"final_state\": \"%s\"}\n",
                      n, buffer ? "64 KiB" : "default", stats->dumps, windows,
                      THROTTLE_DUMPS_MAX(windows), usec, cpu, stats->lost, stats->failed,
                      right ? "right" : "wrong");
}

static double cpu_usec(void) {
        struct rusage u;

        (void) getrusage(RUSAGE_SELF, &u);
        return (double) (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
               (double) (u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Return: 0; -ERANGE when the final state is wrong or there were too many dumps; other negative
 * errno. */
static int bench_storm(unsigned n, unsigned buffer) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(netwatch_freep) NetWatch *w = NULL;
        Storm storm = {0};
        NetWatchStats stats;
        uint64_t start, usec, windows;
        double cpu = cpu_usec();
        bool right;
        pid_t pid;
        int r;

        r = sd_event_new(&event);
        if (r >= 0)
                r = netwatch_new(&w, event, buffer, follow_storm, &storm);
        if (r < 0)
                return r;
        if (system("ip addr flush dev " WATCHED) != 0)
                return -EIO;
        start = now_usec();
        pid = fork();
        if (pid == 0)
                _exit(storm_child(n) < 0);
        /* Until the end of the storm was seen, and then until nothing more comes. */
        do {
                r = sd_event_run(event, 3 * NETWATCH_WINDOW_USEC);
        } while (r > 0 || (r == 0 && !storm.settled && waitpid(pid, NULL, WNOHANG) == 0));
        (void) waitpid(pid, NULL, 0);
        usec = (storm.settled ? storm.settled_usec : now_usec()) - start;
        windows = usec / NETWATCH_WINDOW_USEC + 1;
        netwatch_stats(w, &stats);
        right = storm.settled && ip_compare(&storm.chosen, &address) == 0;
        print_storm(n, buffer, usec, windows, cpu_usec() - cpu, &stats, &storm, right);
        return r < 0 ? r : right && stats.dumps <= THROTTLE_DUMPS_MAX(windows) ? 0 : -ERANGE;
}

int main(int argc, char **argv) {
        unsigned events = argc > 1 ? (unsigned) atoi(argv[1]) : EVENTS;
        unsigned changes = argc > 2 ? (unsigned) atoi(argv[2]) : CHANGES;
        int r;

        (void) setvbuf(stdout, NULL, _IOLBF, 0);
        namespace_require();
        r = namespace_enter();
        if (r >= 0)
                r = bench_latency(events + events % 2); /* even, so that each add has its delete */
        if (r >= 0)
                r = bench_storm(changes, 0);
        if (r >= 0)
                r = bench_storm(changes, SMALL_BUFFER);
        if (r < 0)
                (void) fprintf(stderr, "bench-netwatch: %s\n", strerror(-r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
