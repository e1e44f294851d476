/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a networking mode means for the services of this guest: a sentence for people, and the state
 * that a service has while no answer of the helper counts. That is so while there is no session,
 * when the helper is too old for the mode, and in modes in which the host has nothing to do.
 */

#include "protocol/wire/modes.h"

typedef struct ModeSituation {
        uint8_t mode;          /* WireMode */
        WireReach reach;       /* of the guest's ports, in this mode and at this place */
        uint8_t version;       /* of the protocol of the present session; 0: there is none */
        const char *software;  /* of the helper; borrowed, may be NULL without a session */
        const IpAddr *address; /* of this guest; borrowed */
} ModeSituation;

typedef struct ModeState {
        uint8_t state;   /* WireServiceState */
        uint16_t reason; /* WireReason */
        char text[WIRE_TEXT_MAX + 1];
} ModeState;

/* WIRE_MODE_UNKNOWN when no mode has this name. */
uint8_t mode_by_name(const char *name);

/* What it means for the ports, as the end of a sentence: "nothing is forwarded, because …". ""
 * where ports are forwarded. */
const char *reach_meaning(WireReach reach);

/**
 * mode_state() - the state of a service without an answer of the helper
 * @listens: of the service, @n of them
 *
 * Return: false when the helper's answer counts; then @ret_state is what holds until it comes.
 */
bool mode_state(const ModeSituation *s, const WireListen *listens, uint32_t n,
                ModeState *ret_state);

/**
 * mode_stops_loopback() - whether there is no way to carry @service to the guest's loopback
 *
 * That is so where the guest's ports are reached without a forwarding: clients then come with
 * addresses of their own, so there is no single peer to admit. @ret_state is written only when it
 * is so, and holds whatever the helper says.
 */
bool mode_stops_loopback(WireReach reach, uint8_t mode, const WireService *service,
                         ModeState *ret_state);

/* The same for a service that is to learn the client's address from a header, at the guest's own
 * address, where nobody writes one. */
bool mode_stops_header(WireReach reach, const WireService *service, ModeState *ret_state);
