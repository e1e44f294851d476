/* SPDX-License-Identifier: MIT */

/*
 * The command line: the table of commands and the help. Each command is a file in commands/.
 */

#include "windows-helper/commands/commands.h"
#include "windows-helper/win/console.h"
#include "windows-helper/win/crypto.h"
#include "windows-helper/win/ip-helper.h"
#include "windows-helper/win/log.h"

#include <stdlib.h>
#include <string.h>

static int usage(ConsoleStream stream) {
        static const char text[] =
                "Usage: wslbridge-helper COMMAND [OPTION...]\n\n"
                "Keeps the port forwarding of Windows up to date for WSL2 and Hyper-V guests.\n\n"
                "The service:\n"
                "  install               install, or update, and start it\n"
                "  uninstall             withdraw all rules and remove all of wslbridge\n"
                "  run                   run in the foreground until Ctrl-C\n"
                "  run --service         run as the service; only Windows does this\n\n"
                "Guests:\n"
                "  pair DISTRO           give a WSL distro a new key\n"
                "  pair --print ID/NAME  print a new key for any other guest\n"
                "  pair --list           list the paired guests and when each was last seen\n"
                "  unpair ID/NAME        delete a guest's key and withdraw its rules at once\n\n"
                "Information:\n"
                "  status [--json]       show guests, their services and the policy\n"
                "  doctor [--json]       find problems and say what to do about them\n"
                "  rules [--netsh]       list wslbridge's port forwardings, or as netsh "
                "commands\n\n"
                "Other port forwardings:\n"
                "  adopt ADDRESS:PORT    take over a port forwarding made by something else\n\n"
                "  --help                show this text\n"
                "  --version             show the version\n"
#ifdef WSLBRIDGE_TEST_TRANSPORT
                "\nOptions of 'run' in test builds:\n"
                "  --transport tcp:127.0.0.1:PORT   listen here; port 0 means any port\n"
                "  --transport tcp-vm:              VMs are ports, see transport-tcp-vm.c\n"
                "  --heartbeat-ms N  --handshake-ms N  --goodbye-ms N  --recovery-ms N\n"
                "  --debug                          log more\n"
#endif
                ;

        (void) console_write(stream, text, sizeof(text) - 1);
        return stream == CONSOLE_OUTPUT ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int command_help(int argc, char **argv) {
        return usage(CONSOLE_OUTPUT);
}

static int command_version(int argc, char **argv) {
        (void) console_printf("%s\n", COMMANDS_SOFTWARE);
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
        if (!argv || argc < 2)
                return usage(CONSOLE_ERROR);
        for (size_t i = 0; i < ARRAYSIZE(commands); i++)
                if (strcmp(argv[1], commands[i].name) == 0)
                        return commands[i].fn(argc - 2, argv + 2);
        log_write(LOG_LEVEL_ERROR, "Unknown command '%s'", argv[1]);
        return usage(CONSOLE_ERROR);
}
