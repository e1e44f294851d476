/* SPDX-License-Identifier: MIT */

/*
 * The command line of wslbridgectl; docs/wslbridgectl.1 is its reference.
 */

#include "agent/ctl/ctl.h"

#include "agent/util/root-option.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_SEC_MAX 1000000

static CtlOptions arg = {.root = ""};

/* Options are numbered, so that each command can say which ones it has. */
enum {
        OPTION_JSON,
        OPTION_FORCE,
        OPTION_NO_WAIT,
        OPTION_TIMEOUT,
        OPTION_NAME,
        OPTION_DESCRIPTION,
        OPTION_LISTEN,
        OPTION_CLIENT_ADDRESS,
        OPTION_LOOPBACK,
        OPTION_FORWARDER,
        OPTION_FIREWALL,
        OPTION_REMOTE,
        OPTION_CONFIRM,
        OPTION_DRY_RUN,
        OPTION_YES,
        OPTION_KEEP_ALIVE,
        OPTION_AT_LOGON,
        OPTION_IMPORT,
        OPTION_UNDO,
        _OPTION_OF_COMMANDS_END, /* every command has the options from here on */
        OPTION_ROOT,
        OPTION_VERSION,
        OPTION_HELP,
};
#define BIT(option)  (1u << OPTION_##option)
#define WAIT_OPTIONS (BIT(NO_WAIT) | BIT(TIMEOUT) | BIT(FORCE))
#define REQUEST_OPTIONS                                                                     \
        (BIT(NAME) | BIT(DESCRIPTION) | BIT(LISTEN) | BIT(CLIENT_ADDRESS) | BIT(LOOPBACK) | \
         BIT(FORWARDER) | BIT(FIREWALL) | BIT(REMOTE))
#define SETUP_OPTIONS                                                                          \
        (BIT(DRY_RUN) | BIT(YES) | BIT(KEEP_ALIVE) | BIT(AT_LOGON) | BIT(IMPORT) | BIT(UNDO) | \
         BIT(JSON))

