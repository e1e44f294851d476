/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The frame around every message: its header, and how large each type of message may be.
 */

#include "protocol/wire/wire-types.h"

/**
 * wire_header_decode() - read a frame header
 * @data: at least WIRE_HEADER_SIZE bytes
 *
 * Checks the format byte, the flags (a known type has none; an unknown one may be ignorable) and
 * the length against the limit of the type (WIRE_SMALL_PAYLOAD_MAX for unknown types). So a peer is
 * refused before a byte of its payload is stored. An unknown type is not an error here.
 *
 * Return: 0; -EPROTO when the header is malformed; -EMSGSIZE when it announces too much.
 */
int wire_header_decode(const uint8_t *data, WireHeader *ret_header);

/* The largest payload that a type may have, in bytes. */
uint32_t wire_payload_max(uint8_t type);

/* True when this version defines the type. */
bool wire_type_known(uint8_t type);
