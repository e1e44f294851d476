/* SPDX-License-Identifier: MIT */

/*
 * Starting and stopping a service.
 */

#include "windows-helper/install/scm-run.h"
#include "common/names.h"
#include "windows-helper/install/scm-config.h"
#include "windows-helper/service/service.h"
#include "windows-helper/win/log.h"

#include <errno.h>

#define SCM_POLL_MS   50
#define SCM_WAIT_MS   60000 /* for the service, and then for the end of its process */
#define SCM_TRIES     5     /* the service manager may start the service again in between */
#define SCM_SHARED_MS 10000 /* for others to close the program, or to start */

#ifndef ERROR_VIRUS_INFECTED /* not in mingw-w64 */
#        define ERROR_VIRUS_INFECTED 225
#        define ERROR_VIRUS_DELETED  226
#endif

/* What it takes to end the service. */
#define SCM_END_RIGHTS (SERVICE_STOP | SERVICE_QUERY_STATUS | SERVICE_USER_DEFINED_CONTROL)

/* Everybody who waits for the service manager does it here: until the service is @wanted or
 * @or_else, and no longer than SCM_WAIT_MS. Return: 0 with *ret_state; or negative errno (logged).
 */
static int scm_wait(ScmId id, SC_HANDLE service, DWORD wanted, DWORD or_else, DWORD *ret_state) {
        SERVICE_STATUS status = {.dwCurrentState = 0};

        for (int waited = 0; waited < SCM_WAIT_MS; waited += SCM_POLL_MS) {
                if (!QueryServiceStatus(service, &status))
                        return log_win_error(GetLastError(), "Cannot query the service");
                *ret_state = status.dwCurrentState;
                if (status.dwCurrentState == wanted || status.dwCurrentState == or_else)
                        return 0;
                Sleep(SCM_POLL_MS);
        }
        log_write(LOG_LEVEL_ERROR,
                  "The service %s is still %s after %d s. Wait until 'sc.exe query %s' shows "
                  "another state; if it stays like this, restart Windows",
                  scm_services[id].label,
                  status.dwCurrentState == SERVICE_STOP_PENDING    ? "stopping"
                  : status.dwCurrentState == SERVICE_START_PENDING ? "starting"
                                                                   : "running",
                  SCM_WAIT_MS / 1000, scm_services[id].label);
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

/* The handle was opened before the service stopped, so the number cannot be another process's by
 * now. */
int scm_wait_process(ScmId id, int r, void *process) {
        if (!process)
                return r;
        if (r == 0 && WaitForSingleObject(process, SCM_WAIT_MS) != WAIT_OBJECT_0) {
                log_write(LOG_LEVEL_ERROR,
                          "The service %s has stopped, but its process %lu does not end; restart "
                          "Windows",
                          scm_services[id].label, GetProcessId(process));
                r = -ETIMEDOUT;
        }
        (void) CloseHandle(process);
        return r;
}

static HANDLE scm_process_of(SC_HANDLE service) {
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
static int scm_end_service(ScmId id, SC_HANDLE service, bool hand_over) {
        DWORD state = 0, error = ERROR_SERVICE_CANNOT_ACCEPT_CTRL;
        int r = 0;

        for (int waited = 0; waited < SCM_WAIT_MS; waited += SCM_POLL_MS) {
                r = scm_wait(id, service, SERVICE_RUNNING, SERVICE_STOPPED, &state);
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
                return log_win_error(error, "Cannot stop the service %s", scm_services[id].label);
        return scm_wait(id, service, SERVICE_STOPPED, SERVICE_STOPPED, &state);
}

/* End the service and its process. Return: 0 or negative errno (logged). */
static int scm_end(ScmId id, SC_HANDLE service, bool hand_over) {
        HANDLE process = scm_process_of(service);

        return scm_wait_process(id, scm_end_service(id, service, hand_over), process);
}

void *scm_process(ScmId id) {
        SC_HANDLE service;
        HANDLE process;
        int r = 0;

        service = scm_open(id, SERVICE_QUERY_STATUS, &r);
        if (!service)
                return NULL;
        process = scm_process_of(service);
        (void) CloseServiceHandle(service);
        return process;
}

int scm_stop(ScmId id, bool hand_over) {
        SC_HANDLE service;
        int r = 0;

        service = scm_open(id, SCM_END_RIGHTS, &r);
        if (!service)
                return r == -ENOENT ? 0 : r;
        r = scm_end(id, service, hand_over);
        (void) CloseServiceHandle(service);
        return r;
}

/* A program that somebody has open for a moment, such as a virus scanner, is tried again, and so is
 * a service manager that is busy with other starts (fact 9.1.25). One that did not begin in time is
 * tried once more: by then the antivirus has its answer about it (fact 9.1.23). */
static DWORD scm_ask_to_start(SC_HANDLE service) {
        ULONGLONG begin = GetTickCount64();
        bool late = false;

        for (;;) {
                DWORD error = StartServiceW(service, 0, NULL) ? ERROR_SUCCESS : GetLastError();
                bool again =
                        error == ERROR_SHARING_VIOLATION || error == ERROR_SERVICE_DATABASE_LOCKED;

                if (error == ERROR_SERVICE_REQUEST_TIMEOUT && !late) {
                        late = again = true;
                        begin = GetTickCount64(); /* the call has taken half a minute itself */
                }
                if (!again || GetTickCount64() - begin >= SCM_SHARED_MS)
                        return error;
                Sleep(SCM_POLL_MS);
        }
}

/* What StartServiceW() says when the program is gone, or an antivirus does not let it start
 * (fact 9.1.12). A denied access is the program's: the service was opened with the right to start
 * it. */
static bool scm_is_removed(DWORD error) {
        return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ||
               error == ERROR_ACCESS_DENIED || error == ERROR_VIRUS_INFECTED ||
               error == ERROR_VIRUS_DELETED;
}

static int scm_start_error(ScmId id, DWORD error) {
        if (scm_is_removed(error))
                return log_win_error(error,
                                     "Cannot start the service %s, because its program is gone "
                                     "or blocked. If an antivirus did that, exclude the folder "
                                     "'" NAMES_HELPER_FOLDER
                                     "' there, and restore what is in quarantine",
                                     scm_services[id].label);
        return log_win_error(error, "Cannot start the service %s%s", scm_services[id].label,
                             error == ERROR_SERVICE_REQUEST_TIMEOUT
                                     ? ", not at the second attempt either; an antivirus may be "
                                       "checking its program, so try again in a minute"
                                     : "");
}

/* A service that is not stopped cannot be started (fact 9.1.13). If it is to run @anew, it is ended
 * first; otherwise it may go on. Return: 0 when it runs now; -EAGAIN: try again; or negative errno
 * (logged). */
static int scm_start_once(ScmId id, SC_HANDLE service, bool anew) {
        DWORD state = 0, error = scm_ask_to_start(service);
        int r;

        if (error == ERROR_SERVICE_ALREADY_RUNNING && anew) {
                r = scm_end(id, service, /* hand_over= */ true);
                return r < 0 ? r : -EAGAIN;
        }
        if (error != ERROR_SUCCESS && error != ERROR_SERVICE_ALREADY_RUNNING)
                return scm_start_error(id, error);
        r = scm_wait(id, service, SERVICE_RUNNING, SERVICE_STOPPED, &state);
        if (r < 0 || state == SERVICE_RUNNING)
                return r;
        if (error == ERROR_SERVICE_ALREADY_RUNNING) /* it was just stopping */
                return -EAGAIN;
        log_write(LOG_LEVEL_ERROR,
                  "The service %s ended at once; " NAMES_EVENT_LOG " has the reason",
                  scm_services[id].label);
        return -ECHILD;
}

int scm_start(ScmId id, bool anew) {
        SC_HANDLE service;
        int r = 0;

        service = scm_open(id, SERVICE_START | SERVICE_CHANGE_CONFIG | SCM_END_RIGHTS, &r);
        if (!service) {
                if (r == -ENOENT)
                        log_write(LOG_LEVEL_ERROR, "The service %s is not installed",
                                  scm_services[id].label);
                return r;
        }
        r = -EAGAIN;
        for (int i = 0; i < SCM_TRIES && r == -EAGAIN; i++)
                r = scm_start_once(id, service, anew);
        if (r == 0)
                scm_restart_after_errors(id, service, true);
        if (r == -EAGAIN)
                log_write(LOG_LEVEL_ERROR, "Somebody else starts and stops the service %s, too",
                          scm_services[id].label);
        (void) CloseServiceHandle(service);
        return r;
}
