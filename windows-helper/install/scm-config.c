/* SPDX-License-Identifier: MIT */

/*
 * The settings of the service, and its security descriptor.
 */

#include "windows-helper/install/scm-config.h"
#include "windows-helper/install/scm.h"
#include "windows-helper/service/service.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <sddl.h>

static void scm_set(SC_HANDLE service, DWORD level, void *info, const char *what) {
        if (!ChangeServiceConfig2W(service, level, info))
                (void) log_win_error(GetLastError(), "Cannot set %s of the service, ignoring",
                                     what);
}

void scm_restart_after_errors(SC_HANDLE service, bool restart) {
        SERVICE_FAILURE_ACTIONS_FLAG flag = {restart};

        scm_set(service, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &flag, "the actions after an error");
}

/* What decides about the token of the service. */
static void scm_set_token(SC_HANDLE service) {
        /* The service relies on access rights, not on privileges. Every process has the first of
         * these two anyway; the Host Compute Service may need the second to check its caller
         * (fact 9.1.4). */
        wchar_t privileges[] = L"SeChangeNotifyPrivilege\0SeImpersonatePrivilege\0";
        /* Not RESTRICTED: the sockets of a WSL VM admit SYSTEM, but not with a restricted token
         * (facts 2.1.2 and 9.1.5). */
        SERVICE_SID_INFO sid = {SERVICE_SID_TYPE_UNRESTRICTED};
        SERVICE_REQUIRED_PRIVILEGES_INFOW required = {privileges};

        scm_set(service, SERVICE_CONFIG_SERVICE_SID_INFO, &sid, "the service's SID");
        scm_set(service, SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, &required, "the privileges");
}

/* The service works without these settings (fact 9.1.6). */
static void scm_set_all(SC_HANDLE service) {
        wchar_t about[] = SERVICE_ABOUT;
        SC_ACTION actions[] = {
                {SC_ACTION_RESTART, 5000}, {SC_ACTION_RESTART, 30000}, {SC_ACTION_RESTART, 60000}};
        SERVICE_DESCRIPTIONW description = {about};
        SERVICE_DELAYED_AUTO_START_INFO delayed = {TRUE};
        SERVICE_FAILURE_ACTIONSW failure = {
                .dwResetPeriod = 24 * 60 * 60,
                .cActions = ARRAYSIZE(actions),
                .lpsaActions = actions,
        };
        /* At a shutdown, Windows waits for this long, instead of some seconds, before it ends us
         * (fact 9.1.3). */
        SERVICE_PRESHUTDOWN_INFO preshutdown = {SERVICE_STOP_HINT_MS};

        scm_set(service, SERVICE_CONFIG_DESCRIPTION, &description, "the description");
        scm_set(service, SERVICE_CONFIG_DELAYED_AUTO_START_INFO, &delayed, "the delayed start");
        scm_set(service, SERVICE_CONFIG_FAILURE_ACTIONS, &failure, "the actions after a crash");
        scm_restart_after_errors(service, false);
        scm_set(service, SERVICE_CONFIG_PRESHUTDOWN_INFO, &preshutdown, "the time for a shutdown");
}

int scm_configure_token(SC_HANDLE service) {
        PSECURITY_DESCRIPTOR rights = NULL;
        DWORD error = ERROR_SUCCESS;

        scm_set_token(service);
        if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(SCM_RIGHTS, SDDL_REVISION_1,
                                                                  &rights, NULL) ||
            !SetServiceObjectSecurity(service, DACL_SECURITY_INFORMATION, rights))
                error = GetLastError();
        (void) LocalFree(rights);
        if (error != ERROR_SUCCESS)
                return log_win_error(error, "Cannot protect the service from other users");
        return 0;
}

int scm_configure(SC_HANDLE service) {
        scm_set_all(service);
        return scm_configure_token(service);
}
