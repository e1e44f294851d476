/* SPDX-License-Identifier: MIT */

/*
 * Calls of the service manager.
 */

#include "windows-helper/install/scm.h"
#include "common/names.h"
#include "windows-helper/install/scm-config.h"
#include "windows-helper/service/service.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>

#define SCM_WAIT_MS    60000 /* for the service, and then for the end of its process */
#define SCM_DELETED_MS 10000 /* for others to close an entry that was removed */
#define SCM_SHARED_MS  10000 /* for others to close the program */
#define SCM_POLL_MS    50
#define SCM_CONFIG_MAX 8192 /* bytes; documented for QueryServiceConfigW() */

#ifndef ERROR_VIRUS_INFECTED /* not in mingw-w64 */
#        define ERROR_VIRUS_INFECTED 225
#        define ERROR_VIRUS_DELETED  226
#endif

/* The service depends on none. NULL would leave the dependency that older versions have set
 * (fact 9.1.10). */
static const wchar_t scm_needs[] = L"\0";

/* Return: the service, or NULL with *ret_error: -ENOENT (not logged) or another errno (logged). */
static SC_HANDLE scm_open(DWORD access, int *ret_error) {
        SC_HANDLE manager, service;
        DWORD error;

        manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
        if (!manager) {
                *ret_error = log_win_error(GetLastError(), "Cannot reach the service manager");
                return NULL;
        }
        service = OpenServiceW(manager, SERVICE_NAME, access);
        error = GetLastError();
        (void) CloseServiceHandle(manager);
        if (!service) {
                *ret_error = error == ERROR_SERVICE_DOES_NOT_EXIST
                                     ? -ENOENT
                                     : log_win_error(error, "Cannot open the service");
        }
        return service;
}

int scm_read(ScmEntry *ret_entry) {
        QUERY_SERVICE_CONFIGW *config;
        SC_HANDLE service;
        DWORD size;
        int r = 0;

        *ret_entry = (ScmEntry){.exists = false};
        service = scm_open(SERVICE_QUERY_CONFIG, &r);
        if (!service)
                return r == -ENOENT ? 0 : r;
        config = malloc(SCM_CONFIG_MAX);
        if (!config)
                r = -ENOMEM;
        else if (!QueryServiceConfigW(service, config, SCM_CONFIG_MAX, &size))
                r = log_win_error(GetLastError(), "Cannot read the service's entry");
        (void) CloseServiceHandle(service);
        if (r < 0) {
                free(config);
                return r;
        }
        *ret_entry = (ScmEntry){
                .exists = true,
                .disabled = config->dwStartType == SERVICE_DISABLED,
                .config = config,
        };
        return 0;
}

void scm_entry_done(ScmEntry *entry) {
        free(entry->config);
        *entry = (ScmEntry){.exists = false};
}

/* Wait until the service is in the state @wanted. Return: 0; -ETIMEDOUT (logged); -ECHILD when it
 * was to start but has ended; or negative errno (logged). */
static int scm_wait(SC_HANDLE service, DWORD wanted) {
        SERVICE_STATUS status;

        for (int waited = 0; waited < SCM_WAIT_MS; waited += SCM_POLL_MS) {
                if (!QueryServiceStatus(service, &status))
                        return log_win_error(GetLastError(), "Cannot query the service");
                if (status.dwCurrentState == wanted)
                        return 0;
                if (status.dwCurrentState == SERVICE_STOPPED)
                        return -ECHILD;
                Sleep(SCM_POLL_MS);
        }
        log_write(LOG_LEVEL_ERROR, "The service did not %s within %d s",
                  wanted == SERVICE_STOPPED ? "stop" : "start", SCM_WAIT_MS / 1000);
        return -ETIMEDOUT;
}

/* The service is not running. The last two are how Wine 8 reports that its process was killed. */
static bool scm_is_gone(DWORD error) {
        return error == ERROR_SERVICE_NOT_ACTIVE || error == ERROR_NO_DATA ||
               error == ERROR_BROKEN_PIPE;
}

