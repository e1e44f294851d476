/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The codec: messages to bytes and back. docs/protocol.md describes the same format in prose, and
 * the golden vectors in tests/wire/ hold the code and the document together.
 *
 * Encoding goes byte by byte, big-endian, without struct casts. Decoding checks every field
 * exactly: sizes, ranges, UTF-8, enum values, and that nothing is left over. The codec does not
 * know about sessions: session-agent.h and session-helper.h decide which message may come when.
 */

#include "common/buffer.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/text.h"
#include "protocol/wire/wire-types.h"

/* The name of a number, or "unknown". A constant string, never NULL. */
const char *wire_type_name(uint8_t type);           /* "HELLO" */
const char *wire_service_state_name(uint8_t state); /* "active" */
const char *wire_reason_name(uint16_t reason);      /* "foreign-rule"; "" for NONE */
const char *wire_refusal_name(uint16_t code);       /* "not-paired" */
const char *wire_bye_name(uint16_t code);           /* "stopping" */
const char *wire_mode_name(uint8_t mode);           /* "nat" */
const char *wire_forwarder_name(uint8_t forwarder); /* "portproxy"; "" for NONE */
const char *wire_why_name(uint8_t why);             /* "protocol"; "" for NONE */

/*
 * wire_*_encode() - append one whole frame, header included, to @out
 *
 * Values that the decoder would not accept are refused, and so are those that @version cannot say:
 * the one that CHALLENGE chose, for the messages that differ.
 *
 * Return: 0; -EINVAL for a value outside its limits; -EMSGSIZE when the payload would exceed the
 * type's limit; -ENOMEM. On failure @out is as before.
 */
int wire_hello_encode(const WireHello *m, Buffer *out);
int wire_challenge_encode(const WireChallenge *m, Buffer *out);
int wire_proof_encode(const WireProof *m, Buffer *out);
int wire_welcome_encode(const WireProof *m, Buffer *out);
int wire_refused_encode(const WireNotice *m, Buffer *out);
int wire_state_encode(const WireState *m, uint8_t version, Buffer *out);
int wire_result_encode(const WireResult *m, uint8_t version, Buffer *out);
int wire_ping_encode(uint64_t token, Buffer *out);
int wire_pong_encode(uint64_t token, Buffer *out);
int wire_bye_encode(const WireNotice *m, Buffer *out);

/*
 * wire_*_decode() - read a payload (the frame without its header)
 *
 * Return: 0; -EPROTO for anything that docs/protocol.md does not allow; -ENOMEM. On failure @ret is
 * untouched. A message that owns memory is released with its _done function.
 */
int wire_hello_decode(const uint8_t *p, size_t n, WireHello *ret);
int wire_challenge_decode(const uint8_t *p, size_t n, WireChallenge *ret);
int wire_proof_decode(const uint8_t *p, size_t n, WireProof *ret);   /* PROOF and WELCOME */
int wire_notice_decode(const uint8_t *p, size_t n, WireNotice *ret); /* REFUSED and BYE */
int wire_state_decode(const uint8_t *p, size_t n, uint8_t version, WireState *ret);
int wire_result_decode(const uint8_t *p, size_t n, uint8_t version, WireResult *ret);
int wire_token_decode(const uint8_t *p, size_t n, uint64_t *ret); /* PING and PONG */

/* Release what a message owns and empty it. */
void wire_state_done(WireState *m);
void wire_result_done(WireResult *m);

/* Number of endpoints that @m asks for: a range counts once for each port. Saturated. */
uint32_t wire_state_endpoints(const WireState *m);
