/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Comparing versions, such as "0.2.0" and "0.2.0-1" of wslbridge, and "2.36-9" of a library. Pure.
 */

/* As strcmp(): number by number. */
int version_compare(const char *a, const char *b);
