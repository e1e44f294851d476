/* SPDX-License-Identifier: MIT */

/* The sizes of the sockets' buffers; see buffers.h. */

#include "agent/loopback/buffers.h"

unsigned buffer_size(unsigned n_others) {
        unsigned size = BUFFER_SIZE_SHARED / (n_others + 1);

        if (size > BUFFER_SIZE_MAX)
                return BUFFER_SIZE_MAX;
        return size < BUFFER_SIZE_MIN ? BUFFER_SIZE_MIN : size;
}
