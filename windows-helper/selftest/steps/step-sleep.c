/* SPDX-License-Identifier: MIT */

/*
 * Step 13, in the service's pass: for as long as the user has asked for, watch for a sleep of the
 * machine. Which of the signs of it come, and what becomes of a listener? Any of the signs that the
 * helper goes by will do, because none comes after each kind of sleep (sleep-watch.h).
 */

#include "windows-helper/core/base/sleep-clock.h"
#include "windows-helper/core/status/read.h"
#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/hyperv-socket.h"
#include "windows-helper/service/status-load.h"
#include "windows-helper/vm/hcs.h"
#include "windows-helper/win/loop.h"

#include <stdlib.h>
#include <string.h>

#define SLEEP_LOOK_MS   1000
#define SLEEP_AGENTS_MS 120000 /* for agents to be back; they retry within 30 s */
#define SLEEP_EVENT_MS  10000  /* for the event, after the clocks have told */
#define SLEEP_NOTIFY    2      /* DEVICE_NOTIFY_CALLBACK */
#ifndef PBT_APMRESUMEAUTOMATIC /* win.h leaves them out */
#        define PBT_APMSUSPEND         4
#        define PBT_APMRESUMESUSPEND   7
#        define PBT_APMRESUMEAUTOMATIC 18
#endif

static volatile LONG sleep_events, sleep_resumes, sleep_calls;

void step_sleep_on_power(DWORD event) {
        (void) InterlockedIncrement(&sleep_events);
        if (event == PBT_APMRESUMEAUTOMATIC)
                (void) InterlockedIncrement(&sleep_resumes);
}

/* Windows tells of one resume twice: at once, and when somebody is there, which may be much later.
 * The first of them counts, whichever comes (fact 9.1.24). */
static ULONG CALLBACK sleep_on_call(void *context, ULONG type, void *setting) {
        static volatile LONG told;

        if (type == PBT_APMSUSPEND)
                (void) InterlockedExchange(&told, 0);
        else if (type == PBT_APMRESUMEAUTOMATIC || type == PBT_APMRESUMESUSPEND)
                if (InterlockedExchange(&told, 1) == 0 || type == PBT_APMRESUMEAUTOMATIC)
                        (void) InterlockedIncrement(&sleep_calls);
        return 0;
}

typedef struct SleepParameters { /* DEVICE_NOTIFY_SUBSCRIBE_PARAMETERS */
        ULONG(CALLBACK *callback)(void *context, ULONG type, void *setting);
        void *context;
} SleepParameters;

static void sleep_register(Step *s) {
        static SleepParameters parameters = {sleep_on_call, NULL};
        DWORD(WINAPI * notify)(DWORD, void *, void **);
        uint64_t began = step_clock();
        void *handle = NULL;

        /* It is never taken back: this process ends soon after. */
        if (step_function(s, "sleep.notify", L"powrprof.dll",
                          "PowerRegisterSuspendResumeNotification", &notify))
                step_line(s, "sleep.notify", "PowerRegisterSuspendResume",
                          notify(SLEEP_NOTIFY, &parameters, &handle), began, "-");
}

static void sleep_on_record(void *userdata, StatusKind kind, const StatusRecord *record) {
        *(unsigned *) userdata +=
                kind == STATUS_AGENT && strcmp(status_field(record, "state"), "connected") == 0;
}

/* Agents that are connected to the helper that is installed; 0 without one. */
static unsigned sleep_count_agents(void) {
        char *text = NULL;
        unsigned n = 0;
        size_t size;

        if (status_load(&text, &size) == 0 && status_is_alive(text, size))
                (void) status_read(text, size, sleep_on_record, &n);
        free(text);
        return n;
}

/* How long it takes until one is back. */
static void sleep_agents(Step *s, uint64_t began) {
        uint64_t end = began + step_limit(SLEEP_AGENTS_MS) * 1000ULL;
        unsigned n = sleep_count_agents();

        while (n == 0 && step_clock() < end && step_pause(s, SLEEP_LOOK_MS))
                n = sleep_count_agents();
        if (n > 0)
                step_line(s, "sleep.agents", "", 0, began, "agents that are connected: %u", n);
        else
                step_skip(s, "sleep.agents", "", "no agent is connected to a helper that runs");
}

/* A VM that has gone meanwhile says nothing of its sockets (fact 1.3.8). */
static void sleep_listener(Step *s, const VmId *vm) {
        uint64_t began = step_clock();
        SOCKET socket;
        DWORD error = hyperv_socket_listen(vm, &socket);
        VmList list;
        int r = hcs_list(&list);

        if (r < 0 || !vm_list_find(&list, vm))
                step_skip(s, "sleep.listener", "bind", "the VM that ran before is not known: %s",
                          r < 0 ? vm_list_error_text(r) : "it has gone");
        else
                step_line(s, "sleep.listener", "bind", error, began,
                          "a new listener for the VM that ran before, and runs");
        if (error == 0)
                (void) closesocket(socket);
}

