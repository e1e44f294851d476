/* SPDX-License-Identifier: MIT */

/*
 * Claim: every limit of docs/protocol.md is exact, in the encoder and in the decoder: the last
 * allowed value passes, and the next one is refused and leaves the output as it was.
 *
 * The golden vectors test most refusals of the decoder. This file has the lists that are too large
 * for them, and the refusals of the encoder.
 */

#include "protocol/wire/wire.h"

#include "tests/suite.h"
#include "tests/unit/protocol/sample.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Services with one endpoint each. @step is the stride between names; 1 means sorted. */
static WireState many_services(uint32_t n, uint32_t step) {
        WireState m = {.sequence = 1, .n_services = n, .n_listens = n};

        m.services = calloc(n, sizeof(*m.services));
        m.listens = calloc(n, sizeof(*m.listens));
        ck_assert(m.services != NULL && m.listens != NULL);
        for (uint32_t i = 0; i < n; i++) {
                (void) snprintf(m.services[i].name, sizeof(m.services[i].name), "service-%05u",
                                (unsigned) ((uint64_t) i * step % n));
                m.services[i].first_listen = i;
                m.services[i].n_listens = 1;
                m.listens[i] =
                        (WireListen){ip_v4(127, 0, (uint8_t) (i >> 8), (uint8_t) i), 80, 1, 80};
        }
        return m;
}

/* In one version. */
static int encode_and_decode_in(uint8_t version, const WireState *m, WireState *ret) {
        Buffer frame = BUFFER_NULL;
        int r = wire_state_encode(m, version, &frame);

        if (r == 0)
                r = wire_state_decode(buffer_bytes(&frame) + WIRE_HEADER_SIZE,
                                      buffer_length(&frame) - WIRE_HEADER_SIZE, version, ret);
        else
                ck_assert_uint_eq(buffer_length(&frame), 0);
        buffer_done(&frame);
        return r;
}

/* The limits are the same in both versions. */
static int encode_and_decode(const WireState *m, WireState *ret) {
        WireState first = WIRE_STATE_NULL;
        int r = encode_and_decode_in(1, m, &first);

        ck_assert_int_eq(encode_and_decode_in(2, m, ret), r);
        if (r == 0) {
                ck_assert_uint_eq(first.n_services, ret->n_services);
                ck_assert_uint_eq(first.n_listens, ret->n_listens);
                ck_assert_uint_eq(first.n_remotes, ret->n_remotes);
        }
        wire_state_done(&first);
        return r;
}

/* Orders of names: sorted, reversed, and two strides that visit all. */
static const uint32_t steps[] = {1, WIRE_SERVICES_MAX - 1, 4093, 9973};

START_TEST(test_16384_services) {
        WireState m = many_services(WIRE_SERVICES_MAX, steps[_i]), back = WIRE_STATE_NULL;

        ck_assert_int_eq(encode_and_decode(&m, &back), 0);
        ck_assert_uint_eq(back.n_services, WIRE_SERVICES_MAX);
        ck_assert_uint_eq(wire_state_endpoints(&back), WIRE_ENDPOINTS_MAX);
        ck_assert_mem_eq(back.services, m.services, WIRE_SERVICES_MAX * sizeof(*m.services));
        wire_state_done(&back);
        wire_state_done(&m);
}
END_TEST

START_TEST(test_one_service_too_many) {
        WireState m = many_services(WIRE_SERVICES_MAX + 1, 1), back = WIRE_STATE_NULL;

        ck_assert_int_eq(encode_and_decode(&m, &back), -EINVAL);
        wire_state_done(&m);
}
END_TEST

/* A duplicate name is found in every position and in every order of the other names. */
START_TEST(test_duplicate_among_many) {
        static const uint32_t pairs[][2] = {
                {0, 1}, {0, WIRE_SERVICES_MAX - 1}, {5000, 12000}, {16382, 16383}};

        for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
                WireState m = many_services(WIRE_SERVICES_MAX, steps[_i]), back = WIRE_STATE_NULL;

                memcpy(m.services[pairs[i][1]].name, m.services[pairs[i][0]].name,
                       sizeof(m.services[0].name));
                ck_assert_int_eq(encode_and_decode(&m, &back), -EINVAL);
                wire_state_done(&m);
        }
}
END_TEST

