/* SPDX-License-Identifier: MIT */

/*
 * The service's states, with the service manager and the helper replaced: every control in every
 * state, and a control that arrives at the moment in which the service ends. Each case prints a
 * line.
 */

#include "windows-helper/win/win.h"

/* The real functions belong to Windows' headers, so the code under test is given other names. */
#define RegisterServiceCtrlHandlerExW fake_register
#define SetServiceStatus              fake_set_status
#define StartServiceCtrlDispatcherW   fake_dispatch

static SERVICE_STATUS_HANDLE WINAPI fake_register(LPCWSTR name, LPHANDLER_FUNCTION_EX handler,
                                                  LPVOID context);
static BOOL WINAPI fake_set_status(SERVICE_STATUS_HANDLE handle, LPSERVICE_STATUS status);
static BOOL WINAPI fake_dispatch(const SERVICE_TABLE_ENTRYW *table);

#include "windows-helper/service/service.c"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RACE_MS    300 /* for what must not happen; what must happen is waited for */
#define LIMIT_MS   20000
#define REPORT_MAX 64

struct Helper {
        bool freed;
};

static struct {
        LPHANDLER_FUNCTION_EX handler;
        void (*in_state)(void); /* called in each state of service_main() */
        bool race;              /* a control arrives while the helper ends */
        DWORD reports[REPORT_MAX];
        volatile LONG n_reports;
        HANDLE reporting, stopped; /* the handler reports; STOPPED was reported */
        HANDLE thread;
        volatile LONG n_controls;
        bool touched_freed;
        Helper helper;
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

/* The report of a handler may take as long as it likes: here until the helper was freed, if it is.
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

int helper_new(Helper **ret_helper, const HelperOptions *options) {
        fake.helper = (Helper){.freed = false};
        if (fake.in_state)
                fake.in_state();
        *ret_helper = &fake.helper;
        return 0;
}

int helper_run(Helper *h) {
        if (fake.in_state)
                fake.in_state();
        if (fake.race) {
                fake.thread = CreateThread(NULL, 0, fake_control_thread, NULL, 0, NULL);
                (void) WaitForSingleObject(fake.reporting, LIMIT_MS);
        }
        return 0;
}

Helper *helper_free(Helper *h) {
        if (fake.in_state)
                fake.in_state();
        h->freed = true;
        return NULL;
}

void helper_control(Helper *h, HelperControl control) {
        (void) InterlockedIncrement(&fake.n_controls);
        fake.touched_freed |= !h || h->freed;
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

static void run_service(bool race, void (*in_state)(void)) {
        HelperOptions options = {0};

        memset(&service.status, 0, sizeof(service.status));
        memset(&fake, 0, sizeof(fake));
        fake.race = race;
        fake.in_state = in_state;
        fake.reporting = CreateEventW(NULL, TRUE, FALSE, NULL);
        fake.stopped = CreateEventW(NULL, TRUE, FALSE, NULL);
        (void) service_run(&options);
}

/* Each control, in each state. The answers of a row: starting, running, ending. */
static const struct {
        DWORD control, type;
        DWORD answers[3];
        LONG n_controls[3]; /* that reach the helper */
} table[] = {
        {SERVICE_CONTROL_INTERROGATE, 0, {0, 0, 0}, {0, 0, 0}},
        {SERVICE_CONTROL_PARAMCHANGE, 0, {0, 0, 0}, {0, 1, 0}},
        {SERVICE_CONTROL_POWEREVENT, PBT_APMRESUMEAUTOMATIC, {0, 0, 0}, {0, 1, 0}},
        {SERVICE_CONTROL_POWEREVENT, PBT_APMSUSPEND, {0, 0, 0}, {0, 0, 0}},
        {200, 0, {120, 120, 120}, {0, 0, 0}},                  /* ERROR_CALL_NOT_IMPLEMENTED */
        {SERVICE_CONTROL_STOP, 0, {1061, 0, 1061}, {0, 1, 0}}, /* …_CANNOT_ACCEPT_CTRL */
        {SERVICE_CONTROL_PRESHUTDOWN, 0, {1061, 0, 1061}, {0, 1, 0}},
        {SERVICE_CONTROL_HAND_OVER, 0, {1061, 0, 1061}, {0, 1, 0}},
};

static int walked_state;
static bool walked_well;

static void walk(void) {
        for (size_t i = 0; i < ARRAYSIZE(table); i++) {
                LONG before = fake.n_controls;
                DWORD answer = fake.handler(table[i].control, table[i].type, NULL, NULL);

                walked_well &= answer == table[i].answers[walked_state] &&
                               fake.n_controls - before == table[i].n_controls[walked_state];
        }
        walked_state++;
}

static void test_every_control_in_every_state(void) {
        walked_state = 0;
        walked_well = true;
        run_service(false, walk);
        check("every control in every state", walked_state == 3 && walked_well);
        check("a control after the end reports nothing",
              fake.handler(SERVICE_CONTROL_STOP, 0, NULL, NULL) ==
                              ERROR_SERVICE_CANNOT_ACCEPT_CTRL &&
                      fake.reports[fake.n_reports - 1] == SERVICE_STOPPED);
}

static void test_a_control_while_the_service_ends(void) {
        run_service(true, NULL);
        (void) WaitForSingleObject(fake.thread, LIMIT_MS);
        check("the control arrived", fake.n_controls == 1);
        check("it reached a helper that exists", !fake.touched_freed);
        check("STOPPED is reported", fake.n_reports > 0);
        check("STOPPED is the last report", fake.reports[fake.n_reports - 1] == SERVICE_STOPPED);
}

int main(void) {
        test_every_control_in_every_state();
        test_a_control_while_the_service_ends();
        printf("%d failed\n", n_failed);
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
