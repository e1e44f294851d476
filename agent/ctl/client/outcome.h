/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: whether a service has reached the state that a command waits for. Pure.
 */

#include "agent/status/read.h"

typedef enum Outcome {
        OUTCOME_PENDING, /* the host has not answered yet, or wslbridge-loopback has not started */
        OUTCOME_ACTIVE,
        OUTCOME_FAILED,  /* the host has answered something else, or the guest carries nothing on */
        OUTCOME_REFUSED, /* there will be no answer: the helper does not admit this agent */
        OUTCOME_OFF,     /* the service is disabled */
        OUTCOME_BROKEN,  /* the agent does not accept the file */
} Outcome;

typedef struct Expected {
        const char *name, *file;
        /* When somebody began to make a request that was not there (CLOCK_MONOTONIC); 0: the files
         * have it already, so what the agent has read before counts. */
        uint64_t since_usec;
        uint64_t placed_usec; /* from when on the agent could read the file (CLOCK_MONOTONIC) */
        uint64_t fingerprint; /* of all files with this one, unless others change meanwhile */
} Expected;

/* @r: NULL while the agent does not run. */
Outcome outcome_of_new(const Report *r, const Expected *expected);

/* The first problem of @file that the agent reports; NULL: none. */
const ReportProblem *outcome_problem(const Report *r, const char *file);

/* The outcome of a service. A name that no service has is OUTCOME_PENDING. */
Outcome outcome_of(const Report *r, const char *name);

/* Whether all of @names (NULL: all that are enabled) are active, and carried to the loopback if
 * they ask for it. */
bool outcome_all_active(const Report *r, const char *const *names, size_t n);

/* Whether the agent no longer knows @name. */
bool outcome_is_gone(const Report *r, const char *name);
