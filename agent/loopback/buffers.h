/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How much the kernel may keep for the sockets of a connection. Left alone, it keeps up to several
 * megabytes for each whose receiver does not read, and all of it counts for the memory limit of the
 * unit. Pure.
 */

/* The size for each of the two buffers of the two sockets of a connection. The kernel takes twice
 * as much memory, because it counts its own structures. And it fills the packet that it has begun,
 * so what is to be sent can exceed the buffer by BUFFER_EXCESS. */
#define BUFFER_SIZE_MAX (256 * 1024)
#define BUFFER_SIZE_MIN (4 * 1024)
#define BUFFER_EXCESS   (64 * 1024)

/* What the first connections have together, and each further one has its share of. */
#define BUFFER_SIZE_SHARED (1536 * 1024)

/**
 * buffer_size() - the size for a connection that begins beside @n_others
 *
 * Connections that begin when there are few get large buffers. However connections come and go, the
 * one with the k-th largest buffers never has more than buffer_size(k - 1): when one goes, each
 * smaller one moves up by one place, and a new one gets no more than the last place allows. So all
 * of them together have at most the sum over CONNECTIONS_MAX places.
 */
unsigned buffer_size(unsigned n_others);