/* The machine has slept. @slept_usec: 0 where the clocks do not tell; @resumes: power events of a
 * resume until the sleep before */
static void sleep_report(Step *s, uint64_t slept_usec, LONG resumes, const VmId *vm,
                         Accept **pending) {
        uint64_t began = step_clock();
        DWORD error;

        sleep_agents(s, began);
        (void) step_pause(s, step_limit(SLEEP_EVENT_MS));
        step_line(s, "sleep.clocks", "GetTickCount64", slept_usec == 0, began,
                  "the machine has slept for %lu s, as far as the clocks tell",
                  (unsigned long) (slept_usec / 1000000));
        step_line(s, "sleep.event", "", sleep_resumes == resumes, began,
                  "PBT_APMRESUMEAUTOMATIC since the sleep before: %ld, all power events: %ld, "
                  "calls: %ld",
                  sleep_resumes - resumes, sleep_events, sleep_calls);
        if (!vm)
                return;
        if (*pending && step_pending_ended(s, *pending, 0, &error)) {
                step_line(s, "sleep.pending", "AcceptEx", error, began,
                          "how the accept that waited through the sleep has ended");
                step_pending_free(*pending);
                *pending = NULL;
        } else if (*pending) {
                step_line(s, "sleep.pending", "AcceptEx", 0, began,
                          "the accept still waits after the sleep");
                return; /* a second listener would only be told that the port is in use */
        }
        sleep_listener(s, vm);
}

static uint64_t sleep_wall_usec(void) {
        FILETIME now;

        GetSystemTimeAsFileTime(&now);
        return ((uint64_t) now.dwHighDateTime << 32 | now.dwLowDateTime) / 10;
}

typedef struct SleepClocks {
        uint64_t wall, biased, unbiased, pause; /* the last: the longest between two looks */
} SleepClocks;

/* Both clocks may run on in Modern Standby (fact 9.3.9). The time of day tells. */
static void sleep_show_clocks(Step *s, const SleepClocks *c, uint64_t began) {
        step_line(s, "sleep.both", "QueryUnbiasedInterruptTime", 0, began,
                  "time of day %lu s, GetTickCount64 %lu s, unbiased %lu s, longest pause %lu s, "
                  "calls: %ld",
                  (unsigned long) ((sleep_wall_usec() - c->wall) / 1000000),
                  (unsigned long) ((loop_biased_usec() - c->biased) / 1000000),
                  (unsigned long) ((loop_now_usec() - c->unbiased) / 1000000),
                  (unsigned long) (c->pause / 1000000), sleep_calls);
}

/* Until the time is over. @vm: one with a listener whose accept waits, or NULL. Return: how often
 * the machine has slept. */
static unsigned sleep_watch(Step *s, const VmId *vm, Accept **pending, SleepClocks *clocks) {
        uint64_t end = step_clock() + step_options(s)->watch_s * 1000000ULL, last = loop_now_usec();
        LONG calls = sleep_calls, resumes = sleep_resumes;
        SleepClock clock = {0};
        unsigned n = 0;

        (void) sleep_clock_advance(&clock, loop_biased_usec(), last);
        while (step_clock() < end && step_pause(s, SLEEP_LOOK_MS)) {
                uint64_t now = loop_now_usec(), pause = now - last;
                uint64_t slept = sleep_clock_advance(&clock, loop_biased_usec(), now);

                if (pause > clocks->pause)
                        clocks->pause = pause;
                if (slept > 0 || pause >= SLEEP_CLOCK_LATE_USEC || sleep_calls != calls ||
                    sleep_resumes != resumes) {
                        n++;
                        sleep_report(s, slept, resumes, vm, pending);
                        calls = sleep_calls;
                        resumes = sleep_resumes;
                }
                last = loop_now_usec();
        }
        return n;
}

void step_sleep(Step *s) {
        SleepClocks clocks = {sleep_wall_usec(), loop_biased_usec(), loop_now_usec(), 0};
        uint64_t began = step_clock();
        Accept *pending = NULL;
        DWORD error = 0;
        bool has_vm;
        unsigned n;
        Vm vm;

        if (step_options(s)->watch_s == 0) {
                step_skip(s, "sleep.clocks", "", "this takes the option --watch");
                return;
        }
        has_vm = step_find_vm(s, "sleep.listener", &vm);
        if (has_vm)
                pending = step_pending_new(&vm.id, &error);
        if (error != 0)
                step_skip(s, "sleep.listener", "bind",
                          "before a sleep there could be no listener, either: error %lu", error);
        sleep_register(s);
        n = sleep_watch(s, pending ? &vm.id : NULL, &pending, &clocks);
        sleep_show_clocks(s, &clocks, began);
        step_pending_free(pending);
        if (n == 0)
                step_skip(s, "sleep.clocks", "", "the machine has not slept meanwhile");
}
