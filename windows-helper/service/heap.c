/* SPDX-License-Identifier: MIT */

/*
 * One call for all heaps of the process.
 */

#include "windows-helper/service/heap.h"
#include "windows-helper/win/win.h"

/* Not in the headers of mingw-w64 10 (fact 9.8.1). */
#define HEAP_OPTIMIZE_RESOURCES ((HEAP_INFORMATION_CLASS) 3)

typedef struct HeapOptimize {
        DWORD version, flags;
} HeapOptimize;

void heap_give_back(void) {
        HeapOptimize optimize = {.version = 1};

        (void) HeapSetInformation(NULL, HEAP_OPTIMIZE_RESOURCES, &optimize, sizeof(optimize));
}
