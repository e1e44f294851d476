/* SPDX-License-Identifier: MIT */

/*
 * Measures how long it takes from a new address in the kernel until the agent's STATE has arrived
 * at the helper. This is the whole way of the real program, from before the request to the kernel
 * until the bytes can be read from the socket. The baseline is a process that blocks on a netlink
 * socket and writes as many bytes for each address event, without doing anything else. Prints one
 * line of JSON. Exit code 1 means that something is wrong, 77 that namespaces are not permitted.
 *
 *      bench-agent AGENT [EVENTS [SERVICES]]      the default is 500 events and 1 service
 */

#include "protocol/session/session-helper.h"
#include "tests/bench/addr-trigger.h"
#include "tests/netns/namespace.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define EVENTS       500
#define SERVICES_MAX 10000
#define QUIET_USEC   70000 /* longer than a throttle window, after which the agent is idle again */
#define READ_SIZE    (256 * 1024)

static const IpAddr address = {.family = IP_FAMILY_V4, .bytes = {192, 0, 2, 251}};

typedef struct Bench {
        char directory[64];
        int fd; /* receives the STATE or the bytes of the baseline */
        pid_t pid;
        HelperSession *session; /* NULL for the baseline */
        Buffer in, out;
        size_t state_size; /* bytes of a STATE with an address */
} Bench;

static double monotonic_usec(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (double) ts.tv_sec * 1e6 + (double) ts.tv_nsec / 1e3;
}

static int write_file(const Bench *b, const char *name, const char *text) {
        char path[128];
        FILE *f;

        (void) snprintf(path, sizeof(path), "%s/%s", b->directory, name);
        f = fopen(path, "we");
        if (!f)
                return -errno;
        (void) fputs(text, f);
        return fclose(f) == 0 ? 0 : -errno;
}

static int write_configuration(const Bench *b, unsigned n_services) {
        char text[256];
        int r;

        (void) snprintf(text, sizeof(text), "mkdir -p %s/etc/wslbridge/services.d", b->directory);
        if (system(text) != 0)
                return -EIO;
        (void) snprintf(text, sizeof(text), "[agent]\ninterface = %s\nhelper = unix:%s/helper\n",
                        WATCHED, b->directory);
        r = write_file(b, "etc/wslbridge/agent.conf", text);
        for (unsigned i = 0; r >= 0 && i < n_services; i++) {
                char name[64];

                (void) snprintf(name, sizeof(name), "etc/wslbridge/services.d/s%05u.ini", i);
                (void) snprintf(text, sizeof(text), "[service]\nlisten = %u\n", 10000 + i);
                r = write_file(b, name, text);
        }
        return r;
}

/* Start the agent without its output, and accept its connection. */
static int start_agent(Bench *b, const char *agent) {
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        _cleanup_close_ int listener = -1;
        char root[80];

        (void) snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/helper", b->directory);
        (void) snprintf(root, sizeof(root), "--root=%s", b->directory);
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (listener < 0 || bind(listener, (struct sockaddr *) &sa, sizeof(sa)) < 0 ||
            listen(listener, 1) < 0)
                return -errno;
        b->pid = fork();
        if (b->pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (setenv("RUNTIME_DIRECTORY", b->directory, 1) < 0 ||
                    !freopen("/dev/null", "w", stderr))
                        _exit(EXIT_FAILURE);
                (void) execl(agent, agent, root, (char *) NULL);
                _exit(EXIT_FAILURE);
        }
        if (b->pid < 0)
                return -errno;
        b->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        return b->fd < 0 ? -errno : 0;
}

/* Pass what has been read to the session. Return: 1 after a STATE, 0, or negative errno. */
static int feed(Bench *b) {
        for (;;) {
                const uint8_t nonce[WIRE_NONCE_SIZE] = {1};
                SessionEvent e = SESSION_EVENT_NULL;
                size_t consumed = 0;
                int r;

                r = helper_session_receive(b->session, buffer_bytes(&b->in), buffer_length(&b->in),
                                           now_usec(), &b->out, &consumed, &e);
                if (r < 0)
                        return r;
                buffer_consume(&b->in, consumed);
                if (e.type == SESSION_EVENT_HELLO)
                        r = helper_session_challenge(b->session, NULL, nonce, now_usec(), &b->out);
                else if (e.type == SESSION_EVENT_PROVEN)
                        r = helper_session_admit(b->session, now_usec(), &b->out);
                else if (e.type == SESSION_EVENT_STATE)
                        r = 1;
                else if (e.type != SESSION_EVENT_NONE)
                        r = -EPROTO;
                session_event_done(&e);
                if (send(b->fd, buffer_bytes(&b->out), buffer_length(&b->out), MSG_NOSIGNAL) < 0 &&
                    buffer_length(&b->out) > 0)
                        return -errno;
                buffer_consume(&b->out, buffer_length(&b->out));
                if (r != 0)
                        return r;
                if (consumed == 0)
                        return 0;
        }
}

/* Wait for a STATE or the bytes of the baseline, and take the time at which the last byte came. */
static int wait_state(Bench *b, double *ret_usec) {
        size_t size = 0;

        for (;;) {
                uint8_t *room;
                ssize_t n;
                int r;

                r = buffer_reserve(&b->in, READ_SIZE, &room);
                if (r < 0)
                        return r;
                n = recv(b->fd, room, READ_SIZE, 0);
                *ret_usec = monotonic_usec();
                if (n <= 0)
                        return n < 0 ? -errno : -EPIPE;
                buffer_commit(&b->in, (size_t) n);
                size += (size_t) n;
                if (!b->session && size >= b->state_size) {
                        buffer_consume(&b->in, size);
                        return 0;
                }
                r = b->session ? feed(b) : 0;
                if (r != 0) {
                        b->state_size = size;
                        return r < 0 ? r : 0;
                }
        }
}

