/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Comparing versions of wslbridge, such as "0.2.0". Pure.
 */

/* As strcmp(): numbers between dots, the rest as text. */
int version_compare(const char *a, const char *b);
