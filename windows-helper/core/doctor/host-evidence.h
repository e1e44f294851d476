/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the doctor knows of this Windows and of the helper. commands/host-survey.c collects it; the
 * checks only draw conclusions from it, so that tests can bring it in tables.
 */

#include "windows-helper/core/firewall/hyperv-sight.h"
#include "windows-helper/core/firewall/sight.h"
#include "windows-helper/core/policy/hostnet.h"
#include "windows-helper/core/policy/policy.h"
#include "windows-helper/core/rules/ledger.h"
#include "windows-helper/core/rules/rule.h"
#include "windows-helper/core/selftest/facts.h"
#include "windows-helper/core/vm/vm-list.h"

typedef enum Seen { SEEN_UNKNOWN, SEEN_NO, SEEN_YES } Seen;

/* A header of Windows has macros with such names without IS. */
typedef enum ServiceSeen {
        SERVICE_IS_UNSEEN, /* Windows did not say */
        SERVICE_IS_MISSING,
        SERVICE_IS_DISABLED,
        SERVICE_IS_STOPPED,
        SERVICE_IS_PENDING, /* it is starting or stopping */
        SERVICE_IS_RUNNING,
} ServiceSeen;

/* It does not run, and does not come to run by itself. */
static inline bool service_is_at_rest(ServiceSeen seen) {
        return seen == SERVICE_IS_MISSING || seen == SERVICE_IS_DISABLED ||
               seen == SERVICE_IS_STOPPED;
}

/* Smart App Control, with the numbers that Windows writes to the registry (fact 9.2.5). */
typedef enum AppControl {
        APP_CONTROL_OFF, /* also when this Windows does not have it */
        APP_CONTROL_ON,
        APP_CONTROL_EVALUATES, /* blocks nothing yet */
} AppControl;

typedef struct EvidenceGuest {
        char owner[LEDGER_OWNER_MAX + 1];
        bool paired; /* has a key here; otherwise it was only met */
        bool met;    /* was admitted at least once */
} EvidenceGuest;

/* Pointers are borrowed; NULL: could not be looked at. */
typedef struct HostEvidence {
        const char *version;      /* of this program */
        ServiceSeen helper;       /* the service wslbridge-helper */
        Seen program;             /* the file that the service's entry names is there */
        const char *program_path; /* that file; when .program is SEEN_NO */
        ServiceSeen relay;        /* the service wslbridge-relay */
        Seen relay_program;       /* the same, or the file in our folder if there is no service */
        const char *relay_path;
        ServiceSeen forwarder;  /* iphlpsvc */
        ServiceSeen firewall;   /* MpsSvc */
        ServiceSeen filter;     /* BFE */
        int status_error;       /* 0; -ENOENT: there is no status.json, so no helper runs; … */
        const char *status;     /* the text of status.json, when there is one */
        size_t n_status;        /* bytes of that */
        Seen serves;            /* the process that wrote it runs */
        bool sockets_seen;      /* the next member is known */
        uint32_t sockets_error; /* Winsock's, of making a Hyper-V socket; 0: it could be made */
        int vms_error; /* 0; -ENOSYS: no Host Compute Service; -EACCES: it answers only others; … */
        const VmList *vms;
        Seen wsl;          /* WSL has been used on this machine */
        Seen registered;   /* our service for guests of plain Hyper-V is registered */
        Seen event_source; /* our texts for the Event Log are registered */
        AppControl app_control;
        bool keys_seen; /* guests has everybody who is paired */
        const EvidenceGuest *guests;
        size_t n_guests;
        const PolicyOrigin *policy;
        Seen ipv6; /* SEEN_YES: DisabledComponents was looked at */
        uint32_t disabled_components;
        const FirewallSight *sight; /* what else decides who gets in */
        int sight_error;            /* -ETIMEDOUT: it hangs */
        const HypervSight *hyperv;  /* the same for networking mode mirrored, if there is a guest */
        int hyperv_error;           /* as sight_error */
        Seen wsl_firewall;          /* SEEN_NO: .wslconfig turns off [wsl2] firewall */
        const RuleTable *rules;     /* sorted */
        const Ledger *ledger;
        const Hostnet *hostnet;
        const UnverifiedFact *const *facts; /* that do not hold on this machine */
        size_t n_facts;
} HostEvidence;
