/* SPDX-License-Identifier: MIT */

/*
 * status.json: the text for given values.
 */

#include "agent/status/status.h"

#include "common/utf8.h"

#include "tests/unit/agent/testing.h"

#include <jansson.h>

static WireHello identity;
static Choice choice;
static WslAnswers answers;
static Candidate candidates[2];
static StatusHelper helper;
static ConfigService services[2];
static WireService wire_services[1];
static WireListen listens[2];
static StatusService states[2];
static Config config;
static StatusListening listening;
static Status status;
static json_t *root;

static void setup(void) {
        test_setup();
        identity = (WireHello){.agent_id = {0xab, 0xcd}, .distro = "Debian"};
        choice = (Choice){.interface = "eth0",
                          .v4 = {.addr = ip_v4(172, 20, 1, 2),
                                 .prefix = 20,
                                 .gateway = ip_v4(172, 20, 0, 1)}};
        answers = (WslAnswers){.wsl = true, .mode = WIRE_MODE_NAT, .word = "nat"};
        candidates[0] = (Candidate){.interface = "eth0",
                                    .addr = ip_v4(172, 20, 1, 2),
                                    .default_route = true,
                                    .vmbus = true};
        candidates[1] = (Candidate){.interface = "docker0", .addr = ip_v4(172, 17, 0, 1)};
        helper = (StatusHelper){.address = "unix:/x", .state = CHANNEL_READY, .software = "h 1"};
        services[0] = (ConfigService){.name = "off", .file = (char *) "/etc/off.ini"};
        services[1] = (ConfigService){.name = "web",
                                      .file = (char *) "/etc/web.ini",
                                      .description = (char *) "Seite \xc3\xa4",
                                      .enabled = true};
        listens[0] = (WireListen){
                .addr = ip_v4(0, 0, 0, 0), .port = 8000, .count = 11, .connect_port = 80};
        listens[1] = (WireListen){
                .addr = {.family = IP_FAMILY_V6}, .port = 2222, .count = 1, .connect_port = 22};
        wire_services[0] = (WireService){.name = "web", .n_listens = 2};
        states[0] = (StatusService){.state = WIRE_SERVICE_PENDING, .guest_port = 99};
        states[1] = (StatusService){.state = WIRE_SERVICE_CONFLICT,
                                    .reason = WIRE_REASON_FOREIGN_RULE,
                                    .text = (char *) "somebody has it",
                                    .since = {UINT64_C(1767225600123456), 42},
                                    .guest = GUEST_PORT_LOOPBACK_ONLY,
                                    .guest_port = 82};
        config = (Config){.services = services,
                          .n_services = 2,
                          .wire = {.services = wire_services,
                                   .listens = listens,
                                   .n_services = 1,
                                   .n_listens = 2}};
        listening = (StatusListening){0};
        status = (Status){.identity = &identity,
                          .pid = 17,
                          .wsl = &answers,
                          .listening = &listening,
                          .choice = &choice,
                          .candidates = candidates,
                          .n_candidates = 2,
                          .helper = &helper,
                          .config = &config,
                          .services = states,
                          .update_usec = STATUS_UPDATE_NEVER};
}

static void teardown(void) {
        json_decref(root);
        root = NULL;
        test_teardown();
}

static void format(void) {
        Buffer text = BUFFER_NULL;
        json_error_t error;
        size_t next = 0;

        json_decref(root);
        ck_assert_int_eq(status_format_part(&status, SIZE_MAX, &next, &text), 0);
        root = json_loads(buffer_text(&text), JSON_REJECT_DUPLICATES, &error);
        ck_assert_msg(root != NULL, "%s in %s", error.text, buffer_text(&text));
        buffer_done(&text);
}

/* The value at a path such as "helper.error.cause" or "services.1.state". */
static const json_t *at(const char *path) {
        const json_t *value = root;
        char copy[128], *save = NULL;

        strcpy(copy, path);
        for (char *k = strtok_r(copy, ".", &save); k; k = strtok_r(NULL, ".", &save)) {
                value = json_is_array(value) ? json_array_get(value, (size_t) atoi(k))
                                             : json_object_get(value, k);
                ck_assert_msg(value != NULL, "no '%s' in %s", k, path);
        }
        return value;
}

