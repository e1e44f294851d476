/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The life of a made-up service, for test-scm.c: it starts, runs and stops in made-up time.
 */

#include "windows-helper/service/service.h"

/* A service that changes its state by itself some time after it was asked to. */
#define FOREVER 1000000

static struct {
        DWORD state;
        int left_ms;                                      /* of a pending state */
        int start_ms, stop_ms;                            /* how long it takes */
        unsigned n_start, n_stop, n_hand_over, n_unheard; /* calls; the last in a pending state */
        unsigned n_late;                                  /* starts that do not begin in time */
        unsigned n_locked;                                /* starts that meet a busy manager */
        DWORD refused;                                    /* the error of each start */
        bool fails;                                       /* it ends instead of running */
        bool old;                                         /* it does not know a hand-over */
        char said[1024];                                  /* the last line of the log */
} life;

static ULONGLONG fake_now; /* ms */

static ULONGLONG fake_tick(void) {
        return fake_now;
}

static void fake_sleep(DWORD ms) {
        bool pending = life.state == SERVICE_START_PENDING || life.state == SERVICE_STOP_PENDING;

        fake_now += ms;
        life.left_ms -= (int) ms;
        if (pending && life.left_ms <= 0)
                life.state = life.state == SERVICE_START_PENDING && !life.fails ? SERVICE_RUNNING
                                                                                : SERVICE_STOPPED;
}

static BOOL WINAPI fake_status(SC_HANDLE service, LPSERVICE_STATUS ret_status) {
        *ret_status = (SERVICE_STATUS){.dwCurrentState = life.state};
        return TRUE;
}

static BOOL WINAPI fake_process(SC_HANDLE service, SC_STATUS_TYPE level, LPBYTE ret_info,
                                DWORD size, LPDWORD ret_needed) {
        SERVICE_STATUS_PROCESS *status = (SERVICE_STATUS_PROCESS *) ret_info;

        *status = (SERVICE_STATUS_PROCESS){.dwCurrentState = life.state};
        return TRUE;
}

static BOOL WINAPI fake_control(SC_HANDLE service, DWORD control, LPSERVICE_STATUS ret_status) {
        DWORD error = ERROR_SUCCESS;

        if (life.state == SERVICE_STOPPED)
                error = ERROR_SERVICE_NOT_ACTIVE;
        else if (life.state != SERVICE_RUNNING)
                error = ERROR_SERVICE_CANNOT_ACCEPT_CTRL;
        else if (control == SERVICE_CONTROL_HAND_OVER && life.old)
                error = ERROR_INVALID_SERVICE_CONTROL;
        life.n_unheard += error == ERROR_SERVICE_CANNOT_ACCEPT_CTRL;
        SetLastError(error);
        if (error != ERROR_SUCCESS)
                return FALSE;
        life.n_hand_over += control == SERVICE_CONTROL_HAND_OVER;
        life.n_stop += control == SERVICE_CONTROL_STOP;
        life.state = SERVICE_STOP_PENDING;
        life.left_ms = life.stop_ms;
        return TRUE;
}

static BOOL WINAPI fake_start(SC_HANDLE service, DWORD n, LPCWSTR *arguments) {
        if (life.state != SERVICE_STOPPED) { /* fact 9.1.13 */
                SetLastError(ERROR_SERVICE_ALREADY_RUNNING);
                return FALSE;
        }
        if (life.n_locked > 0) {
                life.n_locked--;
                fake_now += 3000; /* as Wine's service manager waits (fact 9.1.25) */
                SetLastError(ERROR_SERVICE_DATABASE_LOCKED);
                return FALSE;
        }
        if (life.refused != ERROR_SUCCESS) {
                SetLastError(life.refused);
                return FALSE;
        }
        life.n_start++;
        if (life.n_late > 0) {
                life.n_late--;
                fake_now += 30000; /* fact 9.1.23 */
                SetLastError(ERROR_SERVICE_REQUEST_TIMEOUT);
                return FALSE;
        }
        life.state = SERVICE_START_PENDING;
        life.left_ms = life.start_ms;
        return TRUE;
}