START_TEST(test_payload_of_state) {
        WireState m = many_services(4096, 1), back = WIRE_STATE_NULL;

        /* 64 IPv6 prefixes of 18 bytes make a service of over 1 KiB, and 4,096 of these are too
         * much. */
        m.n_remotes = WIRE_REMOTES_MAX;
        m.remotes = calloc(m.n_remotes, sizeof(*m.remotes));
        ck_assert_ptr_nonnull(m.remotes);
        for (uint32_t i = 0; i < m.n_remotes; i++)
                m.remotes[i] = (WirePrefix){{IP_FAMILY_V6, {0x20, (uint8_t) i}}, 64};
        for (uint32_t i = 0; i < m.n_services; i++) {
                m.services[i].remote = WIRE_REMOTE_LIST;
                m.services[i].n_remotes = WIRE_REMOTES_MAX;
        }
        ck_assert_int_eq(encode_and_decode(&m, &back), -EMSGSIZE);
        m.n_services = 3500;
        ck_assert_int_eq(encode_and_decode(&m, &back), 0);
        ck_assert_uint_eq(back.n_remotes, 3500 * WIRE_REMOTES_MAX);
        wire_state_done(&back);
        wire_state_done(&m);
}
END_TEST

START_TEST(test_result_for_16384_services) {
        char text[WIRE_TEXT_MAX + 1];
        WireResult m = {.sequence = 1, .n_services = WIRE_SERVICES_MAX}, back = WIRE_RESULT_NULL;
        Buffer frame = BUFFER_NULL;

        memset(text, 't', WIRE_TEXT_MAX);
        text[WIRE_TEXT_MAX] = '\0';
        m.services = calloc(WIRE_SERVICES_MAX + 1, sizeof(*m.services));
        ck_assert_ptr_nonnull(m.services);
        for (uint32_t i = 0; i <= WIRE_SERVICES_MAX; i++)
                m.services[i].text = text;
        ck_assert_int_eq(wire_result_encode(&m, 1, &frame), 0);
        /* Every service has the longest text: exactly the limit. */
        ck_assert_uint_eq(buffer_length(&frame), WIRE_HEADER_SIZE + WIRE_RESULT_PAYLOAD_MAX);
        ck_assert_int_eq(wire_result_decode(buffer_bytes(&frame) + WIRE_HEADER_SIZE,
                                            WIRE_RESULT_PAYLOAD_MAX, 1, &back),
                         0);
        ck_assert_str_eq(back.services[WIRE_SERVICES_MAX - 1].text, text);
        wire_result_done(&back);
        buffer_done(&frame);
        m.n_services++;
        ck_assert_int_eq(wire_result_encode(&m, 1, &frame), -EINVAL);
        ck_assert_uint_eq(buffer_length(&frame), 0);
        buffer_done(&frame);
        free(m.services);
}
END_TEST

/* Each one changes one field of a good message to a value that the peer would refuse. */
typedef enum Spoil {
        SPOIL_SEQUENCE,
        SPOIL_MODE,
        SPOIL_INTERFACE,
        SPOIL_V4_FAMILY,
        SPOIL_V4_PREFIX,
        SPOIL_V4_GATEWAY,
        SPOIL_V4_PREFIX_OF_NOTHING,
        SPOIL_V6_GATEWAY_OF_NOTHING,
        SPOIL_NAME_EMPTY,
        SPOIL_NAME_CHARACTER,
        SPOIL_NAME_TWICE,
        SPOIL_PROFILES,
        SPOIL_REMOTE,
        SPOIL_NO_LISTEN,
        SPOIL_MANY_LISTENS,
        SPOIL_LISTEN_INDEX,
        SPOIL_LISTEN_INDEX_WRAPS,
        SPOIL_LISTEN_FAMILY,
        SPOIL_PORT,
        SPOIL_COUNT,
        SPOIL_CONNECT_PORT,
        SPOIL_RANGE,
        SPOIL_CONNECT_RANGE,
        SPOIL_ENDPOINTS,
        SPOIL_REMOTES_WITHOUT_LIST,
        SPOIL_LIST_WITHOUT_REMOTES,
        SPOIL_REMOTE_INDEX,
        SPOIL_PREFIX_LENGTH,
        SPOIL_PREFIX_HOST_BITS,
        SPOIL_PREFIX_FAMILY,
        _SPOIL_END,
} Spoil;

