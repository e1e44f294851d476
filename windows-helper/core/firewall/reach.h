/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * For whom a port is open now. A port that is listened on is open only to those whom the firewall
 * lets in on the networks that are connected at this moment. That may be nobody: Windows treats a
 * new network as public, and a service opens the private and domain profiles by default.
 */

#include "windows-helper/core/firewall/sight.h"

/**
 * firewall_reach() - say for whom an endpoint of a service is open now
 * @listen: an endpoint that iphlpsvc listens on
 * @service: of @state
 * @ret_text: a sentence without a full stop; "" when nothing is known
 *
 * Return: WIRE_REASON_UNREACHABLE when nobody on a network gets in, WIRE_REASON_FIREWALL_OFF when
 * more people get in than the service says, WIRE_REASON_FIREWALL when another product may keep them
 * out, otherwise WIRE_REASON_NONE.
 */
WireReason firewall_reach(const FirewallSight *sight, const IpEndpoint *listen,
                          const WireState *state, const WireService *service,
                          char ret_text[WIRE_TEXT_MAX + 1]);

/* The order of these reasons for a service with several endpoints: the higher one is shown. */
unsigned firewall_reach_rank(uint16_t reason);

/* "private", "private and domain", "domain, private and public", or "none". */
#define FIREWALL_PROFILES_TEXT_MAX 32
void firewall_profiles_text(uint8_t profiles, char ret_text[FIREWALL_PROFILES_TEXT_MAX]);

/* The firewall as a whole in one sentence, for people: which networks are connected, and what holds
 * on them for every port. "" when nothing is known. */
void firewall_sight_text(const FirewallSight *sight, char ret_text[WIRE_TEXT_MAX + 1]);
