/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a guest's networking mode means for its ports: what has to be done on the host so that
 * other machines reach them, and from which version of the protocol on an agent may ask for that.
 */

#include "protocol/wire/wire-types.h"

/* How other machines reach a port of the guest (facts 6.2.1, 6.2.4, 6.2.11). */
typedef enum WireReach {
        WIRE_REACH_FORWARDED, /* nat, unknown: it is behind the host, which has to forward */
        WIRE_REACH_SHARED,    /* mirrored: the guest listens on the host's own addresses */
        WIRE_REACH_RELAYED,   /* virtioproxy: WSL listens on the host and leads to the guest */
        WIRE_REACH_OWN,       /* bridged: at the guest's own address on the host's network */
        WIRE_REACH_NONE,      /* none: there is no network */
} WireReach;

/* For every WireMode; a number that is none counts as unknown. */
WireReach wire_mode_reach(uint8_t mode);

/* The port is reached without a forwarding; all that the host may have to do is to open it. */
bool wire_reach_is_direct(WireReach reach);

/* Of these, the ones in which it has to be opened in the host's firewall. Then the guest's port is
 * the host's port. */
bool wire_reach_opens(WireReach reach);

/* Whether a STATE with @mode on a session of protocol @version asks the helper for what the mode
 * needs. In version 1 a mode without forwarding asks for nothing. */
bool wire_mode_is_served(uint8_t mode, uint8_t version);
