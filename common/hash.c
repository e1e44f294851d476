/* SPDX-License-Identifier: MIT */

/*
 * FNV-1a, of Fowler, Noll and Vo.
 */

#include "common/hash.h"

#define HASH_PRIME UINT64_C(0x100000001b3)

uint64_t hash_bytes(uint64_t hash, const void *data, size_t n) {
        const uint8_t *bytes = data;

        for (size_t i = 0; i < n; i++)
                hash = (hash ^ bytes[i]) * HASH_PRIME;
        return hash;
}
