/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: what keeps ports from working, concluded from what was found out. Pure:
 * ctl-doctor.c collects the facts, tests bring them in tables.
 */

#include "agent/config/config.h"
#include "agent/ctl/show/table.h"
#include "agent/network/port-map.h"
#include "agent/status/read.h"

typedef enum Severity {
        SEVERITY_ERROR,   /* it does not work */
        SEVERITY_WARNING, /* a part of it does not work */
        SEVERITY_HINT,    /* it works, but may not stay so */
} Severity;

/* Worst first, and what is the cause of others before them. */
typedef enum FindingId {
        FINDING_NO_HYPERV,
        FINDING_NO_VSOCK,
        FINDING_NO_SYSTEMD,
        FINDING_AGENT_ABSENT,
        FINDING_AGENT_FAILED,
        FINDING_AGENT_STOPPED,
        FINDING_STATUS_BAD,
        FINDING_MODE,
        FINDING_NO_ADDRESS,
        FINDING_OFF_LINK,
        FINDING_KEY_PROBLEM,
        FINDING_NOT_PAIRED,
        FINDING_BAD_KEY,
        FINDING_NOT_ADMITTED,
        FINDING_HELPER_SILENT,
        FINDING_CONFIG_STALE,
        FINDING_CONFIG_PROBLEM,
        FINDING_SERVICE_INVALID,
        FINDING_SERVICE_REFUSED,
        FINDING_SERVICE_CONFLICT,
        FINDING_SERVICE_BLOCKED,
        FINDING_SERVICE_WITHDRAWN,
        FINDING_SERVICE_PENDING,
        FINDING_PORT_LOOPBACK,
        FINDING_PORT_SILENT,
        FINDING_CANDIDATES,
        FINDING_IDLE_STOP,
        _FINDING_END,
} FindingId;

typedef struct Finding {
        FindingId id;
        char subject[WIRE_SERVICE_NAME_MAX + 1]; /* a service's name, "" = none */
        Buffer seen;                             /* what was found; owned, as the next */
        Buffer todo;                             /* lines with a blank in front are to be copied */
} Finding;

typedef struct Findings {
        Finding *items; /* owned, in order after diagnose() */
        size_t n;
        Finding scratch; /* takes what there is no memory for */
        bool oom;
} Findings;

#define FINDINGS_NULL ((Findings){0})

typedef enum UnitState {
        UNIT_UNKNOWN, /* not asked, or no answer */
        UNIT_ACTIVE,
        UNIT_INACTIVE,
        UNIT_FAILED,
        UNIT_ABSENT,
} UnitState;

typedef enum IdleStop { /* what WSL does to an idle distribution */
                        IDLE_UNKNOWN,
                        IDLE_STOPS,
                        IDLE_STAYS,
} IdleStop;

typedef struct DiagnoseFacts { /* everything borrowed */
        bool systemd;          /* process 1 is systemd */
        const char *pid1;      /* the name of process 1, "" = not known */
        bool wsl, vmbus, vsock;
        UnitState unit;
        const char *unit_result;    /* "exit-code", … of a failed one */
        const char *status_problem; /* why there is no @report */
        bool status_bad;            /* there is a file, but of no use */
        const Report *report;       /* NULL = the agent does not run */
        const Config *config;       /* as the files are now */
        const PortMap *ports;       /* as they are now */
        IdleStop idle;
        uint64_t now_usec; /* CLOCK_MONOTONIC */
} DiagnoseFacts;

/* Fill @ret with all that is wrong. */
void diagnose(const DiagnoseFacts *facts, Findings *ret);
void findings_done(Findings *f);

/* Return: a new finding at the end, to be filled at once; never NULL. */
Finding *findings_add(Findings *f, FindingId id);

const char *finding_name(FindingId id);  /* "not-paired" */
const char *finding_title(FindingId id); /* a sentence */
Severity finding_severity(FindingId id);
const char *severity_name(Severity severity);

/* Internal to ctl-diagnose*.c: the parts. */
void diagnose_system(const DiagnoseFacts *facts, Findings *f);
void diagnose_helper(const DiagnoseFacts *facts, Findings *f);
void diagnose_services(const DiagnoseFacts *facts, Findings *f);
bool diagnose_mode_is_pointless(const Report *r);

/* What to do on Windows so that this guest is admitted. */
void diagnose_pair(const Report *r, bool wsl, Buffer *todo);

/* All findings as a list for people, or one line when there is none. */
void findings_format(const Findings *f, const Report *r, const Style *style, Buffer *out);
json_t *findings_json(const Findings *f); /* NULL when out of memory */
