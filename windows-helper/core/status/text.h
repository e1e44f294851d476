/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * status.json as a text for people.
 */

#include "common/buffer.h"

/* Append @json as text to @out. @width: columns of the window, or 0 to wrap nothing (see
 * text-wrap.h). Return: 0, -ENOMEM, or -EINVAL when @json cannot be read; then @out has the part
 * that could be read. */
int status_text(Buffer *out, const char *json, size_t n, size_t width);
