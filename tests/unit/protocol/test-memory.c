/* SPDX-License-Identifier: MIT */

/*
 * Claim: when any allocation fails, encoders, decoders and sessions return -ENOMEM, leak nothing
 * and leave their output as it was. And no announced number makes a decoder allocate: memory
 * follows the bytes that have arrived.
 *
 * The linker routes malloc() and calloc() through this file, also those of Check's static library.
 * So nothing is asserted between reset() and reading the counter.
 */

#include "tests/suite.h"
#include "tests/unit/protocol/sample.h"
#include "tests/unit/protocol/session/session-kit.h"

#include <check.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);

static size_t allocated;       /* bytes asked for since reset() */
static unsigned until_failure; /* 0 = never fails */

static bool fails(size_t n) {
        allocated += n;
        return until_failure > 0 && --until_failure == 0;
}

void *__wrap_malloc(size_t n) {
        return fails(n) ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size) {
        return fails(n * size) ? NULL : __real_calloc(n, size);
}

static void reset(unsigned failure) {
        allocated = 0;
        until_failure = failure;
}

/* Services in an order that must be sorted, so that checking the names allocates too. */
static WireState unsorted_state(void) {
        WireState m = sample_state();

        ck_assert_int_gt(strcmp(m.services[1].name, m.services[2].name), 0);
        return m;
}

START_TEST(test_encoders) {
        WireState state = unsorted_state();
        Buffer out = BUFFER_NULL;
        int r = -ENOMEM;
        unsigned n = 0;

        while (r == -ENOMEM) {
                reset(++n);
                r = wire_state_encode(&state, 1, &out);
                reset(0);
                if (r == -ENOMEM)
                        ck_assert_uint_eq(buffer_length(&out), 0);
                buffer_done(&out);
        }
        ck_assert_int_eq(r, 0);
        ck_assert_uint_ge(n, 3); /* at least the buffer and the names */
}
END_TEST

START_TEST(test_state_decoder) {
        WireState state = unsorted_state(), back = WIRE_STATE_NULL;
        Buffer frame = BUFFER_NULL;
        int r = -ENOMEM;
        unsigned n = 0;

        ck_assert_int_eq(wire_state_encode(&state, 1, &frame), 0);
        while (r == -ENOMEM) {
                reset(++n);
                r = wire_state_decode(buffer_bytes(&frame) + WIRE_HEADER_SIZE,
                                      buffer_length(&frame) - WIRE_HEADER_SIZE, 1, &back);
                reset(0);
                if (r == -ENOMEM)
                        ck_assert_ptr_null(back.services);
        }
        ck_assert_int_eq(r, 0);
        ck_assert_uint_eq(n, 5); /* three arrays, the names, then none fails */
        wire_state_done(&back);
        buffer_done(&frame);
}
END_TEST

START_TEST(test_result_decoder) {
        WireResult back = WIRE_RESULT_NULL;
        Buffer frame = BUFFER_NULL;
        int r = -ENOMEM;
        unsigned n = 0;

        sample_frame(WIRE_RESULT, &frame);
        while (r == -ENOMEM) {
                reset(++n);
                r = wire_result_decode(buffer_bytes(&frame) + WIRE_HEADER_SIZE,
                                       buffer_length(&frame) - WIRE_HEADER_SIZE, 1, &back);
                reset(0);
                if (r == -ENOMEM)
                        ck_assert_ptr_null(back.services);
        }
        ck_assert_int_eq(r, 0);
        ck_assert_uint_eq(n, 3);
        wire_result_done(&back);
        buffer_done(&frame);
}
END_TEST

