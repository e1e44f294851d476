/* SPDX-License-Identifier: MIT */

/*
 * 'run': be the helper, in the foreground until Ctrl-C, or as the service. The release build's
 * 'run' has no options but '--service'.
 */

#include "windows-helper/commands/commands.h"
#include "windows-helper/service/helper.h"
#include "windows-helper/service/service.h"
#include "windows-helper/win/crypto.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/rights.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(CRYPTO_KEY_SIZE == WIRE_KEY_SIZE && CRYPTO_MAC_SIZE == WIRE_MAC_SIZE,
               "The handshake uses HMAC-SHA256");

/* When a console window is closed or the user logs off, Windows ends the process as soon as the
 * handler returns, and after 5 s in any case. The rules must be withdrawn by then. */
#define STOP_WAIT_MS 4500

/* For the console handler, which runs in a thread of its own. Never closed, so always valid. */
static HANDLE stop_event, stopped_event;

static BOOL WINAPI on_console(DWORD event) {
        (void) SetEvent(stop_event);
        if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT)
                (void) WaitForSingleObject(stopped_event, STOP_WAIT_MS);
        return TRUE;
}

/* Under Wine 8, SIGINT to the process arrives as CTRL_C_EVENT. SIGTERM just ends it. */
static int run_helper(HelperOptions *options) {
        Helper *helper = NULL;
        int r;

        stop_event = CreateEventW(NULL, FALSE, FALSE, NULL);
        stopped_event = CreateEventW(NULL, TRUE, FALSE, NULL);
        if (!stop_event || !stopped_event)
                return log_win_error(GetLastError(), "Cannot create an event");
        if (!SetConsoleCtrlHandler(on_console, TRUE))
                return log_win_error(GetLastError(), "Cannot handle Ctrl-C");
        options->stop = stop_event;
        r = helper_new(&helper, options);
        if (r == 0)
                r = helper_run(helper);
        (void) SetEvent(stopped_event);
        helper_free(helper);
        return r;
}

#ifdef WSLBRIDGE_TEST_TRANSPORT
/* Return: false when @name is not an option with a number, or @value is not a number. */
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
                        log_write(LOG_LEVEL_ERROR, "Option '%s' is unknown or needs a value", name);
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

int command_run(int argc, char **argv) {
        HelperOptions options = {.transport = &transport_hyperv};
        bool as_service = argc > 0 && strcmp(argv[0], "--service") == 0;
        int r;

        controller_options_init(&options.controller);
        options.controller.mac = mac_bcrypt;
        options.controller.software = COMMANDS_SOFTWARE;
        if (parse_run(argc - as_service, argv + as_service, &options) < 0)
                return EXIT_FAILURE;
        if (!as_service && !rights_demand("run"))
                return EXIT_FAILURE;
        r = as_service ? service_run(&options) : run_helper(&options);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
