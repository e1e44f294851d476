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
#define SCM_TRIES      5     /* the service manager may start the service again in between */
#define SCM_DELETED_MS 10000 /* for others to close an entry that was removed */
#define SCM_SHARED_MS  10000 /* for others to close the program */
#define SCM_POLL_MS    50
#define SCM_CONFIG_MAX 8192 /* bytes; documented for QueryServiceConfigW() */

#ifndef ERROR_VIRUS_INFECTED /* not in mingw-w64 */
#        define ERROR_VIRUS_INFECTED 225
#        define ERROR_VIRUS_DELETED  226
#endif

/* What it takes to end the service. */
#define SCM_END_RIGHTS (SERVICE_STOP | SERVICE_QUERY_STATUS | SERVICE_USER_DEFINED_CONTROL)

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
        SERVICE_STATUS status = {.dwCurrentState = 0};
        SC_HANDLE service;
        DWORD size;
        int r = 0;

        *ret_entry = (ScmEntry){.exists = false};
        service = scm_open(SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS, &r);
        if (!service)
                return r == -ENOENT ? 0 : r;
        config = malloc(SCM_CONFIG_MAX);
        if (!config)
                r = -ENOMEM;
        else if (!QueryServiceConfigW(service, config, SCM_CONFIG_MAX, &size) ||
                 !QueryServiceStatus(service, &status))
                r = log_win_error(GetLastError(), "Cannot read the service's entry");
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

bool scm_is_running(void) {
        ScmEntry entry;
        bool running = scm_read(&entry) == 0 && entry.running;

        scm_entry_done(&entry);
        return running;
}

/* Everybody who waits for the service manager does it here: until the service is @wanted or
 * @or_else, and no longer than SCM_WAIT_MS. Return: 0 with *ret_state; or negative errno (logged).
 */
static int scm_wait(SC_HANDLE service, DWORD wanted, DWORD or_else, DWORD *ret_state) {
        SERVICE_STATUS status = {.dwCurrentState = 0};

        for (int waited = 0; waited < SCM_WAIT_MS; waited += SCM_POLL_MS) {
                if (!QueryServiceStatus(service, &status))
                        return log_win_error(GetLastError(), "Cannot query the service");
                *ret_state = status.dwCurrentState;
                if (status.dwCurrentState == wanted || status.dwCurrentState == or_else)
                        return 0;
                Sleep(SCM_POLL_MS);
        }
        log_write(
                LOG_LEVEL_ERROR,
                "The service is still %s after %d s. Wait until 'sc.exe query " NAMES_HELPER_SERVICE
                "' shows another state; if it stays like this, restart Windows",
                status.dwCurrentState == SERVICE_STOP_PENDING    ? "stopping"
                : status.dwCurrentState == SERVICE_START_PENDING ? "starting"
                                                                 : "running",
                SCM_WAIT_MS / 1000);
        return -ETIMEDOUT;
}

/* The service is not running. The last two are how Wine 8 reports that its process was killed. */
static bool scm_is_gone(DWORD error) {
        return error == ERROR_SERVICE_NOT_ACTIVE || error == ERROR_NO_DATA ||
               error == ERROR_BROKEN_PIPE;
}

