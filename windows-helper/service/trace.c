/* SPDX-License-Identifier: MIT */

/*
 * The times of one run. Only the thread of the loop comes here.
 */

#include "windows-helper/service/trace.h"
#include "windows-helper/win/console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRACE_LINE_MAX 160

static LONGLONG trace_times[_TRACE_END];

void trace_point(TracePoint point) {
        LARGE_INTEGER now;

        (void) QueryPerformanceCounter(&now);
        if (point != TRACE_RECEIVED || trace_times[point] == 0)
                trace_times[point] = now.QuadPart;
}

void trace_report(void) {
        char line[TRACE_LINE_MAX];
        int n = 0;

        if (trace_times[TRACE_ACTIVATED] != 0 && getenv("WSLBRIDGE_TEST_TRACE")) {
                n = snprintf(line, sizeof(line), "trace");
                for (int i = 0; i < _TRACE_END; i++)
                        n += snprintf(line + n, sizeof(line) - (size_t) n, " %lld",
                                      (long long) trace_times[i]);
                line[n++] = '\n';
                (void) console_write(CONSOLE_ERROR, line, (size_t) n);
        }
        memset(trace_times, 0, sizeof(trace_times));
}
