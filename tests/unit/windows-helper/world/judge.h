/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The helper's promises, checked from outside: at every single change of a value, and whenever the
 * world is at rest. It can also kill the helper, or make a call fail, at a chosen call.
 */

#include "tests/unit/windows-helper/world/world.h"

typedef struct Judge {
        World w;         /* first: hooks get the host, whose userdata is the world */
        TextMap foreign; /* rule → data: the foreign values */
        TextMap asked;   /* rule → data: those that an administrator asked to take over */
        /* what will go wrong: at the n-th changing call from now on; 0: nothing */
        unsigned kill_at, fail_at;
        bool dead;        /* killed: calls have no effect any more */
        bool failed;      /* a call failed that is tried again later */
        bool no_iphlpsvc; /* activations fail */
        uint16_t denied;  /* port that policy denies; 0: none */
        bool bad_network; /* 172.20.0.4 is the host's own address instead of a guest's */
        unsigned n_calls; /* changing calls so far */
} Judge;

void judge_init(Judge *j);
void judge_done(Judge *j);

/* Somebody else sets or, with NULL, deletes a value. */
void judge_foreign(Judge *j, const char *rule, const char *data);

/* An administrator asks to take over the foreign value that is there now, if there is one. */
void judge_adopt(Judge *j, const char *rule);

/* Change the policy or the network of the host, at once and for later restarts. */
void judge_deny(Judge *j, uint16_t port);
void judge_network(Judge *j, bool bad);

/* Start the helper again after it was killed, perhaps after a power cut. */
void judge_restart(Judge *j, bool power_cut);

/* The world is at rest and the helper runs: check all promises. */
void judge_rest(Judge *j);

/* Nobody asks for anything any more and all grace periods are over: check that only foreign values
 * are left. */
void judge_nothing_left(Judge *j);
