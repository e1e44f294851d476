/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Looks for a secret in the memory of this process: its variables, its stack below what is in use,
 * and its heap, also where it was freed.
 */

#include <stddef.h>
#include <stdint.h>

#define MEMORY_SECRET_MAX 128 /* bytes */
#define MEMORY_MASK       0x5a

/* A secret that is not found itself: each byte is combined with MEMORY_MASK. */
typedef struct MemorySecret {
        uint8_t masked[MEMORY_SECRET_MAX];
        size_t n;
} MemorySecret;

/* Write the secret to @ret_bytes, which has room for it. */
void memory_unmask(const MemorySecret *secret, void *ret_bytes);

/* Return: how many copies of the secret there are in memory that can be written. */
unsigned memory_copies(const MemorySecret *secret);
