/* SPDX-License-Identifier: MIT */

/*
 * The thread that sends controls to iphlpsvc and notices when its process changes.
 */

#include "windows-helper/forwarders/iphlpsvc.h"
#include "windows-helper/forwarders/service-open.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>

/* How often the thread checks whether the service is still the same process.
 * NotifyServiceStatusChangeW() would report it, but the service manager of Wine 8 hung for every
 * caller and for good after helpers with such a notification had been killed (fact 10.1.6). */
#define IPHLPSVC_POLL_MS 5000
#define IPHLPSVC_NAME    L"iphlpsvc"

/* A request to the thread; changed under the lock. */
typedef enum IphlpsvcRequest {
        IPHLPSVC_IDLE,
        IPHLPSVC_BUSY,
        IPHLPSVC_LATE, /* busy, and the loop has stopped waiting */
} IphlpsvcRequest;

struct Iphlpsvc {
        LoopGate gate;
        LoopOp op;
        void (*fn)(void *userdata);
        void *userdata;

        HANDLE thread, stop, request, done; /* owned */
        SRWLOCK lock;                       /* of the next two */
        IphlpsvcRequest state;
        int result;

        /* Used by the thread only. */
        LogLimit limit;   /* of lines about changes that are not taken; each rule is one */
        bool was_running; /* the service was seen running */
        DWORD pid;        /* as reported last; 0: it is not running */
};

static bool iphlpsvc_start_type(SC_HANDLE service, DWORD *ret_type) {
        union {
                QUERY_SERVICE_CONFIGW config;
                uint8_t bytes[8192]; /* the documented maximum */
        } u;
        DWORD size;

        if (!QueryServiceConfigW(service, &u.config, sizeof(u), &size))
                return false;
        *ret_type = u.config.dwStartType;
        return true;
}

int iphlpsvc_query(IphlpsvcState *ret_state) {
        SERVICE_STATUS_PROCESS status;
        DWORD size, type;
        SC_HANDLE service;
        int r = 0;

        *ret_state = (IphlpsvcState){0};
        service = service_open(IPHLPSVC_NAME, SERVICE_QUERY_STATUS | SERVICE_QUERY_CONFIG, &r);
        if (!service)
                return r == -ENOENT ? 0 : r;
        ret_state->exists = true;
        ret_state->disabled = iphlpsvc_start_type(service, &type) && type == SERVICE_DISABLED;
        if (QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *) &status, sizeof(status),
                                 &size)) {
                ret_state->running = status.dwCurrentState == SERVICE_RUNNING;
                ret_state->pid = ret_state->running ? status.dwProcessId : 0;
        } else {
                r = log_win_error(GetLastError(), "Cannot query service 'iphlpsvc'");
        }
        (void) CloseServiceHandle(service);
        return r;
}

/* A service that cannot accept controls is starting or stopping, and while Windows shuts down no
 * service can be told anything (fact 9.1.21). It reads the values when it starts. */
static bool iphlpsvc_stopped(DWORD error) {
        return win_errno(error) == -ESRCH;
}

/* The service is not running: start it if it should be. If it was stopped while we were watching,
 * somebody meant it to be stopped. */
static int iphlpsvc_wake(Iphlpsvc *s, SC_HANDLE service) {
        DWORD type = SERVICE_DEMAND_START, error;

        (void) iphlpsvc_start_type(service, &type);
        if (type == SERVICE_DISABLED)
                return -EPERM;
        if (s->was_running)
                return -ESRCH;
        if (StartServiceW(service, 0, NULL)) {
                log_event(LOG_LEVEL_NOTICE, EVENT_FORWARDER_UP,
                          "The service IP Helper (iphlpsvc) was not running and has been started");
                return 0; /* it reads the values when it starts */
        }
        error = GetLastError();
        if (error == ERROR_SERVICE_ALREADY_RUNNING)
                return 0;
        if (log_may(&s->limit))
                (void) log_win_error(error, "Cannot start service 'iphlpsvc'");
        return -ESRCH;
}

/* PARAMCHANGE makes the service read its keys again without a restart. SERVICE_PAUSE_CONTINUE is
 * the access right that it requires (facts 4.1.5, 4.1.6). */
static int iphlpsvc_send_change(Iphlpsvc *s) {
        SERVICE_STATUS status;
        SC_HANDLE service;
        DWORD error;
        int r = 0;

        service = service_open(IPHLPSVC_NAME,
                               SERVICE_PAUSE_CONTINUE | SERVICE_QUERY_STATUS |
                                       SERVICE_QUERY_CONFIG | SERVICE_START,
                               &r);
        if (!service)
                return r;
        if (!ControlService(service, SERVICE_CONTROL_PARAMCHANGE, &status)) {
                error = GetLastError();
                r = iphlpsvc_stopped(error) ? iphlpsvc_wake(s, service) : win_errno(error);
                if (!iphlpsvc_stopped(error) && log_may(&s->limit))
                        (void) log_win_error(error, "Service 'iphlpsvc' did not accept the change");
        }
        (void) CloseServiceHandle(service);
        return r;
}

