/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A hash for tables, and for noticing that something has changed: FNV-1a with 64 bits. Whoever
 * chooses the data can make two hashes equal, so nothing that protects may rely on it.
 */

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)

/* Go on with @hash, which is HASH_START at the beginning, over @n bytes. */
uint64_t hash_bytes(uint64_t hash, const void *data, size_t n);
