/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What an agent has asked for, as the judge of the random lives needs to know it.
 */

#include "protocol/wire/wire.h"

/* How the service has to be carried, in the mode NAT: RuleWay. */
uint8_t asked_way(const WireService *s);

/* An endpoint of the service is asked for by another one, or by the same one again. Protocols are
 * not looked at. */
bool asked_twice(const WireState *s, uint32_t service);

/* The service asks for @port. */
bool asked_port(const WireState *s, uint32_t service, uint16_t port);