static const char *text_at(const char *path) {
        ck_assert_msg(json_is_string(at(path)), "%s", path);
        return json_string_value(at(path));
}

START_TEST(test_values) {
        format();
        ck_assert_int_eq(json_integer_value(at("schema")), STATUS_SCHEMA);
        ck_assert_str_eq(text_at("agent.agent_id"), "abcd0000000000000000000000000000");
        ck_assert_int_eq(json_integer_value(at("agent.pid")), 17);
        ck_assert(json_is_true(at("guest.wsl")));
        ck_assert_str_eq(text_at("guest.mode"), "nat");
        ck_assert(json_is_false(at("guest.wsl_silent")) && json_is_false(at("guest.kept")));
        ck_assert_str_eq(text_at("guest.mode_word"), "nat");
        ck_assert_uint_eq(json_array_size(at("guest.candidates")), 2);
        ck_assert_str_eq(text_at("guest.candidates.0.interface"), "eth0");
        ck_assert(json_is_true(at("guest.candidates.0.default_route")));
        ck_assert(json_is_true(at("guest.candidates.0.vmbus")));
        ck_assert_str_eq(text_at("guest.candidates.1.address"), "172.17.0.1");
        ck_assert(json_is_false(at("guest.candidates.1.default_route")));
        ck_assert(json_is_false(at("guest.candidates.1.vmbus")));
        ck_assert_str_eq(text_at("guest.ipv4.address"), "172.20.1.2");
        ck_assert_str_eq(text_at("guest.ipv4.gateway"), "172.20.0.1");
        ck_assert(json_is_null(at("guest.ipv6")));
        ck_assert(json_is_null(at("guest.problem")));
        ck_assert_str_eq(text_at("helper.state"), "connected");
        ck_assert(json_is_null(at("helper.error")));
        ck_assert(json_is_null(at("helper.unanswered_since")));
        ck_assert(json_is_null(at("last_update")));
        ck_assert_str_eq(text_at("services.0.state"), "disabled");
        ck_assert_uint_eq(json_array_size(at("services.0.listens")), 0);
        ck_assert_str_eq(text_at("services.1.description"), "Seite \xc3\xa4");
        ck_assert_str_eq(text_at("services.1.state"), "conflict");
        ck_assert_str_eq(text_at("services.1.reason"), "foreign-rule");
        ck_assert_str_eq(text_at("services.1.text"), "somebody has it");
        ck_assert_str_eq(text_at("services.1.since.time"), "2026-01-01T00:00:00.123456Z");
        ck_assert_int_eq(json_integer_value(at("services.1.since.monotonic_usec")), 42);
        ck_assert_str_eq(text_at("services.0.guest"),
                         "unknown"); /* disabled, so its ports are not looked at */
        ck_assert(json_is_null(at("services.0.guest_port")));
        ck_assert_str_eq(text_at("services.1.guest"), "loopback-only");
        ck_assert_int_eq(json_integer_value(at("services.1.guest_port")), 82);
        ck_assert_str_eq(text_at("services.1.listens.0.listen"), "0.0.0.0:8000-8010");
        ck_assert_int_eq(json_integer_value(at("services.1.listens.0.count")), 11);
        ck_assert_str_eq(text_at("services.1.listens.1.listen"), "[::]:2222");
        ck_assert(json_is_false(at("configuration.stale")));
}
END_TEST

