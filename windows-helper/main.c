/* SPDX-License-Identifier: MIT */

/*
 * The command line: the table of commands. Each command is a file in commands/, and so is the help.
 */

#include "windows-helper/commands/commands.h"
#include "windows-helper/program/start.h"
#include "windows-helper/win/console.h"
#include "windows-helper/win/log.h"

#include <stdlib.h>
#include <string.h>

static int command_help(int argc, char **argv) {
        if (argc == 0 || help_is_asked(argv[0])) {
                help_show(/* as_error= */ false);
                return EXIT_SUCCESS;
        }
        if (help_command(argv[0]))
                return EXIT_SUCCESS;
        log_write(LOG_LEVEL_ERROR, "Unknown command '%s'", argv[0]);
        help_show(/* as_error= */ true);
        return EXIT_FAILURE;
}

static int command_version(int argc, char **argv) {
        (void) console_printf("%s\n", COMMANDS_SOFTWARE);
        return EXIT_SUCCESS;
}

static const struct {
        const char *name;
        int (*fn)(int argc, char **argv); /* arguments after the command */
} commands[] = {
        {"run", command_run},
        {"install", command_install},
        {"uninstall", command_uninstall},
        {"pair", command_pair},
        {"unpair", command_unpair},
        {"rules", command_rules},
        {"adopt", command_adopt},
        {"status", command_status},
        {"doctor", command_doctor},
        {"setup", command_setup},
        {"setup-elevated", command_setup_elevated},
        {"msi", command_msi},
        {"selftest", command_selftest},
        {"help", command_help},
        {"version", command_version},
        {"--version", command_version},
};

static int run_command(int argc, char **argv) {
        if (argc == 0) {
                help_show(/* as_error= */ true);
                return EXIT_FAILURE;
        }
        if (help_is_asked(argv[0]))
                return command_help(argc - 1, argv + 1);
        for (size_t i = 0; i < ARRAYSIZE(commands); i++) {
                if (strcmp(argv[0], commands[i].name) != 0)
                        continue;
                if (argc > 1 && help_is_asked(argv[1]) && help_command(argv[0]))
                        return EXIT_SUCCESS;
                return commands[i].fn(argc - 1, argv + 1);
        }
        log_write(LOG_LEVEL_ERROR, "Unknown command '%s'", argv[0]);
        help_show(/* as_error= */ true);
        return EXIT_FAILURE;
}

int wmain(int argc, wchar_t **wide); /* -municode's main(); no header declares it */

int wmain(int argc, wchar_t **wide) {
        char **argv;

#ifdef WSLBRIDGE_TEST_TRANSPORT
        /* So that a test can tell our exit codes from those of Wine's loader. */
        if (getenv("WSLBRIDGE_TEST_MAIN"))
                (void) console_write(CONSOLE_ERROR, "main\n", 5);
#endif
        argv = start_arguments(argc, wide);
        return argv ? run_command(argc - 1, argv + 1) : EXIT_FAILURE;
}
