/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One valid message of each type, for tests that go over all types. The arrays of the STATE and the
 * RESULT are static: do not release them.
 */

#include "protocol/wire/wire.h"

WireHello sample_hello(void);
WireChallenge sample_challenge(void);
WireProof sample_proof(void);
WireNotice sample_notice(uint16_t code, const char *text);
#define SAMPLE_SERVICES 3
WireState sample_state(void);   /* SAMPLE_SERVICES, 4 listens (14 endpoints), 2 remotes */
WireResult sample_result(void); /* for 3 services */

/* Append the sample of a type to @out, as a whole frame. */
void sample_frame(WireType type, Buffer *out);
