/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The promises of the helper, checked from outside: at every single change of a value, and whenever
 * the world is at rest. Also kills the helper, or lets a call fail, at a chosen call.
 */

#include "tests/unit/windows-helper/world/world.h"

typedef struct Judge {
        World w;         /* first: hooks get the host, whose userdata is the world */
        TextMap foreign; /* rule → data: what is somebody else's */
        /* what is to go wrong: the n-th changing call from now on; 0: none */
        unsigned kill_at, fail_at;
        bool dead;        /* killed: no call has an effect any more */
        bool failed;      /* a call failed that is tried again later */
        bool no_iphlpsvc; /* activations fail */
        uint16_t denied;  /* port that policy denies; 0: none */
        bool bad_network; /* 172.20.0.4 is not a guest's address, but the host's own */
        unsigned n_calls; /* changing ones, so far */
} Judge;

void judge_init(Judge *j);
void judge_done(Judge *j);

/* Somebody else sets or, with NULL, deletes a value. */
void judge_foreign(Judge *j, const char *rule, const char *data);

/* An administrator asks to take over what is somebody else's there now, if anything. */
void judge_adopt(Judge *j, const char *rule);

/* Another policy, another network of the host: in force at once, and after a restart. */
void judge_deny(Judge *j, uint16_t port);
void judge_network(Judge *j, bool bad);

/* After the helper was killed: maybe the power was cut, too; start it again. */
void judge_restart(Judge *j, bool power_cut);

/* The world is at rest and the helper runs: all promises hold. */
void judge_rest(Judge *j);

/* Nobody asks any more and all grace is over: only what is foreign is left. */
void judge_nothing_left(Judge *j);
