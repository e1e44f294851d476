/* SPDX-License-Identifier: MIT */

/*
 * The result of a service: its texts, and which of two results is worse.
 */

#include "windows-helper/core/base/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for one character more than is allowed, so that wire_text_clean() does the cutting. */
#define RESULT_ROOM (WIRE_TEXT_MAX + 8)

void result_text_v(char ret_text[WIRE_TEXT_MAX + 1], const char *format, va_list args) {
        char text[RESULT_ROOM];

        if (vsnprintf(text, sizeof(text), format, args) < 0)
                text[0] = '\0';
        wire_text_clean(text, WIRE_TEXT_MAX);
        memcpy(ret_text, text, strlen(text) + 1);
}

void result_text(char ret_text[WIRE_TEXT_MAX + 1], const char *format, ...) {
        va_list args;

        va_start(args, format);
        result_text_v(ret_text, format, args);
        va_end(args);
}

/* ACTIVE is the best state; the others are numbered from better to worse. */
static unsigned result_rank(uint8_t state) {
        return state == WIRE_SERVICE_ACTIVE ? 0 : state + 1u;
}

bool result_is_worse(const WireServiceResult *result, WireServiceState state) {
        return result_rank((uint8_t) state) > result_rank(result->state);
}

bool result_may_be_open(const WireServiceResult *result) {
        switch (result->state) {
        case WIRE_SERVICE_ACTIVE:
        case WIRE_SERVICE_PENDING:
        case WIRE_SERVICE_CONFLICT:
        case WIRE_SERVICE_INVALID:
                return true;
        case WIRE_SERVICE_BLOCKED: /* not by iphlpsvc, nor by a registry that cannot be written */
                return result->reason == WIRE_REASON_EXCLUDED_RANGE ||
                       result->reason == WIRE_REASON_NOT_LISTENING;
        default:
                return false;
        }
}

static void result_set_text(WireServiceResult *result, const char *text) {
        size_t n = strlen(text) + 1;

        free(result->text);
        result->text = malloc(n);
        if (result->text)
                memcpy(result->text, text, n);
}

void result_worsen(WireServiceResult *result, WireServiceState state, WireReason reason,
                   const char *format, ...) {
        char text[WIRE_TEXT_MAX + 1];
        va_list args;

        if (!result_is_worse(result, state))
                return;
        va_start(args, format);
        result_text_v(text, format, args);
        va_end(args);

        result->state = (uint8_t) state;
        result->reason = (uint16_t) reason;
        result_set_text(result, text);
}

void result_worsen_at(WireServiceResult *result, WireServiceState state, WireReason reason,
                      const IpEndpoint *at, const char *what) {
        char text[IP_ENDPOINT_TEXT_MAX + WIRE_TEXT_MAX + 1];
        size_t n;

        if (!result_is_worse(result, state))
                return;
        ip_endpoint_format(at, text);
        n = strlen(text);
        memcpy(text + n, ": ", 2);
        n += 2;
        memcpy(text + n, what, strlen(what) + 1);
        wire_text_clean(text, WIRE_TEXT_MAX);
        result->state = (uint8_t) state;
        result->reason = (uint16_t) reason;
        result_set_text(result, text);
}

void result_note(WireServiceResult *result, WireReason reason, const char *text) {
        result->reason = (uint16_t) reason;
        result_set_text(result, text);
}

void result_list_free(WireServiceResult *results, uint32_t n) {
        for (uint32_t i = 0; results && i < n; i++)
                free(results[i].text);
        free(results);
}
