/* SPDX-License-Identifier: MIT */

/*
 * Command line of the helper. Commands are rows of a table; what they do stands elsewhere.
 */

#include "windows-helper/commands/commands.h"
#include "windows-helper/commands/elevation.h"
#include "windows-helper/service/helper.h"
#include "windows-helper/service/service.h"
#include "windows-helper/win/crypto.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOFTWARE "wslbridge-helper " PROJECT_VERSION

/* When a console window is closed or the user logs off, Windows ends the process as soon as the
 * handler returns, at the latest after 5 s; withdrawing must be done by then. */
#define STOP_WAIT_MS 4500

/* For the console handler, which runs in a thread of its own; never closed, so never gone. */
static HANDLE stop_event, stopped_event;

static BOOL WINAPI on_console(DWORD event) {
        (void) SetEvent(stop_event);
        if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT)
                (void) WaitForSingleObject(stopped_event, STOP_WAIT_MS);
        return TRUE;
}

/* Under Wine 8 SIGINT to the process arrives as CTRL_C_EVENT; SIGTERM just ends it. */
static int run_helper(HelperOptions *options) {
        Helper *helper = NULL;
        int r;

        stop_event = CreateEventW(NULL, FALSE, FALSE, NULL);
        stopped_event = CreateEventW(NULL, TRUE, FALSE, NULL);
        if (!stop_event || !stopped_event)
                return log_win_error(GetLastError(), "Failed to create an event");
        if (!SetConsoleCtrlHandler(on_console, TRUE))
                return log_win_error(GetLastError(), "Failed to handle Ctrl-C");
        options->stop = stop_event;
        r = helper_new(&helper, options);
        if (r == 0)
                r = helper_run(helper);
        (void) SetEvent(stopped_event);
        helper_free(helper);
        return r;
}

