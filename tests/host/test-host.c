/* SPDX-License-Identifier: MIT */

/*
 * The helper without Windows. Sessions, policy, reconcile and ledger are the real ones. The table
 * and the ledger's storage are in memory (or in a file), and the listener is a unix or vsock
 * socket. It is for tests, benchmarks and trying things out; nothing is ever forwarded.
 */

#include "tests/host/test-host.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t signalled;
static sigset_t unblocked; /* signals arrive only while it waits, so that none is missed */

static const char help[] =
        "Usage: wslbridge-test-host --listen unix:PATH|vsock:PORT [options]\n"
        "\n"
        "The helper's core with a Windows in memory. Nothing is forwarded.\n"
        "\n"
        "  --listen ADDRESS     unix:PATH (a stale socket is removed) or vsock:PORT\n"
        "  --key OWNER=HEX      pair one identity, AGENT-ID/NAME, with a key of 64 hex digits;\n"
        "                       may be repeated. Nobody else is paired\n"
        "  --switch ADDR/BITS   an address of the host on a virtual switch; may be repeated\n"
        "  --adapter ADDR/BITS  the same on another adapter. Without any of these two, every\n"
        "                       guest's address is accepted; also kinder than a real helper\n"
        "  --no-pairing         policy does not require pairing\n"
        "  --relay              the relay is installed\n"
        "  --deny-port N        policy also denies this listen port; may be repeated\n"
        "  --max-endpoints N    policy allows an agent so many, default 1024\n"
        "  --heartbeat-ms N     interval of PINGs, default 30000; after 3 of them without\n"
        "                       a frame an agent counts as silent\n"
        "  --handshake-ms N     time limit from connect to WELCOME, default 10000\n"
        "  --goodbye-ms N       how long rules stay after a goodbye, default 5000\n"
        "  --recovery-ms N      how long rules of the last run wait for their agents,\n"
        "                       default 30000\n"
        "  --delay-ms N         delay each RESULT, as a slow helper does\n"
        "  --store FILE         keep table and ledger in FILE, as a registry does: they are\n"
        "                       there again at the next start, even after kill -9\n"
        "  --events             print an event for each connection, STATE and RESULT\n"
        "  --verbose            log at debug level\n"
        "\n"
        "The log goes to standard error; it says 'listening on ADDRESS' when ready. Commands are\n"
        "read from standard input, one on each line. Each is answered by one line of JSON with\n"
        "\"command\" and \"ok\" on standard output. An event has \"event\" instead. Times are\n"
        "CLOCK_MONOTONIC microseconds.\n"
        "\n"
        "  rules                            the PortProxy table: family, name, data\n"
        "  ledger                           the ledger as stored: name, data\n"
        "  agents                           agents with address, mode, services and their states\n"
        "  stats                            writes, deletes, activations, flushes, ledger_puts,\n"
        "                                   ledger_removes, states, results, last_state_usec,\n"
        "                                   last_result_usec, connections\n"
        "  switch ADDR/BITS                 the host gets another address on a virtual switch\n"
        "  foreign-set FAMILY NAME DATA     somebody else sets a value, for example\n"
        "                                   foreign-set v4tov4 0.0.0.0/80 10.0.0.9/80\n"
        "  foreign-delete FAMILY NAME       somebody else deletes a value\n"
        "  iphlpsvc running|stopped|missing what activations find from now on\n"
        "  network private|public|none [off] the host's network; off: its firewall is\n"
        "  quit                             stop as the helper does: say goodbye, withdraw "
        "everything\n"
        "\n"
        "SIGTERM and SIGINT stop it as 'quit' does. The end of standard input does not.\n";

enum {
        OPT_LISTEN = 256,
        OPT_KEY,
        OPT_SWITCH,
        OPT_ADAPTER,
        OPT_NO_PAIRING,
        OPT_RELAY,
        OPT_DENY_PORT,
        OPT_MAX_ENDPOINTS,
        OPT_HEARTBEAT,
        OPT_HANDSHAKE,
        OPT_GOODBYE,
        OPT_RECOVERY,
        OPT_DELAY,
        OPT_STORE,
        OPT_EVENTS,
        OPT_VERBOSE,
        OPT_HELP,
};

static bool arg_verbose;
static const char *arg_store;

uint64_t test_host_now(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * UINT64_C(1000000) + (uint64_t) ts.tv_nsec / 1000;
}

static void on_signal(int sig) {
        signalled = sig;
}

static uint64_t host_now(void *userdata) {
        return test_host_now();
}

static int host_random(void *userdata, uint8_t *ret_bytes, size_t n) {
        randombytes_buf(ret_bytes, n);
        return 0;
}

