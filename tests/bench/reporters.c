/* SPDX-License-Identifier: MIT */

/* Starts the reporters and takes what they write; see reporters.h. */

#include "reporters.h"

#include "tests/netns/namespace.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define READ_SIZE  (256 * 1024)
#define LIMIT_MSEC 5000

double monotonic_usec(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (double) ts.tv_sec * 1e6 + (double) ts.tv_nsec / 1e3;
}

/* The address that stays is not one that the host can reach. While there is one, the kernel leaves
 * the default route alone. */
static int enter_guest(Reporter *r) {
        int e = namespace_enter();

        if (e >= 0 && system("ip addr add 169.254.1.1/16 scope link dev " WATCHED
                             " && ip route add default dev " WATCHED) != 0)
                e = -EIO;
        return e < 0 ? e : addr_trigger_new(&r->trigger, WATCHED);
}

int reporter_start(Reporter *r, ReportFn fn, size_t size) {
        int fds[2], e;

        *r = REPORTER_NULL;
        r->state_size = size;
        e = enter_guest(r);
        if (e < 0)
                return e;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        r->fd = fds[0];
        r->pid = fork();
        if (r->pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                _exit(fn(fds[1], size) < 0);
        }
        (void) close(fds[1]);
        return r->pid < 0 ? -errno : 0;
}

static int write_file(const Reporter *r, const char *name, const char *text) {
        char path[128];
        FILE *f;

        (void) snprintf(path, sizeof(path), "%s/%s", r->directory, name);
        f = fopen(path, "we");
        if (!f)
                return -errno;
        (void) fputs(text, f);
        return fclose(f) == 0 ? 0 : -errno;
}

static int write_configuration(const Reporter *r, unsigned n_services) {
        char text[256];
        int e;

        (void) snprintf(text, sizeof(text), "mkdir -p %s/etc/wslbridge/services.d", r->directory);
        if (system(text) != 0)
                return -EIO;
        (void) snprintf(text, sizeof(text), "[agent]\nhelper = unix:%s/helper\n", r->directory);
        e = write_file(r, "etc/wslbridge/agent.conf", text);
        for (unsigned i = 0; e >= 0 && i < n_services; i++) {
                char name[64];

                (void) snprintf(name, sizeof(name), "etc/wslbridge/services.d/s%05u.ini", i);
                (void) snprintf(text, sizeof(text), "[service]\nlisten = %u\n", 10000 + i);
                e = write_file(r, name, text);
        }
        return e;
}

/* Start the agent without its output, and accept its connection. */
static int spawn_agent(Reporter *r, const char *agent) {
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        _cleanup_close_ int listener = -1;
        char root[80];

        (void) snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/helper", r->directory);
        (void) snprintf(root, sizeof(root), "--root=%s", r->directory);
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (listener < 0 || bind(listener, (struct sockaddr *) &sa, sizeof(sa)) < 0 ||
            listen(listener, 1) < 0)
                return -errno;
        r->pid = fork();
        if (r->pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (setenv("RUNTIME_DIRECTORY", r->directory, 1) < 0 ||
                    !freopen("/dev/null", "w", stderr))
                        _exit(EXIT_FAILURE);
                (void) execl(agent, agent, root, (char *) NULL);
                _exit(EXIT_FAILURE);
        }
        if (r->pid < 0)
                return -errno;
        r->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        return r->fd < 0 ? -errno : 0;
}

int reporter_start_agent(Reporter *r, const char *agent, unsigned n_services) {
        static const IpAddr any = {.family = IP_FAMILY_V4, .bytes = {192, 0, 2, 9}};
        const HelperSessionConfig config = {
                .endpoints_max = WIRE_ENDPOINTS_MAX,
                .heartbeat_ms = WIRE_HEARTBEAT_MAX_MS, /* no heartbeat during the run */
                .handshake_ms = WIRE_HANDSHAKE_MS,
                .software = "bench-agent",
        };
        size_t size;
        double now;
        int e;

        *r = REPORTER_NULL;
        (void) snprintf(r->directory, sizeof(r->directory), "/tmp/wslbridge-bench-XXXXXX");
        e = mkdtemp(r->directory) ? enter_guest(r) : -errno;
        if (e >= 0)
                e = write_configuration(r, n_services);
        if (e >= 0)
                e = helper_session_new(&r->session, &config, now_usec());
        if (e >= 0)
                e = spawn_agent(r, agent);
        if (e >= 0)
                e = reporter_wait(r, &now); /* the first STATE has no address */
        if (e >= 0)
                e = addr_trigger_add(r->trigger, &any, 24);
        if (e >= 0)
                e = reporter_wait(r, &now);
        size = r->state_size;
        if (e >= 0)
                e = addr_trigger_delete(r->trigger, &any, 24);
        if (e >= 0)
                e = reporter_wait(r, &now);
        r->state_size = size;
        return e;
}

