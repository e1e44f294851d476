/* SPDX-License-Identifier: MIT */
#pragma once

/* A timer that somebody switches on now and then. */

#include <systemd/sd-event.h>

/**
 * loop_timer_new() - make a timer of CLOCK_MONOTONIC that is off
 * @accuracy_usec: how much later it may come, so that it wakes nobody for itself; not 0
 * @fn: when it returns a negative errno, the event loop ends with that
 * @ret_timer: owned by the caller
 *
 * Return: 0 or negative errno.
 */
int loop_timer_new(sd_event *event, uint64_t accuracy_usec, sd_event_time_handler_t fn,
                   void *userdata, sd_event_source **ret_timer);

/* Switch it on, to come once when that time has passed from now. Return: 0 or negative errno. */
int loop_timer_start(sd_event_source *timer, uint64_t usec);
