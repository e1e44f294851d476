/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which errors of accepting a connection say nothing about the socket that listens.
 */

#include <stdbool.h>
#include <stdint.h>

/* Whether @error, of AcceptEx() or of its completion, only means that a client has left before it
 * was accepted (fact 9.3.20). */
bool client_left(uint32_t error);
