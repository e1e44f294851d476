/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * DeferredWork: one piece of work that may wait. However often it is requested, it runs once, when
 * the event loop has served every socket, timer and signal; but before a source of
 * SD_EVENT_PRIORITY_IDLE, which is where the status is written.
 */

#include "agent/util/cleanup.h"

#include <systemd/sd-event.h>

typedef struct DeferredWork DeferredWork;

/* Return: 0, or negative errno to end the event loop. */
typedef int (*DeferredWorkFn)(void *userdata);

/* @event: borrowed, must outlive the object. Return: 0 or negative errno. */
int deferred_work_new(DeferredWork **ret_work, sd_event *event, DeferredWorkFn fn, void *userdata);
DeferredWork *deferred_work_free(DeferredWork *w); /* cancels a request; returns NULL */
DEFINE_CLEANUP(DeferredWork *, deferred_work_free);

/* Run it soon. */
void deferred_work_request(DeferredWork *w);

/* The same, unless it ran less than @pause_usec ago. Nothing is kept for later in that case. */
void deferred_work_request_spaced(DeferredWork *w, uint64_t pause_usec);