static const struct option options[] = {
        {"help", no_argument, NULL, OPTION_HELP},
        {"version", no_argument, NULL, OPTION_VERSION},
        {"root", required_argument, NULL, OPTION_ROOT},
        {"json", no_argument, NULL, OPTION_JSON},
        {"force", no_argument, NULL, OPTION_FORCE},
        {"no-wait", no_argument, NULL, OPTION_NO_WAIT},
        {"timeout", required_argument, NULL, OPTION_TIMEOUT},
        {"name", required_argument, NULL, OPTION_NAME},
        {"description", required_argument, NULL, OPTION_DESCRIPTION},
        {"listen", required_argument, NULL, OPTION_LISTEN},
        {"client-address", required_argument, NULL, OPTION_CLIENT_ADDRESS},
        {"loopback", no_argument, NULL, OPTION_LOOPBACK},
        {"forwarder", required_argument, NULL, OPTION_FORWARDER},
        {"firewall", required_argument, NULL, OPTION_FIREWALL},
        {"remote", required_argument, NULL, OPTION_REMOTE},
        {"confirm", no_argument, NULL, OPTION_CONFIRM},
        {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
        {"yes", no_argument, NULL, OPTION_YES},
        {"keep-alive", no_argument, NULL, OPTION_KEEP_ALIVE},
        {"at-logon", no_argument, NULL, OPTION_AT_LOGON},
        {"import", no_argument, NULL, OPTION_IMPORT},
        {"undo", no_argument, NULL, OPTION_UNDO},
        {NULL, 0, NULL, 0},
};

typedef struct CtlCommand {
        const char *name;
        int n_min, n_max;
        const char *arguments; /* for the message about too few or too many */
        unsigned options;
        int (*run)(const CtlOptions *o, int n, char **names);
} CtlCommand;

static const CtlCommand commands[] = {
        {"status", 0, 1024, "[NAME...]", BIT(JSON), ctl_status},
        {"list", 0, 0, "", BIT(JSON), ctl_list},
        {"expose", 1, 1, "PORT[:GUESTPORT][/udp]", WAIT_OPTIONS | REQUEST_OPTIONS, ctl_expose},
        {"unexpose", 1, 1, "NAME", WAIT_OPTIONS, ctl_unexpose},
        {"wait", 0, 1024, "[NAME...]", BIT(TIMEOUT), ctl_wait},
        {"reload", 0, 0, "", BIT(TIMEOUT), ctl_reload},
        {"check", 0, 0, "", 0, ctl_check},
        {"doctor", 0, 0, "", BIT(JSON), ctl_doctor},
        {"pair", 0, 0, "", BIT(CONFIRM), ctl_pair},
        {"setup", 0, 0, "", SETUP_OPTIONS, ctl_setup},
};

static void help(void) {
        (void) puts(
                "wslbridgectl [OPTIONS...] COMMAND ...\n"
                "\n"
                "Shows and changes which ports of the Windows host lead to this guest.\n"
                "\n"
                "  status [NAME...]          Show agent, helper and services (default)\n"
                "  list                      All configured services, one per line\n"
                "  expose PORT[:GUESTPORT][/udp]  Make a port reachable through the host\n"
                "  unexpose NAME             Undo 'expose'\n"
                "  wait [NAME...]            Wait until these services, or all, are active\n"
                "  reload                    Let the agent read all files again\n"
                "  check                     Check the configuration\n"
                "  doctor                    Show what is wrong and how to correct it\n"
                "  pair                      Store the key from standard input\n"
                "  setup                     Set up Windows and this distro, from here\n"
                "\n"
                "  --json                    Print JSON (status, list, doctor, setup)\n"
                "  --name=NAME --description=TEXT --listen=ADDRESS --client-address=proxy-v2\n"
                "  --loopback --forwarder=relay --firewall=PROFILES --remote=WHO\n"
                "                            What 'expose' writes; see wslbridge.conf(5)\n"
                "  --force                   Also replace or remove a file that was made by hand\n"
                "  --no-wait --timeout=SECONDS  How long to wait for the host's answer\n"
                "  --confirm                 'pair': use the key only when the host has it, too\n"
                "  --dry-run --yes --keep-alive --at-logon --import --undo  For 'setup'\n"
                "  --root=DIR  -h --help  --version  Look below DIR; this help; the version");
}

static int set_timeout(const char *text) {
        char *end;
        double seconds = strtod(text, &end);

        if (*end != '\0' || end == text || !(seconds > 0) || seconds > TIMEOUT_SEC_MAX) {
                (void) ctl_error("--timeout=%s: give a number of seconds that is greater than 0",
                                 text);
                return -EINVAL;
        }
        arg.timeout_usec = (uint64_t) (seconds * (double) USEC_PER_SEC);
        if (arg.timeout_usec == 0)
                arg.timeout_usec = 1;
        return 0;
}

static int add_listen(const char *text) {
        ServiceRequest *r = &arg.request;

        if (r->n_addresses == SERVICE_ADDRESSES_MAX) {
                (void) ctl_error("--listen can be given at most %d times", SERVICE_ADDRESSES_MAX);
                return -EINVAL;
        }
        r->addresses[r->n_addresses++] = text;
        return 0;
}

/* Return: 1 to continue, 0 when there is nothing left to do, negative errno after a usage error. */
static int take_option(int option, char *value) {
        switch (option) {
        case OPTION_HELP:
                help();
                return 0;
        case OPTION_VERSION:
                (void) printf("wslbridgectl %s\n", PROJECT_VERSION);
                return 0;
        case OPTION_ROOT:
                arg.root = root_option_parse(value);
                return arg.root ? 1 : -EINVAL;
        case OPTION_JSON:
                arg.json = true;
                return 1;
        case OPTION_FORCE:
                arg.force = true;
                return 1;
        case OPTION_NO_WAIT:
                arg.no_wait = true;
                return 1;
        case OPTION_CONFIRM:
                arg.confirm = true;
                return 1;
        case OPTION_DRY_RUN: /* add_setup_options() has them */
        case OPTION_YES:
        case OPTION_KEEP_ALIVE:
        case OPTION_AT_LOGON:
        case OPTION_IMPORT:
        case OPTION_UNDO:
                return 1;
        case OPTION_TIMEOUT:
                return set_timeout(value) < 0 ? -EINVAL : 1;
        case OPTION_NAME:
                arg.request.name = value;
                return 1;
        case OPTION_DESCRIPTION:
                arg.request.description = value;
                return 1;
        case OPTION_LISTEN:
                return add_listen(value) < 0 ? -EINVAL : 1;
        case OPTION_CLIENT_ADDRESS:
                arg.request.client_address = value;
                return 1;
        case OPTION_LOOPBACK:
                arg.request.loopback = true;
                return 1;
        case OPTION_FORWARDER:
                arg.request.forwarder = value;
                return 1;
        case OPTION_FIREWALL:
                arg.request.firewall = value;
                return 1;
        case OPTION_REMOTE:
                arg.request.remote = value;
                return 1;
        default: /* getopt_long() has printed why */
                return -EINVAL;
        }
}

/* @ret_given: a bit for each option of a command. Return: as take_option(). */
static int parse_options(int argc, char *argv[], unsigned *ret_given) {
        int c, r;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                if (c == 'h')
                        c = OPTION_HELP;
                r = take_option(c, optarg);
                if (r <= 0)
                        return r;
                if (c < _OPTION_OF_COMMANDS_END)
                        *ret_given |= 1u << c;
        }
        return 1;
}

