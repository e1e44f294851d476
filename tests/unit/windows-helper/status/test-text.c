/* SPDX-License-Identifier: MIT */

/* What 'status' shows of status.json, and how policies are shown and compared. */

#include "common/json-write.h"
#include "tests/suite.h"
#include "windows-helper/core/policy/hostnet.h"
#include "windows-helper/core/policy/policy.h"
#include "windows-helper/core/status/read.h"
#include "windows-helper/core/status/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void expect_text(Buffer *out, const char *text) {
        ck_assert_int_eq(buffer_append(out, "", 1), 0);
        ck_assert_str_eq((const char *) buffer_bytes(out), text);
        buffer_done(out);
}

static const char status[] =
        "{\"schema\": 1, \"version\": \"0.1.0\", \"pid\": 7, \"written\": \"x\",\n"
        "\"applied\": \"2026-11-25T10:00:00Z\", \"apply_usec\": 1250, \"new\": {\"a\": [1]},\n"
        "\"iphlpsvc\": {\"state\": \"running\", \"pid\": 9},\n"
        "\"vms\": [{\"id\": \"3b1c2c50-1234-5678-9abc-def012345678\", \"name\": \"WSL\","
        " \"wsl\": true, \"listening\": true},"
        " {\"id\": \"3b1c2c50-1234-5678-9abc-def012345679\", \"name\": \"WSL\","
        " \"wsl\": true, \"listening\": null}], \"hyperv_listening\": false,\n"
        "\"agents\": [{\"agent\": \"00/Debian\", \"state\": \"connected\", \"vm\": null,"
        " \"address\": \"172.28.64.10\", \"mode\": \"nat\", \"services\": ["
        "{\"name\": \"web\", \"state\": \"active\", \"reason\": null, \"text\": null,"
        " \"forwarder\": \"portproxy\", \"forwarder_reason\": \"default\"},"
        "{\"name\": \"old\", \"state\": \"active\", \"forwarder\": \"portproxy\"},"
        "{\"name\": \"dns\", \"state\": \"active\", \"text\": null,"
        " \"forwarder\": \"relay\", \"forwarder_reason\": \"protocol\"},"
        "{\"name\": \"log\", \"state\": \"active\", \"text\": null,"
        " \"forwarder\": \"relay\", \"forwarder_reason\": \"client-address\"},"
        "{\"name\": \"own\", \"state\": \"active\", \"text\": null,"
        " \"forwarder\": \"relay\", \"forwarder_reason\": \"asked\"},"
        "{\"name\": \"lan\", \"state\": \"active\", \"text\": \"direct: everybody reaches it\","
        " \"forwarder\": \"direct\", \"forwarder_reason\": \"networking-mode\"},"
        "{\"name\": \"ssh\", \"state\": \"refused\", \"reason\": \"policy-port\","
        " \"text\": \"port 22 is denied by the policy value DeniedListenPorts\"}]}],\n"
        "\"unpaired\": [\"11/Ubuntu\"], \"problems\": [\"too bad\"],\n"
        "\"policy\": [{\"name\": \"WidestRemote\", \"value\": \"any\", \"source\": \"local\"}]}";

START_TEST(test_status_for_people) {
        Buffer out = BUFFER_NULL;

        ck_assert_int_eq(status_text(&out, status, sizeof(status) - 1, 70), 0);
        expect_text(&out, "helper       0.1.0\n"
                          "process      7\n"
                          "last change  2026-11-25T10:00:00Z, took 1.250 ms\n"
                          "iphlpsvc     running, process 9\n"
                          "\n"
                          "VM                                    NAME            LISTENING\n"
                          "3b1c2c50-1234-5678-9abc-def012345678  WSL             yes\n"
                          "3b1c2c50-1234-5678-9abc-def012345679  WSL             not known\n"
                          "hyper-v      not listening for guests other than WSL's\n"
                          "\n"
                          "agent 00/Debian\n"
                          "    state    connected\n"
                          "    address  172.28.64.10\n"
                          "    mode     nat\n"
                          "    SERVICE                 STATE      FORWARDER\n"
                          "    web                     active     portproxy\n"
                          "    old                     active     portproxy\n"
                          "    dns                     active     relay (protocol)\n"
                          "    log                     active     relay (client-address)\n"
                          "    own                     active     relay (asked)\n"
                          "    lan                     active     direct (networking-mode)\n"
                          "        direct: everybody reaches it\n"
                          "    ssh                     refused\n"
                          "        port 22 is denied by the policy value DeniedListenPorts\n"
                          "not paired   11/Ubuntu\n"
                          "problem      too bad\n"
                          "\n"
                          "POLICY                      FROM          VALUE\n"
                          "WidestRemote                local         any\n");
}
END_TEST

static void ignore(void *userdata, StatusKind kind, const StatusRecord *record) {
        (*(size_t *) userdata)++;
}

