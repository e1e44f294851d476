/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Small helpers around WireServiceResult: a service has one result however many endpoints it has,
 * and it is that of the worst one.
 */

#include "protocol/wire/wire.h"

#include <stdarg.h>

/* mingw's "printf" format is that of msvcrt, without %zu; ours is C99's (see meson.build). */
#ifdef __MINGW32__
#        define RESULT_PRINTF(f, a) __attribute__((format(gnu_printf, f, a)))
#else
#        define RESULT_PRINTF(f, a) __attribute__((format(printf, f, a)))
#endif

/* printf into @ret_text, made fit for the wire: names and foreign values of any length and content
 * go into these texts. */
RESULT_PRINTF(2, 3) void result_text(char ret_text[WIRE_TEXT_MAX + 1], const char *format, ...);
void result_text_v(char ret_text[WIRE_TEXT_MAX + 1], const char *format, va_list args);

/* Set @result unless it is as bad or worse already; so the text is that of the first endpoint in
 * the worst state. Without memory for it the text stays empty. */
RESULT_PRINTF(4, 5)
void result_worsen(WireServiceResult *result, WireServiceState state, WireReason reason,
                   const char *format, ...);

/* A remark at a service that is as it should be: its state stays ACTIVE. */
void result_note(WireServiceResult *result, WireReason reason, const char *text);

/* True when @state would replace what @result has; saves callers from preparing a text in vain. */
bool result_is_worse(const WireServiceResult *result, WireServiceState state);

void result_list_free(WireServiceResult *results, uint32_t n);
