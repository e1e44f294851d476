/* SPDX-License-Identifier: MIT */

/*
 * The table of our services, and what it is to Windows.
 */

#include "windows-helper/install/scm-config.h"
#include "windows-helper/relay/service-settings.h"
#include "windows-helper/service/service.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <sddl.h>

const ScmService scm_services[_SCM_END] = {
        [SCM_HELPER] =
                {
                        .program = PROGRAM_HELPER,
                        .label = NAMES_HELPER_SERVICE,
                        .name = SERVICE_NAME,
                        .title = SERVICE_TITLE,
                        .about = SERVICE_ABOUT,
                        .arguments = L"run --service",
                        /* It relies on access rights, not on privileges. Every process has the
                         * first of these two anyway; the Host Compute Service may need the second
                         * to check its caller (fact 9.1.4). */
                        .privileges = L"SeChangeNotifyPrivilege\0SeImpersonatePrivilege\0",
                        .start_type = SERVICE_AUTO_START,
                        /* Not RESTRICTED: the sockets of a WSL VM admit SYSTEM, but not with a
                         * restricted token (facts 2.1.2 and 9.1.5). */
                        .sid_type = SERVICE_SID_TYPE_UNRESTRICTED,
                        .restarts = true,
                        .shutdown_ms = SERVICE_STOP_HINT_MS,
                },
        [SCM_RELAY] =
                {
                        .program = PROGRAM_RELAY,
                        .label = NAMES_RELAY_SERVICE,
                        .name = RELAY_SERVICE_NAME,
                        .title = RELAY_SERVICE_TITLE,
                        .about = RELAY_SERVICE_ABOUT,
                        .arguments = RELAY_SERVICE_ARGS,
                        .account = RELAY_SERVICE_ACCOUNT,
                        .privileges = RELAY_SERVICE_PRIVILEGES,
                        .start_type = RELAY_SERVICE_START,
                        .sid_type = RELAY_SERVICE_SID,
                },
};

static void scm_set(SC_HANDLE service, DWORD level, void *info, const char *what) {
        if (!ChangeServiceConfig2W(service, level, info))
                (void) log_win_error(GetLastError(), "Cannot set %s of the service, ignoring",
                                     what);
}

void scm_restart_after_errors(ScmId id, SC_HANDLE service, bool restart) {
        SERVICE_FAILURE_ACTIONS_FLAG flag = {restart && scm_services[id].restarts};

        scm_set(service, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &flag, "the actions after an error");
}

/* What decides about the token of the service. */
static void scm_set_token(const ScmService *s, SC_HANDLE service) {
        SERVICE_SID_INFO sid = {s->sid_type};
        SERVICE_REQUIRED_PRIVILEGES_INFOW required = {(wchar_t *) (uintptr_t) s->privileges};

        scm_set(service, SERVICE_CONFIG_SERVICE_SID_INFO, &sid, "the service's SID");
        scm_set(service, SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, &required, "the privileges");
}

/* An array of no actions takes away those that are set (fact 9.1.19). */
static void scm_set_restarts(ScmId id, SC_HANDLE service) {
        SC_ACTION actions[] = {
                {SC_ACTION_RESTART, 5000}, {SC_ACTION_RESTART, 30000}, {SC_ACTION_RESTART, 60000}};
        bool restarts = scm_services[id].restarts;
        SERVICE_FAILURE_ACTIONSW failure = {
                .dwResetPeriod = restarts ? 24 * 60 * 60 : 0,
                .cActions = restarts ? ARRAYSIZE(actions) : 0,
                .lpsaActions = actions,
        };

        scm_set(service, SERVICE_CONFIG_FAILURE_ACTIONS, &failure, "the actions after a crash");
        scm_restart_after_errors(id, service, false);
}

/* The service works without these settings (fact 9.1.6). */
static void scm_set_all(ScmId id, SC_HANDLE service) {
        const ScmService *s = &scm_services[id];
        SERVICE_DESCRIPTIONW description = {(wchar_t *) (uintptr_t) s->about};
        /* Windows waits two minutes before it starts a delayed service (fact 9.1.22). Ours waits
         * for nothing. */
        SERVICE_DELAYED_AUTO_START_INFO delayed = {FALSE};
        /* At a shutdown, Windows waits for this long, instead of some seconds, before it ends us
         * (fact 9.1.3). */
        SERVICE_PRESHUTDOWN_INFO preshutdown = {s->shutdown_ms};

        scm_set(service, SERVICE_CONFIG_DESCRIPTION, &description, "the description");
        if (s->start_type == SERVICE_AUTO_START)
                scm_set(service, SERVICE_CONFIG_DELAYED_AUTO_START_INFO, &delayed, "the start");
        scm_set_restarts(id, service);
        if (s->shutdown_ms > 0)
                scm_set(service, SERVICE_CONFIG_PRESHUTDOWN_INFO, &preshutdown,
                        "the time for a shutdown");
}

int scm_configure_token(ScmId id, SC_HANDLE service) {
        PSECURITY_DESCRIPTOR rights = NULL;
        DWORD error = ERROR_SUCCESS;

        scm_set_token(&scm_services[id], service);
        if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(SCM_RIGHTS, SDDL_REVISION_1,
                                                                  &rights, NULL) ||
            !SetServiceObjectSecurity(service, DACL_SECURITY_INFORMATION, rights))
                error = GetLastError();
        (void) LocalFree(rights);
        if (error != ERROR_SUCCESS)
                return log_win_error(error, "Cannot protect the service from other users");
        return 0;
}

int scm_configure(ScmId id, SC_HANDLE service) {
        scm_set_all(id, service);
        return scm_configure_token(id, service);
}
