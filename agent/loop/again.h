/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Again: something that has failed for a reason that passes is tried again after a pause. The pause
 * grows while it goes on failing. Nothing wakes the process up while nothing has failed.
 */

#include "agent/util/cleanup.h"

#include <stdint.h>
#include <systemd/sd-event.h>

#define AGAIN_FIRST_USEC   (1 * USEC_PER_SEC)
#define AGAIN_LONGEST_USEC (32 * USEC_PER_SEC)

typedef struct Again Again;

/* Try it. Return: 0, or negative errno to end the event loop. */
typedef int (*AgainFn)(void *userdata);

/* @event: borrowed, must outlive the object. Return: 0 or negative errno. */
int again_new(Again **ret_again, sd_event *event, AgainFn fn, void *userdata);
Again *again_free(Again *a); /* returns NULL */
DEFINE_CLEANUP(Again *, again_free);

/* It has failed. Return: 0, or negative errno when it could not be put off. */
int again_later(Again *a);

/* It has worked. */
void again_forget(Again *a);
