/* SPDX-License-Identifier: MIT */

/*
 * The thread that starts and stops the relay.
 */

#include "windows-helper/forwarders/relay-service.h"
#include "windows-helper/forwarders/service-open.h"
#include "windows-helper/win/log.h"

#include "common/names.h"

#include <errno.h>
#include <stdlib.h>

#define RELAY_SERVICE_NAME L"" NAMES_RELAY_SERVICE
/* A service on its way is looked at so often. */
#define RELAY_SERVICE_SOON_MS 100
/* One that has ended is started again after 0, 1, 2, 4 … seconds, and at most this long. A start
 * counts as good after the same time. */
#define RELAY_SERVICE_PAUSE_MS     1000
#define RELAY_SERVICE_PAUSE_MAX_MS 60000
#define RELAY_SERVICE_END_MS       3000 /* for the thread, at the end */

struct RelayService {
        LoopGate gate;
        LoopOp op;
        void (*fn)(void *userdata);
        void *userdata;
        HANDLE thread, end, request; /* owned; NULL while there is no thread */
        LONG wanted;                 /* set by the loop, read by the thread */
        LONG pid; /* set by the thread, read by the loop: as reported last; 0: it does not run */
        /* Used by the thread only. */
        HANDLE process;    /* owned; of .pid, to wait for its end; NULL: none */
        ULONGLONG started; /* in ms, when it was started last; 0: not since it is wanted */
        DWORD pause_ms;    /* before the next start */
        DWORD told_error;  /* logged last */
};

/* Return: 0 or negative errno (logged, but -ENOENT). */
static int relay_service_query(SC_HANDLE *ret_service, SERVICE_STATUS_PROCESS *ret_status,
                               DWORD access) {
        DWORD size;
        int r = -EIO;

        *ret_status = (SERVICE_STATUS_PROCESS){0};
        *ret_service = service_open(RELAY_SERVICE_NAME, SERVICE_QUERY_STATUS | access, &r);
        if (!*ret_service)
                return r;
        if (QueryServiceStatusEx(*ret_service, SC_STATUS_PROCESS_INFO, (BYTE *) ret_status,
                                 sizeof(*ret_status), &size))
                return 0;
        r = log_win_error(GetLastError(), "Cannot query service '" NAMES_RELAY_SERVICE "'");
        (void) CloseServiceHandle(*ret_service);
        return r;
}

bool relay_service_exists(void) {
        SERVICE_STATUS_PROCESS status;
        SC_HANDLE service;

        int r = relay_service_query(&service, &status, 0);

        if (r == 0)
                (void) CloseServiceHandle(service);
        return r != -ENOENT; /* a service manager that does not answer says nothing */
}

/* In the thread: note which process it is now; 0: it does not run. One that has lived for long
 * ends for another reason than those before it. */
static void relay_service_note(RelayService *s, DWORD pid) {
        DWORD before = (DWORD) InterlockedExchange(&s->pid, (LONG) pid);

        if (pid == before)
                return;
        if (before != 0 && GetTickCount64() - s->started >= RELAY_SERVICE_PAUSE_MAX_MS)
                s->pause_ms = 0;
        if (s->process)
                (void) CloseHandle(s->process);
        s->process = pid ? OpenProcess(SYNCHRONIZE, FALSE, pid) : NULL;
        loop_gate_post(&s->gate, &s->op);
}

/* In the thread: whether the relay runs. Its process says at once when it ends, and the service
 * manager of Windows knows soon after that (fact 9.1.20). Wine 8's knows only after a control that
 * it could not deliver, and even then it calls the service running until somebody starts it. */
static bool relay_service_runs(RelayService *s, SC_HANDLE service,
                               const SERVICE_STATUS_PROCESS *status) {
        SERVICE_STATUS ignored;

        if (status->dwCurrentState != SERVICE_RUNNING) {
                relay_service_note(s, 0);
                return false;
        }
        relay_service_note(s, status->dwProcessId);
        if (!s->process || WaitForSingleObject(s->process, 0) != WAIT_OBJECT_0)
                return true;
        (void) ControlService(service, SERVICE_CONTROL_INTERROGATE, &ignored);
        relay_service_note(s, 0);
        return false;
}

/* In the thread. A failure is logged once, until it is another one. */
static void relay_service_told(RelayService *s, DWORD error, const char *what) {
        if (error != ERROR_SUCCESS && error != s->told_error)
                (void) log_win_error(error, "Cannot %s service '" NAMES_RELAY_SERVICE "'", what);
        s->told_error = error;
}

/* In the thread: the relay is wanted and stopped. Return: how long to wait, in ms. */
static DWORD relay_service_start(RelayService *s, SC_HANDLE service) {
        ULONGLONG now = GetTickCount64();
        DWORD error = ERROR_SUCCESS;

        if (s->started > 0 && now - s->started < s->pause_ms)
                return (DWORD) (s->pause_ms - (now - s->started));
        if (s->started > 0 && s->told_error == ERROR_SUCCESS)
                log_write(LOG_LEVEL_WARNING,
                          "The service " NAMES_RELAY_SERVICE
                          " is not running, though it is needed; starting it again");
        if (!StartServiceW(service, 0, NULL))
                error = GetLastError();
        if (error == ERROR_SERVICE_ALREADY_RUNNING) /* nobody has noticed its end yet */
                return RELAY_SERVICE_SOON_MS;
        s->started = now;
        s->pause_ms = s->pause_ms ? 2 * s->pause_ms : RELAY_SERVICE_PAUSE_MS;
        if (s->pause_ms > RELAY_SERVICE_PAUSE_MAX_MS)
                s->pause_ms = RELAY_SERVICE_PAUSE_MAX_MS;
        relay_service_told(s, error, "start");
        return error == ERROR_SUCCESS ? RELAY_SERVICE_SOON_MS : s->pause_ms;
}

