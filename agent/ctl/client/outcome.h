/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: whether a service has reached the state that a command waits for. Pure.
 */

#include "agent/status/read.h"

typedef enum Outcome {
        OUTCOME_PENDING, /* the host has not answered yet */
        OUTCOME_ACTIVE,
        OUTCOME_FAILED,  /* the host has answered something else */
        OUTCOME_REFUSED, /* there will be no answer: the helper does not admit this agent */
        OUTCOME_OFF,     /* the service is disabled */
} Outcome;

typedef struct Expected {
        const char *name, *file;
        uint64_t since_usec; /* when a new request was made (CLOCK_MONOTONIC): a state from before
                                that moment is about an older request; 0 = the request is not new */
} Expected;

/* @r: NULL while the agent does not run. */
Outcome outcome_of_new(const Report *r, const Expected *expected);

/* The outcome of a service. A name that no service has is OUTCOME_PENDING. */
Outcome outcome_of(const Report *r, const char *name);

/* Whether all of @names (NULL: all that are enabled) are active. */
bool outcome_all_active(const Report *r, const char *const *names, size_t n);

/* Whether the agent no longer knows @name. Also true when it could not accept the newest
 * configuration, because then there will be no other answer. */
bool outcome_is_gone(const Report *r, const char *name);
