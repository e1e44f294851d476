/* SPDX-License-Identifier: MIT */

/*
 * The entries in the service manager.
 */

#include "windows-helper/install/scm.h"
#include "windows-helper/install/scm-config.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>

#define SCM_POLL_MS     50
#define SCM_DELETED_MS  10000 /* for others to close an entry that was removed */
#define SCM_CONFIG_MAX  8192  /* bytes; documented for QueryServiceConfigW() */
#define SCM_COMMAND_MAX (PATHS_MAX + 256)

/* The service depends on none. NULL would leave the dependency that older versions have set
 * (fact 9.1.10). */
static const wchar_t scm_needs[] = L"\0";

SC_HANDLE scm_open(ScmId id, DWORD access, int *ret_error) {
        SC_HANDLE manager, service;
        DWORD error;

        manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
        if (!manager) {
                *ret_error = log_win_error(GetLastError(), "Cannot reach the service manager");
                return NULL;
        }
        service = OpenServiceW(manager, scm_services[id].name, access);
        error = GetLastError();
        (void) CloseServiceHandle(manager);
        if (!service) {
                *ret_error = error == ERROR_SERVICE_DOES_NOT_EXIST
                                     ? -ENOENT
                                     : log_win_error(error, "Cannot open the service %s",
                                                     scm_services[id].label);
        }
        return service;
}

int scm_read(ScmId id, ScmEntry *ret_entry) {
        QUERY_SERVICE_CONFIGW *config;
        SERVICE_STATUS status = {.dwCurrentState = 0};
        SC_HANDLE service;
        DWORD size;
        int r = 0;

        *ret_entry = (ScmEntry){.exists = false};
        service = scm_open(id, SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS, &r);
        if (!service)
                return r == -ENOENT ? 0 : r;
        config = malloc(SCM_CONFIG_MAX);
        if (!config)
                r = -ENOMEM;
        else if (!QueryServiceConfigW(service, config, SCM_CONFIG_MAX, &size) ||
                 !QueryServiceStatus(service, &status))
                r = log_win_error(GetLastError(), "Cannot read the entry of the service %s",
                                  scm_services[id].label);
        (void) CloseServiceHandle(service);
        if (r < 0) {
                free(config);
                return r;
        }
        *ret_entry = (ScmEntry){
                .exists = true,
                .running = status.dwCurrentState == SERVICE_RUNNING ||
                           status.dwCurrentState == SERVICE_START_PENDING,
                .disabled = config->dwStartType == SERVICE_DISABLED,
                .config = config,
        };
        return 0;
}

void scm_entry_done(ScmEntry *entry) {
        free(entry->config);
        *entry = (ScmEntry){.exists = false};
}

bool scm_is_running(ScmId id) {
        ScmEntry entry;
        bool running = scm_read(id, &entry) == 0 && entry.running;

        scm_entry_done(&entry);
        return running;
}

/* Return: the error. *ret_service: to be closed. */
static DWORD scm_make(const ScmService *s, SC_HANDLE manager, const wchar_t *command,
                      SC_HANDLE *ret_service) {
        /* Only who may start a service may have it restarted after a crash (fact 9.1.6). */
        const DWORD access = SERVICE_CHANGE_CONFIG | SERVICE_START | READ_CONTROL | WRITE_DAC;
        const wchar_t *password = s->account ? L"" : NULL; /* it has none (fact 9.1.14) */
        SC_HANDLE service;
        DWORD error;

        service = CreateServiceW(manager, s->name, s->title, access, SERVICE_WIN32_OWN_PROCESS,
                                 s->start_type, SERVICE_ERROR_NORMAL, command, NULL, NULL,
                                 scm_needs, s->account, password);
        *ret_service = service;
        if (service)
                return ERROR_SUCCESS;
        error = GetLastError();
        if (error != ERROR_SERVICE_EXISTS)
                return error;
        service = OpenServiceW(manager, s->name, access);
        if (!service)
                return GetLastError();
        *ret_service = service;
        if (ChangeServiceConfigW(service, SERVICE_WIN32_OWN_PROCESS, s->start_type,
                                 SERVICE_ERROR_NORMAL, command, NULL, NULL, scm_needs, s->account,
                                 password, s->title))
                return ERROR_SUCCESS;
        error = GetLastError();
        (void) CloseServiceHandle(service);
        *ret_service = NULL;
        return error;
}

