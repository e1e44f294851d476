/* SPDX-License-Identifier: MIT */
#pragma once

/* Arrays of netdump.c and route-dump.c that grow by one element at a time. */

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define ARRAY_FIRST 16

/* Make room in @array, which has @n elements of @size bytes, for one more. Return: 0 or -ENOMEM. */
static inline int array_grow(void **array, size_t n, size_t size) {
        void *p;

        /* The capacity is ARRAY_FIRST and then its doubles, so the array is full exactly at those
         * counts. */
        if (n != 0 && (n < ARRAY_FIRST || (n & (n - 1)) != 0))
                return 0;
        p = realloc(*array, (n == 0 ? ARRAY_FIRST : 2 * n) * size);
        if (!p)
                return -ENOMEM;
        *array = p;
        return 0;
}