/* Return: the error; for a version too old to know a hand-over, that of an ordinary stop. */
static DWORD scm_ask_to_end(SC_HANDLE service, bool hand_over) {
        SERVICE_STATUS status;

        if (hand_over && ControlService(service, SERVICE_CONTROL_HAND_OVER, &status))
                return ERROR_SUCCESS;
        return ControlService(service, SERVICE_CONTROL_STOP, &status) ? ERROR_SUCCESS
                                                                      : GetLastError();
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

/* A service that is just starting or stopping accepts no control; that is waited for. */
static int scm_end_service(SC_HANDLE service, bool hand_over) {
        DWORD state = 0, error = ERROR_SERVICE_CANNOT_ACCEPT_CTRL;
        int r = 0;

        for (int waited = 0; waited < SCM_WAIT_MS; waited += SCM_POLL_MS) {
                r = scm_wait(service, SERVICE_RUNNING, SERVICE_STOPPED, &state);
                if (r < 0 || state == SERVICE_STOPPED)
                        return r;
                error = scm_ask_to_end(service, hand_over);
                if (error != ERROR_SERVICE_CANNOT_ACCEPT_CTRL)
                        break;
                Sleep(SCM_POLL_MS);
        }
        if (scm_is_gone(error))
                return 0;
        if (error != ERROR_SUCCESS)
                return log_win_error(error, "Cannot stop the service");
        return scm_wait(service, SERVICE_STOPPED, SERVICE_STOPPED, &state);
}

/* End the service and its process. Return: 0 or negative errno (logged). */
static int scm_end(SC_HANDLE service, bool hand_over) {
        HANDLE process = scm_process(service);
        int r = scm_end_service(service, hand_over);

        if (r == 0)
                r = scm_wait_process(process);
        if (process)
                (void) CloseHandle(process);
        return r;
}

int scm_stop(bool hand_over) {
        SC_HANDLE service;
        int r = 0;

        service = scm_open(SCM_END_RIGHTS, &r);
        if (!service)
                return r == -ENOENT ? 0 : r;
        r = scm_end(service, hand_over);
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
        return error;
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

/* A service that is not stopped cannot be started (fact 9.1.13). If it is to run @anew, it is ended
 * first; otherwise it may go on. Return: 0 when it runs now; -EAGAIN: try again; or negative errno
 * (logged). */
static int scm_start_once(SC_HANDLE service, bool anew) {
        DWORD state = 0, error = scm_ask_to_start(service);
        int r;

        if (error == ERROR_SERVICE_ALREADY_RUNNING && anew) {
                r = scm_end(service, /* hand_over= */ true);
                return r < 0 ? r : -EAGAIN;
        }
        if (error != ERROR_SUCCESS && error != ERROR_SERVICE_ALREADY_RUNNING)
                return scm_start_error(error);
        r = scm_wait(service, SERVICE_RUNNING, SERVICE_STOPPED, &state);
        if (r < 0 || state == SERVICE_RUNNING)
                return r;
        if (error == ERROR_SERVICE_ALREADY_RUNNING) /* it was just stopping */
                return -EAGAIN;
        log_write(LOG_LEVEL_ERROR, "The service ended at once; see the Event Log 'Application', "
                                   "source 'wslbridge', for the reason");
        return -ECHILD;
}

int scm_start(bool anew) {
        SC_HANDLE service;
        int r = 0;

        service = scm_open(SERVICE_START | SERVICE_CHANGE_CONFIG | SCM_END_RIGHTS, &r);
        if (!service) {
                if (r == -ENOENT)
                        log_write(LOG_LEVEL_ERROR, "The service is not installed");
                return r;
        }
        r = -EAGAIN;
        for (int i = 0; i < SCM_TRIES && r == -EAGAIN; i++)
                r = scm_start_once(service, anew);
        if (r == 0)
                scm_restart_after_errors(service, true);
        if (r == -EAGAIN)
                log_write(LOG_LEVEL_ERROR, "Somebody else starts and stops the service, too");
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

int scm_set_start_type(DWORD type) {
        SC_HANDLE service;
        int r = 0;

        service = scm_open(SERVICE_CHANGE_CONFIG, &r);
        if (!service)
                return r;
        if (!ChangeServiceConfigW(service, SERVICE_NO_CHANGE, type, SERVICE_NO_CHANGE, NULL, NULL,
                                  NULL, NULL, NULL, NULL, NULL))
                r = log_win_error(GetLastError(), "Cannot set how the service starts");
        (void) CloseServiceHandle(service);
        return r;
}

int scm_rest(DWORD start_type) {
        SC_HANDLE service;
        int r = 0;

        service = scm_open(SERVICE_CHANGE_CONFIG | SERVICE_START, &r);
        if (!service)
                return r;
        scm_restart_after_errors(service, true);
        (void) CloseServiceHandle(service);
        return scm_set_start_type(start_type);
}

int scm_restore(const ScmEntry *entry) {
        const QUERY_SERVICE_CONFIGW *c = entry->config;
        SC_HANDLE service;
        int r = 0;

        if (!c) {
                r = scm_remove();
                return r == -ENOENT ? 0 : r;
        }
        service = scm_open(SERVICE_CHANGE_CONFIG | SERVICE_START, &r);
        if (!service)
                return r;
        scm_restart_after_errors(service, true);
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
