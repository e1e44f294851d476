/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Tells when so many endpoints have gone that their memory is worth giving back to the system. What
 * was freed stays with the heap otherwise (fact 9.8.1). That costs a moment, so it happens once,
 * some time after they have gone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLACK_WATCH_LEAST 1024              /* endpoints fewer than there were */
#define SLACK_WATCH_USEC  UINT64_C(3000000) /* until everything that belongs to them has gone */

typedef struct SlackWatch {
        size_t most;       /* endpoints that there were at a time since memory was given back */
        uint64_t due_usec; /* give it back then; 0: no need */
} SlackWatch;

#define SLACK_WATCH_NULL ((SlackWatch){0})

/* There are @n endpoints now. Return: true when memory is to be given back at once. */
bool slack_watch_tick(SlackWatch *s, size_t n, uint64_t now_usec);

/* When to call slack_watch_tick() again, or UINT64_MAX. */
uint64_t slack_watch_deadline(const SlackWatch *s);
