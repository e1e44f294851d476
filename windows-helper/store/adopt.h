/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Taking over port forwardings of other programs, endpoint by endpoint.
 */

#include "protocol/wire/wire.h"

/* Request the adoption of all values at an endpoint, which may be written as adoption_parse() takes
 * it, and print them. Return: 0; -EINVAL when @text is no endpoint, -ENOENT when nothing there can
 * be taken over (both logged); or another negative errno (logged). */
int adopt(const char *text);

/* The same for all values at a range of endpoints, without printing them. What is ours there, or
 * cannot be taken over, is left. */
int adopt_range(const WireListen *range);