static int answer(Reporter *r, const WireState *state) {
        WireResult result = {.sequence = state->sequence, .n_services = state->n_services};
        int e;

        result.services = calloc(state->n_services + 1, sizeof(*result.services));
        if (!result.services)
                return -ENOMEM;
        for (uint32_t i = 0; i < state->n_services; i++)
                result.services[i].state = WIRE_SERVICE_ACTIVE;
        e = helper_session_result(r->session, &result, &r->out);
        free(result.services);
        return e;
}

static int respond(Reporter *r, const SessionEvent *event) {
        const uint8_t nonce[WIRE_NONCE_SIZE] = {1};

        switch (event->type) {
        case SESSION_EVENT_NONE:
                return 0;
        case SESSION_EVENT_HELLO:
                return helper_session_challenge(r->session, NULL, nonce, now_usec(), &r->out);
        case SESSION_EVENT_PROVEN:
                return helper_session_admit(r->session, now_usec(), &r->out);
        case SESSION_EVENT_STATE:
                r->told = event->state.v4.addr;
                return answer(r, &event->state);
        default: /* none of these is expected here */
                return -EPROTO;
        }
}

/* Pass what has been read to the session. Return: 1 after a STATE, 0, or negative errno. */
static int feed(Reporter *r) {
        for (;;) {
                SessionEvent event = SESSION_EVENT_NULL;
                size_t consumed = 0;
                bool state;
                int e;

                e = helper_session_receive(r->session, buffer_bytes(&r->in), buffer_length(&r->in),
                                           now_usec(), &r->out, &consumed, &event);
                if (e < 0)
                        return e;
                buffer_consume(&r->in, consumed);
                e = respond(r, &event);
                state = event.type == SESSION_EVENT_STATE;
                session_event_done(&event);
                if (e < 0)
                        return e;
                if (buffer_length(&r->out) > 0 &&
                    send(r->fd, buffer_bytes(&r->out), buffer_length(&r->out), MSG_NOSIGNAL) < 0)
                        return -errno;
                buffer_consume(&r->out, buffer_length(&r->out));
                if (state || consumed == 0)
                        return state;
        }
}

int reporter_wait(Reporter *r, double *ret_usec) {
        size_t size = 0;

        for (;;) {
                struct pollfd p = {.fd = r->fd, .events = POLLIN};
                uint8_t *room;
                ssize_t n;
                int e;

                if (poll(&p, 1, LIMIT_MSEC) <= 0)
                        return -ETIMEDOUT;
                e = buffer_reserve(&r->in, READ_SIZE, &room);
                if (e < 0)
                        return e;
                n = recv(r->fd, room, READ_SIZE, 0);
                *ret_usec = monotonic_usec();
                if (n <= 0)
                        return n < 0 ? -errno : -EPIPE;
                buffer_commit(&r->in, (size_t) n);
                size += (size_t) n;
                if (!r->session && size >= r->state_size) {
                        buffer_consume(&r->in, buffer_length(&r->in));
                        return 0;
                }
                e = r->session ? feed(r) : 0;
                if (e != 0) {
                        r->state_size = size;
                        return e < 0 ? e : 0;
                }
        }
}

ssize_t reporter_drain(Reporter *r) {
        char bytes[4096];
        ssize_t n, all = 0;

        while ((n = recv(r->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
                all += n;
        return n == 0 ? -EPIPE : errno == EAGAIN ? all : -errno;
}

void reporter_done(Reporter *r) {
        char command[128];

        if (r->pid > 0) {
                (void) kill(r->pid, SIGKILL);
                (void) waitpid(r->pid, NULL, 0);
        }
        closep(&r->fd);
        r->trigger = addr_trigger_free(r->trigger);
        r->session = helper_session_free(r->session);
        buffer_done(&r->in);
        buffer_done(&r->out);
        (void) snprintf(command, sizeof(command), "rm -rf '%s'", r->directory);
        if (*r->directory && system(command) != 0)
                (void) fprintf(stderr, "bench-agent: cannot remove %s\n", r->directory);
}
