/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Taking over port forwardings of other programs, endpoint by endpoint.
 */

/* Request the adoption of all values at an endpoint, which may be written as adoption_parse() takes
 * it, and print them. Return: 0; -EINVAL when @text is no endpoint, -ENOENT when nothing there can
 * be taken over (both logged); or another negative errno (logged). */
int adopt(const char *text);