static int compare_usec(const void *a, const void *b) {
        const double *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

/* Only new addresses are measured, because the agent reports a lost address on purpose one window
 * later. */
static int trigger_and_time(Bench *b, unsigned n, double *usec) {
        _cleanup_(addr_trigger_freep) AddrTrigger *t = NULL;
        double end;
        int r;

        r = addr_trigger_new(&t, WATCHED);
        for (unsigned i = 0; r >= 0 && i < n; i++) {
                double start;

                (void) usleep(QUIET_USEC);
                start = monotonic_usec();
                r = addr_trigger_add(t, &address, 24);
                if (r >= 0)
                        r = wait_state(b, &end);
                usec[i] = end - start;
                (void) usleep(QUIET_USEC);
                if (r >= 0)
                        r = addr_trigger_delete(t, &address, 24);
                if (r >= 0)
                        r = wait_state(b, &end);
        }
        qsort(usec, n, sizeof(*usec), compare_usec);
        return r;
}

static int run_agent(Bench *b, const char *agent, unsigned n_services, unsigned n, double *usec) {
        const HelperSessionConfig config = {
                .endpoints_max = WIRE_ENDPOINTS_MAX,
                .heartbeat_ms = WIRE_HEARTBEAT_MAX_MS, /* no heartbeat during the run */
                .handshake_ms = WIRE_HANDSHAKE_MS,
                .software = "bench-agent",
        };
        double ready;
        int r;

        r = write_configuration(b, n_services);
        if (r >= 0)
                r = helper_session_new(&b->session, &config, now_usec());
        if (r >= 0)
                r = start_agent(b, agent);
        if (r >= 0)
                r = wait_state(b, &ready); /* the first STATE has no address */
        return r < 0 ? r : trigger_and_time(b, n, usec);
}

/* The sender of the baseline, without a dump, a choice of address or an event loop. */
static int report_raw(int fd, size_t size) {
        struct sockaddr_nl local = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR};
        int netlink_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        uint8_t event[8192], *state = calloc(1, size);

        if (!state || netlink_fd < 0 ||
            bind(netlink_fd, (struct sockaddr *) &local, sizeof(local)) < 0)
                return -1;
        while (recv(netlink_fd, event, sizeof(event), 0) > 0)
                if (write(fd, state, size) != (ssize_t) size)
                        return -1;
        return -1;
}

static int run_raw(Bench *b, unsigned n, double *usec) {
        int fds[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        b->fd = fds[0];
        b->pid = fork();
        if (b->pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                _exit(report_raw(fds[1], b->state_size) < 0);
        }
        (void) close(fds[1]);
        return b->pid < 0 ? -errno : trigger_and_time(b, n, usec);
}

static void finish(Bench *b) {
        char command[128];

        if (b->pid > 0) {
                (void) kill(b->pid, SIGKILL);
                (void) waitpid(b->pid, NULL, 0);
        }
        closep(&b->fd);
        b->session = helper_session_free(b->session);
        buffer_done(&b->in);
        buffer_done(&b->out);
        (void) snprintf(command, sizeof(command), "rm -rf '%s'", b->directory);
        if (*b->directory && system(command) != 0)
                (void) fprintf(stderr, "bench-agent: cannot remove %s\n", b->directory);
}

int main(int argc, char **argv) {
        unsigned n = argc > 2 ? (unsigned) atoi(argv[2]) : EVENTS;
        unsigned n_services = argc > 3 ? (unsigned) atoi(argv[3]) : 1;
        Bench ours = {.directory = "/tmp/wslbridge-bench-XXXXXX", .fd = -1}, raw = {.fd = -1};
        _cleanup_free_ double *a = calloc(n + 1, sizeof(*a)), *z = calloc(n + 1, sizeof(*z));
        int r;

        if (argc < 2 || !a || !z || n == 0 || n_services > SERVICES_MAX) {
                (void) fprintf(stderr, "usage: bench-agent AGENT [EVENTS [SERVICES]]\n");
                return EXIT_FAILURE;
        }
        namespace_require();
        r = mkdtemp(ours.directory) ? namespace_enter() : -errno;
        if (r >= 0)
                r = run_agent(&ours, argv[1], n_services, n, a);
        raw.state_size = ours.state_size;
        finish(&ours);
        if (r >= 0)
                r = run_raw(&raw, n, z);
        finish(&raw);
        if (r < 0) {
                (void) fprintf(stderr, "bench-agent: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }
        (void) printf("{\"name\": \"new address to the agent's STATE\", \"unit\": \"usec\", "
                      "\"events\": %u, \"services\": %u, \"bytes\": %zu, \"p50\": %.1f, "
                      "\"p95\": %.1f, \"p99\": %.1f, \"max\": %.1f, "
                      "\"baseline\": \"raw netlink read and write\", \"baseline_p50\": %.1f, "
                      "\"baseline_p95\": %.1f, \"baseline_p99\": %.1f, \"baseline_max\": %.1f, "
                      "\"ratio\": %.2f}\n",
                      n, n_services, ours.state_size, a[n / 2], a[n * 95 / 100], a[n * 99 / 100],
                      a[n - 1], z[n / 2], z[n * 95 / 100], z[n * 99 / 100], z[n - 1],
                      a[n / 2] / z[n / 2]);
        return EXIT_SUCCESS;
}
