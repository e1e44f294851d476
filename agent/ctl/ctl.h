/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: what its commands share. One command is one ctl-NAME.c; what they
 * decide and how it looks is in the pure modules ctl-report, ctl-view, ctl-service, ctl-diagnose,
 * ctl-table and ctl-text.
 */

#include "agent/config/service-file.h"
#include "agent/ctl/client/service-request.h"
#include "agent/ctl/show/table.h"
#include "agent/util/cleanup.h"

#include <stdint.h>

/* As systemctl's, where it has one for the case. */
typedef enum CtlExit {
        CTL_EXIT_OK = 0,
        CTL_EXIT_FAILURE = 1,
        CTL_EXIT_USAGE = 2,
        CTL_EXIT_NOT_RUNNING = 3, /* the agent, or a service that is not active */
        CTL_EXIT_NO_SERVICE = 4,
        CTL_EXIT_TIMEOUT = 5,
} CtlExit;

#define CTL_TIMEOUT_NEVER  UINT64_MAX
#define CTL_TIMEOUT_EXPOSE (30 * USEC_PER_SEC)
#define CTL_UNIT           "wslbridge-agent.service"

typedef struct CtlOptions { /* the command line, borrowed from argv */
        const char *root;   /* "" or a directory without trailing slash */
        bool json, force, no_wait;
        uint64_t timeout_usec; /* 0 = not given */
        ServiceRequest request;
} CtlOptions;

/* @names: the arguments of the command, as many as ctl-main.c's table allows. Return: CtlExit. */
int ctl_status(const CtlOptions *o, int n, char **names);
int ctl_list(const CtlOptions *o, int n, char **names);
int ctl_expose(const CtlOptions *o, int n, char **names);
int ctl_unexpose(const CtlOptions *o, int n, char **names);
int ctl_wait(const CtlOptions *o, int n, char **names);
int ctl_check(const CtlOptions *o, int n, char **names);
int ctl_doctor(const CtlOptions *o, int n, char **names);
int ctl_pair(const CtlOptions *o, int n, char **names);

/* "wslbridgectl: ..." on standard error, one sentence. Return: CTL_EXIT_FAILURE. */
__attribute__((format(printf, 1, 2))) int ctl_error(const char *format, ...);

/* Say that @what ("write", …) failed on @path. Return: CTL_EXIT_FAILURE. */
int ctl_error_errno(int error, const char *what, const char *path);
