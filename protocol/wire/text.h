/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a string in a message may contain, and how to make outside input fit.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when the @n bytes at @p are well-formed UTF-8 of characters that may be shown
 * (common/utf8.h). */
bool wire_text_valid(const uint8_t *p, size_t n);

/* Turn @text into a string that a message may contain: at most @max bytes, cut between characters,
 * with '?' for each byte of malformed UTF-8 and each character that may not be shown. For texts
 * that quote outside input, and for texts that snprintf(3) may have cut inside a character. */
void wire_text_clean(char *text, size_t max);

/* Service names are file names on one end and text in rules on the other: 1 to
 * WIRE_SERVICE_NAME_MAX bytes of [A-Za-z0-9._-], not starting with '.' or '-'. */
bool wire_service_name_valid(const char *name);
