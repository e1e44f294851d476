/* SPDX-License-Identifier: MIT */

/*
 * Claim: every message survives encoding and decoding. A frame is either accepted, and then encodes
 * to the same bytes again, or refused with -EPROTO. No truncation and no changed byte has any other
 * result. test-limits.c tests the limits of the lists.
 */

#include "protocol/wire/wire.h"

#include "tests/suite.h"
#include "tests/unit/protocol/sample.h"
#include "tests/wire/recode.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t *payload(const Buffer *frame) {
        return buffer_bytes(frame) + WIRE_HEADER_SIZE;
}

static size_t payload_length(const Buffer *frame) {
        return buffer_length(frame) - WIRE_HEADER_SIZE;
}

/* recode() from memory of exactly @n bytes, so that ASan sees a read past the end. */
static int recode_exact(const uint8_t *bytes, size_t n, Buffer *out) {
        uint8_t *copy = malloc(n);
        int r;

        if (copy == NULL)
                return -ENOMEM;
        memcpy(copy, bytes, n);
        r = recode(copy, n, 1, out);
        free(copy);
        return r;
}

static void set_length(uint8_t *frame, size_t n) {
        for (unsigned i = 0; i < 4; i++)
                frame[4 + i] = (uint8_t) (n >> (24 - 8 * i));
}

/* True when the frame is accepted and canonical, or refused. */
static bool is_strict(const uint8_t *frame, size_t n) {
        Buffer again = BUFFER_NULL;
        int r = recode_exact(frame, n, &again);
        bool good = r == -EPROTO || r == -EMSGSIZE;

        if (r == 0)
                good = buffer_length(&again) == n && memcmp(buffer_bytes(&again), frame, n) == 0;
        buffer_done(&again);
        return good;
}

START_TEST(test_round_trip) {
        Buffer frame = BUFFER_NULL, again = BUFFER_NULL;

        sample_frame((WireType) _i, &frame);
        ck_assert_int_eq(recode_exact(buffer_bytes(&frame), buffer_length(&frame), &again), 0);
        ck_assert_uint_eq(buffer_length(&frame), buffer_length(&again));
        ck_assert_mem_eq(buffer_bytes(&frame), buffer_bytes(&again), buffer_length(&frame));
        buffer_done(&frame);
        buffer_done(&again);
}
END_TEST

START_TEST(test_every_truncation_is_refused) {
        Buffer frame = BUFFER_NULL, again = BUFFER_NULL;

        sample_frame((WireType) _i, &frame);
        for (size_t n = payload_length(&frame); n-- > 0;) {
                set_length(frame.data, n);
                ck_assert_int_eq(recode_exact(frame.data, n + WIRE_HEADER_SIZE, &again), -EPROTO);
        }
        ck_assert_uint_eq(buffer_length(&again), 0);
        buffer_done(&frame);
}
END_TEST

START_TEST(test_trailing_byte_is_refused) {
        Buffer frame = BUFFER_NULL, again = BUFFER_NULL;

        for (uint8_t extra = 0; extra < 2; extra++) {
                sample_frame((WireType) _i, &frame);
                ck_assert_int_eq(buffer_append(&frame, &extra, 1), 0);
                set_length(frame.data, payload_length(&frame));
                ck_assert_int_eq(recode_exact(frame.data, buffer_length(&frame), &again), -EPROTO);
                buffer_done(&frame);
        }
}
END_TEST

START_TEST(test_every_byte_with_every_value) {
        Buffer frame = BUFFER_NULL;
        unsigned long changed = 0, wrong = 0;

        sample_frame((WireType) _i, &frame);
        for (size_t at = 0; at < buffer_length(&frame); at++) {
                uint8_t right = frame.data[at];

                for (unsigned value = 0; value < 256; value++, changed++) {
                        frame.data[at] = (uint8_t) value;
                        wrong += !is_strict(frame.data, buffer_length(&frame));
                }
                frame.data[at] = right;
        }
        ck_assert_uint_eq(wrong, 0);
        ck_assert_uint_eq(changed, 256 * buffer_length(&frame));
        buffer_done(&frame);
}
END_TEST

