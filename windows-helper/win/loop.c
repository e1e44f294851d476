/* SPDX-License-Identifier: MIT */

/*
 * The completion port, and the thread pool's waits that post to it.
 */

#include "windows-helper/win/loop.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOP_TURN_MAX 64  /* completions handled in one turn */
#define LOOP_LATE_MS  100 /* until the next attempt to post what could not be posted */

struct Loop {
        HANDLE port;  /* owned */
        SRWLOCK lock; /* for .late */
        LoopOp *late; /* what could not be posted: Windows had no memory */
};

int loop_new(Loop **ret_loop) {
        Loop *loop = calloc(1, sizeof(*loop));
        int r;

        if (!loop)
                return -ENOMEM;
        loop->port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
        if (!loop->port) {
                r = log_win_error(GetLastError(), "Cannot create a completion port");
                free(loop);
                return r;
        }
        *ret_loop = loop;
        return 0;
}

Loop *loop_free(Loop *loop) {
        if (loop) {
                (void) CloseHandle(loop->port);
                free(loop);
        }
        return NULL;
}

int loop_attach(Loop *loop, HANDLE handle) {
        if (!CreateIoCompletionPort(handle, loop->port, 0, 0))
                return log_win_error(GetLastError(), "Cannot attach to the completion port");
        return 0;
}

OVERLAPPED *loop_op_prepare(LoopOp *op) {
        memset(&op->overlapped, 0, sizeof(op->overlapped));
        return &op->overlapped;
}

void loop_post(Loop *loop, LoopOp *op) {
        if (PostQueuedCompletionStatus(loop->port, 0, 0, &op->overlapped))
                return;
        (void) log_win_error(GetLastError(), "Cannot post to the completion port, trying again");
        AcquireSRWLockExclusive(&loop->lock);
        if (!op->late) {
                op->late = true;
                op->next_late = loop->late;
                loop->late = op;
        }
        ReleaseSRWLockExclusive(&loop->lock);
}

/* Post what could not be posted before. It goes through the port again, behind what is there.
 * Return: whether nothing is left. */
static bool loop_post_late(Loop *loop) {
        bool all;

        AcquireSRWLockExclusive(&loop->lock);
        while (loop->late &&
               PostQueuedCompletionStatus(loop->port, 0, 0, &loop->late->overlapped)) {
                loop->late->late = false;
                loop->late = loop->late->next_late;
        }
        all = !loop->late;
        ReleaseSRWLockExclusive(&loop->lock);
        return all;
}

void loop_gate_post(LoopGate *g, LoopOp *op) {
        AcquireSRWLockExclusive(&g->lock);
        if (g->loop)
                loop_post(g->loop, op);
        ReleaseSRWLockExclusive(&g->lock);
}

void loop_gate_close(LoopGate *g) {
        AcquireSRWLockExclusive(&g->lock);
        g->loop = NULL;
        ReleaseSRWLockExclusive(&g->lock);
}

struct LoopWait {
        Loop *loop;  /* borrowed */
        HANDLE wait; /* owned */
        LoopOp op;
};

/* Runs in a waiting thread of the thread pool, because a completion port cannot wait for events. */
static void CALLBACK loop_wait_on_event(void *context, BOOLEAN timed_out) {
        LoopWait *w = context;

        loop_post(w->loop, &w->op);
}

int loop_wait_new(LoopWait **ret_wait, Loop *loop, HANDLE event, LoopOpFn fn, void *userdata) {
        LoopWait *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        w->loop = loop;
        w->op = (LoopOp){.fn = fn, .userdata = userdata};
        if (!RegisterWaitForSingleObject(&w->wait, event, loop_wait_on_event, w, INFINITE,
                                         WT_EXECUTEINWAITTHREAD)) {
                r = log_win_error(GetLastError(), "Cannot wait for an event");
                free(w);
                return r;
        }
        *ret_wait = w;
        return 0;
}

LoopWait *loop_wait_free(LoopWait *w) {
        if (w) {
                /* This waits for a running callback, so nothing is posted afterwards. */
                (void) UnregisterWaitEx(w->wait, INVALID_HANDLE_VALUE);
                free(w);
        }
        return NULL;
}

/* Milliseconds until @deadline_usec, rounded up, because a loop that wakes too early would spin. */
static DWORD loop_timeout(uint64_t deadline_usec) {
        uint64_t now = loop_now_usec(), ms;

        if (deadline_usec == LOOP_NO_DEADLINE)
                return INFINITE;
        if (deadline_usec <= now)
                return 0;
        ms = (deadline_usec - now + 999) / 1000;
        return ms < INFINITE ? (DWORD) ms : INFINITE - 1;
}

/* Completions are fetched one at a time, because only GetQueuedCompletionStatus() translates the
 * NTSTATUS of a failed operation to a Win32 code (fact 9.3.1). Return: false after the timeout. */
static bool loop_handle_one(Loop *loop, DWORD timeout) {
        OVERLAPPED *overlapped = NULL;
        ULONG_PTR key;
        DWORD n_bytes = 0, error = ERROR_SUCCESS;
        LoopOp *op;

        if (!loop_post_late(loop) && timeout > LOOP_LATE_MS)
                timeout = LOOP_LATE_MS;
        if (!GetQueuedCompletionStatus(loop->port, &n_bytes, &key, &overlapped, timeout))
                error = GetLastError();
        if (!overlapped)
                return false;
        op = (LoopOp *) overlapped;
        op->fn(op, error, n_bytes);
        return true;
}

void loop_turn(Loop *loop, uint64_t deadline_usec) {
        DWORD timeout = loop_timeout(deadline_usec);

        for (unsigned i = 0; i < LOOP_TURN_MAX && loop_handle_one(loop, timeout); i++)
                timeout = 0;
}

void loop_step(Loop *loop, uint64_t deadline_usec) {
        (void) loop_handle_one(loop, loop_timeout(deadline_usec));
}

uint64_t loop_now_usec(void) {
        ULONGLONG hundred_ns = 0;

        (void) QueryUnbiasedInterruptTime(&hundred_ns);
        return hundred_ns / 10;
}

uint64_t loop_biased_usec(void) {
        uint64_t usec = GetTickCount64() * 1000;

#ifdef WSLBRIDGE_TEST_TRANSPORT
        /* Wine never sleeps, so a test says for how many seconds the machine has slept. */
        DWORD seconds = 0, size = sizeof(seconds);

        (void) RegGetValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\wslbridge-test", L"SleptSeconds",
                            RRF_RT_REG_DWORD, NULL, &seconds, &size);
        usec += seconds * UINT64_C(1000000);
#endif
        return usec;
}
