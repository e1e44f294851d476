/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A service manager for the tests of our services. A test includes this, then the source file of
 * the service, and gives it a program of its own: what helper_new() or relay_new() makes. Each case
 * prints a line.
 */

#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The real functions belong to Windows' headers, so the code under test is given other names. */
#define RegisterServiceCtrlHandlerExW fake_register
#define SetServiceStatus              fake_set_status
#define StartServiceCtrlDispatcherW   fake_dispatch

#define RACE_MS    300 /* for what must not happen; what must happen is waited for */
#define LIMIT_MS   20000
#define REPORT_MAX 64

typedef struct FakeProgram {
        bool freed;
} FakeProgram;

static struct {
        LPHANDLER_FUNCTION_EX handler;
        void (*in_state)(void); /* called in each state of the service's main function */
        bool race;              /* a control arrives while the program ends */
        DWORD reports[REPORT_MAX];
        volatile LONG n_reports;
        HANDLE reporting, stopped; /* the handler reports; STOPPED was reported */
        HANDLE thread;
        volatile LONG n_controls;
        bool touched_freed;
        FakeProgram program;
} fake;

static int n_failed;

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        n_failed += !good;
}

static SERVICE_STATUS_HANDLE WINAPI fake_register(LPCWSTR name, LPHANDLER_FUNCTION_EX handler,
                                                  LPVOID context) {
        static int anything;

        fake.handler = handler;
        return (SERVICE_STATUS_HANDLE) (void *) &anything;
}

/* The report of a handler may take as long as it likes: here until the program was freed, if it is.
 */
static BOOL WINAPI fake_set_status(SERVICE_STATUS_HANDLE handle, LPSERVICE_STATUS status) {
        DWORD state = status->dwCurrentState;

        if (fake.race && state == SERVICE_STOP_PENDING) {
                (void) SetEvent(fake.reporting);
                (void) WaitForSingleObject(fake.stopped, RACE_MS);
        }
        fake.reports[InterlockedIncrement(&fake.n_reports) - 1] = state;
        if (state == SERVICE_STOPPED)
                (void) SetEvent(fake.stopped);
        return TRUE;
}

static BOOL WINAPI fake_dispatch(const SERVICE_TABLE_ENTRYW *table) {
        table->lpServiceProc(0, NULL);
        return TRUE;
}

static DWORD WINAPI fake_control_thread(void *data) {
        (void) fake.handler(SERVICE_CONTROL_STOP, 0, NULL, NULL);
        return 0;
}

static FakeProgram *fake_new(void) {
        fake.program = (FakeProgram){.freed = false};
        if (fake.in_state)
                fake.in_state();
        return &fake.program;
}

static int fake_run(void) {
        if (fake.in_state)
                fake.in_state();
        if (fake.race) {
                fake.thread = CreateThread(NULL, 0, fake_control_thread, NULL, 0, NULL);
                (void) WaitForSingleObject(fake.reporting, LIMIT_MS);
        }
        return 0;
}

static void fake_free(FakeProgram *p) {
        if (fake.in_state)
                fake.in_state();
        p->freed = true;
}

/* A control has reached the program. */
static void fake_controlled(const FakeProgram *p) {
        (void) InterlockedIncrement(&fake.n_controls);
        fake.touched_freed |= !p || p->freed;
}

void log_to_event_log(const wchar_t *source, bool only) {
}

void log_event(LogLevel level, EventId event, const char *format, ...) {
}

void log_write(LogLevel level, const char *format, ...) {
}

int log_win_error(DWORD error, const char *format, ...) {
        return -EIO;
}

/* Before the service runs. */
static void fake_prepare(bool race, void (*in_state)(void)) {
        memset(&fake, 0, sizeof(fake));
        fake.race = race;
        fake.in_state = in_state;
        fake.reporting = CreateEventW(NULL, TRUE, FALSE, NULL);
        fake.stopped = CreateEventW(NULL, TRUE, FALSE, NULL);
}

/* A control, and its answers in each state: starting, running, ending. */
typedef struct FakeControl {
        DWORD control, type;
        DWORD answers[3];
        LONG n_controls[3]; /* that reach the program */
} FakeControl;

static int walked_state;
static bool walked_well;

/* Try each control in the state of now. */
static void fake_walk(const FakeControl *table, size_t n) {
        for (size_t i = 0; i < n; i++) {
                LONG before = fake.n_controls;
                DWORD answer = fake.handler(table[i].control, table[i].type, NULL, NULL);

                walked_well &= answer == table[i].answers[walked_state] &&
                               fake.n_controls - before == table[i].n_controls[walked_state];
        }
        walked_state++;
}

/* @run: runs the service, by way of fake_prepare(). @walk: calls fake_walk(). */
static void fake_check_states(void (*run)(bool race, void (*in_state)(void)), void (*walk)(void)) {
        walked_state = 0;
        walked_well = true;
        run(false, walk);
        check("every control in every state", walked_state == 3 && walked_well);
        check("a control after the end reports nothing",
              fake.handler(SERVICE_CONTROL_STOP, 0, NULL, NULL) ==
                              ERROR_SERVICE_CANNOT_ACCEPT_CTRL &&
                      fake.reports[fake.n_reports - 1] == SERVICE_STOPPED);
        run(true, NULL);
        (void) WaitForSingleObject(fake.thread, LIMIT_MS);
        check("a control arrives while the service ends", fake.n_controls == 1);
        check("it reached a program that exists", !fake.touched_freed);
        check("STOPPED is reported", fake.n_reports > 0);
        check("STOPPED is the last report", fake.reports[fake.n_reports - 1] == SERVICE_STOPPED);
}