/* A service that is just starting or stopping accepts no control; it is asked again. */
static DWORD scm_ask_to_end(SC_HANDLE service, bool hand_over) {
        SERVICE_STATUS status;
        DWORD error = ERROR_SUCCESS;

        for (int waited = 0; waited < SCM_WAIT_MS; waited += SCM_POLL_MS) {
                if (hand_over && ControlService(service, SERVICE_CONTROL_HAND_OVER, &status))
                        return ERROR_SUCCESS;
                if (ControlService(service, SERVICE_CONTROL_STOP, &status))
                        return ERROR_SUCCESS;
                error = GetLastError();
                if (error != ERROR_SERVICE_CANNOT_ACCEPT_CTRL)
                        break;
                Sleep(SCM_POLL_MS);
        }
        return error;
}

/* The service reports its end before its process ends, which still has its file and its lock. The
 * handle was opened before, so the number cannot be another process's by now. */
static int scm_wait_process(HANDLE process) {
        if (!process || WaitForSingleObject(process, SCM_WAIT_MS) == WAIT_OBJECT_0)
                return 0;
        log_write(LOG_LEVEL_ERROR,
                  "The service has stopped, but its process %lu does not end; restart Windows",
                  GetProcessId(process));
        return -ETIMEDOUT;
}

static HANDLE scm_process(SC_HANDLE service) {
        SERVICE_STATUS_PROCESS status;
        DWORD size;

        if (!QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *) &status, sizeof(status),
                                  &size) ||
            status.dwProcessId == 0)
                return NULL;
        return OpenProcess(SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION, FALSE,
                           status.dwProcessId);
}

int scm_stop(bool hand_over) {
        SC_HANDLE service;
        HANDLE process;
        DWORD error;
        int r = 0;

        service = scm_open(SERVICE_STOP | SERVICE_QUERY_STATUS | SERVICE_USER_DEFINED_CONTROL, &r);
        if (!service)
                return r == -ENOENT ? 0 : r;
        process = scm_process(service);
        error = scm_ask_to_end(service, hand_over);
        if (error != ERROR_SUCCESS && !scm_is_gone(error))
                r = log_win_error(error, "Cannot stop the service");
        else if (error == ERROR_SUCCESS)
                r = scm_wait(service, SERVICE_STOPPED);
        if (r == 0)
                r = scm_wait_process(process);
        if (process)
                (void) CloseHandle(process);
        (void) CloseServiceHandle(service);
        return r;
}

/* A program that somebody has open for a moment, such as a virus scanner, is tried again. */
static DWORD scm_ask_to_start(SC_HANDLE service) {
        DWORD error = ERROR_SUCCESS;

        for (int waited = 0; waited < SCM_SHARED_MS; waited += SCM_POLL_MS) {
                if (StartServiceW(service, 0, NULL))
                        return ERROR_SUCCESS;
                error = GetLastError();
                if (error != ERROR_SHARING_VIOLATION)
                        break;
                Sleep(SCM_POLL_MS);
        }
        return error == ERROR_SERVICE_ALREADY_RUNNING ? ERROR_SUCCESS : error;
}

/* What StartServiceW() says when the program is gone, or an antivirus does not let it start
 * (fact 9.1.12). */
static bool scm_is_removed(DWORD error) {
        return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ||
               error == ERROR_VIRUS_INFECTED || error == ERROR_VIRUS_DELETED;
}

static int scm_start_error(DWORD error) {
        if (scm_is_removed(error))
                return log_win_error(error, "Cannot start the service, because its program is gone "
                                            "or blocked. If an antivirus has put it into "
                                            "quarantine, restore it there and exclude the folder "
                                            "'" NAMES_HELPER_FOLDER "'");
        return log_win_error(error, "Cannot start the service");
}

