/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The cryptography of Windows (CNG): SHA-256, HMAC-SHA256 and random bytes.
 */

#include <stddef.h>
#include <stdint.h>

#define CRYPTO_KEY_SIZE 32 /* bytes of the key that mac_bcrypt() takes */
#define CRYPTO_MAC_SIZE 32 /* bytes of a SHA-256 and of an HMAC-SHA256 */

/* Load bcrypt.dll. Called once, before the functions below. Return: 0 or negative errno (logged).
 */
int crypto_load(void);

/* HMAC-SHA256 of @n bytes with a key of CRYPTO_KEY_SIZE bytes. Return: 0 or -EIO. */
int mac_bcrypt(const uint8_t *key, const uint8_t *data, size_t n, uint8_t ret_mac[CRYPTO_MAC_SIZE]);

/* SHA-256 of @n bytes. Return: 0 or -EIO. */
int sha256_bcrypt(const uint8_t *data, size_t n, uint8_t ret_hash[CRYPTO_MAC_SIZE]);

/* @n random bytes that nobody can predict, good for keys and nonces. Return: 0 or -EIO. */
int random_bcrypt(uint8_t *ret_bytes, size_t n);
