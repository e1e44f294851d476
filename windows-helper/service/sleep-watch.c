/* SPDX-License-Identifier: MIT */

/*
 * The signs of a sleep. See sleep-watch.h.
 */

#include "windows-helper/service/sleep-watch.h"

#include "windows-helper/win/log.h"
#include "windows-helper/win/system-dll.h"

/* One sleep has up to three signs, and Windows tells of its end twice: at once, and when somebody
 * is there. Those without a length that come so soon after another one are of the same sleep. */
#define SLEEP_SIGNS_USEC UINT64_C(20000000)

#define SLEEP_CALLBACK 2       /* DEVICE_NOTIFY_CALLBACK */
#ifndef PBT_APMRESUMEAUTOMATIC /* win.h leaves them out */
#        define PBT_APMRESUMESUSPEND   7
#        define PBT_APMRESUMEAUTOMATIC 18
#endif

/* The registration stays as long as the process: nobody says whether a call may still run when it
 * has been taken back. So the gate is closed instead. */
static LoopGate sleep_gate;

/* Runs in a thread of Windows (fact 9.1.24). */
static ULONG CALLBACK sleep_on_call(void *op, ULONG type, void *setting) {
        if (type == PBT_APMRESUMEAUTOMATIC || type == PBT_APMRESUMESUSPEND)
                loop_gate_post(&sleep_gate, op);
        return 0;
}

static void sleep_on_packet(LoopOp *op, DWORD error, DWORD n_bytes) {
        ((SleepWatch *) op->userdata)->resumed = true;
}

void sleep_watch_start(SleepWatch *w, Loop *loop) {
        static struct { /* DEVICE_NOTIFY_SUBSCRIBE_PARAMETERS */
                ULONG(CALLBACK *callback)(void *context, ULONG type, void *setting);
                void *context;
        } parameters = {sleep_on_call, NULL};
        DWORD(WINAPI * start)(DWORD flags, void *recipient, void **ret_handle);
        const SystemFunction function = {"PowerRegisterSuspendResumeNotification", &start};
        void *handle;

        w->op = (LoopOp){.fn = sleep_on_packet, .userdata = w};
        parameters.context = &w->op;
        sleep_gate.loop = loop;
        if (system_dll_load(L"powrprof.dll", &function, 1) == 0)
                (void) start(SLEEP_CALLBACK, &parameters, &handle);
}

void sleep_watch_end(void) {
        loop_gate_close(&sleep_gate);
}

/* A deadline that has passed already is no reason to be late. */
uint64_t sleep_watch_until(SleepWatch *w, uint64_t deadline_usec) {
        uint64_t now = loop_now_usec();

        w->due_usec = deadline_usec > now ? deadline_usec : now;
        return deadline_usec;
}

static uint64_t sleep_late_limit(void) {
#ifdef WSLBRIDGE_TEST_TRANSPORT
        wchar_t text[16];

        if (GetEnvironmentVariableW(L"WSLBRIDGE_TEST_LATE_MS", text, ARRAYSIZE(text)) > 0)
                return wcstoul(text, NULL, 10) * UINT64_C(1000);
#endif
        return SLEEP_CLOCK_LATE_USEC;
}

bool sleep_watch_slept(SleepWatch *w, uint64_t now_usec) {
        uint64_t slept = sleep_clock_advance(&w->clock, loop_biased_usec(), now_usec);
        bool told = w->told && now_usec - w->told_usec < SLEEP_SIGNS_USEC;
        bool resumed = w->resumed;

        w->resumed = false;
        if (slept == 0 && !told && w->due_usec > 0)
                slept = sleep_clock_late(w->due_usec, now_usec, sleep_late_limit());
        if (slept == 0 && (told || !resumed))
                return false;
        w->told = true;
        w->told_usec = now_usec;
        w->due_usec = 0;
        if (slept > 0)
                log_write(LOG_LEVEL_NOTICE, "the machine slept for %llu s; checking everything",
                          (unsigned long long) (slept / 1000000));
        else
                log_write(LOG_LEVEL_NOTICE, "the machine has slept; checking everything");
        return true;
}
