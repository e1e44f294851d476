/* SPDX-License-Identifier: MIT */

/*
 * Measures what a storm of changes costs the address watch, and whether it ends up with the right
 * state. Prints one line of JSON for each storm. Exit code 1 means that a result is wrong, 77 that
 * namespaces are not permitted.
 *
 *      bench-netwatch [CHANGES]      the default is 100000
 */

#include "agent/network/netwatch.h"
#include "agent/network/throttle.h"
#include "tests/bench/addr-trigger.h"
#include "tests/netns/namespace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define CHANGES      100000
#define SMALL_BUFFER (64 * 1024)

static const IpAddr base = {.family = IP_FAMILY_V4, .bytes = {192, 0, 2, 0}};
static const IpAddr address = {.family = IP_FAMILY_V4, .bytes = {192, 0, 2, 251}};

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
                      ", \"usec\": %" PRIu64 ", \"cpu_usec\": %.0f, \"lost_episodes\": %" PRIu64
                      ", \"failed\": %" PRIu64 ", \"final_state\": \"%s\"}\n",
                      n, buffer ? "64 KiB" : "default", stats->dumps, windows, usec, cpu,
                      stats->lost, stats->failed, right ? "right" : "wrong");
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
        unsigned changes = argc > 1 ? (unsigned) atoi(argv[1]) : CHANGES;
        int r;

        (void) setvbuf(stdout, NULL, _IOLBF, 0);
        namespace_require();
        r = namespace_enter();
        if (r >= 0)
                r = bench_storm(changes, 0);
        if (r >= 0)
                r = bench_storm(changes, SMALL_BUFFER);
        if (r < 0)
                (void) fprintf(stderr, "bench-netwatch: %s\n", strerror(-r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
