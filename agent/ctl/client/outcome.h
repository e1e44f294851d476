/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: whether a service has reached what a command waits for, and which exit
 * code that is. Pure.
 */

#include "agent/status/read.h"

typedef enum Outcome {
        OUTCOME_PENDING, /* the host has not answered yet */
        OUTCOME_ACTIVE,
        OUTCOME_FAILED,  /* the host's answer is another one */
        OUTCOME_REFUSED, /* there will be no answer: the helper does not admit this agent */
        OUTCOME_OFF,     /* the service is disabled */
} Outcome;

typedef struct Expected {
        const char *name, *file;
        uint64_t since_usec; /* the request is new: what the agent said of the name before this
                                moment (CLOCK_MONOTONIC) is about another one; 0 = it is not new */
} Expected;

/* @r: NULL while the agent does not run. */
Outcome outcome_of_new(const Report *r, const Expected *expected);

/* Of a service that is there, or a name that nobody has: OUTCOME_PENDING. */
Outcome outcome_of(const Report *r, const char *name);

/* Whether all of @names (NULL: all that are enabled) are active. */
bool outcome_all_active(const Report *r, const char *const *names, size_t n);

/* Whether the agent has nothing to do with @name any more. A configuration that it could not take
 * over counts as well, because there will be no other answer. */
bool outcome_is_gone(const Report *r, const char *name);
