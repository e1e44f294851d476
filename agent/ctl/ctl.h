/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: the commands, and the command line that they are given. Each command is
 * a file of this folder. How things look is in show/, the running agent and the service files are
 * in client/, and what the doctor concludes is in doctor/.
 */

#include "agent/ctl/client/service-request.h"
#include "agent/ctl/show/ctl-error.h"
#include "agent/util/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

#define CTL_TIMEOUT_EXPOSE (30 * USEC_PER_SEC)

#define CTL_SETUP_WORDS 7 /* options that 'setup' passes on */

typedef struct CtlOptions { /* the command line, borrowed from argv */
        const char *root;   /* "" or a directory without trailing slash */
        bool json, force, no_wait, confirm;
        const char *setup[CTL_SETUP_WORDS]; /* "--dry-run", …: each once */
        size_t n_setup;
        uint64_t timeout_usec; /* 0 = not given */
        ServiceRequest request;
} CtlOptions;

/* @names: the arguments of the command, as many as the table in main.c allows. Return: CtlExit. */
int ctl_status(const CtlOptions *o, int n, char **names);
int ctl_list(const CtlOptions *o, int n, char **names);
int ctl_expose(const CtlOptions *o, int n, char **names);
int ctl_unexpose(const CtlOptions *o, int n, char **names);
int ctl_wait(const CtlOptions *o, int n, char **names);
int ctl_reload(const CtlOptions *o, int n, char **names);
int ctl_check(const CtlOptions *o, int n, char **names);
int ctl_doctor(const CtlOptions *o, int n, char **names);
int ctl_pair(const CtlOptions *o, int n, char **names);
int ctl_setup(const CtlOptions *o, int n, char **names);
