/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The promises of the helper, checked from outside: at every single change of a value, and whenever
 * the world is at rest. Also kills the helper, or lets a call fail, at a chosen call.
 */

#include "world.h"

typedef struct Judge {
        World w;         /* first: hooks get the host, whose userdata is the world */
        TextMap foreign; /* rule → data: what is somebody else's */
        /* what is to go wrong: the n-th changing call from now on; 0: none */
        unsigned kill_at, fail_at;
        bool dead;        /* killed: no call has an effect any more */
        bool failed;      /* a call failed that is tried again later */
        bool no_iphlpsvc; /* activations fail */
        unsigned n_calls; /* changing ones, so far */
} Judge;

void judge_init(Judge *j);
void judge_done(Judge *j);

/* Somebody else sets or, with NULL, deletes a value. */
void judge_foreign(Judge *j, const char *rule, const char *data);

/* After the helper was killed: maybe the power was cut, too; start it again. */
void judge_restart(Judge *j, bool power_cut);

/* The world is at rest and the helper runs: all promises hold. */
void judge_rest(Judge *j);

/* Nobody asks any more and all grace is over: only what is foreign is left. */
void judge_nothing_left(Judge *j);
