/* SPDX-License-Identifier: MIT */

/*
 * The command line: the table of commands. Each command is a file in commands/, and so is the help.
 */

#include "windows-helper/commands/commands.h"
#include "windows-helper/win/console.h"
#include "windows-helper/win/crypto.h"
#include "windows-helper/win/ip-helper.h"
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

static char **utf8_arguments(int argc, wchar_t **wide) {
        char **argv = calloc((size_t) argc + 1, sizeof(*argv));

        for (int i = 0; argv && i < argc; i++)
                if (win_from_wide(wide[i], wcslen(wide[i]), &argv[i]) < 0)
                        return NULL; /* the process ends at once, so nothing is freed */
        return argv;
}

int wmain(int argc, wchar_t **wide); /* -municode's main(); no header declares it */

int wmain(int argc, wchar_t **wide) {
        static char **argv; /* kept until the process ends */

#ifdef WSLBRIDGE_TEST_TRANSPORT
        /* So that a test can tell our exit codes from those of Wine's loader. */
        if (getenv("WSLBRIDGE_TEST_MAIN"))
                (void) console_write(CONSOLE_ERROR, "main\n", 5);
#endif
        /* Before anything can load a DLL by name: DLLs come from System32, never from the folder in
         * which we were started (fact 9.2.2). */
        if (!SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32)) {
                (void) log_win_error(GetLastError(), "Cannot restrict where DLLs are loaded from");
                return EXIT_FAILURE;
        }
        if (crypto_load() < 0 || ip_helper_load() < 0)
                return EXIT_FAILURE;
        argv = utf8_arguments(argc, wide);
        return argv && argc > 0 ? run_command(argc - 1, argv + 1) : EXIT_FAILURE;
}
