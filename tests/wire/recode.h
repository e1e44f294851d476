/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Decodes a frame of any type and encodes it again. The format has exactly one encoding of each
 * message, so an accepted frame must come out byte for byte. Unit tests, golden vectors and the
 * fuzzer all rely on that. Plain C without a test framework, because it is also built for Windows.
 */

#include "protocol/wire/wire.h"

#define RECODE_NEWER 1

/**
 * recode() - decode one whole frame, header included, and append its encoding to @out
 * @version: of the protocol; it matters for STATE and RESULT
 *
 * Return: 0; RECODE_NEWER when the frame is accepted but has fields that we do not know, so that it
 * cannot be encoded again; -EPROTO or -EMSGSIZE from the decoder; -EPROTO also when @n is not the
 * frame's length or its type is unknown; -EILSEQ when the decoded value cannot be encoded.
 */
int recode(const uint8_t *frame, size_t n, uint8_t version, Buffer *out);
