/* SPDX-License-Identifier: MIT */

/*
 * Step 13, in the service's pass: for as long as the user has asked for, watch for a sleep of the
 * machine. Which of the signs of it come, and what becomes of a listener?
 */

#include "windows-helper/core/status/read.h"
#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/hyperv-socket.h"
#include "windows-helper/service/status-load.h"
#include "windows-helper/win/loop.h"

#include <stdlib.h>
#include <string.h>

#define SLEEP_LOOK_MS   1000
#define SLEEP_JUMP_USEC 5000000 /* the clocks differ by so much after a sleep */
#define SLEEP_AGENTS_MS 120000  /* for agents to be back; they retry within 30 s */
#define SLEEP_EVENT_MS  10000   /* for the event, after the clocks have told */
#define SLEEP_NOTIFY    2       /* DEVICE_NOTIFY_CALLBACK */
#ifndef PBT_APMRESUMEAUTOMATIC  /* win.h leaves it out */
#        define PBT_APMRESUMEAUTOMATIC 18
#endif

static volatile LONG sleep_events, sleep_resumes, sleep_calls;

void step_sleep_on_power(DWORD event) {
        (void) InterlockedIncrement(&sleep_events);
        if (event == PBT_APMRESUMEAUTOMATIC)
                (void) InterlockedIncrement(&sleep_resumes);
}

static ULONG CALLBACK sleep_on_call(void *context, ULONG type, void *setting) {
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

/* The machine has slept. */
static void sleep_report(Step *s, uint64_t slept_usec, const VmId *vm, bool has_vm,
                         Accept **pending) {
        uint64_t began = step_clock();
        SOCKET socket;
        LONG resumes = sleep_resumes;
        DWORD error;

        sleep_agents(s, began);
        (void) step_pause(s, step_limit(SLEEP_EVENT_MS));
        step_line(s, "sleep.clocks", "GetTickCount64", 0, began, "the machine has slept for %lu s",
                  (unsigned long) (slept_usec / 1000000));
        step_line(s, "sleep.event", "", sleep_resumes == 0, began,
                  "PBT_APMRESUMEAUTOMATIC until now: %ld, all power events: %ld, calls: %ld",
                  resumes, sleep_events, sleep_calls);
        if (!has_vm)
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
        error = hyperv_socket_listen(vm, &socket);
        step_line(s, "sleep.listener", "bind", error, began,
                  "a new listener for the VM that ran before");
        if (error == 0)
                (void) closesocket(socket);
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

void step_sleep(Step *s) {
        uint64_t end = step_clock() + step_options(s)->watch_s * 1000000ULL, apart, n = 0;
        uint64_t began = step_clock(), last;
        SleepClocks clocks = {sleep_wall_usec(), loop_biased_usec(), loop_now_usec(), 0};
        Accept *pending = NULL;
        bool has_vm;
        DWORD error;
        Vm vm;

        if (step_options(s)->watch_s == 0) {
                step_skip(s, "sleep.clocks", "", "this takes the option --watch");
                return;
        }
        has_vm = step_find_vm(s, "sleep.listener", &vm);
        if (has_vm)
                pending = step_pending_new(&vm.id, &error);
        sleep_register(s);
        apart = loop_biased_usec() - loop_now_usec();
        last = loop_now_usec();
        while (step_clock() < end && step_pause(s, SLEEP_LOOK_MS)) {
                uint64_t now = loop_biased_usec() - loop_now_usec();

                if (loop_now_usec() - last > clocks.pause)
                        clocks.pause = loop_now_usec() - last;
                if (now > apart + SLEEP_JUMP_USEC) {
                        n++;
                        sleep_report(s, now - apart, &vm.id, has_vm, &pending);
                }
                apart = now;
                last = loop_now_usec();
        }
        sleep_show_clocks(s, &clocks, began);
        step_pending_free(pending);
        if (n == 0)
                step_skip(s, "sleep.clocks", "", "the machine has not slept meanwhile");
}