/* The decoded values, field by field: recode() would not notice two swapped fields. */
START_TEST(test_values) {
        Buffer frame = BUFFER_NULL;
        WireHello hello, sent_hello = sample_hello();
        WireChallenge challenge, sent_challenge = sample_challenge();
        WireNotice notice;
        uint64_t token;

        sample_frame(WIRE_HELLO, &frame);
        ck_assert_int_eq(wire_hello_decode(payload(&frame), payload_length(&frame), &hello), 0);
        ck_assert_mem_eq(hello.agent_id, sent_hello.agent_id, WIRE_ID_SIZE);
        ck_assert_mem_eq(hello.boot_id, sent_hello.boot_id, WIRE_ID_SIZE);
        ck_assert_mem_eq(hello.vm_id, sent_hello.vm_id, WIRE_ID_SIZE);
        ck_assert_mem_eq(hello.nonce, sent_hello.nonce, WIRE_NONCE_SIZE);
        ck_assert_str_eq(hello.distro, "Debian");
        ck_assert_str_eq(hello.software, "wslbridge 0.1.0");
        buffer_done(&frame);

        sample_frame(WIRE_CHALLENGE, &frame);
        ck_assert_int_eq(wire_challenge_decode(payload(&frame), payload_length(&frame), &challenge),
                         0);
        ck_assert_mem_eq(challenge.nonce, sent_challenge.nonce, WIRE_NONCE_SIZE);
        ck_assert_uint_eq(challenge.endpoints_max, WIRE_ENDPOINTS_MAX);
        ck_assert_uint_eq(challenge.heartbeat_ms, WIRE_HEARTBEAT_MS);
        buffer_done(&frame);

        sample_frame(WIRE_REFUSED, &frame);
        ck_assert_int_eq(wire_notice_decode(payload(&frame), payload_length(&frame), &notice), 0);
        ck_assert_uint_eq(notice.code, WIRE_REFUSAL_BUSY);
        ck_assert_str_eq(notice.text, "busy");
        buffer_done(&frame);

        sample_frame(WIRE_PING, &frame);
        ck_assert_int_eq(wire_token_decode(payload(&frame), payload_length(&frame), &token), 0);
        ck_assert_uint_eq(token, UINT64_C(0x0102030405060708));
        buffer_done(&frame);
}
END_TEST

START_TEST(test_state_values) {
        Buffer frame = BUFFER_NULL;
        WireState state = WIRE_STATE_NULL, sent = sample_state();

        sample_frame(WIRE_STATE, &frame);
        ck_assert_int_eq(wire_state_decode(payload(&frame), payload_length(&frame), 1, &state), 0);
        ck_assert_uint_eq(state.sequence, 1);
        ck_assert_uint_eq(state.mode, WIRE_MODE_NAT);
        ck_assert_str_eq(state.interface, "eth0");
        ck_assert_int_eq(ip_compare(&state.v4.addr, &sent.v4.addr), 0);
        ck_assert_int_eq(ip_compare(&state.v4.gateway, &sent.v4.gateway), 0);
        ck_assert_uint_eq(state.v4.prefix, 20);
        ck_assert_uint_eq(state.v6.addr.family, IP_FAMILY_NONE);
        ck_assert_uint_eq(state.n_services, 3);
        ck_assert_uint_eq(state.n_listens, 4);
        ck_assert_uint_eq(state.n_remotes, 2);
        ck_assert_uint_eq(wire_state_endpoints(&state), 14);
        ck_assert_str_eq(state.services[1].name, "web");
        ck_assert_uint_eq(state.services[1].first_listen, 1);
        ck_assert_uint_eq(state.services[1].n_listens, 2);
        ck_assert_uint_eq(state.services[1].n_remotes, 2);
        ck_assert_uint_eq(state.services[2].first_listen, 3);
        ck_assert_uint_eq(state.listens[1].port, 8000);
        ck_assert_uint_eq(state.listens[1].count, 11);
        ck_assert_uint_eq(state.listens[1].connect_port, 9000);
        ck_assert_uint_eq(state.remotes[1].length, 32);
        wire_state_done(&state);
        buffer_done(&frame);
}
END_TEST