static void spoil_services(Spoil what, WireService *s, WireListen *l, WirePrefix *p) {
        if (what == SPOIL_NAME_EMPTY)
                s[0].name[0] = '\0';
        else if (what == SPOIL_NAME_CHARACTER)
                s[0].name[1] = '/';
        else if (what == SPOIL_NAME_TWICE)
                memcpy(s[2].name, s[0].name, sizeof(s[0].name));
        else if (what == SPOIL_PROFILES)
                s[0].profiles = WIRE_PROFILE_ALL + 1;
        else if (what == SPOIL_REMOTE)
                s[0].remote = _WIRE_REMOTE_END;
        else if (what == SPOIL_NO_LISTEN)
                s[0].n_listens = 0;
        else if (what == SPOIL_MANY_LISTENS)
                s[0].n_listens = WIRE_LISTENS_MAX + 1;
        else if (what == SPOIL_LISTEN_INDEX)
                s[2].first_listen = 4;
        else if (what == SPOIL_LISTEN_INDEX_WRAPS)
                s[2].first_listen = UINT32_MAX;
        else if (what == SPOIL_LISTEN_FAMILY)
                l[0].addr.family = IP_FAMILY_NONE;
        else if (what == SPOIL_PORT)
                l[0].port = 0;
        else if (what == SPOIL_COUNT)
                l[0].count = 0;
        else if (what == SPOIL_CONNECT_PORT)
                l[0].connect_port = 0;
        else if (what == SPOIL_RANGE)
                l[3].count = 2;
        else if (what == SPOIL_CONNECT_RANGE)
                l[1].connect_port = 65526;
        else if (what == SPOIL_ENDPOINTS) /* 16,384 + 1 + 1 */
                l[1] = (WireListen){ip_v4(0, 0, 0, 0), 1, WIRE_ENDPOINTS_MAX - 2, 1};
        else if (what == SPOIL_REMOTES_WITHOUT_LIST)
                s[1].remote = WIRE_REMOTE_ANY;
        else if (what == SPOIL_LIST_WITHOUT_REMOTES)
                s[0].remote = WIRE_REMOTE_LIST;
        else if (what == SPOIL_REMOTE_INDEX)
                s[1].first_remote = 1;
        else if (what == SPOIL_PREFIX_LENGTH)
                p[0].length = 33;
        else if (what == SPOIL_PREFIX_HOST_BITS)
                p[0].addr.bytes[3] = 1;
        else if (what == SPOIL_PREFIX_FAMILY)
                p[0].addr.family = 5;
}

static void spoil(Spoil what, WireState *m) {
        if (what == SPOIL_SEQUENCE)
                m->sequence = 0;
        else if (what == SPOIL_MODE)
                m->mode = _WIRE_MODE_END;
        else if (what == SPOIL_INTERFACE)
                m->interface[0] = '\n';
        else if (what == SPOIL_V4_FAMILY)
                m->v4.addr.family = IP_FAMILY_V6;
        else if (what == SPOIL_V4_PREFIX)
                m->v4.prefix = 33;
        else if (what == SPOIL_V4_GATEWAY)
                m->v4.gateway.family = IP_FAMILY_V6;
        else if (what == SPOIL_V4_PREFIX_OF_NOTHING)
                m->v4 = (WireAddress){.prefix = 1};
        else if (what == SPOIL_V6_GATEWAY_OF_NOTHING)
                m->v6.gateway.family = IP_FAMILY_V6;
        else
                spoil_services(what, m->services, m->listens, m->remotes);
}

START_TEST(test_encoder_refuses) {
        WireState m = sample_state();
        Buffer out = BUFFER_NULL;

        /* The owner has queued a frame already, and it must stay. */
        ck_assert_int_eq(wire_ping_encode(1, &out), 0);
        spoil((Spoil) _i, &m);
        ck_assert_int_eq(wire_state_encode(&m, 1, &out), -EINVAL);
        ck_assert_int_eq(wire_state_encode(&m, 2, &out), -EINVAL);
        ck_assert_uint_eq(buffer_length(&out), WIRE_HEADER_SIZE + 8);
        ck_assert_int_eq(wire_ping_encode(2, &out), 0);
        ck_assert_uint_eq(buffer_length(&out), 2 * (WIRE_HEADER_SIZE + 8));
        ck_assert_uint_eq(buffer_bytes(&out)[31], 2);
        buffer_done(&out);
}
END_TEST

