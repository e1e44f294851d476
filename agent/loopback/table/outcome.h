/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whether a service with 'connect = loopback' is carried in this guest: judged from the table that
 * was written, and the report that came back. Pure.
 */

#include "agent/loopback/table/report.h"

typedef enum LoopbackState { /* from best to worst: a service has the worst of its ports */
                             LOOPBACK_NOT_ASKED,
                             LOOPBACK_CARRIED,
                             LOOPBACK_STARTING,
                             LOOPBACK_DIRECT, /* another program has the port, which may be the
                                                 service itself */
                             LOOPBACK_FAILED,
                             LOOPBACK_NOT_RUNNING,
                             LOOPBACK_NO_ROOM, /* the table is full */
                             LOOPBACK_NO_HOST, /* see loopback_host_problem() */
                             _LOOPBACK_STATE_END,
} LoopbackState;

typedef struct LoopbackOutcome {
        uint8_t state; /* LoopbackState */
        uint16_t port; /* the first one for which that is so; 0: not about a port */
        uint16_t error;
} LoopbackOutcome;

typedef struct LoopbackSituation { /* all borrowed */
        const char *host_problem;  /* or NULL */
        const LoopbackTable *table;
        const LoopbackReport *report; /* NULL: the program does not run */
        bool starting;                /* it, or this table, was wanted only a moment ago */
} LoopbackSituation;

/* The outcome of @count ports from @first on. */
LoopbackOutcome loopback_outcome(const LoopbackSituation *s, bool udp, uint16_t first,
                                 uint16_t count);

/* The worse of the two; @x if they are alike. */
LoopbackOutcome loopback_worse(LoopbackOutcome x, LoopbackOutcome y);

/* "carried", "direct", …; "" for LOOPBACK_NOT_ASKED. */
const char *loopback_state_name(uint8_t state);

/* Append a phrase for people: why it is not carried, and what helps. Nothing while all is well.
 * @host_problem: may be NULL unless the state is LOOPBACK_NO_HOST. */
void loopback_outcome_text(const LoopbackOutcome *o, const char *host_problem, Buffer *out);
