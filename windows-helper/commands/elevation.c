/* SPDX-License-Identifier: MIT */
#include "windows-helper/commands/elevation.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/win.h"

/* The Administrators group is in the token of an administrator who has not elevated, too, but for
 * denying only; CheckTokenMembership() knows the difference. SYSTEM is a member. */
bool elevation_check(const char *command) {
        SID_IDENTIFIER_AUTHORITY authority = {SECURITY_NT_AUTHORITY};
        PSID administrators = NULL;
        BOOL member = FALSE;

        if (!AllocateAndInitializeSid(&authority, 2, SECURITY_BUILTIN_DOMAIN_RID,
                                      DOMAIN_ALIAS_RID_ADMINS, 0, 0, 0, 0, 0, 0, &administrators) ||
            !CheckTokenMembership(NULL, administrators, &member))
                (void) log_win_error(GetLastError(), "Failed to look at the user's rights");
        if (administrators)
                FreeSid(administrators);
        if (!member) {
                log_write(LOG_LEVEL_ERROR,
                          "'wslbridge-helper %s' changes Windows for all users: run it in a "
                          "terminal opened with 'Run as administrator'",
                          command);
        }
        return member;
}
