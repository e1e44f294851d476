/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads the offer to take over a port forwarding of somebody else, in the text of a service. The
 * helper writes it (ADOPTION_TEXT) only where that can work. Both doctors read it, and offer the
 * command nowhere else.
 */

#include "common/ip.h"

/**
 * adoption_text_endpoint() - find the endpoint of the offer in a service's text
 * @text: comes from the other end, so nothing but an address and a port is taken from it
 *
 * Return: whether there is an offer.
 */
bool adoption_text_endpoint(const char *text, char ret_endpoint[IP_ENDPOINT_TEXT_MAX]);
