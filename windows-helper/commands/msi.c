/* SPDX-License-Identifier: MIT */

/*
 * The command 'msi', which only Windows Installer runs: its help would help nobody. What goes wrong
 * is in the Event Log, because nobody reads this program's standard error (fact 9.6.6).
 */

#include "windows-helper/install/msi.h"
#include "windows-helper/commands/commands.h"
#include "windows-helper/core/install/package.h"
#include "windows-helper/service/service.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/rights.h"

#include <stdlib.h>
#include <string.h>

#define MSI_ARGUMENTS_MAX 256

/* The service runs with these options of 'run'. The release build has none. */
static void msi_arguments(wchar_t ret_text[MSI_ARGUMENTS_MAX]) {
        ret_text[0] = L'\0';
#ifdef WSLBRIDGE_TEST_TRANSPORT
        if (getenv("WSLBRIDGE_TEST_RUN"))
                (void) win_to_wide(getenv("WSLBRIDGE_TEST_RUN"), ret_text, MSI_ARGUMENTS_MAX);
#endif
}

static int msi_run(const char *action, const wchar_t *package, const wchar_t *database) {
        wchar_t arguments[MSI_ARGUMENTS_MAX];

        msi_arguments(arguments);
        if (strcmp(action, "install") == 0)
                return msi_install(package, database, arguments);
        if (strcmp(action, "install-back") == 0)
                return msi_install_back(package, arguments);
        if (strcmp(action, "install-done") == 0)
                return msi_install_done();
        if (strcmp(action, "remove") == 0)
                return msi_remove(package);
        if (strcmp(action, "remove-back") == 0)
                return msi_remove_back(package, database, arguments);
        if (strcmp(action, "remove-done") == 0)
                return msi_remove_done(package);
        log_write(LOG_LEVEL_ERROR, "'msi' has no action '%s'", action);
        return -1;
}

int command_msi(int argc, char **argv) {
        wchar_t package[PACKAGE_CODE_SIZE], database[PATHS_MAX];

        if (argc != 3 || win_to_wide(argv[2], database, PATHS_MAX) < 0 ||
            win_to_wide(argv[1], package, PACKAGE_CODE_SIZE) < 0 || !package_is_code(package)) {
                log_write(LOG_LEVEL_ERROR, "Only Windows Installer runs this command. Run "
                                           "'wslbridge-helper install'");
                return EXIT_FAILURE;
        }
        /* It is one of SYSTEM on the user's desktop: who closes it ends the installation in the
         * middle, and who clicks into it holds it up (fact 9.6.6). After FreeConsole() the number
         * of standard error might become that of another file. */
        (void) ShowWindow(GetConsoleWindow(), SW_HIDE);
        log_to_event_log(SERVICE_EVENT_SOURCE, /* only= */ false);
        return rights_demand("msi") && msi_run(argv[0], package, database) == 0 ? EXIT_SUCCESS
                                                                                : EXIT_FAILURE;
}
