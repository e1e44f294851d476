/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which forwarder carries a service, and why. This is the one place where it is decided. Pure.
 */

#include "protocol/wire/wire.h"

/* What this host can do: the evidence for the decision. */
typedef struct ForwarderMeans {
        bool relay; /* wslbridge-relay.exe is installed and may run */
} ForwarderMeans;

typedef struct ForwarderChoice {
        WireForwarder forwarder;
        WireForwarderReason why;
        WireOption asked_by; /* for a relay: the option that asks for it */
} ForwarderChoice;

/* @mode: WireMode of the guest. Modes in which the guest needs no forwarder have none. */
ForwarderChoice forwarder_choose(const WireService *s, uint8_t mode);

/* Whether @means can do what was chosen. Return: NULL, or what to tell the user, a sentence that
 * begins after "'option = word' needs ". */
const char *forwarder_missing(const ForwarderChoice *choice, const ForwarderMeans *means);