static void host_log(MemoryHost *m, LogLevel level, EventId event, const char *text) {
        static const char *const names[] = {"error", "warning", "notice", "debug"};

        if (level != LOG_LEVEL_DEBUG || arg_verbose)
                (void) fprintf(stderr, "%s: %s\n", names[level], text);
}

static int host_fault(MemoryHost *m, MemoryCall call) {
        TestHost *h = m->userdata;

        return call == MEMORY_ACTIVATE ? h->activate_error : 0;
}

static int parse_number(const char *text, uint32_t *ret_number) {
        char *end;
        unsigned long value;

        errno = 0;
        value = strtoul(text, &end, 10);
        if (errno || end == text || *end || value > UINT32_MAX / 1000) {
                (void) fprintf(stderr, "wslbridge-test-host: '%s' is not a number in range\n",
                               text);
                return -EINVAL;
        }
        *ret_number = (uint32_t) value;
        return 0;
}

static int parse_denied_port(Policy *policy, const char *text) {
        uint32_t port;

        if (parse_number(text, &port) < 0 || port > UINT16_MAX ||
            policy->n_denied_ports == POLICY_PORT_RANGES_MAX)
                return -EINVAL;
        policy->denied_ports[policy->n_denied_ports++] =
                (PolicyPorts){(uint16_t) port, (uint16_t) port};
        return 0;
}

static int parse_option(TestHost *h, int option) {
        switch (option) {
        case OPT_LISTEN:
                h->listen = optarg;
                return 0;
        case OPT_KEY:
                return setup_key(h, optarg);
        case OPT_SWITCH:
                return setup_address(h, optarg, true);
        case OPT_ADAPTER:
                return setup_address(h, optarg, false);
        case OPT_NO_PAIRING:
                h->options.policy.pairing_required = false;
                return 0;
        case OPT_RELAY:
                h->options.means.relay = true;
                return 0;
        case OPT_DENY_PORT:
                return parse_denied_port(&h->options.policy, optarg);
        case OPT_MAX_ENDPOINTS:
                return parse_number(optarg, &h->options.policy.max_endpoints);
        case OPT_HEARTBEAT:
                return parse_number(optarg, &h->options.heartbeat_ms);
        case OPT_HANDSHAKE:
                return parse_number(optarg, &h->options.handshake_ms);
        case OPT_GOODBYE:
                return parse_number(optarg, &h->options.goodbye_ms);
        case OPT_RECOVERY:
                return parse_number(optarg, &h->options.recovery_ms);
        case OPT_DELAY:
                return parse_number(optarg, &h->delay_ms);
        case OPT_STORE:
                arg_store = optarg;
                return 0;
        case OPT_EVENTS:
                h->events = true;
                return 0;
        case OPT_VERBOSE:
                arg_verbose = true;
                return 0;
        case OPT_HELP:
                (void) fputs(help, stdout);
                exit(EXIT_SUCCESS);
        default:
                return -EINVAL;
        }
}

static int parse_options(TestHost *h, int argc, char **argv) {
        static const struct option options[] = {
                {"listen", required_argument, NULL, OPT_LISTEN},
                {"key", required_argument, NULL, OPT_KEY},
                {"switch", required_argument, NULL, OPT_SWITCH},
                {"adapter", required_argument, NULL, OPT_ADAPTER},
                {"no-pairing", no_argument, NULL, OPT_NO_PAIRING},
                {"relay", no_argument, NULL, OPT_RELAY},
                {"deny-port", required_argument, NULL, OPT_DENY_PORT},
                {"max-endpoints", required_argument, NULL, OPT_MAX_ENDPOINTS},
                {"heartbeat-ms", required_argument, NULL, OPT_HEARTBEAT},
                {"handshake-ms", required_argument, NULL, OPT_HANDSHAKE},
                {"goodbye-ms", required_argument, NULL, OPT_GOODBYE},
                {"recovery-ms", required_argument, NULL, OPT_RECOVERY},
                {"delay-ms", required_argument, NULL, OPT_DELAY},
                {"store", required_argument, NULL, OPT_STORE},
                {"events", no_argument, NULL, OPT_EVENTS},
                {"verbose", no_argument, NULL, OPT_VERBOSE},
                {"help", no_argument, NULL, OPT_HELP},
                {0},
        };
        int option;

        while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
                if (parse_option(h, option) < 0)
                        return -EINVAL;
        if (!h->listen || optind < argc) {
                (void) fputs("wslbridge-test-host: --listen is required; see --help\n", stderr);
                return -EINVAL;
        }
        return 0;
}

