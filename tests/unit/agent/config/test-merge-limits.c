/* SPDX-License-Identifier: MIT */

/*
 * The limits on all services together, also of those that stay as they were: what is accepted fits
 * into STATE, what would not is reported, and the size is counted as the encoder counts it.
 */

#include "agent/config/merge.h"

#include "tests/unit/agent/config/config-testing.h"

static ConfigDrafts drafts;
static ConfigBuilder builder; /* what is in force */
static Config *previous;      /* what was, if anything */
static ConfigProblems problems;

static void setup(void) {
        drafts = (ConfigDrafts){.services.config = calloc(1, sizeof(Config))};
        builder = (ConfigBuilder){.config = calloc(1, sizeof(Config))};
        previous = NULL;
        problems = CONFIG_PROBLEMS_NULL;
}

static void teardown(void) {
        config_drafts_done(&drafts);
        config_builder_done(&builder);
        config_free(previous);
        config_problems_done(&problems);
}

static void merge(void) {
        config_builder_done(&builder);
        config_problems_done(&problems);
        builder.config = calloc(1, sizeof(Config));
        ck_assert_int_eq(config_merge(&drafts, previous, &builder, &problems), 0);
}

/* What is in force becomes what was, and there are no files. */
static void step(void) {
        merge();
        ck_assert_uint_eq(problems.n, 0);
        config_free(previous);
        previous = builder.config;
        builder = (ConfigBuilder){.config = calloc(1, sizeof(Config))};
        config_drafts_done(&drafts);
        drafts = (ConfigDrafts){.services.config = calloc(1, sizeof(Config))};
}

/* @service: NULL for a broken file */
static void add_file(const char *name, const ServiceFile *service) {
        ck_assert_int_eq(config_drafts_add(&drafts, name, name, service), 0);
}

/* What the @i-th service says: it listens on port @i + 1 and has @n_remotes IPv6 networks. It is
 * valid until the next call. */
