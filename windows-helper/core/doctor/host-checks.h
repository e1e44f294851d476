/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * 'doctor': from what is known of this Windows and of the helper to what is wrong and what to do.
 * Pure; command-doctor.c looks, this judges.
 */

#include "windows-helper/core/doctor/findings.h"
#include "windows-helper/core/firewall/apply.h"
#include "windows-helper/core/policy/hostnet.h"
#include "windows-helper/core/policy/policy.h"
#include "windows-helper/core/rules/ledger.h"
#include "windows-helper/core/rules/rule.h"
#include "windows-helper/core/vm/vm-list.h"

/* The services of guests that get a finding of their own each, and foreign values likewise; of the
 * others only the number is told. */
#define DIAGNOSE_EACH_MAX 20

typedef enum Seen { SEEN_UNKNOWN, SEEN_NO, SEEN_YES } Seen;

/* Windows' own header has macros of such names without IS. */
typedef enum ServiceSeen {
        SERVICE_IS_UNSEEN, /* Windows did not say */
        SERVICE_IS_MISSING,
        SERVICE_IS_DISABLED,
        SERVICE_IS_STOPPED,
        SERVICE_IS_PENDING, /* starts or stops */
        SERVICE_IS_RUNNING,
} ServiceSeen;

typedef struct DiagnoseAgent {
        char owner[LEDGER_OWNER_MAX + 1];
        bool paired; /* has a key here; else it was met only */
        bool met;    /* was admitted at least once */
} DiagnoseAgent;

/* Pointers are borrowed; NULL: could not be looked at. */
typedef struct DiagnoseFacts {
        const char *version;    /* of this program */
        ServiceSeen helper;     /* the service wslbridge-helper */
        ServiceSeen forwarder;  /* iphlpsvc */
        ServiceSeen firewall;   /* MpsSvc */
        ServiceSeen filter;     /* BFE */
        int status_error;       /* 0; -ENOENT: there is no status.json, so nobody serves; … */
        const char *status;     /* its text, when there is one */
        size_t n_status;        /* bytes of that */
        Seen serves;            /* the process that wrote it runs */
        bool sockets_seen;      /* the next was looked at */
        uint32_t sockets_error; /* Winsock's, of making a Hyper-V socket; 0: they are there */
        int vms_error; /* 0; -ENOSYS: no Host Compute Service; -EACCES: it tells only others; … */
        const VmList *vms;
        Seen wsl;          /* WSL has been used on this machine */
        Seen registered;   /* our service for guests of plain Hyper-V is known to it */
        Seen event_source; /* our texts in the Event Log */
        bool keys_seen;    /* agents has everybody who is paired */
        const DiagnoseAgent *agents;
        size_t n_agents;
        const PolicyOrigin *policy;
        Seen ipv6; /* SEEN_YES: DisabledComponents was looked at */
        uint32_t disabled_components;
        FirewallEffect firewall_effect; /* FIREWALL_EFFECTIVE also when it was not seen */
        const RuleTable *rules;         /* sorted */
        const Ledger *ledger;
        const Hostnet *hostnet;
} DiagnoseFacts;

/* Judge, worst first. What cannot be kept for want of memory sets @ret_findings' .error. The caller
 * frees. */
void diagnose(const DiagnoseFacts *facts, Findings *ret_findings);

/* Parts of it, each in a file of its own. */
void diagnose_status(const DiagnoseFacts *facts, Findings *f); /* what the helper says of itself */
void diagnose_rules(const DiagnoseFacts *facts, Findings *f);  /* port forwardings, ours or not */
