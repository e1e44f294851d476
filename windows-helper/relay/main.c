/* SPDX-License-Identifier: MIT */

/*
 * The command line of the relay: 'run', in the foreground until Ctrl-C, or as the service.
 */

#include "windows-helper/program/start.h"
#include "windows-helper/relay/relay.h"
#include "windows-helper/relay/service.h"
#include "windows-helper/win/console.h"
#include "windows-helper/win/log.h"

#include <stdlib.h>
#include <string.h>

static const char relay_usage[] =
        "Usage: wslbridge-relay run [--service]\n"
        "\n"
        "Forwards TCP and UDP to guests as the registry key HKLM\\SOFTWARE\\wslbridge\\Relay "
        "says.\n"
        "wslbridge-helper writes that key, and starts and stops the service wslbridge-relay.\n"
        "'run' alone forwards in the foreground until Ctrl-C.\n";

static HANDLE stop_event; /* never closed, so always valid for the handler's thread */

static BOOL WINAPI on_console(DWORD event) {
        return SetEvent(stop_event);
}

static int run_relay(RelayOptions *options) {
        Relay *relay = NULL;
        int r;

        stop_event = CreateEventW(NULL, FALSE, FALSE, NULL);
        if (!stop_event)
                return log_win_error(GetLastError(), "Cannot create an event");
        if (!SetConsoleCtrlHandler(on_console, TRUE))
                return log_win_error(GetLastError(), "Cannot handle Ctrl-C");
        options->stop = stop_event;
        r = relay_new(&relay, options);
        if (r == 0)
                r = relay_run(relay);
        relay_free(relay);
        return r;
}

int wmain(int argc, wchar_t **wide); /* -municode's main(); no header declares it */

int wmain(int argc, wchar_t **wide) {
        RelayOptions options = {0};
        bool as_service;
        char **argv;
        int r;

#ifdef WSLBRIDGE_TEST_TRANSPORT
        /* So that a test can tell our exit codes from those of Wine's loader. */
        if (getenv("WSLBRIDGE_TEST_MAIN"))
                (void) console_write(CONSOLE_ERROR, "main\n", 5);
        options.own_sockets = getenv("WSLBRIDGE_TEST_OWN_SOCKETS") != NULL;
#endif
        argv = start_arguments(argc, wide);
        if (!argv)
                return EXIT_FAILURE;
        as_service = argc == 3 && strcmp(argv[2], "--service") == 0;
        if (argc != (as_service ? 3 : 2) || strcmp(argv[1], "run") != 0) {
                (void) console_write(CONSOLE_ERROR, relay_usage, strlen(relay_usage));
                return EXIT_FAILURE;
        }
        r = as_service ? relay_service_run(&options) : run_relay(&options);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
