/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How important a log line is. The core, which passes its lines to its host, and the log of the
 * Windows program use the same levels.
 */

typedef enum LogLevel {
        LOG_LEVEL_ERROR,
        LOG_LEVEL_WARNING,
        LOG_LEVEL_NOTICE, /* one line for each change of state */
        LOG_LEVEL_DEBUG,
} LogLevel;
