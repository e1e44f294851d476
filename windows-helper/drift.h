/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Tells when somebody changed the PortProxy values. "Somebody" includes ourselves: the kernel can't
 * say who it was, and reading once more after a change of ours is cheap, changes nothing and so
 * comes to rest at once.
 */

#include "windows-helper/loop.h"

#include <stdbool.h>

typedef struct Drift Drift;

/* Start to watch; the key is created if Windows never had a PortProxy value.
 * Return: 0 or negative errno (logged). */
int drift_new(Drift **ret_drift, Loop *loop);

/* Takes NULL, returns NULL. The loop may hold a packet of ours: it must not turn afterwards. */
Drift *drift_free(Drift *d);

/**
 * drift_tick() - see whether the values must be read again
 *
 * Changes that come close together are told once. The watch is armed again before this returns
 * true, so what is changed after the caller's reading is told again.
 */
bool drift_tick(Drift *d, uint64_t now_usec);
uint64_t drift_deadline(const Drift *d);
