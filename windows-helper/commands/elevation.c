/* SPDX-License-Identifier: MIT */

/*
 * Whether the process's token makes it an administrator.
 */

#include "windows-helper/commands/elevation.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/win.h"

/* The token of an administrator who has not elevated contains the Administrators group too, but
 * only to deny access. CheckTokenMembership() knows the difference. SYSTEM is a member of the
 * group. */
bool elevation_check(const char *command) {
        SID_IDENTIFIER_AUTHORITY authority = {SECURITY_NT_AUTHORITY};
        PSID administrators = NULL;
        BOOL member = FALSE;

        if (!AllocateAndInitializeSid(&authority, 2, SECURITY_BUILTIN_DOMAIN_RID,
                                      DOMAIN_ALIAS_RID_ADMINS, 0, 0, 0, 0, 0, 0, &administrators) ||
            !CheckTokenMembership(NULL, administrators, &member))
                (void) log_win_error(GetLastError(), "Cannot read the user's rights");
        if (administrators)
                FreeSid(administrators);
        if (!member) {
                log_write(LOG_LEVEL_ERROR,
                          "'wslbridge-helper %s' needs administrator rights: run it in a terminal "
                          "opened with 'Run as administrator'",
                          command);
        }
        return member;
}
