/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Small functions around WireServiceResult. A service has one result for all its endpoints: the
 * worst one.
 */

#include "protocol/wire/wire.h"

#include <stdarg.h>

/* mingw's "printf" format is msvcrt's, which has no %zu. Ours is C99's (see meson.build). */
#ifdef __MINGW32__
#        define RESULT_PRINTF(f, a) __attribute__((format(gnu_printf, f, a)))
#else
#        define RESULT_PRINTF(f, a) __attribute__((format(printf, f, a)))
#endif

/* printf into @ret_text, which is then made fit for the wire, because names and foreign values of
 * any length and content go into these texts. */
RESULT_PRINTF(2, 3) void result_text(char ret_text[WIRE_TEXT_MAX + 1], const char *format, ...);
void result_text_v(char ret_text[WIRE_TEXT_MAX + 1], const char *format, va_list args);

/* Set @result unless it is already as bad or worse. So the text is that of the first endpoint in
 * the worst state. When out of memory, the text stays empty. */
RESULT_PRINTF(4, 5)
void result_worsen(WireServiceResult *result, WireServiceState state, WireReason reason,
                   const char *format, ...);

/* The same with the text "endpoint: what", but without printf, which would be most of the cost of a
 * run in which it is said of thousands of endpoints. @what: a constant, shorter than a text may be.
 */
void result_worsen_at(WireServiceResult *result, WireServiceState state, WireReason reason,
                      const IpEndpoint *at, const char *what);

/* Add a remark to a service that is as it should be. Its state stays ACTIVE. */
void result_note(WireServiceResult *result, WireReason reason, const char *text);

/* True when @state would replace the state of @result. It saves callers from preparing a text in
 * vain. */
bool result_is_worse(const WireServiceResult *result, WireServiceState state);

/* Whether endpoints of a service with @result may be open: another one of them may have a problem,
 * or be named twice, and these work all the same. */
bool result_may_be_open(const WireServiceResult *result);

/* Free @n results and their texts. @results may be NULL. */
void result_list_free(WireServiceResult *results, uint32_t n);
