/* SPDX-License-Identifier: MIT */
#pragma once

/* Internal to wslbridgectl: collects what ctl-diagnose concludes from. */

#include "agent/ctl/doctor/guest-checks.h"

typedef struct CtlFacts {
        DiagnoseFacts facts; /* borrows from the rest */
        /* owned */
        Config *config;
        Report *report;
        char *status_problem;
        PortMap *ports;
        char pid1[32], unit_result[64];
} CtlFacts;

/* @root: what is in files is looked up below it; systemd is asked only without one. Return: 0 or
 * -ENOMEM. */
int ctl_facts_collect(const char *root, CtlFacts *ret);
void ctl_facts_done(CtlFacts *f);
