/* SPDX-License-Identifier: MIT */

/*
 * 'setup', for the user who owns a distro, and its elevated half.
 */

#include "windows-helper/setup/setup.h"
#include "windows-helper/commands/commands.h"
#include "windows-helper/elevated/serve.h"
#include "windows-helper/setup/print.h"
#include "windows-helper/win/log.h"

#include <stdlib.h>
#include <string.h>

static bool setup_option(SetupOptions *o, const char *word) {
        const struct {
                const char *name;
                bool *flag;
        } flags[] = {
                {"--dry-run", &o->dry_run},   {"--yes", &o->yes},
                {"--json", &o->json},         {"--undo", &o->undo},
                {"--print", &o->print},       {"--keep-alive", &o->keep_alive},
                {"--at-logon", &o->at_logon}, {"--import", &o->import},
        };

        for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
                if (strcmp(word, flags[i].name) == 0) {
                        *flags[i].flag = true;
                        return true;
                }
        }
        return false;
}

int command_setup(int argc, char **argv) {
        SetupOptions options = {.distro = NULL};

        for (int i = 0; i < argc; i++) {
                if (setup_option(&options, argv[i]))
                        continue;
                if (argv[i][0] == '-' || options.distro) {
                        log_write(LOG_LEVEL_ERROR, "'setup' does not take '%s'", argv[i]);
                        return command_usage("setup");
                }
                options.distro = argv[i];
        }
        return options.print ? print_hyperv() : setup_run(&options);
}

int command_setup_elevated(int argc, char **argv) {
        return elevated_serve(argc == 1 ? argv[0] : "");
}