START_TEST(test_what_is_not_a_status) {
        static const char *const bad[] = {
                "",
                "[]",
                "{",
                "{}x",
                "{\"schema\": 2}",
                "{\"agents\": [{\"services\": [{]}]}",
                "{\"vms\": [{}",
        };
        static const char crowded[] = "{\"schema\":1,\"iphlpsvc\": "
                                      "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,"
                                      "\"h\":1,\"i\":1,\"j\":1,\"k\":1,\"l\":1,\"m\":1,"
                                      "\"a-name-that-is-longer-than-any-of-ours\":1}}";
        size_t n = 0;

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                ck_assert_msg(status_read(bad[i], strlen(bad[i]), ignore, &n) < 0, "%s", bad[i]);
        /* every valid file, cut at any byte */
        for (size_t i = 0; i < sizeof(status) - 1; i++)
                ck_assert_int_lt(status_read(status, i, ignore, &n), 0);
        n = 0;
        ck_assert_int_eq(status_read(status, sizeof(status) - 1, ignore, &n), 0);
        ck_assert_uint_eq(n, 21);
        /* values of other types than expected; below: more fields than there is room for, and a
         * name that is too long */
        ck_assert_int_eq(status_read("{\"schema\": 1, \"vms\": 1, \"agents\": {}}", 37, ignore, &n),
                         0);
        /* a file that does not name its schema */
        ck_assert_int_lt(status_read("{\"vms\": []}", 11, ignore, &n), 0);
        ck_assert_int_eq(status_read(crowded, sizeof(crowded) - 1, ignore, &n), 0);
}
END_TEST

static void expect_clean(void *userdata, StatusKind kind, const StatusRecord *record) {
        if (kind != STATUS_SERVICE)
                return;
        ck_assert_str_eq(status_field(record, "name"), "a?b");
        ck_assert_str_eq(status_field(record, "te?xt"), "?[2J??.");
        (*(size_t *) userdata)++;
}

/* Claim: a text of a guest cannot begin a line of its own, such as one to be copied. */
START_TEST(test_texts_are_clean) {
        static const char json[] =
                "{\"schema\": 1, \"agents\": [{\"services\": ["
                "{\"name\": \"a\\nb\", \"te\\u0007xt\": \"\\u001b[2J\\u202e\xc3.\"}]}]}";
        size_t n = 0;

        ck_assert_int_eq(status_read(json, sizeof(json) - 1, expect_clean, &n), 0);
        ck_assert_uint_eq(n, 1);
}
END_TEST

START_TEST(test_json_is_quoted) {
        Buffer out = BUFFER_NULL;
        JsonWriter w = JSON_WRITER(&out);

        json_open(&w, NULL, '[');
        json_string_member(&w, NULL, "");
        json_string_member(&w, NULL, "a\"b\\c\x01");
        json_string_member(&w, NULL, "\n\xc3\xa4");
        json_close(&w, ']');
        ck_assert_int_eq(w.error, 0);
        expect_text(&out, "[\n  \"\",\n  \"a\\\"b\\\\c\\u0001\",\n  \"\\u000a\xc3\xa4\"\n]\n");
}
END_TEST

