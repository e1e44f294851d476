/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The parts of host_checks_run(), each in a file of its own, and the words that several of them
 * use.
 */

#include "common/names.h"
#include "windows-helper/core/doctor/host-checks.h"
#include "windows-helper/core/doctor/host-finding.h"

/* Before commands, each on a line of its own that begins with two spaces. */
#define ELEVATED        "In a terminal opened with 'Run as administrator':\n"
#define ELEVATED_HELPER ELEVATED NAMES_HELPER_CD
#define USERS_HELPER \
        "In a terminal of the distro's user, without administrator rights:\n" NAMES_HELPER_CD

/* From the folder of the program that is running, which need not be the installed one, and is there
 * also when that one is not. */
#define HERE                                                                \
        "In the folder of this program, in a terminal opened with 'Run as " \
        "administrator':\n"
#define INSTALL HERE "  .\\wslbridge-helper install"

#define ASK_AS_ADMINISTRATOR \
        "Run 'wslbridge-helper doctor' in a terminal opened with 'Run as administrator'."
#define RESTART_IF "Restart Windows if this does not pass."
#define EVENT_LOG  NAMES_EVENT_LOG " has the reason"

/* What a helper that serves has seen for itself. Such a thing is so, whatever a setting of Windows
 * suggests. */
typedef struct Measured {
        size_t n_connected;   /* agents */
        size_t n_active;      /* services */
        bool listens;         /* to a virtual machine */
        bool wsl;             /* a virtual machine of WSL runs */
        bool other_connected; /* an agent of a virtual machine that is not WSL's */
        size_t n_mirrored;    /* agents in networking mode mirrored */
} Measured;

void service_checks_run(const HostEvidence *e, Findings *f); /* the helper's service */
void rule_checks_run(const HostEvidence *e, Findings *f);    /* port forwardings, ours or not */

void forwarder_checks_run(const HostEvidence *e, Findings *f); /* what carries each service */

/* Guests whose ports are not forwarded. */
void direct_checks_run(const HostEvidence *e, const Measured *m, Findings *f);

/* What the helper says of itself. @m: must be zero; is filled in. */
void status_checks_run(const HostEvidence *e, Measured *m, Findings *f);
