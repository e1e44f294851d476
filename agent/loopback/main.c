/* SPDX-License-Identifier: MIT */

/* The command line of wslbridge-loopback; docs/wslbridge-loopback.8 is its reference. */

#include "agent/loopback/carrier.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#define EXIT_USAGE 2

/* The folders of the two services. */
#define AGENT_DIRECTORY  "/run/wslbridge/agent"
#define REPORT_DIRECTORY "/run/wslbridge/loopback"

static CarrierFiles arg_files = {.agent = AGENT_DIRECTORY, .report = REPORT_DIRECTORY};

static void help(void) {
        (void) printf(
                "%s [OPTIONS...]\n\n"
                "Carries connections of the host to services that listen on 127.0.0.1 only.\n\n"
                "  -h --help        Show this help\n"
                "     --version     Show the version\n"
                "     --agent=DIR   The agent's folder (default: " AGENT_DIRECTORY ")\n\n"
                "See wslbridge-loopback(8).\n",
                program_invocation_short_name);
}

/* Return: 1 to go on, 0 when all is done, negative errno after a usage error. */
static int parse_argv(int argc, char *argv[]) {
        enum { ARG_VERSION = 0x100, ARG_AGENT };
        static const struct option options[] = {
                {"help", no_argument, NULL, 'h'},
                {"version", no_argument, NULL, ARG_VERSION},
                {"agent", required_argument, NULL, ARG_AGENT},
                {NULL, 0, NULL, 0},
        };
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                switch (c) {
                case 'h':
                        help();
                        return 0;
                case ARG_VERSION:
                        (void) printf("wslbridge-loopback %s\n", PROJECT_VERSION);
                        return 0;
                case ARG_AGENT:
                        arg_files.agent = optarg;
                        break;
                default: /* getopt_long() has printed the reason */
                        return -EINVAL;
                }
        }
        if (optind < argc || arg_files.agent[0] != '/') {
                (void) fprintf(stderr, "%s: %s '%s'; see --help\n", program_invocation_short_name,
                               optind < argc ? "unexpected argument" : "not an absolute path:",
                               optind < argc ? argv[optind] : arg_files.agent);
                return -EINVAL;
        }
        return 1;
}

/* systemd makes the folder and names it. */
static void find_report_folder(void) {
        const char *value = getenv("RUNTIME_DIRECTORY");

        if (value && value[0] == '/' && !strchr(value, ':'))
                arg_files.report = value;
        else
                (void) mkdir(REPORT_DIRECTORY, 0755); /* writing the report shows if it is there */
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        return sd_event_exit(sd_event_source_get_event(s), 0);
}

/* A connection that breaks while bytes are written to it must not end the program. */
static int set_up_signals(sd_event *event) {
        sigset_t mask;
        int r;

        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGINT);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return -errno;
        r = sd_event_add_signal(event, NULL, SIGTERM, on_signal, NULL);
        return r < 0 ? r : sd_event_add_signal(event, NULL, SIGINT, on_signal, NULL);
}

static int run(const Journal *journal) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(carrier_freep) Carrier *carrier = NULL;
        int r;

        r = sd_event_new(&event);
        if (r >= 0)
                r = set_up_signals(event);
        if (r >= 0)
                r = carrier_new(&carrier, event, journal, &arg_files);
        if (r < 0)
                return r;
        (void) sd_notify(0, "READY=1");
        r = sd_event_loop(event);
        (void) sd_notify(0, "STOPPING=1");
        return r;
}

int main(int argc, char *argv[]) {
        Journal journal;
        int r;

        r = parse_argv(argc, argv);
        if (r <= 0)
                return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
        journal_open(&journal, LOG_INFO);
        find_report_folder();
        r = run(&journal);
        if (r < 0)
                journal_fields(&journal, LOG_ERR, FIELDS(.error = -r), "Giving up: %s",
                               strerror(-r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
