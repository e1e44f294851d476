/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a guest's networking mode means for its ports: what has to be done on the host so that
 * other machines reach them, and from which version of the protocol on an agent may ask for that.
 */

#include "protocol/wire/wire.h"

/* How other machines reach a port of the guest (facts 6.2.1, 6.2.4, 6.2.11, 8.2.1). */
typedef enum WireReach {
        WIRE_REACH_FORWARDED, /* nat, unknown: it is behind the host, which has to forward */
        WIRE_REACH_SHARED,    /* mirrored: the guest listens on the host's own addresses */
        WIRE_REACH_RELAYED,   /* virtioproxy: WSL listens on the host and leads to the guest */
        WIRE_REACH_OWN,       /* bridged: at the guest's own address on a network with others */
        WIRE_REACH_NONE,      /* none: there is no network */
        _WIRE_REACH_END,
} WireReach;

/* For every WireMode; a number that is none counts as unknown. */
WireReach wire_mode_reach(uint8_t mode);

/* The same, when the host has said where the guest is (WirePlace). That counts only in mode
 * unknown, which is that of a guest of plain Hyper-V, because WSL knows better. */
WireReach wire_place_reach(uint8_t mode, uint8_t place);

const char *wire_reach_name(WireReach reach);                 /* "forwarded" */
int wire_reach_parse(const char *name, WireReach *ret_reach); /* 0 or -EINVAL */

/* The port is reached without a forwarding; all that the host may have to do is to open it. */
bool wire_reach_is_direct(WireReach reach);

/* Of these, the ones in which it has to be opened in the host's firewall. Then the guest's port is
 * the host's port. */
bool wire_reach_opens(WireReach reach);

/* Whether a STATE with @mode on a session of protocol @version asks the helper for what the mode
 * needs. In version 1 a mode without forwarding asks for nothing. */
bool wire_mode_is_served(uint8_t mode, uint8_t version);

/* The text of a service with WIRE_REACH_OWN: at which address, and which ports of the guest.
 * @listens: of the service, @n of them */
void wire_own_text(const IpAddr *address, const WireListen *listens, uint32_t n,
                   char ret_text[WIRE_TEXT_MAX + 1]);
