/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Decode a frame of any type and encode it again. The format has exactly one encoding of each
 * message, so what was accepted must come out byte for byte; unit tests, golden vectors and the
 * fuzzer all lean on that. Plain C without a test framework: it is also built for Windows.
 */

#include "protocol/wire/wire.h"

/**
 * recode() - decode one whole frame, header included, and append its encoding to @out
 *
 * Return: 0; -EPROTO or -EMSGSIZE as the decoders say, -EPROTO also when @n is not the frame's
 * length or its type is unknown; -EILSEQ when the decoded value could not be encoded.
 */
int recode(const uint8_t *frame, size_t n, Buffer *out);
