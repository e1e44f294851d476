/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * status.json as a text for people.
 */

#include "common/buffer.h"

/* @width: columns of the window, 0 for none (see text-wrap.h). Return: 0, -ENOMEM, or -EINVAL when
 * the file cannot be read; then @out has what could be. */
int status_text(Buffer *out, const char *json, size_t n, size_t width);
