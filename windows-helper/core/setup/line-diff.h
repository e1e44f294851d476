/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What changes in a small file, line by line, for showing it to its owner before it is written.
 * Pure.
 */

#include "common/buffer.h"

/**
 * line_diff() - append the difference of two texts to @ret
 *
 * As 'diff -u' shows it: two lines around each change, '-' before a line that goes and '+' before
 * one that comes, and a line "@@ line N @@" before each group. Line ends are not compared. Empty
 * when no line differs. Out of memory sets @ret->oom.
 */
void line_diff(const uint8_t *old, size_t n_old, const uint8_t *new, size_t n_new, Buffer *ret);