/* The text is the same in however many parts it is made. A configuration may have shrunk since. */
START_TEST(test_parts) {
        static const struct {
                size_t n, most, from;
                unsigned parts;
        } cases[] = {
                {2, SIZE_MAX, 0, 1}, {2, 2, 0, 1}, {2, 1, 0, 2}, {0, 1, 0, 1}, {1, SIZE_MAX, 7, 1},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Buffer text = BUFFER_NULL, whole = BUFFER_NULL;
                size_t next = cases[i].from, first = cases[i].from;
                unsigned parts = 1;
                int r;

                config.n_services = cases[i].n;
                while ((r = status_format_part(&status, cases[i].most, &next, &text)) == 1)
                        parts++;
                ck_assert_int_eq(r, 0);
                ck_assert_uint_eq(parts, cases[i].parts);
                ck_assert_int_eq(status_format_part(&status, SIZE_MAX, &first, &whole), 0);
                ck_assert_str_eq(buffer_text(&text), buffer_text(&whole));
                root = json_loads(buffer_text(&text), JSON_REJECT_DUPLICATES, NULL);
                ck_assert_uint_eq(json_array_size(at("services")),
                                  cases[i].from == 0 ? cases[i].n : 0);
                ck_assert(json_is_integer(at("counters.connects")));
                json_decref(root);
                root = NULL;
                buffer_done(&text);
                buffer_done(&whole);
        }
}
END_TEST

START_TEST(test_troubles) {
        ConfigProblem problems[] = {
                {.file = (char *) "/etc/\xff.ini", .line = 3, .message = (char *) "wrong"},
                {.file = (char *) "/etc/b.ini",
                 .key = (char *) "listen",
                 .message = (char *) "bad",
                 .in_force = CONFIG_PREVIOUS},
        };

        choice = (Choice){.problem = CHOICE_NO_ROUTE};
        answers = (WslAnswers){.silent = true, .mode_kept = true};
        status.n_candidates = 0;
        states[1].guest = GUEST_PORT_LISTENING;
        states[1].guest_port = 0;
        helper.state = CHANNEL_WAITING;
        helper.failed = true;
        helper.error = (ChannelDown){.cause = CHANNEL_REFUSED,
                                     .code = WIRE_REFUSAL_BAD_PROOF,
                                     .text = "the keys differ"};
        config.problems = problems;
        config.n_problems = 2;
        config.fingerprint = 0x123;
        services[1].broken = true;
        status.key_problem = "too open";
        status.update_usec = 1234;
        format();
        ck_assert(json_is_null(at("guest.ipv4")) && json_is_null(at("guest.interface")));
        ck_assert_str_eq(text_at("guest.problem"), choice_problem_text(CHOICE_NO_ROUTE));
        ck_assert_str_eq(text_at("guest.problem_name"), "no-route");
        ck_assert(json_is_true(at("guest.wsl_silent")) && json_is_true(at("guest.kept")));
        ck_assert(json_is_false(at("guest.wsl")) && json_is_null(at("guest.mode_word")));
        ck_assert_str_eq(text_at("guest.mode"), "unknown");
        ck_assert_uint_eq(json_array_size(at("guest.candidates")), 0);
        ck_assert_str_eq(text_at("services.1.guest"), "listening");
        ck_assert(json_is_null(at("services.1.guest_port")));
        ck_assert_str_eq(text_at("helper.state"), "refused");
        ck_assert_str_eq(text_at("helper.error.code"), "bad-proof");
        ck_assert_str_eq(text_at("helper.error.text"), "the keys differ");
        ck_assert_str_eq(text_at("helper.key_problem"), "too open");
        ck_assert_int_eq(json_integer_value(at("last_update.usec")), 1234);
        ck_assert_str_eq(text_at("configuration.problems.0.file"), "/etc/?.ini"); /* not UTF-8 */
        ck_assert(json_is_null(at("configuration.problems.0.key")));
        ck_assert_str_eq(text_at("configuration.problems.1.key"), "listen");
        ck_assert_str_eq(text_at("configuration.problems.0.in_force"), "nothing");
        ck_assert_str_eq(text_at("configuration.problems.1.in_force"), "previous");
        ck_assert_str_eq(text_at("configuration.fingerprint"), "0000000000000123");
        ck_assert(json_is_true(at("configuration.stale")));
        ck_assert(json_is_false(at("services.0.stale")) && json_is_true(at("services.1.stale")));
        config.n_problems = 1;
        format();
        ck_assert(json_is_false(at("configuration.stale")));

        helper.error.cause = CHANNEL_UNREACHABLE;
        format();
        ck_assert_str_eq(text_at("helper.state"), "waiting");
        ck_assert(json_is_null(at("helper.error.code")));
}
END_TEST

