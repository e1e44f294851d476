/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A made-up Windows on which the steps of installing and removing do what the real ones do. A step
 * can be made to fail, or the process to be killed behind it.
 */

#include "windows-helper/core/install/plan.h"

typedef enum Version { NONE, OLD, NEW } Version;

/* Two stand for all: what is done to the second is done to a third. */
enum { N_FILES = 2 };

/* One of the programs. The first one is the helper. */
typedef struct File {
        Version program;   /* at its place */
        bool copy, aside;  /* files: the new program, and the old one under its other name */
        bool delete_aside; /* a restart deletes it */
        bool had;          /* when the restart was told what to bring back */
} File;

typedef struct Machine {
        File files[N_FILES];
        Version entry; /* what the service's entry was made by */
        Version serves;
        bool relay;          /* the entry of its service is there */
        Version relays;      /* the relay that runs */
        bool promised;       /* a restart brings the old version of all files back */
        bool delete_program; /* a restart deletes the helper, which an older version has ordered */
        bool data, events, hyperv, path, rules;
        bool pairings; /* and the local policy */
} Machine;

typedef struct Run {
        Machine *m, before;
        int fault; /* the step that fails; -1: none */
        enum {
                FAIL_BEFORE,
                FAIL_AFTER,
                KILL,
                KILL_HALF
        } kind; /* KILL_HALF: behind the first file of a step */
        bool killed;
        bool no_start; /* the new version does not start */
        int revive;    /* the step behind which the service manager starts the service, because it
                          had crashed; -1: none */
        bool keep;     /* removing leaves the pairings */
} Run;

/* Nothing is installed. */
extern const Machine machine_fresh;
/* An older version serves, and its relay runs. */
extern const Machine machine_served;
/* The same with a version that had only the helper, and no relay. */
extern const Machine machine_single;
/* An older version is installed, and somebody has stopped it. */
extern const Machine machine_stopped;
/* An older version was removed; the next restart was to delete its file, which was in use. */
extern const Machine machine_removed;

/* As install() and uninstall() do it. Run.before is set. */
PlanResult machine_install(Run *run);
PlanResult machine_uninstall(Run *run);

/* Restart Windows: it renames and deletes what it was told to, and starts the service. */
void machine_restart(Machine *m);
bool machine_equal(const Machine *a, const Machine *b);

/* Whether all programs are of one version. A version of before may have had only the helper. */
bool machine_is_whole(const Machine *m);

/* Take away what an older version has left in use: the step of the program deletes all of it. */
void machine_sweep_aside(Machine *m);
