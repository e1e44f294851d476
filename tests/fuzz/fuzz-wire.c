/* SPDX-License-Identifier: MIT */

/*
 * Takes any bytes as a frame. A frame that a decoder accepts must encode to the same bytes again,
 * unless it has fields that we do not know. A frame that it refuses must give one of two errors.
 */

#include "protocol/wire/wire.h"
#include "tests/fuzz/tools/mutate-wire.h"
#include "tests/wire/recode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

static void try_version(const uint8_t *frame, size_t n, uint8_t version) {
        Buffer out = BUFFER_NULL;
        int r = recode(frame, n, version, &out);

        require(r == 0 || r == RECODE_NEWER || r == -EPROTO || r == -EMSGSIZE);
        if (r == 0)
                require(buffer_length(&out) == n && memcmp(buffer_bytes(&out), frame, n) == 0);
        else
                require(buffer_length(&out) == 0);
        buffer_done(&out);
}

static void try_frame(const uint8_t *frame, size_t n) {
        for (uint8_t version = WIRE_VERSION_MIN; version <= WIRE_VERSION_MAX; version++)
                try_version(frame, n, version);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        uint8_t *copy;
        size_t length = n - WIRE_HEADER_SIZE;

        try_frame(data, n);
        if (n < WIRE_HEADER_SIZE)
                return 0;
        /* Try again with a matching header, so that reaching a payload decoder does not take luck.
         */
        copy = malloc(n);
        require(copy != NULL);
        memcpy(copy, data, n);
        copy[0] = WIRE_HEADER_FORMAT;
        copy[2] = copy[3] = 0;
        for (unsigned i = 0; i < 4; i++)
                copy[4 + i] = (uint8_t) (length >> (24 - 8 * i));
        try_frame(copy, n);
        free(copy);
        return 0;
}

bool fuzz_frame_place(const uint8_t *data, size_t n, unsigned choice, FramePlace *ret_place) {
        *ret_place = (FramePlace){.n = n, .max = SIZE_MAX};
        return n >= WIRE_HEADER_SIZE;
}
