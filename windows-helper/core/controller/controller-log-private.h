/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How the controller writes its log: formatted lines, short names for guests, and limits on what
 * other people can make it write.
 */

#include "windows-helper/core/base/result.h"
#include "windows-helper/core/controller/controller-host.h"

#define CONTROLLER_LOG_LINES_MAX 8 /* of one kind in one run */
#define CONTROLLER_NAME_MAX      (WIRE_DISTRO_MAX + 18)

typedef struct ControllerLog {
        const ControllerHost *host;                             /* borrowed */
        char last_refusal[CONTROLLER_NAME_MAX + WIRE_TEXT_MAX]; /* "": the next one is logged */
        unsigned n_limited; /* lines of controller_log_limited() since limited_usec */
        uint64_t limited_usec;
} ControllerLog;

RESULT_PRINTF(4, 5)
void controller_log(const ControllerLog *log, LogLevel level, EventId event, const char *format,
                    ...);

/* A warning about a peer without a session. Anybody who can connect can cause these warnings, so
 * only a few are written each minute; the rest is counted. */
RESULT_PRINTF(3, 4)
void controller_log_limited(ControllerLog *log, uint64_t now_usec, const char *format, ...);

/* A peer was refused. @owner is "" for an unknown peer. A refused agent tries again every half
 * minute; as long as nothing else happens, that is one line and not one for each try. */
void controller_log_refusal(ControllerLog *log, const char *owner, const char *text,
                            uint64_t now_usec);

/* How the log calls a guest: its distro, in quotes, and the start of its id. */
void controller_log_name(const char *owner, char ret_name[CONTROLLER_NAME_MAX]);