START_TEST(test_small_messages) {
        WireHello hello = sample_hello();
        WireChallenge challenge = sample_challenge();
        WireNotice notice = {.code = 0};
        WireServiceResult service = {.state = _WIRE_SERVICE_STATE_END};
        WireResult result = {.sequence = 1, .services = &service, .n_services = 1};
        Buffer out = BUFFER_NULL;

        hello.version_min = 0;
        ck_assert_int_eq(wire_hello_encode(&hello, &out), -EINVAL);
        hello.version_min = 2;
        ck_assert_int_eq(wire_hello_encode(&hello, &out), -EINVAL);
        hello = sample_hello();
        hello.distro[0] = '\0';
        ck_assert_int_eq(wire_hello_encode(&hello, &out), -EINVAL);
        challenge.endpoints_max = WIRE_ENDPOINTS_MAX + 1;
        ck_assert_int_eq(wire_challenge_encode(&challenge, &out), -EINVAL);
        challenge.endpoints_max = 1;
        challenge.heartbeat_ms = WIRE_HEARTBEAT_MIN_MS - 1;
        ck_assert_int_eq(wire_challenge_encode(&challenge, &out), -EINVAL);
        ck_assert_int_eq(wire_bye_encode(&notice, &out), -EINVAL);
        ck_assert_int_eq(wire_refused_encode(&notice, &out), -EINVAL);
        ck_assert_int_eq(wire_result_encode(&result, 1, &out), -EINVAL);
        service.state = WIRE_SERVICE_ACTIVE;
        result.sequence = 0;
        ck_assert_int_eq(wire_result_encode(&result, 1, &out), -EINVAL);
        ck_assert_uint_eq(buffer_length(&out), 0);
        buffer_done(&out);
}
END_TEST

START_TEST(test_endpoints_saturate) {
        WireListen l = {ip_v4(0, 0, 0, 0), 1, 65535, 1};
        WireListen *listens = malloc(66000 * sizeof(l));
        WireService s = {.name = "s", .n_listens = 66000};
        WireState m = {.services = &s, .listens = listens, .n_services = 1, .n_listens = 66000};

        ck_assert_ptr_nonnull(listens);
        for (unsigned i = 0; i < 66000; i++)
                listens[i] = l;
        ck_assert_uint_eq(wire_state_endpoints(&m), UINT32_MAX);
        free(listens);
}
END_TEST

START_TEST(test_service_names) {
        char name[WIRE_SERVICE_NAME_MAX + 2];

        memset(name, 'n', sizeof(name));
        name[WIRE_SERVICE_NAME_MAX] = '\0';
        ck_assert(wire_service_name_valid(name));
        name[WIRE_SERVICE_NAME_MAX] = 'n';
        name[WIRE_SERVICE_NAME_MAX + 1] = '\0';
        ck_assert(!wire_service_name_valid(name));
        ck_assert(!wire_service_name_valid(""));
        for (unsigned c = 1; c < 256; c++) {
                char first[] = {(char) c, 'a', '\0'}, later[] = {'a', (char) c, '\0'};
                bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                              (c >= 'A' && c <= 'Z') || c == '_';

                ck_assert_int_eq(wire_service_name_valid(first), letter);
                ck_assert_int_eq(wire_service_name_valid(later), letter || c == '.' || c == '-');
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("wire-limits");
        TCase *tcase = tcase_create("wire-limits");

        tcase_add_loop_test(tcase, test_16384_services, 0, 4);
        tcase_add_test(tcase, test_one_service_too_many);
        tcase_add_loop_test(tcase, test_duplicate_among_many, 0, 4);
        tcase_add_test(tcase, test_payload_of_state);
        tcase_add_test(tcase, test_result_for_16384_services);
        tcase_add_loop_test(tcase, test_encoder_refuses, 0, _SPOIL_END);
        tcase_add_test(tcase, test_small_messages);
        tcase_add_test(tcase, test_endpoints_saturate);
        tcase_add_test(tcase, test_service_names);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
