/* SPDX-License-Identifier: MIT */

/*
 * Looks at the groups of the process's token.
 */

#include "windows-helper/win/rights.h"

#include "windows-helper/win/log.h"

/* The token of an administrator who has not elevated contains the Administrators group too, but
 * only to deny access. CheckTokenMembership() knows the difference. SYSTEM is a member of the
 * group. */
bool rights_administrator(void) {
        SID_IDENTIFIER_AUTHORITY authority = {SECURITY_NT_AUTHORITY};
        PSID administrators = NULL;
        BOOL member = FALSE;

        if (!AllocateAndInitializeSid(&authority, 2, SECURITY_BUILTIN_DOMAIN_RID,
                                      DOMAIN_ALIAS_RID_ADMINS, 0, 0, 0, 0, 0, 0, &administrators) ||
            !CheckTokenMembership(NULL, administrators, &member))
                (void) log_win_error(GetLastError(), "Cannot read the user's rights");
        if (administrators)
                FreeSid(administrators);
        return member;
}

bool rights_demand(const char *command) {
        bool may = rights_administrator();

        if (!may) {
                log_write(LOG_LEVEL_ERROR,
                          "'wslbridge-helper %s' needs administrator rights: run it in a terminal "
                          "opened with 'Run as administrator'",
                          command);
        }
        return may;
}