/* In the thread: notify the loop if the service's process is another one than before. */
static void iphlpsvc_compare(Iphlpsvc *s, bool first) {
        IphlpsvcState state;

        if (iphlpsvc_query(&state) < 0)
                return;
        s->was_running |= state.running;
        if (state.pid != s->pid && !first)
                loop_gate_post(&s->gate, &s->op);
        s->pid = state.pid;
}

/* In the thread: the request is done. If the loop has stopped waiting, notify it to ask again. */
static void iphlpsvc_answer(Iphlpsvc *s, int result) {
        bool late;

        AcquireSRWLockExclusive(&s->lock);
        late = s->state == IPHLPSVC_LATE;
        s->state = IPHLPSVC_IDLE;
        s->result = result;
        (void) SetEvent(s->done);
        ReleaseSRWLockExclusive(&s->lock);
        if (late)
                loop_gate_post(&s->gate, &s->op);
}

static DWORD WINAPI iphlpsvc_thread(void *parameter) {
        Iphlpsvc *s = parameter;
        HANDLE events[] = {s->stop, s->request};
        DWORD wait = WAIT_TIMEOUT;

        iphlpsvc_compare(s, true);
        while (wait != WAIT_OBJECT_0) {
                if (wait == WAIT_OBJECT_0 + 1)
                        iphlpsvc_answer(s, iphlpsvc_send_change(s));
                iphlpsvc_compare(s, false);
                wait = WaitForMultipleObjects(ARRAYSIZE(events), events, FALSE, IPHLPSVC_POLL_MS);
        }
        return 0;
}

static void iphlpsvc_on_packet(LoopOp *op, DWORD error, DWORD n_bytes) {
        Iphlpsvc *s = op->userdata;

        s->fn(s->userdata);
}

int iphlpsvc_new(Iphlpsvc **ret_service, Loop *loop, void (*fn)(void *userdata), void *userdata) {
        Iphlpsvc *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        *s = (Iphlpsvc){
                .gate = LOOP_GATE(loop),
                .lock = SRWLOCK_INIT,
                .op = {.fn = iphlpsvc_on_packet, .userdata = s},
                .fn = fn,
                .userdata = userdata,
        };
        s->stop = CreateEventW(NULL, TRUE, FALSE, NULL);
        s->request = CreateEventW(NULL, FALSE, FALSE, NULL);
        s->done = CreateEventW(NULL, FALSE, FALSE, NULL);
        if (s->stop && s->request && s->done)
                s->thread = CreateThread(NULL, 0, iphlpsvc_thread, s, 0, NULL);
        if (!s->thread) {
                r = log_win_error(GetLastError(), "Cannot start a thread");
                iphlpsvc_free(s);
                return r;
        }
        *ret_service = s;
        return 0;
}

Iphlpsvc *iphlpsvc_free(Iphlpsvc *s) {
        if (!s)
                return NULL;
        if (s->thread) {
                (void) SetEvent(s->stop);
                /* A thread that waits for a hanging service still uses @s. It ends when the service
                 * answers, or with the process. */
                if (WaitForSingleObject(s->thread, IPHLPSVC_WAIT_MS) != WAIT_OBJECT_0) {
                        loop_gate_close(&s->gate);
                        return NULL;
                }
                (void) CloseHandle(s->thread);
        }
        if (s->done)
                (void) CloseHandle(s->done);
        if (s->request)
                (void) CloseHandle(s->request);
        if (s->stop)
                (void) CloseHandle(s->stop);
        free(s);
        return NULL;
}

int iphlpsvc_activate(Iphlpsvc *s) {
        int r;

        AcquireSRWLockExclusive(&s->lock);
        r = s->state == IPHLPSVC_IDLE ? 0 : -ETIMEDOUT; /* the last request is not done yet */
        if (r == 0) {
                s->state = IPHLPSVC_BUSY;
                (void) ResetEvent(s->done); /* a late answer may have set it */
                (void) SetEvent(s->request);
        }
        ReleaseSRWLockExclusive(&s->lock);
        if (r < 0)
                return r;
        (void) WaitForSingleObject(s->done, IPHLPSVC_WAIT_MS);
        AcquireSRWLockExclusive(&s->lock);
        if (s->state == IPHLPSVC_IDLE) {
                r = s->result;
        } else {
                s->state = IPHLPSVC_LATE;
                r = -ETIMEDOUT;
        }
        ReleaseSRWLockExclusive(&s->lock);
        return r;
}
