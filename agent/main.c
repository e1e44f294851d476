/* SPDX-License-Identifier: MIT */

/* The command line of wslbridge-agent; docs/wslbridge-agent.8 is its reference. */

#include "agent/config/check.h"
#include "agent/daemon/agent.h"
#include "agent/util/root-option.h"
#include "common/names.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define EXIT_USAGE 2

static bool arg_check;
static const char *arg_root = "";

static void help(void) {
        (void) printf("%s [OPTIONS...]\n\n"
                      "Keeps Windows' port forwarding to this Hyper-V or WSL2 guest up to date.\n\n"
                      "  -h --help       Show this help\n"
                      "     --version    Show the version\n"
                      "     --check      Check the configuration, list its problems, and exit\n"
                      "     --root=DIR   Look up all configuration directories below DIR\n\n"
                      "See wslbridge-agent(8) and wslbridge.conf(5).\n",
                      program_invocation_short_name);
}

/* Return: 1 to go on, 0 when all is done, negative errno after a usage error. */
static int parse_argv(int argc, char *argv[]) {
        enum { ARG_VERSION = 0x100, ARG_CHECK, ARG_ROOT };
        static const struct option options[] = {
                {"help", no_argument, NULL, 'h'},
                {"version", no_argument, NULL, ARG_VERSION},
                {"check", no_argument, NULL, ARG_CHECK},
                {"root", required_argument, NULL, ARG_ROOT},
                {NULL, 0, NULL, 0},
        };
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                switch (c) {
                case 'h':
                        help();
                        return 0;
                case ARG_VERSION:
                        (void) printf("wslbridge-agent %s\n", PROJECT_VERSION);
                        return 0;
                case ARG_CHECK:
                        arg_check = true;
                        break;
                case ARG_ROOT:
                        arg_root = root_option_parse(optarg);
                        if (!arg_root)
                                return -EINVAL;
                        break;
                default: /* getopt_long() has printed the reason */
                        return -EINVAL;
                }
        }
        if (optind < argc) {
                (void) fprintf(stderr, "%s: unexpected argument '%s'; see --help\n",
                               program_invocation_short_name, argv[optind]);
                return -EINVAL;
        }
        return 1;
}

/* If this program is started with standard error closed, the first socket would get its number, and
 * the log lines would go there. */
static int open_standard_files(void) {
        int fd;

        do {
                fd = open("/dev/null", O_RDWR); /* without O_CLOEXEC, as standard files are */
                if (fd < 0)
                        return -errno;
        } while (fd <= STDERR_FILENO);
        (void) close(fd);
        return 0;
}

int main(int argc, char *argv[]) {
        _cleanup_(agent_freep) Agent *agent = NULL;
        int r;

        r = open_standard_files();
        if (r < 0) {
                (void) fprintf(stderr, "Cannot open /dev/null: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }
        r = parse_argv(argc, argv);
        if (r <= 0)
                return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
        if (arg_check)
                return config_check(arg_root);
        if (sodium_init() < 0) {
                (void) fprintf(stderr, "Cannot set up libsodium\n");
                return EXIT_FAILURE;
        }
        r = agent_new(&agent, arg_root);
        if (r != 0) /* agent_new() has logged the reason */
                return r == AGENT_E_RUNS ? NAMES_AGENT_EXIT_RUNS : EXIT_FAILURE;
        return agent_run(agent) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
