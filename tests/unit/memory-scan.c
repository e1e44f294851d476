/* SPDX-License-Identifier: MIT */

/*
 * Reads /proc/self/mem by the list in /proc/self/maps.
 */

#include "tests/unit/memory-scan.h"

#include <check.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REGION_MAX ((uint64_t) 1 << 30) /* the sanitizer's own regions are larger */
#define BLOCK      65536

typedef struct Memory {
        int bytes, map; /* descriptors of /proc/self/mem and pagemap */
} Memory;

/* What is read lands here, so that these bytes are left out. */
static uint8_t block[BLOCK + MEMORY_SECRET_MAX];

void memory_unmask(const MemorySecret *secret, void *ret_bytes) {
        uint8_t *bytes = ret_bytes;

        for (size_t i = 0; i < secret->n; i++)
                bytes[i] = secret->masked[i] ^ MEMORY_MASK;
}

static bool is_secret(const MemorySecret *secret, const uint8_t *bytes) {
        for (size_t i = 0; i < secret->n; i++)
                if ((bytes[i] ^ MEMORY_MASK) != secret->masked[i])
                        return false;
        return true;
}

/* Whether one of the pages was ever written. The sanitizer reserves many that were not. */
static bool is_used(int map, uint64_t at, size_t n) {
        const uint64_t page = (uint64_t) sysconf(_SC_PAGESIZE), first = at / page;
        uint64_t entries[(BLOCK + MEMORY_SECRET_MAX) / 4096 + 2];
        size_t n_pages = (size_t) ((at + n - 1) / page - first + 1);

        if (pread(map, entries, n_pages * sizeof(*entries), (off_t) (first * sizeof(*entries))) !=
            (ssize_t) (n_pages * sizeof(*entries)))
                return true;
        for (size_t i = 0; i < n_pages; i++)
                if (entries[i] >> 62) /* present, or swapped out */
                        return true;
        return false;
}

static unsigned copies_in_block(const MemorySecret *secret, size_t n) {
        const uint8_t first = secret->masked[0] ^ MEMORY_MASK;
        const uint8_t *at = block, *end = block + n;
        unsigned found = 0;

        while (at < block + BLOCK && (at = memchr(at, first, (size_t) (end - at)))) {
                found += at < block + BLOCK && at + secret->n <= end && is_secret(secret, at);
                at++;
        }
        return found;
}

/* Blocks overlap, so that no copy lies across their border. */
static unsigned copies_between(const Memory *m, uint64_t at, uint64_t end,
                               const MemorySecret *secret) {
        unsigned found = 0;

        for (; at < end; at += BLOCK) {
                size_t wanted = end - at < sizeof(block) ? (size_t) (end - at) : sizeof(block);
                ssize_t n = is_used(m->map, at, wanted) ? pread(m->bytes, block, wanted, (off_t) at)
                                                        : 0;

                if (n > 0)
                        found += copies_in_block(secret, (size_t) n);
        }
        return found;
}

unsigned memory_copies(const MemorySecret *secret) {
        const uint64_t mine = (uintptr_t) block, mine_end = mine + sizeof(block);
        FILE *maps = fopen("/proc/self/maps", "re");
        const Memory m = {.bytes = open("/proc/self/mem", O_RDONLY | O_CLOEXEC),
                          .map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)};
        unsigned found = 0;
        char line[512];

        ck_assert(maps && m.bytes >= 0 && m.map >= 0);
        while (fgets(line, sizeof(line), maps)) {
                uint64_t at, end;
                char rights[5];

                if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &at, &end, rights) != 3 ||
                    strncmp(rights, "rw", 2) != 0 || end - at > REGION_MAX)
                        continue;
                /* The block may be in two regions, of which only the first is the file's. */
                found += copies_between(&m, at, end < mine ? end : mine, secret);
                found += copies_between(&m, at > mine_end ? at : mine_end, end, secret);
        }
        (void) fclose(maps);
        (void) close(m.bytes);
        (void) close(m.map);
        return found;
}
