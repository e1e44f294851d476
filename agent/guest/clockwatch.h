/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * ClockWatch: calls back when the wall clock was set by at least five seconds, and wakes the
 * process only when it was set at all. That is how a resume looks from inside a guest: the kernel
 * sets the clock after its own sleep, and Hyper-V's time service (or chrony) sets it after a sleep
 * of the host, which a virtual machine does not notice otherwise (fact 7.1.3). Smaller steps are
 * the daily work of programs that keep the clock right (fact 7.1.5).
 */

#include "agent/util/cleanup.h"

#include <systemd/sd-event.h>

typedef struct ClockWatch ClockWatch;

/* Return: 0, or negative errno to end the event loop. */
typedef int (*ClockWatchFn)(void *userdata);

/* @event: borrowed, must outlive the watch. Return: 0 or negative errno. */
int clockwatch_new(ClockWatch **ret_watch, sd_event *event, ClockWatchFn fn, void *userdata);
ClockWatch *clockwatch_free(ClockWatch *w);
DEFINE_CLEANUP(ClockWatch *, clockwatch_free);
