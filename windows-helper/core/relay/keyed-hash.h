/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A hash for tables whose keys strangers choose: without the secret nobody can make keys that fall
 * into one place. It is the universal hash NH (RFC 4418, 5.2.2) over blocks of a fixed size.
 */

#include <stddef.h>
#include <stdint.h>

#define KEYED_HASH_WORDS 16 /* of 32 bits: the longest key */

typedef struct HashSecret {
        uint32_t words[KEYED_HASH_WORDS]; /* random */
} HashSecret;

/* @words: of the key; all keys of one table have the same number @n, which is even. Return: a hash
 * below 2^32, of which any bits may be used. */
uint32_t keyed_hash(const HashSecret *secret, const uint32_t *words, size_t n);