static int one_handshake(AgentSession **agent, HelperSession **helper, Buffer *a, Buffer *h) {
        HelperSessionConfig config = kit_config();
        WireHello hello = sample_hello();
        SessionEvent event;
        size_t n;
        int r;

        r = agent_session_new(agent, kit_mac, kit_key);
        r = r < 0 ? r : helper_session_new(helper, &config, 1);
        r = r < 0 ? r : agent_session_start(*agent, &hello, 1, a);
        r = r < 0 ? r
                  : helper_session_receive(*helper, buffer_bytes(a), buffer_length(a), 1, h, &n,
                                           &event);
        r = r < 0 ? r : helper_session_challenge(*helper, kit_key, kit_nonce, 1, h);
        buffer_done(a);
        r = r < 0 ? r
                  : agent_session_receive(*agent, buffer_bytes(h), buffer_length(h), 1, a, &n,
                                          &event);
        buffer_done(h);
        r = r < 0 ? r
                  : helper_session_receive(*helper, buffer_bytes(a), buffer_length(a), 1, h, &n,
                                           &event);
        r = r < 0 ? r : helper_session_admit(*helper, 1, h);
        r = r < 0 ? r
                  : agent_session_receive(*agent, buffer_bytes(h), buffer_length(h), 1, a, &n,
                                          &event);
        return r;
}

START_TEST(test_handshake) {
        int r = -ENOMEM;
        unsigned n = 0;

        while (r == -ENOMEM) {
                AgentSession *agent = NULL;
                HelperSession *helper = NULL;
                Buffer a = BUFFER_NULL, h = BUFFER_NULL;

                reset(++n);
                r = one_handshake(&agent, &helper, &a, &h);
                reset(0);
                if (r == 0) {
                        ck_assert_int_eq(agent_session_state(agent), AGENT_SESSION_READY);
                        ck_assert_int_eq(helper_session_state(helper), HELPER_SESSION_READY);
                }
                agent = agent_session_free(agent);
                helper = helper_session_free(helper);
                buffer_done(&a);
                buffer_done(&h);
        }
        ck_assert_int_eq(r, 0);
        ck_assert_uint_ge(n, 10);
}
END_TEST

/* Decoding must refuse the bytes. Return: how much memory it asked for, in bytes. */
static size_t cost_of_refusal(int (*decode)(const uint8_t *p, size_t n), const uint8_t *p,
                              size_t n) {
        size_t cost;
        int r;

        reset(0);
        r = decode(p, n);
        cost = allocated;
        ck_assert_int_eq(r, -EPROTO);
        return cost;
}

static int decode_state(const uint8_t *p, size_t n) {
        WireState m;

        return wire_state_decode(p, n, 1, &m);
}

static int decode_result(const uint8_t *p, size_t n) {
        WireResult m;

        return wire_result_decode(p, n, 1, &m);
}

/* Bytes 12 to 15 of an otherwise correct, empty message announce the number of services. */
START_TEST(test_announced_numbers_allocate_nothing) {
        uint8_t state[16] = {[7] = 1}, result[16] = {[7] = 1};

        for (uint32_t n = 1; n <= WIRE_SERVICES_MAX; n *= 2) {
                state[14] = result[14] = (uint8_t) (n >> 8);
                state[15] = result[15] = (uint8_t) n;
                ck_assert_uint_eq(cost_of_refusal(decode_state, state, sizeof(state)), 0);
                ck_assert_uint_eq(cost_of_refusal(decode_result, result, sizeof(result)), 0);
        }
}
END_TEST

/* Only the last of many fields is wrong: decoding refuses before it makes the arrays. */
START_TEST(test_malformed_state_allocates_nothing) {
        WireState state = sample_state();
        Buffer frame = BUFFER_NULL;

        ck_assert_int_eq(wire_state_encode(&state, 1, &frame), 0);
        frame.data[frame.end - 1] = 1; /* a remote is announced, none is there */
        ck_assert_uint_eq(cost_of_refusal(decode_state, buffer_bytes(&frame) + WIRE_HEADER_SIZE,
                                          buffer_length(&frame) - WIRE_HEADER_SIZE),
                          0);
        buffer_done(&frame);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("memory");
        TCase *tcase = tcase_create("memory");

        if (sodium_init() < 0)
                return EXIT_FAILURE;
        tcase_add_test(tcase, test_encoders);
        tcase_add_test(tcase, test_state_decoder);
        tcase_add_test(tcase, test_result_decoder);
        tcase_add_test(tcase, test_handshake);
        tcase_add_test(tcase, test_announced_numbers_allocate_nothing);
        tcase_add_test(tcase, test_malformed_state_allocates_nothing);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
