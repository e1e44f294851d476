/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which forwarder carries a service, and why. This is the one place where it is decided. Pure.
 */

#include "protocol/wire/modes.h"

/* What this host can do: the evidence for the decision. */
typedef struct ForwarderMeans {
        bool relay; /* wslbridge-relay.exe is installed and may run */
} ForwarderMeans;

typedef struct ForwarderChoice {
        WireForwarder forwarder;
        WireForwarderReason why;
        WireOption asked_by; /* for a relay: the option that asks for it */
} ForwarderChoice;

/* @reach: of the guest. There is a forwarder only where something is forwarded. */
ForwarderChoice forwarder_choose(const WireService *s, WireReach reach);

/* Whether @means can do what was chosen. Return: NULL, or what to tell the user, a sentence that
 * begins after "'option = word' needs ". */
const char *forwarder_missing(const ForwarderChoice *choice, const ForwarderMeans *means);
