/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What holds for the findings of both doctors, whatever they were concluded from.
 */

#include "common/finding.h"

/* Whether each line of @text, of which there may be several, has only characters that may be shown.
 */
bool lines_may_be_shown(const char *text);

/* Abort when @a and @b differ in more than spaces and the ends of lines. */
void require_same_words(const char *a, const char *b);

/**
 * require_findings() - abort unless all of it may be shown, is sorted and survives both layouts
 *
 * No text of others begins a line: what was seen is one line, but for a few lists. A line of an
 * advice that begins with two spaces is there to be copied into a terminal, so it has no character
 * that means more to a shell than itself.
 */
void require_findings(const Findings *f);