/* 'setup' passes its options on to Windows. */
static void add_setup_options(unsigned given) {
        static const char *const words[_OPTION_OF_COMMANDS_END] = {
                [OPTION_JSON] = "--json",         [OPTION_DRY_RUN] = "--dry-run",
                [OPTION_YES] = "--yes",           [OPTION_KEEP_ALIVE] = "--keep-alive",
                [OPTION_AT_LOGON] = "--at-logon", [OPTION_IMPORT] = "--import",
                [OPTION_UNDO] = "--undo",
        };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (given & 1u << i && words[i])
                        arg.setup[arg.n_setup++] = words[i];
}

static const CtlCommand *find_command(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                if (strcmp(commands[i].name, name) == 0)
                        return &commands[i];
        (void) ctl_error("There is no command '%s'; see 'wslbridgectl --help'", name);
        return NULL;
}

static bool command_fits(const CtlCommand *command, int n, unsigned given) {
        if (n < command->n_min || n > command->n_max) {
                (void) ctl_error("%s: wslbridgectl %s %s",
                                 n < command->n_min ? "An argument is missing"
                                                    : "Too many arguments",
                                 command->name, command->arguments);
                return false;
        }
        for (size_t i = 0; options[i].name; i++) {
                int option = options[i].val;

                if (option < _OPTION_OF_COMMANDS_END &&
                    given & ~command->options & (1u << option)) {
                        (void) ctl_error("'%s' has no option --%s", command->name, options[i].name);
                        return false;
                }
        }
        return true;
}

int main(int argc, char *argv[]) {
        const CtlCommand *command;
        unsigned given = 0;
        int r;

        (void) setlocale(LC_CTYPE, "");
        (void) signal(SIGPIPE, SIG_IGN); /* 'wslbridgectl list | head -1' must not crash */
        r = parse_options(argc, argv, &given);
        if (r <= 0)
                return r < 0 ? CTL_EXIT_USAGE : CTL_EXIT_OK;
        command = find_command(optind < argc ? argv[optind] : "status");
        if (optind < argc)
                optind++;
        if (!command || !command_fits(command, argc - optind, given))
                return CTL_EXIT_USAGE;
        add_setup_options(given);
        return command->run(&arg, argc - optind, argv + optind);
}