int scm_start(void) {
        SC_HANDLE service;
        DWORD error;
        int r = 0;

        service = scm_open(SERVICE_START | SERVICE_QUERY_STATUS, &r);
        if (!service) {
                if (r == -ENOENT)
                        log_write(LOG_LEVEL_ERROR, "The service is not installed");
                return r;
        }
        error = scm_ask_to_start(service);
        if (error != ERROR_SUCCESS)
                r = scm_start_error(error);
        else
                r = scm_wait(service, SERVICE_RUNNING);
        if (r == -ECHILD)
                log_write(LOG_LEVEL_ERROR, "The service ended at once; see the Event Log "
                                           "'Application', source 'wslbridge', for the reason");
        (void) CloseServiceHandle(service);
        return r;
}

/* Return: the error. *ret_service: to be closed. */
static DWORD scm_make(SC_HANDLE manager, const wchar_t *command, SC_HANDLE *ret_service) {
        /* Only who may start a service may have it restarted after a crash (fact 9.1.6). */
        const DWORD access = SERVICE_CHANGE_CONFIG | SERVICE_START | READ_CONTROL | WRITE_DAC;
        SC_HANDLE service;
        DWORD error;

        service = CreateServiceW(manager, SERVICE_NAME, SERVICE_TITLE, access,
                                 SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
                                 SERVICE_ERROR_NORMAL, command, NULL, NULL, scm_needs, NULL, NULL);
        *ret_service = service;
        if (service)
                return ERROR_SUCCESS;
        error = GetLastError();
        if (error != ERROR_SERVICE_EXISTS)
                return error;
        service = OpenServiceW(manager, SERVICE_NAME, access);
        if (!service)
                return GetLastError();
        *ret_service = service;
        if (ChangeServiceConfigW(service, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
                                 SERVICE_ERROR_NORMAL, command, NULL, NULL, scm_needs, NULL, NULL,
                                 SERVICE_TITLE))
                return ERROR_SUCCESS;
        error = GetLastError();
        (void) CloseServiceHandle(service);
        *ret_service = NULL;
        return error;
}

int scm_write(const wchar_t *command) {
        SC_HANDLE manager, service = NULL;
        DWORD error = ERROR_SUCCESS;
        int r;

        manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE);
        if (!manager)
                return log_win_error(GetLastError(), "Cannot reach the service manager");
        /* An entry that was removed disappears when the last program has closed it. */
        for (int waited = 0; waited < SCM_DELETED_MS; waited += SCM_POLL_MS) {
                error = scm_make(manager, command, &service);
                if (error != ERROR_SERVICE_MARKED_FOR_DELETE)
                        break;
                Sleep(SCM_POLL_MS);
        }
        (void) CloseServiceHandle(manager);
        if (error == ERROR_SERVICE_MARKED_FOR_DELETE)
                return log_win_error(error, "Cannot create the service. Close the window Services "
                                            "and the Task Manager, then install again");
        if (error != ERROR_SUCCESS)
                return log_win_error(error, "Cannot create the service");
        r = scm_configure(service);
        (void) CloseServiceHandle(service);
        return r;
}

int scm_restore(const ScmEntry *entry) {
        const QUERY_SERVICE_CONFIGW *c = entry->config;
        SC_HANDLE service;
        int r = 0;

        if (!c) {
                r = scm_remove();
                return r == -ENOENT ? 0 : r;
        }
        service = scm_open(SERVICE_CHANGE_CONFIG, &r);
        if (!service)
                return r;
        if (!ChangeServiceConfigW(service, c->dwServiceType, c->dwStartType, c->dwErrorControl,
                                  c->lpBinaryPathName, NULL, NULL,
                                  c->lpDependencies ? c->lpDependencies : scm_needs, NULL, NULL,
                                  c->lpDisplayName))
                r = log_win_error(GetLastError(), "Cannot restore the service's entry");
        (void) CloseServiceHandle(service);
        return r;
}

int scm_remove(void) {
        SC_HANDLE service;
        int r = 0;

        service = scm_open(DELETE, &r);
        if (!service)
                return r;
        if (!DeleteService(service) && GetLastError() != ERROR_SERVICE_MARKED_FOR_DELETE)
                r = log_win_error(GetLastError(), "Cannot remove the service");
        (void) CloseServiceHandle(service);
        return r;
}