static int usage(FILE *stream) {
        (void) fputs(
                "wslbridge-helper COMMAND [OPTION...]\n\n"
                "Keeps Windows port forwarding to WSL2 and Hyper-V guests true.\n\n"
                "  install        install and start the service; updates an older one\n"
                "  uninstall      withdraw all rules and remove everything of wslbridge\n"
                "  pair DISTRO    make a key for a WSL distro and hand it over\n"
                "  pair --print ID/NAME   make a key for another guest and print it\n"
                "  pair --list    who is paired, and when it was here last\n"
                "  unpair ID/NAME forget its key, and withdraw its rules at once\n"
                "  status         what is known and done; --json: for programs\n"
                "  doctor         what is wrong, worst first, and what to do; --json: for "
                "programs\n"
                "  rules          port forwardings of ours; --netsh: as netsh commands\n"
                "  adopt ADDRESS:PORT     take over a port forwarding that a script left\n"
                "  run            serve in the foreground until Ctrl-C; --service: as the service\n"
                "  --help         this text\n"
                "  --version      version\n",
                stream);
#ifdef WSLBRIDGE_TEST_TRANSPORT
        (void) fputs("\nOptions of 'run', in test builds only:\n"
                     "  --transport tcp:127.0.0.1:PORT   where to listen; port 0 = any\n"
                     "  --transport tcp-vm:              VMs are ports, see transport-tcp-vm.c\n"
                     "  --heartbeat-ms N  --handshake-ms N  --goodbye-ms N  --recovery-ms N\n"
                     "  --debug        more log lines\n",
                     stream);
#endif
        return stream == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

#ifdef WSLBRIDGE_TEST_TRANSPORT
/* Return: true when @name is one of the options with a number and @value is one. */
static bool parse_milliseconds(ControllerOptions *b, const char *name, const char *value) {
        const struct {
                const char *name;
                uint32_t *ms;
        } options[] = {
                {"--heartbeat-ms", &b->heartbeat_ms},
                {"--handshake-ms", &b->handshake_ms},
                {"--goodbye-ms", &b->goodbye_ms},
                {"--recovery-ms", &b->recovery_ms},
        };
        char *end;
        unsigned long n = strtoul(value, &end, 10);

        for (size_t i = 0; i < ARRAYSIZE(options); i++) {
                if (strcmp(name, options[i].name) == 0 && *value >= '0' && *value <= '9' && !*end) {
                        *options[i].ms = n;
                        return true;
                }
        }
        return false;
}

static int parse_run(int argc, char **argv, HelperOptions *options) {
        for (int i = 0; i < argc; i++) {
                const char *name = argv[i];
                int r;

                if (strcmp(name, "--debug") == 0) {
                        log_set_level(LOG_LEVEL_DEBUG);
                        continue;
                }
                if (++i == argc) {
                        log_write(LOG_LEVEL_ERROR, "Option '%s' wants a value, or is unknown",
                                  name);
                        return -EINVAL;
                }
                if (strcmp(name, "--transport") == 0)
                        r = transport_parse(argv[i], &options->transport, &options->address);
                else
                        r = parse_milliseconds(&options->controller, name, argv[i]) ? 0 : -EINVAL;
                if (r < 0) {
                        log_write(LOG_LEVEL_ERROR, "Bad option '%s %s'", name, argv[i]);
                        return r;
                }
        }
        return 0;
}
#else
static int parse_run(int argc, char **argv, HelperOptions *options) {
        if (argc == 0)
                return 0;
        log_write(LOG_LEVEL_ERROR, "'run' takes no options");
        return -EINVAL;
}
#endif

static int command_run(int argc, char **argv) {
        HelperOptions options = {.transport = &transport_hyperv};
        bool as_service = argc > 0 && strcmp(argv[0], "--service") == 0;
        int r;

        controller_options_init(&options.controller);
        options.controller.mac = mac_bcrypt;
        options.controller.software = SOFTWARE;
        if (parse_run(argc - as_service, argv + as_service, &options) < 0)
                return EXIT_FAILURE;
        if (!as_service && !elevation_check("run"))
                return EXIT_FAILURE;
        r = as_service ? service_run(&options) : run_helper(&options);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int command_help(int argc, char **argv) {
        return usage(stdout);
}

static int command_version(int argc, char **argv) {
        (void) puts(SOFTWARE);
        return EXIT_SUCCESS;
}

static const struct {
        const char *name;
        int (*fn)(int argc, char **argv); /* arguments after the command */
} commands[] = {
        {"run", command_run},     {"install", command_install},   {"uninstall", command_uninstall},
        {"pair", command_pair},   {"unpair", command_unpair},     {"rules", command_rules},
        {"adopt", command_adopt}, {"status", command_status},     {"doctor", command_doctor},
        {"--help", command_help}, {"--version", command_version},
};

static char **utf8_arguments(int argc, wchar_t **wide) {
        char **argv = calloc((size_t) argc + 1, sizeof(*argv));

        for (int i = 0; argv && i < argc; i++)
                if (win_from_wide(wide[i], wcslen(wide[i]), &argv[i]) < 0)
                        return NULL; /* the process ends: nothing to free */
        return argv;
}

int wmain(int argc, wchar_t **wide); /* -municode's main(); no header declares it */

int wmain(int argc, wchar_t **wide) {
        char **argv;

        /* Before anything can load a DLL by name: only from System32, never from the directory we
         * were started in (fact 9). */
        if (!SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32)) {
                (void) log_win_error(GetLastError(), "Failed to restrict where DLLs come from");
                return EXIT_FAILURE;
        }
        argv = utf8_arguments(argc, wide);
        if (!argv || argc < 2)
                return usage(stderr);
        for (size_t i = 0; i < ARRAYSIZE(commands); i++)
                if (strcmp(argv[1], commands[i].name) == 0)
                        return commands[i].fn(argc - 2, argv + 2);
        log_write(LOG_LEVEL_ERROR, "Unknown command '%s'", argv[1]);
        return usage(stderr);
}
