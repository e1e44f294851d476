/* SPDX-License-Identifier: MIT */

/*
 * NH, and a step that spreads its result over all bits.
 */

#include "windows-helper/core/relay/keyed-hash.h"

#include <assert.h>

uint32_t keyed_hash(const HashSecret *secret, const uint32_t *words, size_t n) {
        uint64_t sum = 0;

        assert(n <= KEYED_HASH_WORDS && n % 2 == 0);
        for (size_t i = 0; i < n; i += 2) {
                uint32_t a = words[i] + secret->words[i], b = words[i + 1] + secret->words[i + 1];

                sum += (uint64_t) a * b;
        }
        sum ^= sum >> 32;
        return (uint32_t) ((sum * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}