static ServiceFile *file_of(uint32_t i, uint32_t n_remotes) {
        static ServiceFile service;

        service = (ServiceFile){
                .enabled = true,
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
        return &service;
}

static const char *name_of(uint32_t i) {
        static char name[WIRE_SERVICE_NAME_MAX + 1];

        (void) snprintf(name, sizeof(name), "service-%05u", i);
        return name;
}

static void add_as(uint32_t i, uint32_t n_remotes, bool enabled) {
        ServiceFile *service = file_of(i, n_remotes);

        service->enabled = enabled;
        add_file(name_of(i), service);
}

static void add(uint32_t i, uint32_t n_remotes) {
        add_as(i, n_remotes, true);
}

/* Encode, with everything but the services at its longest. */
static size_t payload_bytes(void) {
        WireState *state = &builder.config->wire;
        Buffer out = BUFFER_NULL;
        size_t n;

        state->sequence = 1;
        state->mode = WIRE_MODE_NAT;
        (void) strcpy(state->interface, "fifteen-letters");
        state->v4 = (WireAddress){ip_v4(10, 0, 0, 2), 24, ip_v4(10, 0, 0, 1)};
        state->v6.addr = (IpAddr){.family = IP_FAMILY_V6, .bytes = {0xfd, [15] = 2}};
        state->v6.gateway = (IpAddr){.family = IP_FAMILY_V6, .bytes = {0xfd, [15] = 1}};
        state->v6.prefix = 64;
        ck_assert_int_eq(wire_state_encode(state, WIRE_VERSION_MAX, &out), 0);
        n = buffer_length(&out) - WIRE_HEADER_SIZE;
        buffer_done(&out);
        return n;
}

/* Each kind of service: what version 2 has a field for is left out when it has its usual value. */
static const struct SizeCase {
        uint8_t remote, profiles;
        uint32_t n_remotes, n_listens;
        uint8_t options[_WIRE_OPTION_END];
} sizes[] = {
        {.remote = WIRE_REMOTE_ANY, .n_listens = 1},
        {.remote = WIRE_REMOTE_LOCAL_SUBNET, .n_listens = 1},
        {.remote = WIRE_REMOTE_LIST, .n_remotes = 1, .n_listens = 2},
        {.remote = WIRE_REMOTE_LIST, .n_remotes = WIRE_REMOTES_MAX, .n_listens = WIRE_LISTENS_MAX},
        {.profiles = WIRE_PROFILE_PRIVATE, .n_listens = 1},
        {.n_listens = 1, .options = {[WIRE_OPTION_PROTOCOL] = WIRE_PROTOCOL_UDP}},
        {.n_listens = 1, .options = {[WIRE_OPTION_FORWARDER] = 1}},
        {.profiles = WIRE_PROFILE_ALL, .n_listens = 3, .options = {1, 1, 1, 1}},
};

START_TEST(size_is_counted_as_encoded) {
        size_t fixed = payload_bytes(), n = 0;

        ck_assert_uint_le(fixed, WIRE_STATE_PAYLOAD_MAX - CONFIG_STATE_BYTES_MAX);
        for (uint32_t i = 0, port = 0; i < ELEMENTSOF(sizes); i++) {
                const struct SizeCase *c = &sizes[i];
                ServiceFile *service = file_of(i, c->n_remotes);
                ConfigItem item;

                service->remote = c->remote;
                service->profiles = c->profiles;
                service->n_listens = c->n_listens;
                memcpy(service->options, c->options, sizeof(c->options));
                for (uint32_t k = 0; k < c->n_listens; k++) {
                        service->listens[k] = service->listens[0];
                        service->listens[k].addr.family = k == 1 ? IP_FAMILY_V6 : IP_FAMILY_V4;
                        service->listens[k].port = (uint16_t) ++port;
                }
                add_file(name_of(i), service);
                merge();
                item = config_item(builder.config, i);
                ck_assert_uint_eq(item.profiles, c->profiles);
                n += config_item_bytes(&item);
                ck_assert_uint_eq(payload_bytes(), fixed + n);
        }
        ck_assert_uint_eq(problems.n, 0);
}
END_TEST

/* Add services that are about equal, until all have @n_bytes. Return: the number that was added. */
static uint32_t fill(size_t n_bytes) {
        enum { NETWORK = 1 + 16 + 1, LONGEST = 1200 /* a bit less than with all networks */ };
        static const char more[NETWORK] = "xxxxxxxxxxxxxxxxx"; /* less than a network has */
        size_t n_bare, n_left = n_bytes;
        uint32_t n = 0;
        ConfigItem item;

        for (size_t i = 0; i < drafts.services.config->n_services; i++) {
                item = config_item(drafts.services.config, i);
                n_left -= item.enabled ? config_item_bytes(&item) : 0;
        }
        add_as(n++, 1, true);
        item = config_item(drafts.services.config, drafts.services.config->n_services - 1);
        n_left -= config_item_bytes(&item);
        n_bare = config_item_bytes(&item) - NETWORK;
        while (n_left > 0) {
                uint32_t n_services = (uint32_t) (n_left / LONGEST) + 1;
                size_t n_networks = (n_left / n_services - n_bare) / NETWORK;
                size_t n_rest = n_services > 1 ? 0 : n_left - n_bare - n_networks * NETWORK;
                char name[WIRE_SERVICE_NAME_MAX + 1];

                strcpy(name, name_of(n));
                strncat(name, more, n_rest);
                add_file(name, file_of(n++, (uint32_t) n_networks));
                n_left -= n_bare + n_networks * NETWORK + n_rest;
        }
        return n;
}

START_TEST(as_many_bytes_as_a_message_holds) {
        uint32_t n = fill(CONFIG_STATE_BYTES_MAX);

        merge();
        ck_assert_uint_eq(problems.n, 0);
        ck_assert_uint_eq(builder.config->n_services, n);
        ck_assert_uint_le(payload_bytes(), WIRE_STATE_PAYLOAD_MAX);
}
END_TEST

static const char *const too_many_bytes[] = {
        "service-...: remote: with this service the message to the helper would have more than "
        "4194176 bytes; write fewer",
        NULL};

START_TEST(one_byte_more_than_a_message_holds) {
        uint32_t n = fill(CONFIG_STATE_BYTES_MAX + 1);

        merge();
        check_problems("bytes", problems.items, problems.n, too_many_bytes);
        ck_assert_uint_eq(problems.items[0].line, 0);
        ck_assert_uint_eq(builder.config->n_services, n - 1);
        add_file("service-z", file_of(n, 0)); /* one that still fits is accepted */
        merge();
        ck_assert_uint_eq(problems.n, 1);
        ck_assert_uint_eq(builder.config->n_services, n);
}
END_TEST

#define PORT_A 60000
#define PORT_B 60001

/* Services a and b: b keeps its port, and a keeps its own, or clashes with b. */
static void add_two(uint16_t port_of_a) {
        add_file("a", file_of(port_of_a - 1, 0));
        add_file("b", file_of(PORT_B - 1, 0));
}

/* A file that clashes makes all others be judged again, and not counted twice. */
START_TEST(bytes_are_counted_anew_in_each_round) {
        add_two(PORT_A);
        (void) fill(CONFIG_STATE_BYTES_MAX);
        step();
        add_two(PORT_B);
        (void) fill(CONFIG_STATE_BYTES_MAX);
        merge();
        check_problems("round", problems.items, problems.n,
                       (const char *[]){"a: listen: 0.0.0.0:60001 is taken by b:0", NULL});
}
END_TEST

static void add_endpoints(uint32_t n) {
        ServiceFile *service = file_of(0, 0);

        service->listens[0].count = (uint16_t) n;
        add_file("range", service);
}

START_TEST(endpoints_are_counted_anew_in_each_round) {
        add_two(PORT_A);
        add_endpoints(WIRE_ENDPOINTS_MAX - 2);
        step();
        add_two(PORT_B);
        add_endpoints(WIRE_ENDPOINTS_MAX - 2);
        merge();
        check_problems("round", problems.items, problems.n,
                       (const char *[]){"a: listen: 0.0.0.0:60001 is taken by b:0", NULL});
}
END_TEST

START_TEST(what_stays_as_it_was_counts) {
        ConfigItem a;

        add_two(PORT_A);
        (void) fill(CONFIG_STATE_BYTES_MAX);
        step();
        a = config_item(previous, 0);
        add_file("a", NULL);
        add_file("b", file_of(PORT_B - 1, 0));
        (void) fill(CONFIG_STATE_BYTES_MAX - config_item_bytes(&a));
        add_file("z", file_of(PORT_B, 0)); /* it takes as many bytes as a */
        merge();
        check_problems("kept", problems.items, problems.n,
                       (const char *[]){"z: remote: with this service the message", NULL});
        ck_assert_ptr_nonnull(config_find(builder.config, "a"));
        ck_assert_ptr_null(config_find(builder.config, "z"));
}
END_TEST

/* All ports of a broken file are found again. */
START_TEST(a_wide_range_stays) {
        add_endpoints(1000);
        step();
        add_file("range", NULL);
        add_file("wants-one", file_of(500, 0));
        merge();
        check_problems("range", problems.items, problems.n,
                       (const char *[]){"wants-one: listen: 0.0.0.0:501 is still in force for "
                                        "range, which has a problem",
                                        NULL});
        ck_assert_uint_eq(wire_state_endpoints(&builder.config->wire), 1000);
}
END_TEST

/* Messages name the path of today's file, also when it says nothing that can be used. */
START_TEST(what_stays_has_the_path_of_its_file) {
        ck_assert_int_eq(config_drafts_add(&drafts, "a", "/usr/lib/a.ini", file_of(1, 0)), 0);
        step();
        ck_assert_int_eq(config_drafts_add(&drafts, "a", "/etc/a.ini", NULL), 0);
        merge();
        ck_assert_str_eq(config_find(builder.config, "a")->file, "/etc/a.ini");
}
END_TEST

START_TEST(drafts_that_are_done_are_empty) {
        add_as(0, 1, true);
        config_drafts_done(&drafts);
        ck_assert_ptr_null(drafts.services.config);
        ck_assert_ptr_null(drafts.lines);
        ck_assert_uint_eq(drafts.n_lines_allocated, 0);
}
END_TEST

START_TEST(as_many_services_as_endpoints) {
        for (uint32_t i = 0; i < WIRE_SERVICES_MAX; i++)
                add(i, 0);
        merge();
        ck_assert_uint_eq(problems.n, 0);
        ck_assert_uint_eq(builder.config->wire.n_services, WIRE_SERVICES_MAX);
        ck_assert_uint_le(payload_bytes(), WIRE_STATE_PAYLOAD_MAX);
        add(WIRE_SERVICES_MAX, 0);
        merge();
        check_problems(
                "services", problems.items, problems.n,
                (const char *[]){"service-16384: is beyond the limit of 16384 services", NULL});
}
END_TEST

START_TEST(disabled_services_are_bounded_too) {
        for (uint32_t i = 0; i < CONFIG_FILES_MAX; i++)
                add_as(i, WIRE_REMOTES_MAX, false);
        merge();
        ck_assert_uint_eq(problems.n, 0);
        ck_assert_uint_eq(builder.config->wire.n_services, 0);
        add_as(CONFIG_FILES_MAX, 0, false);
        merge();
        check_problems(
                "services", problems.items, problems.n,
                (const char *[]){"service-16384: is beyond the limit of 16384 services", NULL});
        ck_assert_uint_eq(builder.config->n_services, CONFIG_FILES_MAX);
}
END_TEST

/* A file that was there keeps its place, whatever the name of the new one is; a new one that is
 * broken takes none. */
START_TEST(new_files_take_the_room_that_is_left) {
        static const struct {
                uint32_t n_were;
                const char *first, *last, *problem;
                bool broken; /* the first one */
        } cases[] = {
                {CONFIG_FILES_MAX, "a", NULL, "a: is beyond the limit of 16384", false},
                {CONFIG_FILES_MAX, NULL, "z", "z: is beyond the limit of 16384", false},
                {CONFIG_FILES_MAX, "a", NULL, NULL, true},
                {CONFIG_FILES_MAX - 1, "a", NULL, NULL, false},
                {CONFIG_FILES_MAX - 1, "a", "z", "z: is beyond the limit of 16384", false},
                {CONFIG_FILES_MAX - 1, "a", "z", NULL, true},
        };
        uint32_t n_added = 0;

        for (uint32_t i = 0; i < cases[_i].n_were; i++)
                add_as(i, 0, false);
        step();
        if (cases[_i].first)
                add_file(cases[_i].first,
                         cases[_i].broken ? NULL : &(ServiceFile){.enabled = false});
        n_added += cases[_i].first && !cases[_i].broken;
        for (uint32_t i = 0; i < cases[_i].n_were; i++)
                add_as(i, 0, false);
        if (cases[_i].last)
                add_file(cases[_i].last, &(ServiceFile){.enabled = false});
        n_added += cases[_i].last != NULL;
        merge();
        check_problems("room", problems.items, problems.n,
                       (const char *[]){cases[_i].problem, NULL});
        n_added -= cases[_i].problem != NULL;
        ck_assert_uint_eq(builder.config->n_services, cases[_i].n_were + n_added);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("config-merge-limits");
        TCase *tcase = tcase_create("limits");

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_set_timeout(tcase, 60); /* thousands of services, on a busy machine */
        tcase_add_test(tcase, size_is_counted_as_encoded);
        tcase_add_test(tcase, as_many_bytes_as_a_message_holds);
        tcase_add_test(tcase, one_byte_more_than_a_message_holds);
        tcase_add_test(tcase, bytes_are_counted_anew_in_each_round);
        tcase_add_test(tcase, endpoints_are_counted_anew_in_each_round);
        tcase_add_test(tcase, what_stays_as_it_was_counts);
        tcase_add_test(tcase, a_wide_range_stays);
        tcase_add_test(tcase, what_stays_has_the_path_of_its_file);
        tcase_add_test(tcase, drafts_that_are_done_are_empty);
        tcase_add_test(tcase, as_many_services_as_endpoints);
        tcase_add_test(tcase, disabled_services_are_bounded_too);
        tcase_add_loop_test(tcase, new_files_take_the_room_that_is_left, 0, 6);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
