/* SPDX-License-Identifier: MIT */

/*
 * The controller's log lines. See controller-log-private.h for what limits them.
 */

#include "windows-helper/core/controller/controller-log-private.h"

#include <stdio.h>
#include <string.h>

#define CONTROLLER_LOG_LIMIT      10 /* lines of controller_log_limited() in each span of: */
#define CONTROLLER_LOG_LIMIT_USEC UINT64_C(60000000)

void controller_log(const ControllerLog *log, LogLevel level, EventId event, const char *format,
                    ...) {
        char text[WIRE_TEXT_MAX + 1];
        va_list args;

        va_start(args, format);
        result_text_v(text, format, args);
        va_end(args);
        log->host->log(log->host->userdata, level, event, text);
}

void controller_log_limited(ControllerLog *log, uint64_t now_usec, const char *format, ...) {
        char text[WIRE_TEXT_MAX + 1];
        va_list args;

        if (now_usec - log->limited_usec >= CONTROLLER_LOG_LIMIT_USEC) {
                if (log->n_limited > CONTROLLER_LOG_LIMIT) {
                        controller_log(log, LOG_LEVEL_WARNING, EVENT_AGENT_REFUSED,
                                       "refused connections not logged: %u",
                                       log->n_limited - CONTROLLER_LOG_LIMIT);
                }
                log->limited_usec = now_usec;
                log->n_limited = 0;
        }
        if (log->n_limited++ < CONTROLLER_LOG_LIMIT) {
                va_start(args, format);
                result_text_v(text, format, args);
                va_end(args);
                controller_log(log, LOG_LEVEL_WARNING, EVENT_AGENT_REFUSED, "%s", text);
        }
}

void controller_log_refusal(ControllerLog *log, const char *owner, const char *text,
                            uint64_t now_usec) {
        char line[sizeof(log->last_refusal)], name[CONTROLLER_NAME_MAX];

        controller_log_name(owner[0] ? owner : "unknown peer", name);
        (void) snprintf(line, sizeof(line), "%s: refused: %s", name, text);
        if (strcmp(line, log->last_refusal) != 0) {
                memcpy(log->last_refusal, line, sizeof(line));
                controller_log_limited(log, now_usec, "%s", line);
        }
}

void controller_log_name(const char *owner, char ret_name[CONTROLLER_NAME_MAX]) {
        const char *distro = strchr(owner, '/');
        char *p = ret_name + 1;

        (void) snprintf(ret_name, CONTROLLER_NAME_MAX, "'%.*s", WIRE_DISTRO_MAX,
                        distro ? distro + 1 : owner);
        for (; *p; p++)
                if (*p == '\'') /* nobody ends the name before its end */
                        *p = '?';
        (void) snprintf(p, CONTROLLER_NAME_MAX - (size_t) (p - ret_name), "' (%.8s)", owner);
}
