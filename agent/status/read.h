/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: the agent's status.json as a value. Pure.
 *
 * Reading is lenient, because a newer agent may have written the file: unknown members are ignored,
 * and a member that is missing or has another type becomes "", 0, false or empty. All texts are
 * cleaned, so that text from a peer or a file name cannot reach the terminal as a control sequence.
 */

#include "agent/util/cleanup.h"
#include "protocol/wire/modes.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define REPORT_SCHEMA         1 /* the newest one that is understood */
#define REPORT_SIZE_MAX       (64u * 1024 * 1024)
#define REPORT_CANDIDATES_MAX 16
#define REPORT_LISTENING_MAX  32

typedef struct ReportTime {
        const char *time; /* "2026-01-31T12:00:00.000000Z", "" = never */
        uint64_t monotonic_usec;
} ReportTime;

typedef struct ReportAddress { /* address "": none */
        const char *address, *gateway;
        unsigned prefix;
} ReportAddress;

typedef struct ReportCandidate { /* an interface that the guest's address could be of */
        const char *interface, *address;
        bool default_route, vmbus;
} ReportCandidate;

typedef struct ReportListen {
        const char *listen; /* "0.0.0.0:8000-8010" */
        unsigned count, connect_port;
} ReportListen;

typedef struct ReportService {
        const char *name, *description, *file, *state, *reason, *text;
        const char *protocol, *connect; /* "tcp", "loopback" */
        const char *forwarder, *why;    /* "relay" and "protocol"; "" = none */
        const char *guest;   /* "listening", "loopback-only", "not-listening", "unknown", "" */
        unsigned guest_port; /* the first port for which that is so; 0 = none */
        const char *loopback, *loopback_text; /* "carried", "not-running", …; and why. "" = none */
        unsigned loopback_port;               /* of the text; 0 = none */
        bool enabled;
        bool stale;            /* its file has a problem; this is what it said before */
        ReportListen *listens; /* owned */
        size_t n_listens;
        ReportTime since;
        const json_t *json; /* borrowed */
} ReportService;

typedef struct ReportProblem {
        const char *file, *key, *message;
        unsigned line; /* 0: the file as a whole */
        bool previous; /* what the file said before is in force */
} ReportProblem;

typedef struct ReportPorts {
        bool known;                           /* it has an own address at which they are reached */
        unsigned ports[REPORT_LISTENING_MAX]; /* the first ones */
        size_t n, n_all;
} ReportPorts;

typedef struct Report { /* texts are borrowed from @root */
        json_t *root;   /* owned */

        const char *version, *agent_id, *distro;
        int pid;

        const char *mode, *mode_word, *interface, *address_problem, *address_problem_name;
        const char *reach;          /* "forwarded"; see report_reach() */
        bool wsl, wsl_silent, kept; /* kept: name or mode are of an earlier start */
        ReportPorts tcp, udp;       /* that listen at the own address */
        ReportAddress v4, v6;
        ReportCandidate candidates[REPORT_CANDIDATES_MAX];
        size_t n_candidates;

        const char *helper, *helper_state, *key_problem, *software;
        const char *error_cause, *error_code, *error_text;
        unsigned error_errno; /* of Linux; 0: none */
        unsigned n_connects;  /* sessions since the start of the agent */
        bool connected, paired;
        ReportTime helper_since;
        ReportTime unanswered_since; /* .time is "" as long as the helper answers */

        bool has_update;
        uint64_t update_usec, host_usec;

        ReportService *services; /* owned, by name */
        size_t n_services;
        ReportProblem *problems; /* owned */
        size_t n_problems;
        bool stale;              /* of a file with a problem, what it said before is in force */
        const char *fingerprint; /* of the files, see config.h; "": an agent that does not say */
        ReportTime config_read;
        ReportTime written;
} Report;

enum {
        _REPORT_E_SUCCESS,
        REPORT_E_NOT_JSON, /* or it is not what the agent writes */
        REPORT_E_NEWER,    /* a schema that this version does not know */
};

/**
 * report_parse() - read the bytes of status.json
 *
 * Return: 0, REPORT_E_NOT_JSON, REPORT_E_NEWER or -ENOMEM.
 */
int report_parse(const char *text, size_t n, Report **ret_report);
Report *report_free(Report *r);
DEFINE_CLEANUP(Report *, report_free);

const ReportService *report_service(const Report *r, const char *name); /* NULL: none */

/* How the ports of this guest are reached. */
WireReach report_reach(const Report *r);

/* Whether the host has told how, by seeing the guest on a network of other machines. */
bool report_is_outside(const Report *r);

/* Whether the agent has read the files that have this fingerprint (see config.h). */
bool report_has_read(const Report *r, uint64_t fingerprint);

/* "2026-01-31 12:00:00 UTC, 3 min ago". @now_usec: CLOCK_MONOTONIC. */
#define REPORT_TIME_TEXT_SIZE 64
void report_time_format(const ReportTime *t, uint64_t now_usec,
                        char ret_text[REPORT_TIME_TEXT_SIZE]);
