/* SPDX-License-Identifier: MIT */

/*
 * Counts the blocks of memory that our own code holds; only in the build for tests.
 *
 * The linker puts these functions in the place of malloc() and its kin (see ld's option --wrap),
 * for everything that is linked into the exe. DLLs do not come here. So memory that a DLL allocates
 * for us is not counted: texts and objects of COM, LocalAlloc(), and what belongs to a handle.
 */

#include "windows-helper/service/heap-count.h"
#include "windows-helper/win/console.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define HEAP_COUNT_LINE_MAX 64

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

static volatile LONG64 heap_blocks, heap_bytes; /* threads of ours allocate, too */

static void *heap_count_add(void *block) {
        if (block) {
                (void) InterlockedAdd64(&heap_blocks, 1);
                (void) InterlockedAdd64(&heap_bytes, (LONG64) _msize(block));
        }
        return block;
}

static void heap_count_remove(size_t size) {
        (void) InterlockedAdd64(&heap_blocks, -1);
        (void) InterlockedAdd64(&heap_bytes, -(LONG64) size);
}

void *__wrap_malloc(size_t size) {
        return heap_count_add(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size) {
        return heap_count_add(__real_calloc(n, size));
}

void *__wrap_realloc(void *block, size_t size) {
        size_t before = block ? _msize(block) : 0;
        void *after = __real_realloc(block, size);

        if (block && (after || size == 0)) /* otherwise it failed, and the block stays */
                heap_count_remove(before);
        return heap_count_add(after);
}

void __wrap_free(void *block) {
        if (block)
                heap_count_remove(_msize(block));
        __real_free(block);
}

void heap_count_report(bool quiet) {
        static LONG64 told_blocks, told_bytes;
        LONG64 blocks = heap_blocks, bytes = heap_bytes;
        char line[HEAP_COUNT_LINE_MAX];
        int n;

        if (!quiet || !getenv("WSLBRIDGE_TEST_HEAP") ||
            (blocks == told_blocks && bytes == told_bytes))
                return;
        told_blocks = blocks;
        told_bytes = bytes;
        n = snprintf(line, sizeof(line), "heap %lld %lld\n", (long long) blocks, (long long) bytes);
        (void) console_write(CONSOLE_ERROR, line, (size_t) n);
}