START_TEST(test_result_values) {
        Buffer frame = BUFFER_NULL;
        WireResult result = WIRE_RESULT_NULL;

        sample_frame(WIRE_RESULT, &frame);
        ck_assert_int_eq(wire_result_decode(payload(&frame), payload_length(&frame), 1, &result),
                         0);
        ck_assert_uint_eq(result.sequence, 1);
        ck_assert_uint_eq(result.apply_usec, 1234);
        ck_assert_uint_eq(result.n_services, 3);
        ck_assert_ptr_null(result.services[0].text);
        ck_assert_uint_eq(result.services[1].state, WIRE_SERVICE_CONFLICT);
        ck_assert_uint_eq(result.services[1].reason, WIRE_REASON_FOREIGN_RULE);
        ck_assert_str_eq(result.services[1].text, "rule 'web' is not ours, \xe2\x82\xac");
        ck_assert_uint_eq(result.services[2].reason, 0xfffe);
        wire_result_done(&result);
        buffer_done(&frame);
}
END_TEST

START_TEST(test_header) {
        WireHeader h;

        ck_assert_int_eq(wire_header_decode((const uint8_t *) "\1\6\0\0\0\0\1\2", &h), 0);
        ck_assert_uint_eq(h.type, WIRE_STATE);
        ck_assert_uint_eq(h.flags, 0);
        ck_assert_uint_eq(h.length, 258);
        ck_assert_int_eq(wire_header_decode((const uint8_t *) "\0\6\0\0\0\0\0\0", &h), -EPROTO);
        ck_assert_int_eq(wire_header_decode((const uint8_t *) "\2\6\0\0\0\0\0\0", &h), -EPROTO);
        /* flags: undefined ones, and IGNORABLE on a known type */
        ck_assert_int_eq(wire_header_decode((const uint8_t *) "\1\6\0\2\0\0\0\0", &h), -EPROTO);
        ck_assert_int_eq(wire_header_decode((const uint8_t *) "\1\310\200\0\0\0\0\0", &h), -EPROTO);
        ck_assert_int_eq(wire_header_decode((const uint8_t *) "\1\6\0\1\0\0\0\0", &h), -EPROTO);
        ck_assert_int_eq(wire_header_decode((const uint8_t *) "\1\310\0\1\0\0\0\0", &h), 0);
        ck_assert_uint_eq(h.flags, WIRE_FLAG_IGNORABLE);
        /* the session decides about an unknown type without the flag */
        ck_assert_int_eq(wire_header_decode((const uint8_t *) "\1\310\0\0\0\0\4\0", &h), 0);
        ck_assert_int_eq(wire_header_decode((const uint8_t *) "\1\310\0\0\0\0\4\1", &h), -EMSGSIZE);
}
END_TEST

START_TEST(test_header_length_limits) {
        for (unsigned type = 0; type < 256; type++) {
                uint32_t max = wire_payload_max((uint8_t) type);
                uint8_t bytes[WIRE_HEADER_SIZE] = {WIRE_HEADER_FORMAT, (uint8_t) type};
                WireHeader h;

                ck_assert_uint_eq(max, type == WIRE_STATE    ? WIRE_STATE_PAYLOAD_MAX
                                       : type == WIRE_RESULT ? WIRE_RESULT_PAYLOAD_MAX
                                                             : WIRE_SMALL_PAYLOAD_MAX);
                set_length(bytes, max);
                ck_assert_int_eq(wire_header_decode(bytes, &h), 0);
                set_length(bytes, (size_t) max + 1);
                ck_assert_int_eq(wire_header_decode(bytes, &h), -EMSGSIZE);
                set_length(bytes, UINT32_MAX);
                ck_assert_int_eq(wire_header_decode(bytes, &h), -EMSGSIZE);
        }
}
END_TEST

