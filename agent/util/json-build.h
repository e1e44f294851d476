/* SPDX-License-Identifier: MIT */
#pragma once

/* Building JSON and writing it as text when there may be no memory for a part of it. */

#include "common/buffer.h"

#include <jansson.h>

/* Append @value, taking it over. An array that has no memory for one becomes NULL, and with it all
 * that contains it, so that nothing is written as if it had less. */
void json_add(json_t **array, json_t *value);

/* Append the text of @json to @out. @flags: as for json_dumps(). Out of memory sets @out's .oom.
 * json_dumps() is not used: jansson 2.14 ignores that there was no memory for the name of a member,
 * and gives a text without it. */
void json_to_buffer(const json_t *json, size_t flags, Buffer *out);
