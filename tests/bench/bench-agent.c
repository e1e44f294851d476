/* SPDX-License-Identifier: MIT */

/*
 * Measures how long it takes from a change of address in the kernel until the agent's STATE has
 * arrived at the helper. This is the whole way of the real program, from before the request to the
 * kernel until the bytes can be read from the socket. The floor is a process that blocks on a
 * netlink socket and writes as many bytes for each address event, without doing anything else.
 * Between them are processes that do a part of what the agent does, and show where the time goes.
 * All of them are measured in turn, address by address, so that they see the same machine.
 *
 * Prints one line of JSON for each kind of change, with the times of all of them. Exit code 1 means
 * that something is wrong, 77 that namespaces are not permitted.
 *
 *      bench-agent AGENT [EVENTS [SERVICES]]      the default is 300 events and 1 service
 */

#include "reporters.h"

#include "tests/netns/namespace.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define EVENTS       300
#define SERVICES_MAX 10000
#define QUIET_USEC   70000 /* longer than a throttle window, after which the agent is idle again */
#define TURN_USEC    4000  /* between two reporters; in a window, a loss is not yet believed */
#define PRIORITY     10    /* of SCHED_FIFO, for all alike, so that other load weighs less */

static const IpAddr first = {.family = IP_FAMILY_V4, .bytes = {192, 0, 2, 251}};
static const IpAddr second = {.family = IP_FAMILY_V4, .bytes = {198, 51, 100, 7}};

enum { FLOOR, LOOP, CHOICE, AGENT, _REPORTERS };

static const struct {
        const char *text;
        ReportFn fn; /* NULL: the agent itself */
} kinds[_REPORTERS] = {
        [FLOOR] = {"raw netlink read and write", report_floor},
        [LOOP] = {"waits in sd-event's loop", report_loop},
        [CHOICE] = {"follows the addresses, chooses one", report_choice},
        [AGENT] = {"makes the STATE and writes it: the agent", NULL},
};

static Reporter reporters[_REPORTERS];

typedef struct Times {
        double *added[_REPORTERS], *replaced[_REPORTERS];
} Times;

static int start_all(const char *agent, unsigned n_services) {
        int e = reporter_start_agent(&reporters[AGENT], agent, n_services);

        for (unsigned k = 0; e >= 0 && k < AGENT; k++)
                e = reporter_start(&reporters[k], kinds[k].fn, reporters[AGENT].state_size);
        return e;
}

/* Add @addr and take the time. */
static int add(Reporter *r, const IpAddr *addr, double *ret_usec) {
        double start = monotonic_usec(), end = 0;
        int e;

        e = addr_trigger_add(r->trigger, addr, 24);
        if (e >= 0)
                e = reporter_wait(r, &end);
        *ret_usec = end - start;
        if (e >= 0 && r->session && ip_compare(&r->told, addr) != 0)
                return -ERANGE;
        return e;
}

static int add_first(Reporter *r, double *ret_usec) {
        return add(r, &first, ret_usec);
}

/* The agent does not tell of the loss, because it waits for what comes next. All others do. */
static int replace(Reporter *r, double *ret_usec) {
        ssize_t n;
        int e = addr_trigger_delete(r->trigger, &first, 24);

        if (e < 0)
                return e;
        (void) usleep(TURN_USEC);
        n = reporter_drain(r);
        if (n < 0 || (r->session && n > 0))
                return n < 0 ? (int) n : -ERANGE;
        return add(r, &second, ret_usec);
}

static int lose(Reporter *r, double *ret_usec) {
        int e = addr_trigger_delete(r->trigger, &second, 24);

        *ret_usec = 0;
        return e < 0 ? e : reporter_wait(r, &(double){0});
}

/* One step of a round for each reporter, each time beginning with another one. */
static int each(unsigned round, int (*step)(Reporter *, double *), double *usec[_REPORTERS]) {
        int e = 0;

        for (unsigned k = 0; e >= 0 && k < _REPORTERS; k++) {
                unsigned i = (round + k) % _REPORTERS;
                double unused;

                (void) usleep(TURN_USEC);
                e = step(&reporters[i], usec ? &usec[i][round] : &unused);
        }
        (void) usleep(QUIET_USEC);
        return e;
}

static int run(unsigned n, Times *t) {
        int e = 0;

        (void) usleep(QUIET_USEC);
        for (unsigned round = 0; e >= 0 && round < n; round++) {
                e = each(round, add_first, t->added);
                if (e >= 0)
                        e = each(round, replace, t->replaced);
                if (e >= 0)
                        e = each(round, lose, NULL);
        }
        return e;
}

/* All times in the order of the rounds, so that those of a round make pairs. */
static void print_times(const char *name, unsigned n, double *usec[_REPORTERS]) {
        (void) printf("{\"way\": \"%s\", \"bytes\": %zu, \"usec\": {", name,
                      reporters[AGENT].state_size);
        for (unsigned k = 0; k < _REPORTERS; k++) {
                (void) printf("%s\"%s\": [", k > 0 ? ", " : "", kinds[k].text);
                for (unsigned i = 0; i < n; i++)
                        (void) printf("%s%.1f", i > 0 ? ", " : "", usec[k][i]);
                (void) printf("]");
        }
        (void) printf("}}\n");
}

static int allocate(Times *t, unsigned n) {
        for (unsigned k = 0; k < _REPORTERS; k++) {
                reporters[k] = REPORTER_NULL;
                t->added[k] = calloc(n, sizeof(double));
                t->replaced[k] = calloc(n, sizeof(double));
                if (!t->added[k] || !t->replaced[k])
                        return -ENOMEM;
        }
        return 0;
}

int main(int argc, char **argv) {
        const struct sched_param priority = {.sched_priority = PRIORITY};
        unsigned n = argc > 2 ? (unsigned) atoi(argv[2]) : EVENTS;
        unsigned n_services = argc > 3 ? (unsigned) atoi(argv[3]) : 1;
        Times t = {0};
        int e;

        if (argc < 2 || n == 0 || n_services > SERVICES_MAX) {
                (void) fprintf(stderr, "usage: bench-agent AGENT [EVENTS [SERVICES]]\n");
                return EXIT_FAILURE;
        }
        namespace_require();
        e = allocate(&t, n);
        (void) sched_setscheduler(0, SCHED_FIFO, &priority); /* where it is allowed */
        if (e >= 0)
                e = start_all(argv[1], n_services);
        if (e >= 0)
                e = run(n, &t);
        if (e >= 0) {
                print_times("added", n, t.added);
                print_times("replaced", n, t.replaced);
        }
        for (unsigned k = 0; k < _REPORTERS; k++) {
                reporter_done(&reporters[k]);
                free(t.added[k]);
                free(t.replaced[k]);
        }
        if (e < 0)
                (void) fprintf(stderr, "bench-agent: %s\n", strerror(-e));
        return e < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
