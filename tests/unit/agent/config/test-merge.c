/* SPDX-License-Identifier: MIT */

/*
 * The limits on all services together: what is accepted fits into STATE, what would not fit is
 * reported, and the size is counted as the encoder counts it. test-load.c tests clashes of
 * endpoints.
 */

#include "agent/config/merge.h"

#include "tests/unit/agent/config/config-testing.h"

static ConfigMerge merge;
static ConfigProblems problems;

static void setup(void) {
        merge = (ConfigMerge){.config = calloc(1, sizeof(Config))};
        problems = CONFIG_PROBLEMS_NULL;
}

static void teardown(void) {
        config_free(merge.config);
        config_merge_done(&merge);
        config_problems_done(&problems);
}

static void add_as(uint32_t i, uint32_t n_remotes, bool enabled) {
        static ServiceFile service;
        char name[WIRE_SERVICE_NAME_MAX + 1];

        (void) snprintf(name, sizeof(name), "service-%05u", i);
        service = (ServiceFile){
                .enabled = enabled,
                .remote = n_remotes > 0 ? WIRE_REMOTE_LIST : WIRE_REMOTE_ANY,
                .n_listens = 1,
                .listens = {{.addr = ip_v4(0, 0, 0, 0),
                             .port = (uint16_t) (i + 1),
                             .count = 1,
                             .connect_port = 1}},
                .n_remotes = n_remotes,
        };
        for (uint32_t k = 0; k < n_remotes; k++) {
                service.remotes[k] = (WirePrefix){
                        .addr = {.family = IP_FAMILY_V6, .bytes = {0xfd, (uint8_t) k}},
                        .length = 16,
                };
        }
        config_problems_begin(&problems, name);
        ck_assert_int_eq(config_merge_add(&merge, name, "file", &service, &problems), 0);
}

/* The @i-th service: it listens on port @i + 1 and has @n_remotes IPv6 networks. */
static void add(uint32_t i, uint32_t n_remotes) {
        add_as(i, n_remotes, true);
}

/* Encode, with everything but the services at its longest. */
static size_t payload_bytes(void) {
        WireState *state = &merge.config->wire;
        Buffer out = BUFFER_NULL;
        size_t n;

        state->sequence = 1;
        state->mode = WIRE_MODE_NAT;
        (void) strcpy(state->interface, "fifteen-letters");
        state->v4 = (WireAddress){ip_v4(10, 0, 0, 2), 24, ip_v4(10, 0, 0, 1)};
        state->v6.addr = (IpAddr){.family = IP_FAMILY_V6, .bytes = {0xfd, [15] = 2}};
        state->v6.gateway = (IpAddr){.family = IP_FAMILY_V6, .bytes = {0xfd, [15] = 1}};
        state->v6.prefix = 64;
        ck_assert_int_eq(wire_state_encode(state, &out), 0);
        n = buffer_length(&out) - WIRE_HEADER_SIZE;
        buffer_done(&out);
        return n;
}

START_TEST(size_is_counted_as_encoded) {
        size_t fixed = payload_bytes();

        ck_assert_uint_le(fixed, WIRE_STATE_PAYLOAD_MAX - CONFIG_STATE_BYTES_MAX);
        add(0, 0);
        ck_assert_uint_eq(payload_bytes(), fixed + merge.n_bytes);
        add(1, 1);
        add(2, WIRE_REMOTES_MAX);
        ck_assert_uint_eq(payload_bytes(), fixed + merge.n_bytes);
        ck_assert_uint_eq(problems.n, 0);
}
END_TEST

START_TEST(as_many_bytes_as_a_message_holds) {
        uint32_t n = 0;

        while (problems.n == 0 && n < WIRE_SERVICES_MAX)
                add(n++, WIRE_REMOTES_MAX);
        check_problems("bytes", problems.items, problems.n,
                       (const char *[]){"service-...: remote: with this service the message to the "
                                        "helper would have more than 4194176 bytes; write fewer",
                                        NULL});
        ck_assert_uint_eq(merge.config->n_services, n - 1);
        ck_assert_uint_le(payload_bytes(), WIRE_STATE_PAYLOAD_MAX);
        add(n, 0); /* one that still fits is accepted */
        ck_assert_uint_eq(problems.n, 1);
        ck_assert_uint_eq(merge.config->n_services, n);
}
END_TEST

START_TEST(as_many_services_as_endpoints) {
        for (uint32_t i = 0; i < WIRE_SERVICES_MAX; i++)
                add(i, 0);
        ck_assert_uint_eq(problems.n, 0);
        ck_assert_uint_eq(merge.config->wire.n_services, WIRE_SERVICES_MAX);
        ck_assert_uint_le(payload_bytes(), WIRE_STATE_PAYLOAD_MAX);
        add(WIRE_SERVICES_MAX, 0);
        check_problems(
                "services", problems.items, problems.n,
                (const char *[]){"service-16384: is beyond the limit of 16384 services", NULL});
}
END_TEST

START_TEST(disabled_services_are_bounded_too) {
        for (uint32_t i = 0; i < CONFIG_FILES_MAX; i++)
                add_as(i, WIRE_REMOTES_MAX, false);
        ck_assert_uint_eq(problems.n, 0);
        ck_assert_uint_eq(merge.config->wire.n_services, 0);
        add_as(CONFIG_FILES_MAX, 0, false);
        check_problems(
                "services", problems.items, problems.n,
                (const char *[]){"service-16384: is beyond the limit of 16384 services", NULL});
        ck_assert_uint_eq(merge.config->n_services, CONFIG_FILES_MAX);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("config-merge");
        TCase *tcase = tcase_create("limits");

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, size_is_counted_as_encoded);
        tcase_add_test(tcase, as_many_bytes_as_a_message_holds);
        tcase_add_test(tcase, as_many_services_as_endpoints);
        tcase_add_test(tcase, disabled_services_are_bounded_too);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
