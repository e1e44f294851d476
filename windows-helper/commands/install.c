/* SPDX-License-Identifier: MIT */

/*
 * The commands 'install' and 'uninstall': the service, its files and its event source.
 */

#include "windows-helper/install/install.h"
#include "windows-helper/commands/commands.h"
#include "windows-helper/win/console.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/rights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSTALL_ARGUMENTS_MAX 256

/* The service runs with these options of 'run'. The release build has none. */
static bool install_arguments(int argc, char **argv, wchar_t ret_text[INSTALL_ARGUMENTS_MAX]) {
        char text[INSTALL_ARGUMENTS_MAX] = "";
        size_t n = 0;

        for (int i = 0; i < argc && n < sizeof(text); i++)
                n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "", argv[i]);
        return n < sizeof(text) && win_to_wide(text, ret_text, INSTALL_ARGUMENTS_MAX) == 0;
}

int command_install(int argc, char **argv) {
        wchar_t arguments[INSTALL_ARGUMENTS_MAX];

#ifndef WSLBRIDGE_TEST_TRANSPORT
        if (argc > 0) {
                log_write(LOG_LEVEL_ERROR, "'install' takes no options");
                return EXIT_FAILURE;
        }
#endif
        if (!install_arguments(argc, argv, arguments)) {
                log_write(LOG_LEVEL_ERROR, "The options are too long");
                return EXIT_FAILURE;
        }
        if (!rights_demand("install"))
                return EXIT_FAILURE;
        if (install(arguments) < 0)
                return EXIT_FAILURE;
        (void) console_printf("Installed.\n");
        return EXIT_SUCCESS;
}

int command_uninstall(int argc, char **argv) {
        bool keep = argc == 1 && strcmp(argv[0], "--keep") == 0;

        if (argc > 0 && !keep)
                return command_usage("uninstall");
        if (!rights_demand("uninstall"))
                return EXIT_FAILURE;
        if (uninstall(keep) < 0)
                return EXIT_FAILURE;
        (void) console_printf(
                "Removed. Port forwardings that were adopted are not put back. Values "
                "set by Group Policy (HKLM\\SOFTWARE\\Policies\\wslbridge) are "
                "kept%s.\n",
                keep ? ", and so are the pairings and the local policy" : "");
        return EXIT_SUCCESS;
}
