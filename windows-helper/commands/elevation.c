/* SPDX-License-Identifier: MIT */

/*
 * The message for those who have no administrator rights.
 */

#include "windows-helper/commands/elevation.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/rights.h"

bool elevation_check(const char *command) {
        bool may = rights_administrator();

        if (!may) {
                log_write(LOG_LEVEL_ERROR,
                          "'wslbridge-helper %s' needs administrator rights: run it in a terminal "
                          "opened with 'Run as administrator'",
                          command);
        }
        return may;
}
