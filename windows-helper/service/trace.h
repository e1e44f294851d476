/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * When the steps of a run were done, for the benchmark. The release build has none of this.
 */

typedef enum TracePoint {
        TRACE_RECEIVED,  /* the first bytes that the run is about */
        TRACE_LEDGER,    /* the last flush of the ledger … */
        TRACE_VALUES,    /* … and the last value */
        TRACE_ACTIVATED, /* iphlpsvc has taken the control */
        TRACE_LOOKED,    /* the table of listeners was read; 0: it was not */
        TRACE_ANSWERED,  /* the last bytes that were sent */
        _TRACE_END,
} TracePoint;

#ifdef WSLBRIDGE_TEST_TRANSPORT
/* Note that a step is done now. */
void trace_point(TracePoint point);

/* After a run with an activation, write "trace T0 T1 …" to standard error, in the order of
 * TracePoint and in ticks of QueryPerformanceCounter(), if the environment variable
 * WSLBRIDGE_TEST_TRACE is set. Begin anew in any case. */
void trace_report(void);
#else
static inline void trace_point(TracePoint point) {
}
static inline void trace_report(void) {
}
#endif
