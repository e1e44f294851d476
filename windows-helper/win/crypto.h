/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Windows' own cryptography (CNG): the MAC of the handshake and random bytes.
 */

#include "protocol/session/session.h"

/* A SessionMac: HMAC-SHA256. Return: 0 or -EIO. */
int mac_bcrypt(const uint8_t *key, const uint8_t *data, size_t n, uint8_t ret_mac[WIRE_MAC_SIZE]);

/* Random bytes for nonces. Return: 0 or -EIO. */
int random_bcrypt(uint8_t *ret_bytes, size_t n);
