/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Comparing versions of wslbridge, such as "0.2.0" and "0.2.0-1". Pure.
 */

/* As strcmp(): number by number. */
int version_compare(const char *a, const char *b);