START_TEST(test_summary) {
        ConfigProblem problem = {.file = (char *) "/etc/\xc3\xa4.ini", .message = (char *) "w\xc3"};
        char text[256];

        status_summary(&status, text, sizeof(text));
        ck_assert_str_eq(text, "172.20.1.2 on eth0; helper connected; 0 of 1 services active");
        states[1].state = WIRE_SERVICE_ACTIVE;
        helper.state = CHANNEL_WAITING;
        helper.failed = true;
        helper.error = (ChannelDown){.cause = CHANNEL_REFUSED, .code = WIRE_REFUSAL_NOT_PAIRED};
        choice = (Choice){.problem = CHOICE_LINK_DOWN};
        config.problems = &problem;
        config.n_problems = 1;
        status_summary(&status, text, sizeof(text));
        ck_assert_ptr_eq(strstr(text, "no address ("), text);
        ck_assert_ptr_nonnull(strstr(text, "not paired; 1 of 1 services active; configuration has "
                                           "problems: /etc/\xc3\xa4.ini: w?"));
        for (size_t n = 100; n < 140; n++) { /* cut, but not in the middle of a character */
                char small[140];
                uint32_t point;

                status_summary(&status, small, n);
                ck_assert_uint_lt(strlen(small), n);
                for (size_t i = 0, k; small[i]; i += k)
                        ck_assert_uint_gt(
                                k = utf8_decode((uint8_t *) small + i, strlen(small) - i, &point),
                                0);
        }
}
END_TEST

START_TEST(test_own_address) {
        format();
        ck_assert_str_eq(text_at("guest.reach"), "forwarded");
        ck_assert(json_is_null(at("guest.listening")));
        status.reach = WIRE_REACH_OWN;
        listening = (StatusListening){true, {{22, 80}, 2}, {{53}, 1}};
        format();
        ck_assert_str_eq(text_at("guest.reach"), "own");
        ck_assert_int_eq(json_integer_value(at("guest.listening.tcp.1")), 80);
        ck_assert_int_eq(json_integer_value(at("guest.listening.n_tcp")), 2);
        ck_assert_int_eq(json_integer_value(at("guest.listening.udp.0")), 53);
        ck_assert_int_eq(json_integer_value(at("guest.listening.n_udp")), 1);
        listening.tcp.n = 100;
        listening.udp.n = 101;
        format();
        ck_assert_uint_eq(json_array_size(at("guest.listening.tcp")), STATUS_LISTENING_MAX);
        ck_assert_uint_eq(json_array_size(at("guest.listening.udp")), STATUS_LISTENING_MAX);
        ck_assert_int_eq(json_integer_value(at("guest.listening.n_udp")), 101);
}
END_TEST

START_TEST(test_modes_that_forward_nothing) {
        char text[256];

        for (uint8_t mode = 0; mode < _WIRE_MODE_END; mode++) {
                static const char *const begins[] = {
                        [WIRE_MODE_UNKNOWN] = "172.",
                        [WIRE_MODE_NAT] = "172.",
                        [WIRE_MODE_MIRRORED] = "direct (networking mode mirrored)",
                        [WIRE_MODE_BRIDGED] = "direct at 172.",
                        [WIRE_MODE_VIRTIOPROXY] = "direct (networking mode virtioproxy)",
                        [WIRE_MODE_NONE] = "no network (networking mode none)",
                };

                answers.mode = mode;
                status.reach = wire_mode_reach(mode);
                status_summary(&status, text, sizeof(text));
                ck_assert_msg(strstr(text, begins[mode]) == text, "%s", text);
        }
        answers.mode = WIRE_MODE_UNKNOWN; /* on an external switch */
        status.reach = WIRE_REACH_OWN;
        status_summary(&status, text, sizeof(text));
        ck_assert_ptr_eq(strstr(text, "direct at 172.20.1.2 on eth0"), text);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("status");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, test_values);
        tcase_add_test(t, test_parts);
        tcase_add_test(t, test_troubles);
        tcase_add_test(t, test_summary);
        tcase_add_test(t, test_own_address);
        tcase_add_test(t, test_modes_that_forward_nothing);
        return test_run(t, "status");
}