static const struct {
        const char *text;
        bool valid;
} texts[] = {
        {"plain", true},
        {"", true},
        {"\xc2\xa0", true},         /* first after C1 */
        {"\xc3\xa9", true},         /* é */
        {"\xe2\x82\xac", true},     /* € */
        {"\xf0\x9f\x90\xa7", true}, /* U+1F427 */
        {"\xf4\x8f\xbf\xbf", true}, /* U+10FFFF */
        {"\xed\x9f\xbf", true},     /* last before the surrogates */
        {"\xee\x80\x80", true},     /* first after them */
        {"\xed\xa0\x80", false},    /* surrogate */
        {"\xf4\x90\x80\x80", false},
        {"\xf5\x80\x80\x80", false},
        {"\xc0\x80", false}, /* overlong NUL */
        {"\xc1\xbf", false},
        {"\xe0\x9f\xbf", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xc2", false},
        {"\xe2\x82", false},
        {"\xe2\x28\xa1", false},
        {"\x80", false},
        {"\xff", false},
        {"line\nbreak", false},
        {"\x1b[31m", false},
        {"tab\there", false},
        {"\x7f", false},
        {"\xc2\x80", false}, /* C1 */
        {"\xc2\x9f", false},
        {"\xe2\x80\xae", false},     /* right-to-left override */
        {"\xe2\x80\xa8", false},     /* line separator */
        {"\xe2\x80\x8b", false},     /* zero width space */
        {"\xef\xbb\xbf", false},     /* byte order mark */
        {"\xf3\xa0\x81\x81", false}, /* a tag */
};

START_TEST(test_text) {
        const char *text = texts[_i].text;
        WireNotice notice = sample_notice(WIRE_BYE_STOPPING, text);
        Buffer frame = BUFFER_NULL;
        uint8_t bytes[64] = {0, 1, (uint8_t) strlen(text)};
        int r;

        ck_assert_int_eq(wire_bye_encode(&notice, &frame), texts[_i].valid ? 0 : -EINVAL);
        memcpy(bytes + 3, text, strlen(text));
        r = wire_notice_decode(bytes, 3 + strlen(text), &notice);
        ck_assert_int_eq(r, texts[_i].valid ? 0 : -EPROTO);
        wire_text_clean(notice.text, WIRE_TEXT_MAX);
        ck_assert_int_eq(wire_bye_encode(&notice, &frame), 0);
        if (texts[_i].valid)
                ck_assert_str_eq(notice.text, text);
        buffer_done(&frame);
}
END_TEST

START_TEST(test_text_with_nul) {
        WireNotice notice;

        ck_assert_int_eq(wire_notice_decode((const uint8_t *) "\0\1\3a\0b", 6, &notice), -EPROTO);
}
END_TEST

START_TEST(test_text_clean) {
        char a[] = "a\nb\xe2\x82\xac", b[] = "\xe2\x82\xac\xe2\x82", c[] = "12345", d[] = "";

        wire_text_clean(a, 6);
        ck_assert_str_eq(a, "a?b\xe2\x82\xac");
        wire_text_clean(a, 5); /* the euro sign does not fit any more and goes completely */
        ck_assert_str_eq(a, "a?b");
        wire_text_clean(b, 255);
        ck_assert_str_eq(b, "\xe2\x82\xac??");
        wire_text_clean(c, 5);
        ck_assert_str_eq(c, "12345");
        wire_text_clean(d, 0);
        ck_assert_str_eq(d, "");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("wire");
        TCase *tcase = tcase_create("wire");

        tcase_add_loop_test(tcase, test_round_trip, WIRE_HELLO, _WIRE_TYPE_END);
        tcase_add_loop_test(tcase, test_every_truncation_is_refused, WIRE_HELLO, _WIRE_TYPE_END);
        tcase_add_loop_test(tcase, test_trailing_byte_is_refused, WIRE_HELLO, _WIRE_TYPE_END);
        tcase_add_loop_test(tcase, test_every_byte_with_every_value, WIRE_HELLO, _WIRE_TYPE_END);
        tcase_add_test(tcase, test_values);
        tcase_add_test(tcase, test_state_values);
        tcase_add_test(tcase, test_result_values);
        tcase_add_test(tcase, test_header);
        tcase_add_test(tcase, test_header_length_limits);
        tcase_add_loop_test(tcase, test_text, 0, (int) (sizeof(texts) / sizeof(texts[0])));
        tcase_add_test(tcase, test_text_with_nul);
        tcase_add_test(tcase, test_text_clean);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
