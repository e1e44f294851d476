/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How important a log line is. Both the core, which only hands lines to its host, and the log of
 * the Windows program use these levels.
 */

typedef enum LogLevel {
        LOG_LEVEL_ERROR,
        LOG_LEVEL_WARNING,
        LOG_LEVEL_NOTICE, /* one line for each change of state */
        LOG_LEVEL_DEBUG,
} LogLevel;
