/* SPDX-License-Identifier: MIT */

/*
 * The thread of a step, and the lines that it writes.
 */

#include "windows-helper/selftest/tools/step.h"
#include "windows-helper/win/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct Step {
        uint8_t number;
        StepFn fn;
        const StepOptions *options; /* borrowed */
        HANDLE closing;             /* owned; set when its time is over */
        SRWLOCK lock;               /* for all below */
        bool closed;
        SelftestLines lines;
};

uint64_t step_clock(void) {
        LARGE_INTEGER count, frequency;

        (void) QueryPerformanceCounter(&count);
        (void) QueryPerformanceFrequency(&frequency);
        return (uint64_t) ((double) count.QuadPart * 1e6 / (double) frequency.QuadPart);
}

const StepOptions *step_options(const Step *s) {
        return s->options;
}

static void step_add(Step *s, const SelftestLine *line) {
        AcquireSRWLockExclusive(&s->lock);
        if (!s->closed)
                selftest_lines_add(&s->lines, line);
        ReleaseSRWLockExclusive(&s->lock);
}

static void step_fill(const Step *s, SelftestLine *line, const char *key, const char *api,
                      const char *format, va_list args) {
        *line = (SelftestLine){.pass = s->options->pass, .step = s->number};
        (void) snprintf(line->key, sizeof(line->key), "%s", key);
        (void) snprintf(line->api, sizeof(line->api), "%s", api);
        (void) vsnprintf(line->text, sizeof(line->text), format, args);
}

void step_line(Step *s, const char *key, const char *api, DWORD code, uint64_t began,
               const char *format, ...) {
        uint64_t now = step_clock();
        SelftestLine line;
        va_list args;

        va_start(args, format);
        step_fill(s, &line, key, api, format, args);
        va_end(args);
        line.done = true;
        line.code = code;
        line.ms = (uint32_t) ((now - began + 500) / 1000);
        step_add(s, &line);
}

void step_skip(Step *s, const char *key, const char *api, const char *format, ...) {
        SelftestLine line;
        va_list args;

        va_start(args, format);
        step_fill(s, &line, key, api, format, args);
        va_end(args);
        step_add(s, &line);
}

bool step_pause(const Step *s, DWORD ms) {
        HANDLE events[] = {s->closing, s->options->stop};

        return WaitForMultipleObjects(ARRAYSIZE(events), events, FALSE, ms) == WAIT_TIMEOUT;
}

bool step_is_open(const Step *s) {
        return step_pause(s, 0);
}

bool step_function(Step *s, const char *key, const wchar_t *dll, const char *name,
                   void *ret_function) {
        HMODULE library = LoadLibraryExW(dll, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
        FARPROC function = library ? GetProcAddress(library, name) : NULL;

        if (!function)
                step_skip(s, key, name, "%s: error %lu", WIN_UTF8(dll), GetLastError());
        memcpy(ret_function, &function, sizeof(function));
        return function != NULL;
}

uint32_t step_limit(uint32_t ms) {
#ifdef WSLBRIDGE_TEST_TRANSPORT
        DWORD most, size = sizeof(most); /* a service would not have the variables of a test */

        if (RegGetValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\wslbridge-test", L"SelftestMs",
                         RRF_RT_REG_DWORD, NULL, &most, &size) == ERROR_SUCCESS)
                return ms < most ? ms : most;
#endif
        return ms;
}

static DWORD WINAPI step_thread(void *parameter) {
        Step *s = parameter;

        s->fn(s);
        return 0;
}

/* What it has said until now goes to @lines; what it says later is lost. */
static void step_close(Step *s, SelftestLines *lines) {
        (void) SetEvent(s->closing);
        AcquireSRWLockExclusive(&s->lock);
        s->closed = true;
        for (size_t i = 0; i < s->lines.n; i++)
                selftest_lines_add(lines, &s->lines.items[i]);
        lines->oom |= s->lines.oom;
        ReleaseSRWLockExclusive(&s->lock);
}

static void step_free(Step *s) {
        selftest_lines_done(&s->lines);
        (void) CloseHandle(s->closing);
        free(s);
}

/* Return: whether the thread has ended. */
static bool step_wait(Step *s, HANDLE thread, uint32_t limit_ms) {
        HANDLE handles[] = {thread, s->options->stop};
        DWORD wait = WaitForMultipleObjects(ARRAYSIZE(handles), handles, FALSE, limit_ms);

        if (wait == WAIT_OBJECT_0)
                return true;
        /* It is told to end, and mostly does so at once. */
        (void) SetEvent(s->closing);
        if (WaitForSingleObject(thread, 500) == WAIT_OBJECT_0)
                return wait != WAIT_TIMEOUT;
        if (wait == WAIT_TIMEOUT)
                step_skip(s, "limit", "", "the step has not ended after %lu s",
                          (unsigned long) limit_ms / 1000);
        return false;
}

bool step_run(uint8_t number, StepFn fn, uint32_t limit_ms, const StepOptions *options,
              SelftestLines *lines) {
        Step *s = calloc(1, sizeof(*s));
        HANDLE thread = NULL;
        bool ended;

        if (!s)
                return false;
        *s = (Step){.number = number, .fn = fn, .options = options, .lock = SRWLOCK_INIT};
        s->closing = CreateEventW(NULL, TRUE, FALSE, NULL);
        if (s->closing)
                thread = CreateThread(NULL, 0, step_thread, s, 0, NULL);
        if (!thread) {
                (void) log_win_error(GetLastError(), "Cannot start a thread");
                free(s);
                return false;
        }
        ended = step_wait(s, thread, limit_ms);
        step_close(s, lines);
        if (WaitForSingleObject(thread, 0) == WAIT_OBJECT_0)
                step_free(s);
        (void) CloseHandle(thread);
        return ended;
}