static int loop_wait(TestHost *h, struct pollfd *fds, size_t n) {
        uint64_t deadline = controller_deadline(h->controller), now = test_host_now();
        struct timespec timeout;

        for (size_t i = 0; i < h->n_peers; i++)
                if (buffer_length(&h->peers[i]->out) > 0 && h->peers[i]->delayed_usec > now &&
                    h->peers[i]->delayed_usec < deadline)
                        deadline = h->peers[i]->delayed_usec;
        if (deadline == SESSION_NO_DEADLINE)
                return ppoll(fds, n, NULL, &unblocked);
        deadline = deadline > now ? deadline - now : 0;
        timeout = (struct timespec){.tv_sec = (time_t) (deadline / 1000000),
                                    .tv_nsec = (long) (deadline % 1000000) * 1000};
        return ppoll(fds, n, &timeout, &unblocked);
}

static void loop_once(TestHost *h) {
        struct pollfd fds[TEST_HOST_PEERS_MAX + 2] = {
                {.fd = h->listen_fd, .events = POLLIN},
                {.fd = h->stdin_ended ? -1 : STDIN_FILENO, .events = POLLIN},
        };
        size_t n = h->n_peers;
        uint64_t now = test_host_now();

        for (size_t i = 0; i < n; i++) {
                const TestPeer *p = h->peers[i];
                bool wants_out = buffer_length(&p->out) > 0 && p->delayed_usec <= now;

                fds[i + 2].fd = p->fd;
                fds[i + 2].events = (short) (POLLIN | (wants_out ? POLLOUT : 0));
        }
        if (loop_wait(h, fds, n + 2) < 0)
                return; /* a signal */
        for (size_t i = 0; i < n; i++)
                if (fds[i + 2].revents & (POLLIN | POLLHUP | POLLERR))
                        peer_readable(h->peers[i]);
        if (fds[1].revents)
                commands_readable(h);
        if (fds[0].revents)
                peers_accept(h);
        controller_dispatch(h->controller, test_host_now());
        peers_flush(h);
}

static int run(TestHost *h) {
        ControllerHost host;
        int r;

        h->memory.userdata = h;
        h->memory.fault = host_fault;
        h->memory.log = host_log;
        r = arg_store ? store_open(h, arg_store) : 0;
        if (r < 0) {
                (void) fprintf(stderr, "wslbridge-test-host: '%s': %s\n", arg_store, strerror(-r));
                return r;
        }
        memory_host_fill(&h->memory, &host);
        host.now = host_now;
        host.identities.random = host_random;
        host.connections.send = peers_send;
        host.connections.close = peers_close;
        r = controller_new(&h->controller, &h->options, &host, test_host_now());
        if (r < 0) {
                (void) fprintf(stderr, "wslbridge-test-host: %s\n", strerror(-r));
                return r;
        }
        if (h->hostnet.n_addresses > 0)
                controller_set_hostnet(h->controller, &h->hostnet);
        r = peers_listen(h);
        if (r < 0) {
                (void) fprintf(stderr, "wslbridge-test-host: cannot listen on '%s': %s\n",
                               h->listen, strerror(-r));
                return r;
        }
        (void) fprintf(stderr, "listening on %s\n", h->listen);
        commands_event(h, "listening");
        while (!h->quit && !signalled)
                loop_once(h);
        r = controller_stop(h->controller, test_host_now());
        peers_flush(h);
        if (strncmp(h->listen, "unix:", 5) == 0)
                (void) unlink(h->listen + 5);
        return r;
}

int main(int argc, char **argv) {
        static TestHost h; /* static, because it is too large for the stack */
        struct sigaction action = {.sa_handler = on_signal};
        sigset_t blocked;
        int r;

        memory_host_init(&h.memory);
        controller_options_init(&h.options);
        h.options.unchecked_hostnet = true;
        h.options.mac = memory_host_mac;
        h.options.software = "wslbridge-test " PROJECT_VERSION;
        h.listen_fd = -1;
        if (sodium_init() < 0 || parse_options(&h, argc, argv) < 0)
                return EXIT_FAILURE;
        (void) sigemptyset(&blocked);
        (void) sigaddset(&blocked, SIGTERM);
        (void) sigaddset(&blocked, SIGINT);
        (void) sigprocmask(SIG_BLOCK, &blocked, &unblocked);
        (void) sigaction(SIGTERM, &action, NULL);
        (void) sigaction(SIGINT, &action, NULL);
        r = run(&h);
        while (h.n_peers > 0)
                peer_free(h.peers[--h.n_peers]);
        controller_free(h.controller);
        memory_host_done(&h.memory);
        if (h.store)
                (void) fclose(h.store);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