START_TEST(test_policy_values) {
        static const struct {
                const char *name;
                PolicyKind kind;
                const char *text;
                uint32_t number;
                const char *shown;
        } cases[] = {
                {POLICY_NAME_ALLOWED_PORTS, POLICY_IS_STRING, NULL, 0, "all"},
                {POLICY_NAME_ALLOWED_PORTS, POLICY_IS_STRING, "2222,8000-8010", 0,
                 "2222, 8000-8010"},
                {POLICY_NAME_ALLOWED_PORTS, POLICY_IS_STRING, "", 0, "none"},
                {POLICY_NAME_ALLOWED_PORTS, POLICY_IS_STRING, "bad", 0, "none"},
                {POLICY_NAME_DENIED_PORTS, POLICY_IS_STRING, NULL, 0,
                 "135, 139, 445, 3389, 5985, 5986"},
                {POLICY_NAME_DENIED_PORTS, POLICY_IS_STRING, "", 0, "none"},
                {POLICY_NAME_DENIED_PORTS, POLICY_IS_STRING, "bad", 0, "all"},
                {POLICY_NAME_ALLOWED_LISTEN, POLICY_IS_STRING, NULL, 0, "all"},
                {POLICY_NAME_ALLOWED_LISTEN, POLICY_IS_STRING, "10.0.0.0/8,::", 0,
                 "10.0.0.0/8, ::"},
                {POLICY_NAME_ALLOWED_LISTEN, POLICY_IS_STRING, "bad", 0, "none"},
                {POLICY_NAME_ALLOWED_PROFILES, POLICY_IS_STRING, NULL, 0, "domain, private"},
                {POLICY_NAME_ALLOWED_PROFILES, POLICY_IS_STRING, "none", 0, "none"},
                {POLICY_NAME_WIDEST_REMOTE, POLICY_IS_STRING, NULL, 0, "LocalSubnet"},
                {POLICY_NAME_WIDEST_REMOTE, POLICY_IS_STRING, "any", 0, "any"},
                {POLICY_NAME_MAX_ENDPOINTS, POLICY_IS_NUMBER, NULL, 5, "5"},
                {POLICY_NAME_PAIRING_REQUIRED, POLICY_IS_STRING, NULL, 0, "1"},
                {POLICY_NAME_PAIRING_REQUIRED, POLICY_IS_NUMBER, NULL, 0, "0"},
                {POLICY_NAME_PRIVILEGED_SOURCE, POLICY_IS_NUMBER, NULL, 1, "1"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                char text[POLICY_VALUE_TEXT_MAX], problem[WIRE_TEXT_MAX + 1];
                Policy p, other;
                int index = policy_find(cases[i].name);

                policy_init(&p);
                policy_init(&other);
                ck_assert_int_ge(index, 0);
                ck_assert(policy_equal(&p, &other));
                if (cases[i].text || cases[i].kind == POLICY_IS_NUMBER) {
                        (void) policy_set(&p, cases[i].name, cases[i].kind, cases[i].text,
                                          cases[i].number, problem);
                        ck_assert_msg(!policy_equal(&p, &other), "case %zu", i);
                }
                policy_value_text(&p, (size_t) index, text);
                ck_assert_str_eq(text, cases[i].shown);
        }
        ck_assert_int_ge(policy_find("widestREMOTE"), 0);
        ck_assert_int_eq(policy_find("Widest"), -ENOENT);
}
END_TEST

START_TEST(test_a_long_policy_value_is_cut) {
        char text[POLICY_VALUE_TEXT_MAX];
        Policy p;

        policy_init(&p);
        p.n_allowed_listen = POLICY_LISTEN_MAX;
        for (size_t i = 0; i < POLICY_LISTEN_MAX; i++) {
                ck_assert_int_eq(ip_parse("2001:db8:1111:2222:3333:4444:5555:6666",
                                          &p.allowed_listen[i].addr),
                                 0);
                p.allowed_listen[i].length = 128;
        }
        policy_value_text(&p, (size_t) policy_find(POLICY_NAME_ALLOWED_LISTEN), text);
        ck_assert_uint_eq(strlen(text), POLICY_VALUE_TEXT_MAX - 1);
}
END_TEST

START_TEST(test_origins_compare) {
        static PolicyOrigin a, b;

        ck_assert(policy_origin_equal(&a, &b));
        b.sources[3] = POLICY_FROM_MANAGED;
        ck_assert(!policy_origin_equal(&a, &b));
        a = b;
        strcpy(a.problems[0], "unused");
        ck_assert(policy_origin_equal(&a, &b));
        a.n_problems = b.n_problems = 1;
        ck_assert(!policy_origin_equal(&a, &b));
        ck_assert_str_eq(policy_source_name(b.sources[3]), "Group Policy");
}
END_TEST

/* Bytes without a meaning must not count: between members, behind the list, behind a name. */
START_TEST(test_hostnets_compare) {
        static Hostnet a, b;

        memset(&a, 0xa5, sizeof(a));
        memset(&b, 0x5a, sizeof(b));
        a.n_addresses = b.n_addresses = 1;
        a.has_nat = b.has_nat = a.unchecked = b.unchecked = false;
        for (int i = 0; i < 2; i++) {
                HostnetAddress *h = i ? &b.addresses[0] : &a.addresses[0];

                h->addr = (IpAddr){.family = IP_FAMILY_V4, .bytes = {10, 0, 0, 1}};
                h->prefix = 8;
                h->virtual_switch = true;
                strcpy(h->adapter, "vEthernet");
        }
        ck_assert(hostnet_equal(&a, &b));
        b.addresses[0].prefix = 9;
        ck_assert(!hostnet_equal(&a, &b));
        b.addresses[0].prefix = 8;
        strcpy(b.addresses[0].adapter, "vEthernet 2");
        ck_assert(!hostnet_equal(&a, &b));
        strcpy(b.addresses[0].adapter, "vEthernet");
        b.has_nat = true;
        ck_assert(!hostnet_equal(&a, &b));
        a.has_nat = true;
        a.nat = b.nat = (WirePrefix){a.addresses[0].addr, 8};
        ck_assert(hostnet_equal(&a, &b));
        a.nat.length = 9;
        ck_assert(!hostnet_equal(&a, &b));
}
END_TEST

int main(void) {
        Suite *s = suite_create("status");
        TCase *t = tcase_create("core");

        tcase_add_test(t, test_status_for_people);
        tcase_add_test(t, test_what_is_not_a_status);
        tcase_add_test(t, test_texts_are_clean);
        tcase_add_test(t, test_json_is_quoted);
        tcase_add_test(t, test_policy_values);
        tcase_add_test(t, test_a_long_policy_value_is_cut);
        tcase_add_test(t, test_origins_compare);
        tcase_add_test(t, test_hostnets_compare);
        suite_add_tcase(s, t);
        return suite_run(s);
}
