/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What is said of an endpoint that its forwarder does not listen on.
 */

#include "windows-helper/core/rules/reconcile.h"

/* They are constants: see result_worsen_at(). */
typedef struct VerifyTexts {
        const char *waits, *late, *stays, *takes;
} VerifyTexts;

/* Of the relay, or of iphlpsvc. */
const VerifyTexts *verify_texts(bool relay);

/* Close @e, which is late, and worsen the result of its service. @without_relay: the relay does not
 * run */
void verify_mark_late(ReconcilePlan *plan, ReconcileEndpoint *e, bool without_relay);

/* The same for one that waits for its forwarder. It is going to be checked again. */
void verify_mark_waiting(ReconcilePlan *plan, const ReconcileEndpoint *e);

/* The same for one that is reached directly, and that nobody has looked at. */
void verify_mark_unseen(ReconcilePlan *plan, const ReconcileEndpoint *e);

/* WSL is to listen there for the guest, and does not. Its service stays active: the host has done
 * all that it can. */
void verify_mark_silent(ReconcilePlan *plan, const ReconcileEndpoint *e);
