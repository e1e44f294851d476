/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Checks, after a plan was carried out, whether the forwarder of each endpoint, iphlpsvc or the
 * relay, really listens there. A value that was written but is not listened on is the classic
 * silent failure of port forwarding (fact 4.3.1).
 *
 * A forwarder needs a moment after a change. So an endpoint that is not there yet is pending, and
 * is checked again, soon at first. After a few checks the reason is looked for: another process, an
 * excluded range, an address that the host does not have. An obstacle is checked every
 * VERIFY_OBSTACLE_USEC. Once it has gone, iphlpsvc is activated again, because it is not known
 * whether it tries again by itself (fact 4.3.7). The relay does. When all is well, no timer runs.
 *
 * A partial run looks only at the endpoints of its guests. What is known of all others stays as it
 * is.
 *
 * An endpoint of a guest that is reached directly needs no forwarder. It is checked that no program
 * of Windows has the port. Where WSL listens for the guest, it is also said when nobody does. That
 * endpoint is checked every VERIFY_SILENT_USEC: it is open all the same, so only the text is late.
 *
 * An endpoint that nobody listens on after the last of these checks is late. It keeps the state
 * that was reported, and is checked every VERIFY_OBSTACLE_USEC from then on, also when an
 * activation for other endpoints starts the checks of those from the beginning.
 *
 * A look at the host's sockets may take long. So what the last one found is kept: an answer that
 * needs no more than that does not wait for another one (verify_knows(), verify_recall()).
 */

#include "windows-helper/core/ports/port-host.h"
#include "windows-helper/core/ports/unheard.h"
#include "windows-helper/core/rules/reconcile.h"

#include "protocol/session/session.h"

#define VERIFY_OBSTACLE_USEC UINT64_C(2000000)
#define VERIFY_SILENT_USEC   UINT64_C(30000000)
#define VERIFY_PROBES_MAX    64 /* endpoints whose obstacle is looked for in one run */

typedef struct Verify {
        unsigned attempt;       /* checks since the last activation */
        size_t n_obstacles;     /* endpoints with an obstacle, at the last check */
        uint64_t due_usec;      /* the next check, or SESSION_NO_DEADLINE */
        bool due_for_waiting;   /* it is for endpoints that wait for a forwarder */
        bool unnamed;           /* the last check saw an obstacle without a name */
        bool relay_changed;     /* the relay's values have: it may let go of a port only after
                                   iphlpsvc has looked at it */
        bool without_portproxy; /* iphlpsvc does not know its values, so nobody looks at them */
        uint64_t repeated_usec; /* when the activation was last repeated for no visible reason … */
        bool repeating;         /* … which does not start the checks from the beginning */
        UnheardList unheard;    /* not listened on at the last check, or nobody has looked */
        bool without_relay;     /* the relay did not run at the last check */
} Verify;

#define VERIFY_INIT ((Verify){.due_usec = SESSION_NO_DEADLINE})

void verify_done(Verify *v);

/* There was an activation: start the checks from the beginning. */
void verify_restart(Verify *v);

/* Nobody has looked at these endpoints, which are sorted. Return: 0; or -ENOMEM, and then they
 * count as open, unless the caller sees to it that somebody looks. */
int verify_expect(Verify *v, const IpEndpoint *endpoints, size_t n);

/* About whose endpoints of @plan not all is known without a look, because the last check did not
 * find that they are listened on. @whom: by index of the guest; becomes false for those */
void verify_knows(const Verify *v, const ReconcilePlan *plan, bool *whom);

/* Instead of verify(): worsen results of @plan by what is known. A check is due for what waits. */
void verify_recall(Verify *v, ReconcilePlan *plan, uint64_t now_usec);

/* A forwarder was started anew, or an obstacle has gone: what is late waits again. */
void verify_forget_late(Verify *v);

/**
 * verify() - compare the endpoints of @plan with what is listened on
 * @ret_activate: activate again, because an obstacle has gone
 *
 * Worsens results of @plan that are ACTIVE and should not be, and fills its .checking, .waiting and
 * .unsettled.
 *
 * Return: 0, also when nothing can be known (-ENOSYS from the host); -ENOMEM; or the host's error,
 * and then nothing was worsened.
 */
int verify(Verify *v, const PortHost *host, ReconcilePlan *plan, uint64_t now_usec,
           bool *ret_activate);
