/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Private to the codec: the frame that an encoder opens before the fields of a message and closes
 * after them.
 */

#include "protocol/wire/io-private.h"

/* Append a header for @type to @out and let @w write the payload, up to the limit of the type. */
void wire_frame_begin(WireWriter *w, uint8_t type, Buffer *out);

/* Fill in the length of the payload. Return: 0, or the first error with @out as before the frame.
 */
int wire_frame_end(WireWriter *w);
