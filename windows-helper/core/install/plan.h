/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The order of installing and of removing, and the way back when a step fails. The steps themselves
 * are the caller's; here is only what comes after what, so that a test can make each one fail.
 *
 * What holds at any moment, also when the process is killed: exactly one version can serve, or none
 * could before. It serves again at the next restart of Windows at the latest, and then all programs
 * are of this version.
 */

#include <stdbool.h>
#include <stddef.h>

/* First all that can fail without harm, then the exchange, which is short. */
typedef enum InstallStep {
        INSTALL_COPY,    /* the new programs, beside the installed ones, under other names */
        INSTALL_DATA,    /* the folder and the key for our data */
        INSTALL_EVENTS,  /* the event source */
        INSTALL_HYPERV,  /* the service of Hyper-V sockets */
        INSTALL_PATH,    /* terminals find the program */
        INSTALL_RELAY,   /* the entry of the relay's service, which starts on demand only */
        INSTALL_STOP,    /* the installed version hands over, and its processes end */
        INSTALL_PENDING, /* a restart of Windows brings the old version back, all of it, and deletes
                          * nothing else of ours */
        INSTALL_AWAY,    /* each installed program gets a name that is never used again */
        INSTALL_PLACE,   /* each copy gets the name of the program */
        INSTALL_SETTLE,  /* a restart leaves the new version as it is */
        INSTALL_ENTRY,   /* the entry of the helper's service names it */
        INSTALL_START,   /* the new version serves */
        _INSTALL_END,
} InstallStep;

/* Up to UNINSTALL_ENTRY there is a way back. After that nothing is installed any more; what is left
 * is removed as far as possible. */
typedef enum UninstallStep {
        UNINSTALL_STOP,     /* the services; the helper withdraws its rules */
        UNINSTALL_RULES,    /* those that a service which died has left */
        UNINSTALL_ENTRY,    /* the entry of the helper's service */
        UNINSTALL_AGAIN,    /* a service that the service manager has started again after a crash */
        UNINSTALL_RELAY,    /* the relay's service, which no helper starts again now */
        UNINSTALL_SETTINGS, /* after the rules, because the ledger proves that they are ours */
        UNINSTALL_EVENTS,
        UNINSTALL_HYPERV,
        UNINSTALL_PATH,
        UNINSTALL_DATA,
        UNINSTALL_PROGRAM,
        _UNINSTALL_END,
} UninstallStep;

/* What carries out the steps. All return 0 or negative errno, which they have logged. */
typedef struct PlanHost {
        int (*run)(void *userdata, int step);
        /* Also called for the step that failed, which may have done a part of it or nothing. */
        int (*undo)(void *userdata, int step);
        void *userdata;
} PlanHost;

typedef struct PlanResult {
        int error;      /* of the step that failed; 0: all is done */
        int step;       /* that failed first */
        bool undone;    /* everything is as it was before */
        int undo_error; /* the first of taking back; 0: there was none */
} PlanResult;

PlanResult plan_install(const PlanHost *host);
PlanResult plan_uninstall(const PlanHost *host);

/* A word for messages, such as "copy". */
const char *plan_install_name(InstallStep step);
const char *plan_uninstall_name(UninstallStep step);
