/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: what the doctor knows of this guest. survey.c collects it; the checks
 * only draw conclusions from it, so that a test can make it up.
 */

#include "agent/config/config.h"
#include "agent/network/port-map.h"
#include "agent/status/read.h"

/* The state of CTL_UNIT, as systemd reports it. */
typedef enum UnitState {
        UNIT_UNKNOWN, /* not asked, or no answer */
        UNIT_ACTIVE,
        UNIT_INACTIVE,
        UNIT_FAILED,
        UNIT_ABSENT,
} UnitState;

/* What WSL does to an idle distribution. */
typedef enum IdleStop {
        IDLE_UNKNOWN,
        IDLE_STOPS,
        IDLE_STAYS,
} IdleStop;

typedef struct GuestEvidence { /* everything is borrowed */
        bool systemd;          /* process 1 is systemd */
        const char *pid1;      /* the name of process 1, "" = unknown */
        bool wsl, vmbus, vsock;
        UnitState unit;
        const char *unit_result;    /* of a failed unit: "exit-code", … */
        const char *status_problem; /* a sentence: why there is no @report */
        bool status_bad;            /* there is a status file, but it cannot be used */
        const Report *report;       /* NULL = the agent does not run */
        const Config *config;       /* as the files are now */
        const PortMap *ports;       /* as they are now */
        IdleStop idle;
        uint64_t now_usec; /* CLOCK_MONOTONIC */
} GuestEvidence;