int scm_write(ScmId id, const wchar_t *exe, const wchar_t *more) {
        const ScmService *s = &scm_services[id];
        SC_HANDLE manager, service = NULL;
        wchar_t command[SCM_COMMAND_MAX];
        DWORD error = ERROR_SUCCESS;
        int r;

        /* Without the quotes, Windows would try C:\Program.exe first (fact 9.1.7). */
        (void) win_format(command, SCM_COMMAND_MAX, L"\"%ls\" %ls%ls%ls", exe, s->arguments,
                          more[0] ? L" " : L"", more);
        manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE);
        if (!manager)
                return log_win_error(GetLastError(), "Cannot reach the service manager");
        /* An entry that was removed disappears when the last program has closed it. */
        for (int waited = 0; waited < SCM_DELETED_MS; waited += SCM_POLL_MS) {
                error = scm_make(s, manager, command, &service);
                if (error != ERROR_SERVICE_MARKED_FOR_DELETE)
                        break;
                Sleep(SCM_POLL_MS);
        }
        (void) CloseServiceHandle(manager);
        if (error == ERROR_SERVICE_MARKED_FOR_DELETE)
                return log_win_error(error,
                                     "Cannot create the service %s. Close the window Services "
                                     "and the Task Manager, then install again",
                                     s->label);
        if (error != ERROR_SUCCESS)
                return log_win_error(error, "Cannot create the service %s", s->label);
        r = scm_configure(id, service);
        (void) CloseServiceHandle(service);
        return r;
}

int scm_set_start_type(ScmId id, DWORD type) {
        SC_HANDLE service;
        int r = 0;

        service = scm_open(id, SERVICE_CHANGE_CONFIG, &r);
        if (!service)
                return r;
        if (!ChangeServiceConfigW(service, SERVICE_NO_CHANGE, type, SERVICE_NO_CHANGE, NULL, NULL,
                                  NULL, NULL, NULL, NULL, NULL))
                r = log_win_error(GetLastError(), "Cannot set how the service %s starts",
                                  scm_services[id].label);
        (void) CloseServiceHandle(service);
        return r;
}

int scm_rest(ScmId id, DWORD start_type) {
        SC_HANDLE service;
        int r = 0;

        service = scm_open(id, SERVICE_CHANGE_CONFIG | SERVICE_START, &r);
        if (!service)
                return r;
        scm_restart_after_errors(id, service, true);
        (void) CloseServiceHandle(service);
        return scm_set_start_type(id, start_type);
}

int scm_restore(ScmId id, const ScmEntry *entry) {
        const QUERY_SERVICE_CONFIGW *c = entry->config;
        SC_HANDLE service;
        int r = 0;

        if (!c) {
                r = scm_remove(id);
                return r == -ENOENT ? 0 : r;
        }
        service = scm_open(id, SERVICE_CHANGE_CONFIG | SERVICE_START, &r);
        if (!service)
                return r;
        scm_restart_after_errors(id, service, true);
        if (!ChangeServiceConfigW(service, c->dwServiceType, c->dwStartType, c->dwErrorControl,
                                  c->lpBinaryPathName, NULL, NULL,
                                  c->lpDependencies ? c->lpDependencies : scm_needs, NULL, NULL,
                                  c->lpDisplayName))
                r = log_win_error(GetLastError(), "Cannot restore the entry of the service %s",
                                  scm_services[id].label);
        (void) CloseServiceHandle(service);
        return r;
}

int scm_remove(ScmId id) {
        SC_HANDLE service;
        int r = 0;

        service = scm_open(id, DELETE, &r);
        if (!service)
                return r;
        if (!DeleteService(service) && GetLastError() != ERROR_SERVICE_MARKED_FOR_DELETE)
                r = log_win_error(GetLastError(), "Cannot remove the service %s",
                                  scm_services[id].label);
        (void) CloseServiceHandle(service);
        return r;
}
