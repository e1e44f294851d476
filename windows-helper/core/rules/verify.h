/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * After a plan was carried out: does iphlpsvc really listen on each endpoint? A value that is
 * written and not listened to is the classic silent failure of port forwarding (fact 4.3).
 *
 * iphlpsvc needs a moment after it was told, so an endpoint that is not there yet is pending and is
 * looked for again, soon at first. Then the reason is looked for: another process, an excluded
 * range, an address that the host does not have. While something is in the way it is looked for
 * every VERIFY_OBSTACLE_USEC, and iphlpsvc told again as soon as it has gone, because nobody knows
 * whether it tries again by itself (fact 12.8). When all is well there is no timer.
 */

#include "windows-helper/core/rules/port-host.h"
#include "windows-helper/core/rules/reconcile.h"

#include "protocol/session/session.h"

#define VERIFY_OBSTACLE_USEC UINT64_C(2000000)
#define VERIFY_PROBES_MAX    64   /* endpoints whose obstacle is looked for in one run */
#define VERIFY_RANGE_MAX     1024 /* ports to each side that are tried to find an excluded range */

typedef struct Verify {
        unsigned attempt;     /* looks since iphlpsvc was told last */
        size_t n_obstacles;   /* endpoints with something in the way, at the last look */
        uint64_t due_usec;    /* the next look, or SESSION_NO_DEADLINE */
        uint64_t retold_usec; /* iphlpsvc was told again without a reason to be seen */
        bool retelling;       /* … and that is no new beginning */
} Verify;

#define VERIFY_INIT ((Verify){.due_usec = SESSION_NO_DEADLINE})

/* iphlpsvc was told (again): start to look from the beginning. */
void verify_restart(Verify *v);

/**
 * verify() - compare the endpoints of @plan with what is listened on
 *
 * Worsens results of @plan that are ACTIVE and should not be. @ret_tell: iphlpsvc should be told
 * again, an obstacle has gone.
 *
 * Return: 0, also where nothing can be known (-ENOSYS from the host); or the host's error, then
 * nothing was worsened.
 */
int verify(Verify *v, const PortHost *host, ReconcilePlan *plan, uint64_t now_usec, bool *ret_tell);