static void relay_service_stop(RelayService *s, SC_HANDLE service) {
        SERVICE_STATUS status;
        DWORD error = ERROR_SUCCESS;

        if (!ControlService(service, SERVICE_CONTROL_STOP, &status))
                error = GetLastError();
        if (win_errno(error) == -ESRCH)
                error = ERROR_SUCCESS; /* it has stopped, or is on its way (fact 9.1.21) */
        relay_service_told(s, error, "stop");
}

/* In the thread: do the next step. Return: how long to wait until the one after it, in ms. */
static DWORD relay_service_step(RelayService *s) {
        bool wanted = InterlockedCompareExchange(&s->wanted, 0, 0) != 0;
        SERVICE_STATUS_PROCESS status;
        DWORD wait = RELAY_SERVICE_SOON_MS;
        SC_HANDLE service;
        bool runs;
        int r;

        r = relay_service_query(&service, &status,
                                SERVICE_START | SERVICE_STOP | SERVICE_INTERROGATE);
        if (r < 0) {
                relay_service_note(s, 0);
                return r == -ENOENT && !wanted ? INFINITE : RELAY_SERVICE_PAUSE_MAX_MS;
        }
        runs = relay_service_runs(s, service, &status);
        if (runs && !wanted)
                relay_service_stop(s, service);
        else if (runs)
                wait = s->process ? INFINITE : RELAY_SERVICE_PAUSE_MAX_MS;
        else if (status.dwCurrentState == SERVICE_STOPPED ||
                 status.dwCurrentState == SERVICE_RUNNING)
                wait = wanted ? relay_service_start(s, service) : INFINITE;
        if (!wanted)
                s->started = s->pause_ms = 0;
        (void) CloseServiceHandle(service);
        return wait;
}

static DWORD WINAPI relay_service_thread(void *parameter) {
        RelayService *s = parameter;
        DWORD result;

        do {
                /* A request comes before the end, so that a last one to stop is heard. */
                HANDLE events[] = {s->request, s->end, s->process};
                DWORD wait = relay_service_step(s);

                events[2] = s->process;
                result = WaitForMultipleObjects(s->process ? 3 : 2, events, FALSE, wait);
        } while (result != WAIT_OBJECT_0 + 1);
        /* One that was starting, or could not hear yet, is stopped as well. */
        for (int i = 0; i < RELAY_SERVICE_END_MS / RELAY_SERVICE_SOON_MS / 2; i++) {
                if (s->wanted || relay_service_step(s) != RELAY_SERVICE_SOON_MS)
                        break;
                Sleep(RELAY_SERVICE_SOON_MS);
        }
        return 0;
}

static void relay_service_on_packet(LoopOp *op, DWORD error, DWORD n_bytes) {
        RelayService *s = op->userdata;

        s->fn(s->userdata);
}

int relay_service_new(RelayService **ret_service, Loop *loop, void (*fn)(void *userdata),
                      void *userdata) {
        RelayService *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        *s = (RelayService){
                .gate = LOOP_GATE(loop),
                .op = {.fn = relay_service_on_packet, .userdata = s},
                .fn = fn,
                .userdata = userdata,
        };
        *ret_service = s;
        return 0;
}

static void relay_service_close(RelayService *s) {
        if (s->process)
                (void) CloseHandle(s->process);
        if (s->thread)
                (void) CloseHandle(s->thread);
        if (s->request)
                (void) CloseHandle(s->request);
        if (s->end)
                (void) CloseHandle(s->end);
        s->process = s->thread = s->request = s->end = NULL;
}

RelayService *relay_service_free(RelayService *s) {
        if (!s)
                return NULL;
        if (s->thread) {
                (void) SetEvent(s->end);
                /* As in iphlpsvc.c: a thread that hangs in the service manager still uses @s. */
                if (WaitForSingleObject(s->thread, RELAY_SERVICE_END_MS) != WAIT_OBJECT_0) {
                        loop_gate_close(&s->gate);
                        return NULL;
                }
        }
        relay_service_close(s);
        free(s);
        return NULL;
}

static void relay_service_begin(RelayService *s) {
        s->end = CreateEventW(NULL, TRUE, FALSE, NULL);
        s->request = CreateEventW(NULL, FALSE, FALSE, NULL);
        if (s->end && s->request)
                s->thread = CreateThread(NULL, 0, relay_service_thread, s, 0, NULL);
        if (!s->thread) {
                (void) log_win_error(GetLastError(), "Cannot start a thread");
                relay_service_close(s);
        }
}

void relay_service_want(RelayService *s, bool wanted) {
        if (s->thread && (s->wanted != 0) == wanted)
                return;
        (void) InterlockedExchange(&s->wanted, wanted);
        if (s->thread)
                (void) SetEvent(s->request);
        else
                relay_service_begin(s);
}

DWORD relay_service_pid(const RelayService *s) {
        LONG known = InterlockedCompareExchange((LONG *) &s->pid, 0, 0);
        SERVICE_STATUS_PROCESS status;
        SC_HANDLE service;

        if (known != 0)
                return (DWORD) known;
        if (!s->wanted || relay_service_query(&service, &status, 0) < 0)
                return 0;
        (void) CloseServiceHandle(service);
        return status.dwProcessId;
}
